"""The last calls about one tuning job, eight bytes each. They are packed because 10,000 tuning jobs have 100,000 of them."""

from __future__ import annotations

import struct
from typing import NamedTuple

from exporter.errors import ErrorCode
from exporter.fleet.source import Operation

MOST_CALLS = 10
"""The number of calls that are kept for each tuning job."""

# From the highest bits: when the call ended (Unix seconds), its operation and outcome, its duration (milliseconds).
_ENTRY = struct.Struct("<Q")
_ENDED, _KIND = 32, 24
_LONGEST = (1 << _KIND) - 1
_LATEST = (1 << 32) - 1

_OUTCOMES: tuple[ErrorCode | None, ...] = (None, *ErrorCode)
_KINDS = {pair: kind for kind, pair in enumerate((op, outcome) for op in Operation for outcome in _OUTCOMES)}
_MEANINGS = tuple(_KINDS)


class PastCall(NamedTuple):
    """A call that has ended. ``ended`` is in whole Unix seconds. ``code`` is why it failed, None if it succeeded."""

    operation: Operation
    code: ErrorCode | None
    ended: int
    milliseconds: int


def remembered(history: bytes, operation: Operation, code: ErrorCode | None, ended: float, seconds: float) -> bytes:
    """Return the history with one more call. The oldest is dropped if there are more than ``MOST_CALLS``."""
    milliseconds = min(max(0, round(seconds * 1000)), _LONGEST)
    moment = min(max(0, int(ended)), _LATEST)
    entry = _ENTRY.pack(moment << _ENDED | _KINDS[operation, code] << _KIND | milliseconds)
    return entry + history[: (MOST_CALLS - 1) * _ENTRY.size]


def past_calls(history: bytes) -> tuple[PastCall, ...]:
    """Return the calls of a history, newest first."""
    return tuple(_unpacked(packed) for (packed,) in _ENTRY.iter_unpack(history))


def _unpacked(packed: int) -> PastCall:
    operation, code = _MEANINGS[packed >> _KIND & 0xFF]
    return PastCall(operation, code, packed >> _ENDED, packed & _LONGEST)
