from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from exporter.tuning_job import Objective, TuningJob


def job(status: str) -> TuningJob:
    return TuningJob(
        name="a",
        arn="arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/a",
        partition="aws",
        region="eu-west-1",
        account_id="123456789012",
        status=status,
        objective=Objective(None, None),
    )


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        ("InProgress", False),
        ("Stopping", False),
        ("Deleting", False),
        ("Completed", True),
        ("Failed", True),
        ("Stopped", True),
        ("DeleteFailed", True),
        ("InventedLater", False),
        ("completed", False),
    ],
)
def test_ends_with_a_terminal_status_only(status: str, terminal: bool) -> None:
    assert job(status).terminal is terminal


def test_is_what_the_answer_was_and_stays_so() -> None:
    with pytest.raises(FrozenInstanceError):
        job("InProgress").status = "Completed"


def test_knows_nothing_that_it_was_not_told() -> None:
    bare = job("InProgress")
    assert (bare.training_jobs, bare.objectives, bare.parents, bare.runtime_seconds) == ({}, {}, None, None)
    assert (bare.limits.max_training_jobs, bare.criteria.target_objective_value) == (None, None)
