"""Formats numbers and times for pages. An absent value is a dash."""

from __future__ import annotations

import math
from datetime import UTC, datetime

ABSENT = "—"

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def moment(seconds: float | None) -> datetime | None:
    """Return Unix seconds as a datetime. None for None, and for times out of range."""
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def date(when: datetime | None) -> str:
    """Format a time, with seconds."""
    return ABSENT if when is None else when.strftime("%Y-%m-%d %H:%M:%S UTC")


def iso(when: datetime) -> str:
    """Format a time as ISO 8601, with milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def duration(seconds: float | None) -> str:
    """Format a duration in its two largest units, such as ``2 h 5 min``."""
    if seconds is None or not math.isfinite(seconds):
        return ABSENT
    if 0 < seconds < 1:
        return "under 1 s"
    left = round(seconds)
    for place, (size, unit) in enumerate(_UNITS):
        if left >= size:
            number, rest = divmod(left, size)
            smaller, name = _UNITS[min(place + 1, len(_UNITS) - 1)]
            more = f" {rest // smaller} {name}" if rest >= smaller and unit != "s" else ""
            return f"{number:,} {unit}{more}"
    return "0 s"


def age(when: datetime | None, now: datetime) -> str:
    """Format how long ago a time is, or how far in the future. Seconds are shown only below a minute."""
    if when is None:
        return ABSENT
    seconds = (now - when).total_seconds()
    if abs(seconds) < 1:
        return "now"
    told = duration(abs(seconds) if abs(seconds) < 60 else abs(seconds) // 60 * 60)
    return f"{told} ago" if seconds > 0 else f"in {told}"


def number(value: float | None) -> str:
    """Format a number: a whole number with all its digits, others with six significant digits."""
    if value is None:
        return ABSENT
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if abs(value) < 1e15 and value == int(value):
        return f"{int(value):,}"
    return f"{value:.6g}"


def money(amount: float | None, currency: str) -> str:
    """Format an amount with two decimals, or a smaller one with two significant digits."""
    if amount is None or not math.isfinite(amount):
        return ABSENT
    written = f"{amount:,.2f}" if amount == 0 or abs(amount) >= 0.01 else f"{amount:.2g}"
    return f"{written} {currency}".rstrip()


def percent(share: float | None) -> str:
    """Format a share as percent. Only a share of exactly 1 becomes 100 %."""
    if share is None or not math.isfinite(share * 100):
        return ABSENT
    return f"{math.floor(share * 100 + 1e-9):,} %"


def rate(per_second: float) -> str:
    """Format a rate per second."""
    return f"{per_second:,.0f}" if per_second >= 1_000 else f"{per_second:.3g}"


def count(number_: int, singular: str, plural: str | None = None) -> str:
    """Format a number with its noun."""
    return f"{number_:,} {singular if number_ == 1 else plural or singular + 's'}"
