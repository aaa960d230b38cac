from __future__ import annotations

import math
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from exporter.tuning_job import CompletionCriteria, Objective, TrainingJob, TuningJob


def job(status: str) -> TuningJob:
    return TuningJob(
        name="a",
        arn="arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/a",
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
    made: Any = job("InProgress")
    with pytest.raises(FrozenInstanceError):
        made.status = "Completed"


def test_knows_nothing_that_it_was_not_told() -> None:
    bare = job("InProgress")
    assert (bare.training_jobs, bare.objectives, bare.parents, bare.runtime_seconds) == ({}, {}, None, None)
    assert (bare.limits.max_training_jobs, bare.criteria.target_objective_value) == (None, None)


class TestTargetReached:
    def reached(self, type_: str | None, value: float | None, target: float | None) -> bool | None:
        best = TrainingJob(
            name="t", definition_name=None, end_time=None, objective=Objective("m", type_), objective_value=value
        )
        return replace(
            job("InProgress"), best_training_job=best, criteria=CompletionCriteria(target_objective_value=target)
        ).target_reached

    @pytest.mark.parametrize(
        ("type_", "value", "target", "reached"),
        [
            ("Maximize", 0.9, 0.8, True),
            ("Maximize", 0.8, 0.8, True),
            ("Maximize", 0.7, 0.8, False),
            ("Minimize", 0.9, 0.8, False),
            ("Minimize", 0.8, 0.8, True),
            ("Minimize", -2, -1.5, True),
            ("Minimize", 0, 0.0, True),
            ("Maximize", math.inf, 1e300, True),
            ("Minimize", math.inf, 5, False),
        ],
    )
    def test_follows_the_direction(self, type_: str, value: float, target: float, reached: bool) -> None:
        assert self.reached(type_, value, target) is reached

    @pytest.mark.parametrize(
        ("type_", "value", "target"),
        [
            (None, 0.9, 0.8),
            ("Sideways", 0.9, 0.8),
            ("Maximize", None, 0.8),
            ("Maximize", 0.9, None),
            ("Maximize", math.nan, 0.8),
            ("Minimize", 0.9, math.nan),
        ],
    )
    def test_is_unknown_where_something_is(self, type_: str | None, value: float | None, target: float | None) -> None:
        assert self.reached(type_, value, target) is None

    def test_is_unknown_without_a_best_training_job(self) -> None:
        assert (
            replace(job("InProgress"), criteria=CompletionCriteria(target_objective_value=1.0)).target_reached is None
        )
