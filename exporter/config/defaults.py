"""The defaults of the configuration. Durations are in seconds."""

from __future__ import annotations

from typing import Literal

INTERVAL = 60.0
RETENTION = 86_400.0
DESCRIBE_MAX_AGE = 1_800.0
STALE_AFTER = 300.0
"""The smallest default. If three intervals are longer, these are the default: see ``stale_after``."""

MAX_JOBS = 200
MAX_TRACKED_JOBS = 10_000

SPEND_INTERVAL = 300.0
MAX_TRAINING_JOBS = 1_000
CURRENCY = "USD"
Billable = Literal["list", "search", "off"]
BILLABLE: Billable = "list"

REQUESTS_PER_SECOND = 5.0
CONNECT_TIMEOUT = 5.0
READ_TIMEOUT = 15.0
USE_FIPS = False
VERIFY_SSL = True
SIGN_REQUESTS = True


def stale_after(interval: float) -> float:
    """Return the default of ``stale_after`` for an interval. It is long enough that one failed describe does not end series."""
    return max(STALE_AFTER, 3 * interval)
