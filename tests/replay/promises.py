"""What the alerts promise: which causes each tells of, and how many seconds after a cause is visible in what AWS answers.

Nothing here is a number of a rule, and nothing of the replay reads those.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from exporter.simulator.scenario import HOUR, MINUTE

JOB = "SageMakerTuningJob"
EXPORTER = "SageMakerTuningExporter"


class Cause(StrEnum):
    """What is wrong with a tuning job."""

    FAILED = "it failed"
    UNDELETED = "its deletion failed"
    LINGERING = "it does not stop"
    FAILING = "its training jobs fail"
    RETRIED = "its training jobs meet retryable errors"
    MUTE = "no training job has an objective"
    PARTLY_MUTE = "many training jobs have no objective"
    NAN = "its best value is NaN"
    IDLE = "nothing runs and nothing is launched"
    FROZEN = "its counters stand still"
    PENDING = "an objective stays pending"
    HANGING = "its training jobs hang"
    CUT_OFF = "its training jobs are cut off by their own time limit"
    FLAT = "nothing improves it any more"
    CONVERGED = "it has converged and goes on"
    TIME = "its time limit cuts it off"
    STARVED = "it gets fewer training jobs than it asked for"
    TARGET = "it has reached its target and goes on"
    OUT_OF_MEMORY = "its training jobs run out of memory"
    NO_CAPACITY = "there is no capacity for its training jobs"
    OVER_BUDGET = "it costs more than its budget"
    SPOT = "it saves nothing by spot instances"


TELLS: Mapping[Cause, tuple[str, ...]] = {
    cause: tuple(JOB + name for name in names)
    for cause, names in {
        Cause.FAILED: ("Failed",),
        Cause.UNDELETED: ("DeleteFailed",),
        Cause.LINGERING: ("StuckStopping",),
        Cause.FAILING: ("TrainingJobsFailing", "NoBestValue", "OutOfMemory", "NoCapacity"),
        Cause.RETRIED: ("RetryableErrors", "TrainingJobsFailing", "NoBestValue", "NoCapacity"),
        Cause.MUTE: ("ObjectiveNeverEmitted", "NoBestValue"),
        Cause.PARTLY_MUTE: ("ObjectiveNeverEmitted", "NoBestValue"),
        Cause.NAN: ("NoBestValue", "ObjectiveNeverEmitted", "NotImproving"),
        Cause.IDLE: ("Stuck", "TrainingJobsHanging", "SlotsStarved"),
        Cause.FROZEN: ("Straggler", "TrainingJobsHanging", "Stuck", "SlotsStarved"),
        Cause.PENDING: ("Stuck", "TrainingJobsHanging", "SlotsStarved"),
        Cause.HANGING: ("Straggler", "TrainingJobsHanging", "Stuck", "SlotsStarved"),
        Cause.CUT_OFF: ("TrainingJobsCutOff", "NoBestValue", "ObjectiveNeverEmitted"),
        Cause.FLAT: ("NotImproving", "ConvergedStillRunning", "SpendingWithoutImprovement"),
        Cause.CONVERGED: ("ConvergedStillRunning", "NotImproving", "SpendingWithoutImprovement"),
        Cause.TIME: ("NearTimeLimit",),
        Cause.STARVED: ("SlotsStarved",),
        Cause.TARGET: ("TargetReachedStillRunning",),
        Cause.OUT_OF_MEMORY: ("OutOfMemory", "TrainingJobsFailing", "NoBestValue"),
        Cause.NO_CAPACITY: ("NoCapacity", "RetryableErrors", "TrainingJobsFailing", "NoBestValue"),
        Cause.OVER_BUDGET: ("OverBudget",),
        Cause.SPOT: ("SpotUnused",),
    }.items()
}
"""The alerts that tell of a cause. The first of them that is shipped has promised to."""

OF_TRAINING_JOBS = frozenset(
    JOB + name
    for name in ("OverBudget", "SpendingWithoutImprovement", "OutOfMemory", "NoCapacity", "Straggler", "SpotUnused")
)
"""Those that need ``collect: [training_jobs]``."""
WITHOUT_TRAINING_JOBS = frozenset({JOB + "TrainingJobsHanging"})
"""Those that say nothing where training jobs are collected."""

PROMISES: Mapping[str, float] = {
    JOB + "Failed": 5 * MINUTE,
    JOB + "DeleteFailed": 15 * MINUTE,
    JOB + "StuckStopping": 75 * MINUTE,
    JOB + "TrainingJobsFailing": 30 * MINUTE,
    JOB + "ObjectiveNeverEmitted": 30 * MINUTE,
    JOB + "Stuck": 75 * MINUTE,
    JOB + "TrainingJobsHanging": 3.5 * HOUR,
    JOB + "TrainingJobsCutOff": 30 * MINUTE,
    JOB + "NotImproving": 30 * MINUTE,
    JOB + "ConvergedStillRunning": 75 * MINUTE,
    JOB + "NearTimeLimit": 15 * MINUTE,
    JOB + "NoBestValue": 60 * MINUTE,
    JOB + "SlotsStarved": 75 * MINUTE,
    JOB + "RetryableErrors": 30 * MINUTE,
    JOB + "TargetReachedStillRunning": 75 * MINUTE,
    JOB + "OverBudget": 30 * MINUTE,
    JOB + "SpendingWithoutImprovement": 30 * MINUTE,
    JOB + "OutOfMemory": 30 * MINUTE,
    JOB + "NoCapacity": 30 * MINUTE,
    JOB + "Straggler": 3.5 * HOUR,
    JOB + "SpotUnused": 75 * MINUTE,
    JOB + "DescribeFailing": 25 * MINUTE,
    JOB + "Missing": 45 * MINUTE,
    EXPORTER + "AccessDenied": 25 * MINUTE,
    EXPORTER + "Blind": 5 * MINUTE,
    EXPORTER + "ReplicaBlind": 20 * MINUTE,
    EXPORTER + "CallsFailing": 45 * MINUTE,
    EXPORTER + "Throttled": 45 * MINUTE,
    EXPORTER + "DataStale": 20 * MINUTE,
    EXPORTER + "UntrackedRunningJobs": 75 * MINUTE,
    EXPORTER + "ConfigReloadFailed": 15 * MINUTE,
    EXPORTER + "Down": 15 * MINUTE,
    EXPORTER + "Restarting": 75 * MINUTE,
}
"""How many seconds after a cause is visible an alert has told of it, beside what it takes to describe, scrape and evaluate."""
