"""What is described when: one Target for each account and region, driven by its worker threads."""

from exporter.fleet.target import Target
from exporter.fleet.view import JobState, JobView, TargetView
from exporter.fleet.work import Identity, Operation, Tags, Work, perform
from exporter.fleet.worker import Workers, log_events

__all__ = [
    "Identity",
    "JobState",
    "JobView",
    "Operation",
    "Tags",
    "Target",
    "TargetView",
    "Work",
    "Workers",
    "log_events",
    "perform",
]
