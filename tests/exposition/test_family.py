from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from support.views import facts as facts_of
from support.views import view

from exporter.exposition.family import IDENTITY, Family, fact, facts, facts_by
from exporter.tuning_job import ResourceLimits


def family(name: str) -> Family:
    return Family(
        name=name, help="Something.", source="somewhere", absent="never", example="up", samples=lambda view: ()
    )


def test_is_exposed_under_the_prefix() -> None:
    assert family("runtime_seconds").full_name == "sagemaker_tuning_job_runtime_seconds"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("runtime_seconds", "seconds"),
        ("end_timestamp_seconds", "seconds"),
        ("warm_start_parents", None),
        ("beats_per_seconds_max", None),
    ],
)
def test_has_the_unit_that_its_name_ends_in(name: str, unit: str | None) -> None:
    assert family(name).unit == unit


class TestSamples:
    """Of a tuning job with facts, and of one without."""

    def test_of_one_number(self) -> None:
        limit = fact(lambda job: job.limits.max_training_jobs)
        assert list(limit(view(facts_of()))) == [((), 250)]
        assert list(limit(view(replace(facts_of(), limits=ResourceLimits())))) == []
        assert list(limit(view(None))) == []

    def test_of_a_number_for_each_value_of_a_label(self) -> None:
        counts = facts_by("of", lambda job: (("a", 1), ("b", None), ("c", 0)))
        assert list(counts(view(facts_of()))) == [((("of", "a"),), 1), ((("of", "c"),), 0)]
        assert list(counts(view(None))) == []

    def test_of_whatever_the_facts_tell(self) -> None:
        named = facts(lambda job: (((("a", job.name), ("b", "c")), 7),))
        assert list(named(view(facts_of()))) == [((("a", "tune-zh"), ("b", "c")), 7)]
        assert list(named(view(None))) == []


def test_does_not_change() -> None:
    made: Any = family("warm_start_parents")
    with pytest.raises(FrozenInstanceError):
        made.name = "children"


def test_the_identity_avoids_the_labels_of_prometheus_itself() -> None:
    assert IDENTITY == ("aws_account_id", "aws_region", "tuning_job")
