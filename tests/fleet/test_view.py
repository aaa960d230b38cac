from __future__ import annotations

import pytest
from fleet.driver import answer

from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobState, JobView, TargetView
from exporter.tuning_job import reduce


def view(*, status: str | None = None, code: ErrorCode | None = None, attempted: bool = True) -> JobView:
    facts = reduce(answer("churn", status)) if status else None
    failure = Failure(code, "no") if code else None
    return JobView("", "eu-west-1", "churn", {}, facts, failure, attempted, None, 0.0)


STATES = [
    (view(attempted=False), JobState.PENDING),
    (view(status="InProgress"), JobState.RUNNING),
    (view(status="Stopping"), JobState.RUNNING),
    (view(status="StatusOfTomorrow"), JobState.RUNNING),
    (view(status="Completed"), JobState.FINISHED),
    (view(status="Stopped"), JobState.FINISHED),
    (view(code=ErrorCode.NOT_FOUND), JobState.MISSING),
    (view(code=ErrorCode.THROTTLED), JobState.FAILING),
    (view(status="Completed", code=ErrorCode.TIMEOUT), JobState.FAILING),
    (view(), JobState.FAILING),  # gone stale under a call that hangs
]


@pytest.mark.parametrize(("job", "state"), STATES)
def test_the_state_is_what_the_last_describe_says(job: JobView, state: JobState) -> None:
    assert job.state is state


def test_states_are_counted() -> None:
    target = TargetView("eu", "eu-west-1", "", attempted=True, jobs=tuple(job for job, _ in STATES), changes_at=None)
    assert target.states == {
        JobState.PENDING: 1,
        JobState.RUNNING: 3,
        JobState.FINISHED: 2,
        JobState.MISSING: 1,
        JobState.FAILING: 3,
    }
