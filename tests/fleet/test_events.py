from __future__ import annotations

import pytest
from fleet.driver import CREATED, answer, target_spec

from exporter.errors import ErrorCode, Failure
from exporter.fleet.events import of_describe
from exporter.tuning_job import TuningJob, reduce

IDENTITY = {"target": "eu", "aws_region": "eu-west-1", "tuning_job": "churn"}
THROTTLED = Failure(ErrorCode.THROTTLED, "slow down")
DENIED = Failure(ErrorCode.ACCESS_DENIED, "no")


def job(status: str = "InProgress", created: float = CREATED, reason: str = "") -> TuningJob:
    return reduce(answer("churn", status, created=created, FailureReason=reason))


def lines(
    before: tuple[TuningJob | None, Failure | None], after: tuple[TuningJob | None, Failure | None]
) -> list[tuple[str, str]]:
    """Return level and text of what a describe is worth."""
    found = of_describe(target_spec("churn"), "churn", *before, *after)
    for event in found:
        assert event.fields.items() >= IDENTITY.items()
    return [(event.level, event.text) for event in found]


FOUND = ("info", "tuning job found")
FAILED = ("debug", "describe failed")
AGAIN = ("debug", "describe succeeded again")
CHANGED = ("info", "tuning job status changed")
REUSED = ("info", "a new tuning job has the name of an earlier one")
REASON = ("warning", "tuning job reports a failure reason")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((None, None), (job(), None), [FOUND]),
        ((job(), None), (job(), None), []),
        ((job(), None), (job("Completed"), None), [CHANGED]),
        ((job(), None), (job(created=CREATED + 1), None), [REUSED, FOUND]),
        ((None, None), (None, THROTTLED), [FAILED]),
        ((job(), None), (job(), THROTTLED), [FAILED]),
        ((job(), THROTTLED), (job(), THROTTLED), []),
        ((job(), THROTTLED), (job(), DENIED), [FAILED]),
        ((job(), THROTTLED), (job(), None), [AGAIN]),
        ((job(), THROTTLED), (job("Stopped"), None), [AGAIN, CHANGED]),
        ((None, THROTTLED), (job(), None), [AGAIN, FOUND]),
        ((job(), None), (job("Failed", reason="all failed"), None), [CHANGED, REASON]),
        ((job("Failed", reason="one"), None), (job("Failed", reason="one"), None), []),
        ((job("Failed", reason="one"), None), (job("Failed", reason="two"), None), [REASON]),
        ((job("Failed", reason="one"), None), (job("Failed"), None), []),
        (
            (job("Failed", reason="one"), None),
            (job("Failed", reason="one", created=CREATED + 1), None),
            [REUSED, FOUND, REASON],
        ),
    ],
)
def test_a_change_is_worth_a_line_and_a_repetition_none(
    before: tuple[TuningJob | None, Failure | None],
    after: tuple[TuningJob | None, Failure | None],
    expected: list[tuple[str, str]],
) -> None:
    assert lines(before, after) == expected


def test_a_failure_tells_what_to_do() -> None:
    (event,) = of_describe(target_spec("churn"), "churn", None, None, None, DENIED)
    assert event.fields == IDENTITY | {
        "code": "access_denied",
        "message": "no",
        "remedy": "Allow sagemaker:DescribeHyperParameterTuningJob to the exporter's identity.",
    }


def test_a_change_of_status_tells_both() -> None:
    (event,) = of_describe(target_spec("churn"), "churn", job(), None, job("Stopping"), None)
    assert event.fields == IDENTITY | {"status": "Stopping", "previous": "InProgress"}


def test_a_recovery_tells_from_what() -> None:
    (event,) = of_describe(target_spec("churn"), "churn", job(), THROTTLED, job(), None)
    assert event.fields == IDENTITY | {"code": "throttled"}
