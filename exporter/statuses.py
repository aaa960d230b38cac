"""The statuses of AWS, spelled as in its answers, in the order in which they are shown."""

from __future__ import annotations

from typing import Literal, get_args

TuningJobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting", "DeleteFailed"]

TUNING_JOB_STATUSES: tuple[str, ...] = get_args(TuningJobStatus)
"""The values of HyperParameterTuningJobStatus."""

IN_PROGRESS: TuningJobStatus = "InProgress"
STOPPING: TuningJobStatus = "Stopping"
DELETING: TuningJobStatus = "Deleting"

TERMINAL_STATUSES = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
"""The final statuses of a tuning job."""

FAILED_STATUSES = frozenset({"Failed", "DeleteFailed"})
"""Those of them that say that something failed."""

TRAINING_JOB_STATUSES = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
"""The members of TrainingJobStatusCounters."""

OBJECTIVE_STATUSES = ("Succeeded", "Pending", "Failed")
"""The members of ObjectiveStatusCounters."""

FAILED = "Failed"
"""The TrainingJobStatus of a training job that failed."""

COUNTED_AS = {"Completed": ("Completed",), FAILED: ("RetryableError", "NonRetryableError"), "Stopped": ("Stopped",)}
"""The final values of TrainingJobStatus, and which members of TrainingJobStatusCounters count training jobs that have them."""

ENDED_TRAINING_JOB_STATUSES = tuple(COUNTED_AS)
"""The final values of TrainingJobStatus."""
