"""Durations in the format of Prometheus, such as ``1h30m`` and ``500ms``."""

from __future__ import annotations

import re

from exporter.config.problem import quote

_MILLISECONDS = {"w": 604_800_000, "d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1000, "ms": 1}
DURATION_PATTERN = "".join(f"([0-9]+{unit})?" for unit in _MILLISECONDS)
"""The pattern of a duration that is not empty."""

_DURATION = re.compile("".join(rf"(?:([0-9]{{1,12}}){unit})?" for unit in _MILLISECONDS))
_NUMBER = re.compile(r"[0-9]{1,12}(\.[0-9]*)?")


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as ``1h30m``.

    Each unit (w, d, h, m, s, ms) may be used once, the longest first, with a whole number. Raises ValueError with the remedy
    for anything else.
    """
    found = _DURATION.fullmatch(text)
    if text and found:
        parts = zip(found.groups(), _MILLISECONDS.values(), strict=True)
        return sum(int(number or 0) * size for number, size in parts) / 1000
    if _NUMBER.fullmatch(text):
        written = format_duration(float(text))
        raise ValueError(f"{quote(text)} has no unit: write {written} if seconds are meant")
    raise ValueError(f"{quote(text)} is not a duration: write for example 30s, 5m, 1h30m or 7d")


def format_duration(seconds: float) -> str:
    """Return seconds, rounded to milliseconds, as a duration in the units ms, s, m, h and d; ``0s`` for 0.

    It is the inverse of ``parse_duration``. Up to two minutes are written in seconds, as is usual.
    """
    left = round(seconds * 1000)
    if left <= 120_000 and left % 1000 == 0:
        return f"{left // 1000}s"
    written = ""
    for unit in ("d", "h", "m", "s", "ms"):
        number, left = divmod(left, _MILLISECONDS[unit])
        written += f"{number}{unit}" if number else ""
    return written or "0s"
