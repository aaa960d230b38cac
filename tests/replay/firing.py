"""When alerts fire: their expressions asked of Prometheus, and ``for`` and ``keep_firing_for`` applied as it does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from replay.fleet import Fleet
    from replay.rules import Rules
    from support.prometheus import Prometheus

_MOST_POINTS = 400
"""In a range query. Each of its points costs as much as there are series in the whole range, so long ones are slow."""
_OFFSET = 0.75
"""Intervals from a scrape to the next evaluation. With a lookback of one and a half the sample before is out of sight
then, as after a scrape that marks its series stale."""


def flags(fleet: Fleet) -> tuple[str, ...]:
    """Return the flags with which Prometheus must serve the samples of a fleet."""
    return f"--query.lookback-delta={1.5 * fleet.interval:.0f}s", "--storage.tsdb.retention.time=100y"


@dataclass(frozen=True)
class Firing:
    """An alert from when it fires to when it is resolved, in Unix seconds."""

    alert: str
    labels: Mapping[str, str]
    since: float
    until: float


def firings(prometheus: Prometheus, rules: Rules, fleet: Fleet) -> list[Firing]:
    """Return every firing of every alert, in the order of time."""
    found = [
        Firing(alert, dict(labels), since, until)
        for alert in rules
        for labels, points in _active(prometheus, rules.expression(alert), fleet).items()
        for since, until in held(points, rules.hold(alert), rules.keep(alert), fleet.interval)
    ]
    return sorted(found, key=lambda firing: firing.since)


def _active(prometheus: Prometheus, expression: str, fleet: Fleet) -> dict[tuple[tuple[str, str], ...], list[float]]:
    """Return when the expression gives each of its series."""
    active: defaultdict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    step = fleet.interval
    first = fleet.start + (1 + _OFFSET) * step
    while first < fleet.end:
        last = min(first + (_MOST_POINTS - 1) * step, fleet.end)
        for series in prometheus.query_range(expression, start=first, end=last, step=step):
            active[tuple(sorted(series.labels.items()))] += [at for at, _ in series.points]
        first += _MOST_POINTS * step
    return active


def held(active: Sequence[float], hold: float, keep: float, step: float) -> Iterator[tuple[float, float]]:
    """Yield when an alert fires and is resolved, which is active at these times of an evaluation each ``step``.

    It fires once it has been active for ``hold``, and is resolved once it has not been for ``keep``; all in seconds.
    """
    fires: float | None = None
    last = 0.0
    for begin, end in _runs(active, step):
        if fires is not None and begin > last + step + keep:
            yield fires, last + step + keep
            fires = None
        if fires is None and end - begin >= hold:
            fires = begin + hold
        last = end
    if fires is not None:
        yield fires, last + step + keep


def _runs(active: Iterable[float], step: float) -> Iterator[tuple[float, float]]:
    """Yield first and last time of each run without a gap."""
    begin = end = None
    for at in active:
        if end is not None and begin is not None and at - end > 1.5 * step:
            yield begin, end
            begin = None
        begin, end = (at if begin is None else begin), at
    if begin is not None and end is not None:
        yield begin, end
