"""The words for statuses are AWS's, and whoever has a list of its own has the same words."""

from __future__ import annotations

import pytest
from grafana.look import JOB_COLORS, OBJECTIVE_COLORS, TRAINING_COLORS
from support.answers import OUTPUT
from support.clock import ManualClock

from exporter.exposition.families.progress import UNKNOWN_STATUS
from exporter.simulator import reading
from exporter.simulator.record import OUTCOMES
from exporter.simulator.service import Simulator
from exporter.statuses import (
    COUNTED_AS,
    FAILED_STATUSES,
    OBJECTIVE_STATUSES,
    TERMINAL_STATUSES,
    TRAINING_JOB_STATUSES,
    TUNING_JOB_STATUSES,
)
from exporter.web.pages import fleet, html

COUNTERS = {"TrainingJobStatusCounters": TRAINING_JOB_STATUSES, "ObjectiveStatusCounters": OBJECTIVE_STATUSES}


def test_a_tuning_job_has_those_that_aws_knows() -> None:
    assert sorted(OUTPUT.members["HyperParameterTuningJobStatus"].enum) == sorted(TUNING_JOB_STATUSES)
    assert set(TUNING_JOB_STATUSES) - TERMINAL_STATUSES == {"InProgress", "Stopping", "Deleting"}
    assert set(TUNING_JOB_STATUSES) > TERMINAL_STATUSES > FAILED_STATUSES


def test_each_training_job_that_has_ended_is_counted_once() -> None:
    counted = [member for members in COUNTED_AS.values() for member in members]
    assert sorted((*counted, "InProgress")) == sorted(TRAINING_JOB_STATUSES)


@pytest.mark.parametrize("member", COUNTERS)
def test_what_is_counted_is_what_aws_counts(member: str) -> None:
    assert sorted(OUTPUT.members[member].members) == sorted(COUNTERS[member])


def test_the_simulator_has_the_same() -> None:
    assert sorted(reading.STATUSES) == sorted(TUNING_JOB_STATUSES)
    assert sorted((*OUTCOMES, "InProgress")) == sorted(TRAINING_JOB_STATUSES)
    answer = Simulator(ManualClock()).create("healthy", "churn").at(0.0)
    for member, words in COUNTERS.items():
        assert sorted(answer[member]) == sorted(words)


def test_the_dashboards_have_a_color_for_each() -> None:
    assert sorted(JOB_COLORS) == sorted((*TUNING_JOB_STATUSES, UNKNOWN_STATUS))
    assert sorted(TRAINING_COLORS) == sorted(TRAINING_JOB_STATUSES)
    assert sorted(OBJECTIVE_COLORS) == sorted(OBJECTIVE_STATUSES)


def test_the_pages_have_words_and_a_place_for_each() -> None:
    assert sorted(html.WORDS) == sorted(TRAINING_JOB_STATUSES)
    assert sorted(fleet.STATUSES) == sorted(TUNING_JOB_STATUSES)
