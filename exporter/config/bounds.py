"""The smallest and the largest value that a key takes: durations as they are written, other values as numbers."""

from __future__ import annotations

INTERVAL = "1s", "24h"
STALE_AFTER = "1s", "30d"
RETENTION = "0s", "365d"
DESCRIBE_MAX_AGE = "0s", "24h"
CREATED_WITHIN = "1m", "3650d"
SPEND_INTERVAL = "1m", "24h"
TIMEOUT = "1ms", "5m"

REQUESTS_PER_SECOND = 0.01, 1000
COUNT = 1, 10_000
"""How many tuning jobs or training jobs."""
