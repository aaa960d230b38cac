"""Parses faults on the command line, such as ``throttled:0.5``, ``slow=3@Search``, ``not-found/churn-xgboost``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from exporter.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Collection

FORM = "KIND[=SECONDS][:RATE][@OPERATION][/NAME]"

_TIMED = (Kind.SLOW, Kind.DRIPPING)
_PARTS = re.compile(
    r"(?P<kind>[^=:@/]*)(=(?P<seconds>[^:@/]*))?(:(?P<rate>[^@/]*))?(@(?P<operation>[^/]*))?(/(?P<name>.*))?"
)


def parse(text: str, operations: Collection[str]) -> Fault:
    """Return the fault that a text describes.

    The rate is the share of requests that the fault applies to, 1 by default. The operation is one of ``operations``, in
    upper or lower case. Raises ValueError, which says what is allowed instead.
    """
    parts = _PARTS.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not a fault: write {FORM}")
    if parts["kind"] not in tuple(Kind):
        raise ValueError(f"{parts['kind']!r} is not a kind of fault: write one of {', '.join(Kind)}")
    kind = Kind(parts["kind"])
    if parts["seconds"] is not None and kind not in _TIMED:
        raise ValueError(f"{kind} takes no seconds, only {' and '.join(_TIMED)} do")
    if parts["name"] == "":
        raise ValueError(f"{text!r} names no tuning job after the slash")
    return Fault(
        kind,
        operation=None if parts["operation"] is None else _operation(parts["operation"], operations),
        name=parts["name"],
        rate=1.0 if parts["rate"] is None else _number(parts["rate"], "a rate", 1.0),
        seconds=1.0 if parts["seconds"] is None else _number(parts["seconds"], "a number of seconds", math.inf),
    )


def _operation(text: str, operations: Collection[str]) -> str:
    for operation in operations:
        if operation.lower() == text.lower():
            return operation
    raise ValueError(f"{text!r} is not a simulated operation: write one of {', '.join(operations)}")


def _number(text: str, what: str, most: float) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 < number <= most or math.isinf(number):
        raise ValueError(
            f"{text!r} is not {what}: write a number above 0{'' if math.isinf(most) else f' up to {most:g}'}"
        )
    return number
