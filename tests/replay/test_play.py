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
    assert not {firing.alert for firing in small.verdict.false_alarms} & PLAIN


def test_nearly_all_of_the_others_are_told_too_and_hardly_anything_else(small: Replay) -> None:
    verdict = small.verdict
    assert sum(outcome.in_time for outcome in verdict.outcomes) > 0.9 * len(verdict.outcomes) > 25
    assert len(verdict.false_alarms) + len(verdict.repeated) <= 1


def test_there_is_a_line_about_each_that_went_wrong(small: Replay) -> None:
    verdict = small.verdict
    wrong = sum(not outcome.in_time for outcome in verdict.outcomes)
    assert len(small.details) == wrong + len(verdict.false_alarms) + len(verdict.repeated)
