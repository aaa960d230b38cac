"""The statuses of AWS, spelled as in its answers, in the order in which they are shown."""

from __future__ import annotations

from typing import Literal, get_args

TuningJobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting", "DeleteFailed"]

TUNING_JOB_STATUSES: tuple[str, ...] = get_args(TuningJobStatus)
"""The values of HyperParameterTuningJobStatus."""

TERMINAL_STATUSES = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
"""The final statuses of a tuning job."""

TRAINING_JOB_STATUSES = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
"""The members of TrainingJobStatusCounters."""

OBJECTIVE_STATUSES = ("Succeeded", "Pending", "Failed")
"""The members of ObjectiveStatusCounters."""

ENDED_TRAINING_JOB_STATUSES = ("Completed", "Failed", "Stopped")
"""The final values of TrainingJobStatus."""
