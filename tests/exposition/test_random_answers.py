"""Answers of every shape that the API's model allows, and odd content in them, come to series that Prometheus can read."""

from __future__ import annotations

import math
import random
from collections import Counter
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.answers import ARN, OUTPUT, build, random_answer
from support.views import view

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import PREFIX
from exporter.exposition.render import render
from exporter.telemetry import Telemetry
from exporter.tuning_job import reduce

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

    from exporter.fleet import JobView

PARTS, FLEETS, SIZE = 5, 2, 100
LONGEST = "n" * 26
OWN = Telemetry()
OWN_TEXT, OWN_OPENMETRICS = OWN.render_text().decode(), OWN.render_openmetrics().decode()

Series = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def told(views: Iterable[JobView]) -> tuple[str, str, dict[tuple[str, str], int]]:
    """Return the text in both formats, and what was left out of it."""
    left_out: dict[tuple[str, str], int] = {}
    pieces = list(render(FAMILIES, views, left_out))
    return "".join(piece.text for piece in pieces), "".join(piece.openmetrics for piece in pieces), left_out


def series(families: Iterable[Metric]) -> Series:
    """Return what a parser read, no identity of it twice; an empty label is none."""
    found: Series = {}
    for family in families:
        for sample in family.samples:
            if sample.name.startswith(PREFIX):
                key = (sample.name, tuple(sorted((k, v) for k, v in sample.labels.items() if v)))
                assert key not in found, key
                found[key] = float(sample.value)
    return found


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


def readable(text: str) -> str:
    return text.replace("\0", "?").encode("utf-8", "replace").decode()


def wanted(views: Iterable[JobView]) -> Series:
    """Return every number that the table computes, by name and labels as text."""
    found: Series = {}
    for shown in views:
        assert shown.facts is not None
        identity = {"aws_account_id": shown.account_id, "aws_region": shown.region, "tuning_job": shown.name}
        for family in FAMILIES:
            computed = [family.samples] if family.counts is None else [family.counts, family.samples]
            for name, samples_of in zip(family.series_names, computed, strict=True):
                for labels, number in samples_of(shown):
                    key = tuple(sorted((k, readable(v)) for k, v in (identity | dict(labels)).items() if v))
                    found.setdefault((name, key), float(number))
    return found


def check(answers: list[dict[str, Any]]) -> Series:
    views = [view(reduce(answer)) for answer in answers]
    text, openmetrics, left_out = told(views)
    assert left_out == {}
    found = series(parse_text(text + OWN_TEXT))
    expected = wanted(views)
    assert found.keys() == expected.keys()
    assert [key for key, number in expected.items() if not same(found[key], number)] == []
    also = series(parse_openmetrics(openmetrics + OWN_OPENMETRICS))
    assert also.keys() == found.keys()
    assert [key for key, number in found.items() if not same(also[key], number)] == []
    return found


def fleet(seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [random_answer(rng, f"{LONGEST}-{number:05}") for number in range(SIZE)]


@pytest.mark.long
@pytest.mark.parametrize("part", range(PARTS))
def test_thousands_of_answers_are_read_back_exactly(part: int) -> None:
    seen: set[str] = set()
    for seed in range(part * FLEETS, (part + 1) * FLEETS):
        seen |= {name for name, _ in check(fleet(seed))}
    assert seen >= {name for family in FAMILIES if family.name != "error_info" for name in family.series_names}


MEMBERS = st.sets(st.sampled_from(sorted(OUTPUT.members)))


@pytest.mark.long
@settings(max_examples=70, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 10**6), MEMBERS), min_size=1, max_size=3))
def test_any_few_and_fewest_members(seeded: list[tuple[int, set[str]]]) -> None:
    answers = [random_answer(random.Random(seed), f"job-{number}") for number, (seed, _) in enumerate(seeded)]
    named = {"HyperParameterTuningJobName", "HyperParameterTuningJobArn", "HyperParameterTuningJobStatus"}
    check(
        [{k: v for k, v in a.items() if k in members | named} for a, (_, members) in zip(answers, seeded, strict=True)]
    )


def test_what_the_api_allows_at_most_is_within_every_limit() -> None:
    numbers = count(1)
    largest = build(
        OUTPUT,
        lambda shape: str(next(numbers)) if shape.type_name == "string" else 1,
        lambda: True,
        lambda shape: shape.metadata.get("max", 20),
    )
    found = check([largest | {"HyperParameterTuningJobArn": ARN.format("x")}])
    per_family = Counter(name.removeprefix(PREFIX) for name, _ in found)
    assert per_family["best_hyperparameter_value"] == 100
    assert per_family["hyperparameter_min_value"] == per_family["hyperparameter_max_value"] == 60 * 12
    assert per_family["definition_instances"] >= 11 * 12
