"""Decides which calls to make and when. There is one Target for each account and region; a pool of threads drives them."""

from exporter.fleet.account import Identity
from exporter.fleet.events import log_events
from exporter.fleet.history import PastCall, past_calls
from exporter.fleet.organizations import Organizations, OrganizationView, read_once
from exporter.fleet.pool import Pool
from exporter.fleet.source import Operation, Work, perform
from exporter.fleet.tag_calls import Tags
from exporter.fleet.target import Target
from exporter.fleet.view import Incomplete, JobState, JobView, LastFailure, Spend, Standing, TargetView

__all__ = [
    "Identity",
    "Incomplete",
    "JobState",
    "JobView",
    "LastFailure",
    "Operation",
    "OrganizationView",
    "Organizations",
    "PastCall",
    "Pool",
    "Spend",
    "Standing",
    "Tags",
    "Target",
    "TargetView",
    "Work",
    "log_events",
    "past_calls",
    "perform",
    "read_once",
]
