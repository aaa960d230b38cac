"""The words of AWS for statuses, spelled as in its answers and in the order in which they are shown."""

from __future__ import annotations

from typing import Literal, get_args

TuningJobStatus = Literal["InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting", "DeleteFailed"]

TUNING_JOB_STATUSES: tuple[str, ...] = get_args(TuningJobStatus)
"""The values of HyperParameterTuningJobStatus."""

TERMINAL_STATUSES = frozenset({"Completed", "Failed", "Stopped", "DeleteFailed"})
"""Those of them after which the API's numbers settle."""

TRAINING_JOB_STATUSES = ("Completed", "InProgress", "RetryableError", "NonRetryableError", "Stopped")
"""The members of TrainingJobStatusCounters."""

OBJECTIVE_STATUSES = ("Succeeded", "Pending", "Failed")
"""The members of ObjectiveStatusCounters."""

ENDED_TRAINING_JOB_STATUSES = ("Completed", "Failed", "Stopped")
"""The values of TrainingJobStatus after which nothing of a training job changes."""
