"""A small fleet on a real Prometheus, from the exporter's own rendering to the verdict. `make alerts-report` plays great ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from replay.play import Replay

pytestmark = [pytest.mark.xdist_group("replay"), pytest.mark.timeout(1800)]


PLAIN = {
    "SageMakerTuningJobFailed",
    "SageMakerTuningJobDeleteFailed",
    "SageMakerTuningJobStuckStopping",
    "SageMakerTuningJobMissing",
}
"""Alerts that say what AWS says."""


def test_what_aws_tells_in_plain_words_is_told_in_its_time_and_never_wrongly(small: Replay) -> None:
    outcomes = [outcome for outcome in small.verdict.outcomes if outcome.trouble.alert in PLAIN]
    assert {outcome.trouble.alert for outcome in outcomes} == PLAIN
    assert all(outcome.in_time for outcome in outcomes)
    # One that is discovered, and gone while lists fail, is told to be missing.
    assert {firing.alert for firing in small.verdict.false_alarms} & PLAIN <= {"SageMakerTuningJobMissing"}


def test_most_of_the_others_are_told_too(small: Replay) -> None:
    outcomes = small.verdict.outcomes
    assert sum(outcome.in_time for outcome in outcomes) > 0.6 * len(outcomes) > 15


def test_there_is_a_line_about_each_that_went_wrong(small: Replay) -> None:
    verdict = small.verdict
    wrong = sum(not outcome.in_time for outcome in verdict.outcomes)
    assert len(small.details) == wrong + len(verdict.false_alarms) + len(verdict.repeated)
