"""What is wrong in a fleet, told by who made it and knows the future: nothing here looks at a metric.

Beside the troubles that were injected there are those that come by chance, such as a healthy search whose time limit
turns out too short: an alert may tell of them, so they are explained, and only not counted as troubles to be found.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from replay.faults import Fault, Kind
from replay.fleet import DISCOVERED, EXPORTER, OLD, PLACES, Fleet
from replay.kinds import JOB
from replay.life import Told
from replay.looks import LOOKS
from replay.rules import Rules

from exporter.config import defaults
from exporter.errors import ErrorCode

ENDED_UNSEEN = 3_600.0
"""How long nobody looks at a tuning job that has ended: a list does once an hour."""

DENIED_UNSEEN = 300.0
"""How long nobody describes any running tuning job of a target while lists show no change."""


@dataclass(frozen=True)
class Trouble:
    """Something that an alert may tell of. Times are Unix seconds.

    An alert is about it when it has these ``labels``. It ``began`` with its cause; it is ``evident``, None if never, once
    what the alert's documentation asks for is there, save that it lasts. It ``ended`` when the alert must not begin any
    more. ``injected`` ones must be found. For ``unseen`` seconds the exporter does not look, by design. It ``appeared``, None
    if it is listed, when only a list can tell of it.
    """

    alert: str
    labels: Mapping[str, str]
    began: float
    evident: float | None
    ended: float
    injected: bool
    where: str | None = None
    name: str | None = None
    unseen: float = 0.0
    appeared: float | None = None


def troubles(fleet: Fleet, rules: Rules) -> list[Trouble]:
    """Return all that is wrong, in the order of time."""
    found = [trouble for life in fleet.lives if life.name != OLD for trouble in _of_life(life, rules, fleet.lag)]
    faults = (*fleet.faults, *fleet.blind_starts)
    found += [trouble for fault in faults for trouble in _of_fault(fault, fleet, rules)]
    found += _vanished(fleet)
    found += _untracked(fleet, rules)
    return sorted(found, key=lambda trouble: trouble.began)


def _of_life(life: Told, rules: Rules, lag: float) -> Iterator[Trouble]:
    spans = [*life.spans()]
    labels = {"tuning_job": life.name, "aws_region": life.region, "aws_account_id": life.account_id}
    for alert, look in LOOKS.items():
        hold = rules.hold(alert)
        numbers = rules.numbers(alert) | {"for": hold, "surely": hold + lag}
        injected = alert in life.course.injects
        for began, evident, ended, *more in look(life, spans, numbers, injected):
            # That a tuning job failed is a trouble whatever led to it.
            must = injected or alert == JOB + "Failed"
            unseen = ENDED_UNSEEN if life.ended is not None and began > life.ended else 0.0
            about = labels | dict(*more)
            appeared = life.created if life.region == DISCOVERED.region else None
            yield Trouble(alert, about, began, evident, ended, must, life.region, life.name, unseen, appeared)


def _of_fault(fault: Fault, fleet: Fleet, rules: Rules) -> Iterator[Trouble]:
    labels = {}
    if fault.region is not None:
        labels["aws_region"] = fault.region
    if fault.name is not None:
        labels["tuning_job"] = fault.name
    if fault.alert == EXPORTER + "Throttled":
        labels = {"target": next(t.name for t in fleet.settings(fault.since).targets if t.key.region == fault.region)}
    if fault.alert is not None:
        late = fault.since + rules.stated(fault.alert) + 4 * fleet.interval
        must = fault.kind not in _OF_DESCRIBES or fleet.busy(fault.region, fault.since, late)
        must = must and not _hidden(fault, fleet, late + fleet.lag)
        yield Trouble(fault.alert, labels, fault.since, fault.since, fault.until, must, unseen=_unseen(fault))
    for alert in _consequences(fault):
        yield Trouble(alert, {"aws_region": fault.region or ""}, fault.since, None, fault.until, False)


_OF_DESCRIBES = frozenset({Kind.REFUSED, Kind.SILENT, Kind.STARVED})


def _hidden(fault: Fault, fleet: Fleet, until: float) -> bool:
    """Tell whether a pod starts before an alert is due and sees nothing, so that only that is told from then on."""
    if fault.kind is Kind.BLIND or (fault.region != DISCOVERED.region and fault.alert != EXPORTER + "CallsFailing"):
        return False
    return any(
        start.region == fault.region and fault.since <= start.since < until and start.until == fault.until
        for start in fleet.blind_starts
    )


def _unseen(fault: Fault) -> float:
    """Return how long lists that show no change may put off the describes that a fault is about."""
    if fault.kind is not Kind.REFUSED or "Describe" not in fault.operations:
        return 0.0
    return DENIED_UNSEEN if fault.name is None else defaults.DESCRIBE_MAX_AGE


def _consequences(fault: Fault) -> set[str]:
    """Return the other alerts that rightly tell of the same fault."""
    if fault.alert is None:
        return set()
    describe, calls = JOB + "DescribeFailing", EXPORTER + "CallsFailing"
    match fault.kind, fault.code:
        case Kind.SILENT, _:
            return {describe, calls}
        case Kind.REFUSED, ErrorCode.THROTTLED:
            return {describe, calls}
        case Kind.REFUSED, _ if "List" in fault.operations:
            return {calls}
        case _:
            return set()


def _vanished(fleet: Fleet) -> Iterator[Trouble]:
    """Yield the tuning jobs that are listed for longer than they exist."""
    lives = {life.name: life for life in fleet.lives}
    for entry in fleet.entries:
        life = lives.get(entry.name)
        if life is not None and life.gone is not None and entry.until > life.gone:
            unseen = ENDED_UNSEEN if life.ended is not None else 0.0
            labels = {"tuning_job": life.name, "aws_region": life.region}
            alert = JOB + "Missing"
            yield Trouble(alert, labels, life.gone, life.gone, entry.until, True, life.region, life.name, unseen)


def _untracked(fleet: Fleet, rules: Rules) -> Iterator[Trouble]:
    """Yield the stretches of time in which tuning jobs run in a place that nobody watches.

    So do those that were to be listed while the configuration could not be read.
    """
    alert = EXPORTER + "UntrackedRunningJobs"
    lives = {life.name: life for life in fleet.lives}
    for fault in fleet.faults:
        for entry in fleet.entries if fault.kind is Kind.BAD_CONFIGURATION else ():
            if fault.holds(entry.since) and (life := lives.get(entry.name)) is not None:
                until = min(fault.until, life.in_progress_until)
                yield Trouble(alert, {"aws_region": life.region}, life.created, None, until, False, life.region)
    for place in PLACES:
        runs = sorted((life.created, life.in_progress_until) for life in fleet.untracked if life.region == place.region)
        stretches: list[tuple[float, float]] = []
        for run in runs:
            if stretches and run[0] <= stretches[-1][1] + fleet.interval:
                since, until = stretches.pop()
                stretches.append((since, max(until, run[1])))
            else:
                stretches.append(run)
        for since, until in stretches:
            if until - since > rules.stated(alert):
                yield Trouble(alert, {"aws_region": place.region}, since, since, until, True, place.region)
