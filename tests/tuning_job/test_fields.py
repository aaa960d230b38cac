"""Every member of the API's answer is accounted for, and what the table claims of it is so."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from support.answers import ARN, OUTPUT, build, leaves
from support.uses import assert_says_something
from support.views import view

from exporter.exposition.families import FAMILIES, SECTIONS
from exporter.exposition.family import Family
from exporter.exposition.render import render
from exporter.tuning_job import reduce
from exporter.tuning_job.fields import FIELDS, Identity, Label, Metric

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.tuning_job import TuningJob

FROM_ANSWERS = [family for section in SECTIONS[1:-1] for family in section.families]
SHAPES = dict(leaves(OUTPUT))


def used_by(path: str) -> set[str]:
    return {use.family for use in FIELDS[path] if isinstance(use, Metric | Label)}


class TestTable:
    def test_has_every_leaf_of_the_api_and_no_other(self) -> None:
        assert set(FIELDS) == set(SHAPES)

    def test_walks_the_whole_shape(self) -> None:
        assert len(SHAPES) > 200
        assert {"TrainingJobDefinitions[].Environment{value}", "Autotune.Mode", "CreationTime"} <= set(SHAPES)

    @pytest.mark.parametrize("path", FIELDS)
    def test_says_something_of_each(self, path: str) -> None:
        assert_says_something(FIELDS[path])

    @pytest.mark.parametrize("family", FROM_ANSWERS, ids=lambda family: family.name)
    def test_the_source_of_a_family_leads_to_leaves_that_name_it(self, family: Family) -> None:
        for source in family.source.replace("(s)", "").split(", "):
            named = re.compile(rf"(.*\.)?{re.escape(source)}([.\[{{].*)?")
            assert any(named.fullmatch(path) and family.name in used_by(path) for path in FIELDS), source

    @pytest.mark.parametrize("family", FROM_ANSWERS, ids=lambda family: family.name)
    def test_every_label_of_a_family_comes_from_a_leaf(self, family: Family) -> None:
        labels = {
            use.label
            for uses in FIELDS.values()
            for use in uses
            if isinstance(use, Label) and use.family == family.name
        }
        counters = {"training_jobs", "objectives"}  # their label is the member's name
        assert labels == (set() if family.name in counters else set(family.labels))

    def test_what_is_said_of_one_definition_is_said_of_each(self) -> None:
        single = {
            path.removeprefix("TrainingJobDefinition."): uses
            for path, uses in FIELDS.items()
            if path.startswith("TrainingJobDefinition.")
        }
        listed = {
            path.removeprefix("TrainingJobDefinitions[]."): uses
            for path, uses in FIELDS.items()
            if path.startswith("TrainingJobDefinitions[].")
        }
        assert single == listed


def plain_leaf(rng: random.Random, shape: Any) -> Any:
    """Return a value that could stand in a real answer; texts are few, so that they match now and then."""
    kind = shape.type_name
    if kind == "string":
        return rng.choice(shape.enum) if shape.enum else str(rng.randint(1, 3))
    return {"boolean": rng.random() < 0.5, "float": rng.random(), "timestamp": rng.uniform(1e9, 2e9)}.get(
        kind, rng.randint(1, 10**6)
    )


def plain_answer(rng: random.Random, absent: float) -> dict[str, Any]:
    answer: dict[str, Any] = build(
        OUTPUT, lambda shape: plain_leaf(rng, shape), lambda: rng.random() >= absent, lambda _: rng.randint(1, 2)
    )
    if rng.random() < 0.7:  # as in real answers: the direction stands elsewhere
        for member in ("BestTrainingJob", "OverallBestTrainingJob"):
            answer.get(member, {}).get("FinalHyperParameterTuningJobObjectiveMetric", {}).pop("Type", None)
    status = rng.choice(OUTPUT.members["HyperParameterTuningJobStatus"].enum)
    return answer | {
        "HyperParameterTuningJobName": "a",
        "HyperParameterTuningJobArn": ARN.format("a"),
        "HyperParameterTuningJobStatus": status,
    }


def shown(job: TuningJob) -> dict[str, str]:
    """Return the text of each family."""
    return {family.name: "".join(piece.text for piece in render([family], [view(job)])) for family in FAMILIES}


def places(value: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    """Return every leaf's path with the container and the key that hold it."""
    found = []
    if isinstance(value, dict):
        for name, inner in value.items():
            here = f"{path}.{name}" if path else name
            if f"{here}{{value}}" in SHAPES:
                found += [(f"{here}{{{part}}}", inner, key) for key in inner for part in ("key", "value")]
            elif here in SHAPES:
                found.append((here, value, name))
            else:
                found += places(inner, here)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            here = f"{path}[]"
            found += [(here, value, index)] if here in SHAPES else places(inner, here)
    return found


@contextmanager
def changed(rng: random.Random, path: str, container: Any, key: Any) -> Iterator[None]:
    """Have another value in a place, or none at all."""
    before = container.copy()
    if path.endswith("{key}"):
        container[str(rng.randint(10**7, 10**8))] = container.pop(key)
    elif path != "HyperParameterTuningJobStatus" and isinstance(container, dict) and rng.random() < 0.5:
        del container[key]
    else:
        container[key] = plain_leaf(rng, SHAPES[path])
    yield
    container.clear()
    container.update(before) if isinstance(container, dict) else container.extend(before)


@pytest.mark.long
def test_leaves_change_the_families_that_the_table_names_and_no_others() -> None:
    """The proof is in many random answers: whether a leaf matters at all depends on those round it.

    The first ones try every leaf; the others only those that have not yet done all that the table says.
    """

    def idle(path: str) -> set[str]:
        return used_by(path) - found[path] - COUNTED

    rng = random.Random(20_261_125)
    found: dict[str, set[str]] = defaultdict(set)
    for number in range(ROUNDS):
        trying = {path for path in FIELDS if path not in IDENTITIES and (idle(path) or number < THOROUGH_ROUNDS)}
        if not trying:
            break
        answer = plain_answer(rng, absent=(0.0, 0.1, 0.2, 0.3)[number % 4])
        job = reduce(answer)
        before = shown(job)
        for path, (container, key) in {path: (container, key) for path, container, key in places(answer)}.items():
            if path in trying:
                with changed(rng, path, container, key):
                    other = reduce(answer)
                if other != job:
                    found[path] |= {name for name, text in shown(other).items() if text != before[name]}
    beyond = {path: names - used_by(path) for path, names in found.items()}
    assert {path: names for path, names in beyond.items() if names} == {}
    assert {path: names for path in FIELDS if path not in IDENTITIES and (names := idle(path))} == {}


ROUNDS, THOROUGH_ROUNDS = 2_000, 40
COUNTED = {"warm_start_parents"}  # how many there are, whatever they are called
IDENTITIES = {path for path, uses in FIELDS.items() if isinstance(uses[0], Identity)}
