"""When alerts fire: their expressions asked of Prometheus, records before, and ``for`` and ``keep_firing_for`` applied as it does."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from replay.samples import lay
from support.prometheus import Prometheus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from replay.fleet import Fleet
    from replay.rules import Rules

_MOST_POINTS = 400
"""In a range query. Each of its points costs as much as there are series in the whole range, so long ones are slow."""
_OFFSET = 0.75
"""Shares of the shorter of the two intervals from a scrape to the next evaluation."""


def flags(fleet: Fleet) -> tuple[str, ...]:
    """Return the flags with which Prometheus must serve the samples of a fleet.

    A sample is out of sight as soon as the next one is missing, as after a scrape that marks series stale.
    """
    return f"--query.lookback-delta={fleet.interval + 1:.0f}s", "--storage.tsdb.retention.time=100y"


@dataclass(frozen=True)
class Firing:
    """An alert from when it fires to when it is resolved, in Unix seconds."""

    alert: str
    labels: Mapping[str, str]
    since: float
    until: float


def evaluated(rules: Rules, fleet: Fleet, promtool: Path, binary: Path, directory: Path) -> list[Firing]:
    """Return every firing of every alert in the order of time, asked of a Prometheus on the blocks in ``directory / "data"``."""
    record(rules, fleet, promtool, binary, directory)
    with Prometheus(binary, directory, (), flags=flags(fleet)) as server:
        return firings(server, rules, fleet)


def record(rules: Rules, fleet: Fleet, promtool: Path, binary: Path, directory: Path) -> None:
    """Lay the records that the alerts are made of beside the blocks in ``directory / "data"``.

    Each goes into a block of its own, as promtool has none of rules that are made of others.
    """
    for layer in rules.layers:
        with Prometheus(binary, directory, (), flags=flags(fleet)) as server:
            lines = [*_recorded(server, layer, rules, fleet)]
        if lines:
            lay(lines, promtool, directory / "data")


def _recorded(prometheus: Prometheus, records: Sequence[str], rules: Rules, fleet: Fleet) -> Iterator[str]:
    """Yield samples of records, those of a piece of time together: promtool takes none that lie far back."""
    for piece in _pieces(fleet):
        for record in records:
            expression = rules.at_steps(rules.records[record], fleet.evaluation)
            for series in prometheus.query_range(expression, **piece):
                labels = ",".join(
                    f'{name}="{_escaped(value)}"' for name, value in series.labels.items() if name != "__name__"
                )
                for at, value in series.points:
                    yield f"{record}{{{labels}}} {value!r} {at:.3f}\n"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def firings(prometheus: Prometheus, rules: Rules, fleet: Fleet) -> list[Firing]:
    """Return every firing of every alert, in the order of time."""
    found = [
        Firing(alert, dict(labels), since, until)
        for alert in rules
        for labels, points in _active(
            prometheus, rules.at_steps(rules.expression(alert), fleet.evaluation), fleet
        ).items()
        for since, until in held(points, rules.hold(alert), rules.keep(alert), fleet.evaluation)
    ]
    return sorted(found, key=lambda firing: firing.since)


def _active(prometheus: Prometheus, expression: str, fleet: Fleet) -> dict[tuple[tuple[str, str], ...], list[float]]:
    """Return when the expression gives each of its series."""
    active: defaultdict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    for piece in _pieces(fleet):
        for series in prometheus.query_range(expression, **piece):
            active[tuple(sorted(series.labels.items()))] += [at for at, _ in series.points]
    return active


def _pieces(fleet: Fleet) -> Iterator[dict[str, float]]:
    """Yield the ranges of time in which the rules are evaluated."""
    step = fleet.evaluation
    first = fleet.start + fleet.interval + _OFFSET * min(fleet.interval, step)
    while first < fleet.end:
        yield {"start": first, "end": min(first + (_MOST_POINTS - 1) * step, fleet.end), "step": step}
        first += _MOST_POINTS * step


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
