from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from exporter.exposition.family import IDENTITY, Family, Stability


def family(name: str) -> Family:
    return Family(name=name, help="Something.", source="somewhere", absent="never", example="up", facts=lambda job: 1)


def test_is_exposed_under_the_prefix() -> None:
    assert family("runtime_seconds").full_name == "sagemaker_tuning_job_runtime_seconds"


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("runtime_seconds", "seconds"),
        ("end_timestamp_seconds", "seconds"),
        ("parents", None),
        ("beats_per_seconds_max", None),
    ],
)
def test_has_the_unit_that_its_name_ends_in(name: str, unit: str | None) -> None:
    assert family(name).unit == unit


def test_is_stable_unless_it_says_otherwise() -> None:
    assert family("parents").stability is Stability.STABLE


def test_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        family("parents").name = "children"


def test_the_identity_avoids_the_labels_of_prometheus_itself() -> None:
    assert IDENTITY == ("aws_account_id", "aws_region", "tuning_job")
