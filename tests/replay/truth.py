"""What is wrong in a fleet, told by who made it and knows the future: nothing here looks at a metric.

Beside the troubles that were injected there are those that come by chance, such as a healthy search whose time limit
turns out too short: an alert may tell of them, so they are explained, and only not counted as troubles to be found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from replay.causes import wrongs
from replay.faults import Fault, Kind
from replay.fleet import DISCOVERED, OLD, PLACES, Fleet
from replay.life import Told
from replay.promises import EXPORTER, JOB, OF_TRAINING_JOBS, PROMISES, TELLS, WITHOUT_TRAINING_JOBS

from exporter.config import defaults
from exporter.errors import ErrorCode
from exporter.simulator.scenario import MINUTE

ENDED_UNSEEN = 3_600.0
"""How long nobody looks at a tuning job that has ended: a list does once an hour."""

DENIED_UNSEEN = 300.0
"""How long nobody describes any running tuning job of a target while lists show no change."""

LONG_UNTRACKED = 70 * MINUTE
"""Whoever starts tuning jobs that nobody watches for so long, one after the other or at once, has forgotten something."""
WORTH_TELLING = 45 * MINUTE
"""For so long it is no mistake to tell of them."""
PAUSE = 10 * MINUTE
"""Between two of them."""


@dataclass(frozen=True)
class Trouble:
    """Something that alerts may tell of. Times are Unix seconds.

    An alert is about it when it is one of ``alerts`` and has these ``labels``. It ``began`` with its cause; it is ``visible``, None if
    never, once what AWS answers shows it. It ``ended`` when no alert must begin any more. That ``must`` be told others need not.
    For ``unseen`` seconds the exporter does not look, by design. It ``appeared``, None if it is listed, when only a list can
    tell of it. ``kind`` is for whoever reads of it.
    """

    alerts: tuple[str, ...]
    labels: Mapping[str, str]
    began: float
    visible: float | None
    ended: float
    must: bool
    where: str | None = None
    name: str | None = None
    unseen: float = 0.0
    appeared: float | None = None
    kind: str = ""

    @property
    def alert(self) -> str:
        return self.alerts[0]


def troubles(fleet: Fleet, shipped: Collection[str]) -> list[Trouble]:
    """Return all that is wrong and that one of the shipped alerts tells of, in the order of time."""
    found = [trouble for life in fleet.lives if life.name != OLD for trouble in _of_life(life)]
    faults = (*fleet.faults, *fleet.blind_starts)
    found += [trouble for fault in faults for trouble in _of_fault(fault, fleet)]
    found += _vanished(fleet)
    found += _untracked(fleet)
    silent = WITHOUT_TRAINING_JOBS if fleet.collects else OF_TRAINING_JOBS
    told = {*shipped} - silent
    known = [replace(each, alerts=tuple(alert for alert in each.alerts if alert in told)) for each in found]
    return sorted((each for each in known if each.alerts), key=lambda trouble: trouble.began)


def _of_life(life: Told) -> Iterator[Trouble]:
    labels = {"tuning_job": life.name, "aws_region": life.region, "aws_account_id": life.account_id}
    for wrong in wrongs(life):
        unseen = ENDED_UNSEEN if life.ended is not None and wrong.began > life.ended else 0.0
        appeared = life.created if life.region == DISCOVERED.region else None
        times = (wrong.began, wrong.visible, wrong.ended, wrong.must)
        kind = f"{wrong.cause} ({life.course.kind})"
        yield Trouble(TELLS[wrong.cause], labels, *times, life.region, life.name, unseen, appeared, kind)


def _of_fault(fault: Fault, fleet: Fleet) -> Iterator[Trouble]:
    if fault.alert is None:
        return
    alerts = (fault.alert, *fault.also)
    labels = {}
    # That of one exporter names it, and not where it sees nothing.
    if fault.region is not None and EXPORTER + "ReplicaBlind" not in alerts:
        labels["aws_region"] = fault.region
    if fault.name is not None:
        labels["tuning_job"] = fault.name
    if fault.alert == EXPORTER + "Throttled":
        labels = {"target": next(t.name for t in fleet.settings(fault.since).targets if t.key.region == fault.region)}
    late = fault.since + PROMISES[fault.alert] + 4 * max(fleet.interval, fleet.evaluation)
    must = fault.kind not in _OF_DESCRIBES or fleet.busy(fault.region, fault.since, late)
    must = (
        must
        and not _hidden(fault, fleet, late + fleet.lag)
        and not (fault.replica is not None and fault in fleet.blind_starts)
    )
    kind = f"{fault.kind}{f' by turns ({len(fault.codes)})' if fault.codes else ''}"
    yield Trouble(alerts, labels, fault.since, fault.since, fault.until, must, unseen=_unseen(fault), kind=kind)
    for alert in _consequences(fault):
        yield Trouble((alert,), {"aws_region": fault.region or ""}, fault.since, None, fault.until, must=False)
    if fault.kind is Kind.CRASHES:
        # Each of its pods begins anew to look.
        yield Trouble((EXPORTER + "Blind", EXPORTER + "ReplicaBlind"), {}, fault.since, None, fault.until, must=False)


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
    denied = EXPORTER + "AccessDenied"
    match fault.kind, fault.code:
        case Kind.SILENT, _:
            return {describe, calls}
        case Kind.REFUSED, ErrorCode.THROTTLED:
            return {describe, calls}
        case Kind.REFUSED, _ if fault.codes:
            return {describe, calls, denied}
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
            times = (life.gone, life.gone, entry.until)
            yield Trouble((JOB + "Missing",), labels, *times, True, life.region, life.name, unseen, kind="it is gone")


def _untracked(fleet: Fleet) -> Iterator[Trouble]:
    """Yield the stretches of time in which tuning jobs run in a place that nobody watches.

    So do those that were to be listed while the configuration could not be read.
    """
    alerts = (EXPORTER + "UntrackedRunningJobs",)
    lives = {life.name: life for life in fleet.lives}
    for fault in fleet.faults:
        for entry in fleet.entries if fault.kind is Kind.BAD_CONFIGURATION else ():
            if fault.holds(entry.since) and (life := lives.get(entry.name)) is not None:
                until = min(fault.until, life.in_progress_until)
                yield Trouble(alerts, {"aws_region": life.region}, life.created, None, until, False, life.region)
    for place in PLACES:
        runs = sorted((life.created, life.in_progress_until) for life in fleet.untracked if life.region == place.region)
        stretches: list[tuple[float, float, int]] = []
        for run in runs:
            if stretches and run[0] <= stretches[-1][1] + max(PAUSE, fleet.interval):
                since, until, count = stretches.pop()
                stretches.append((since, max(until, run[1]), count + 1))
            else:
                stretches.append((*run, 1))
        for since, until, count in stretches:
            if until - since > WORTH_TELLING:
                must = until - since > LONG_UNTRACKED
                kind = f"tuning jobs that nobody watches{' one after the other' if count > 1 else ''}"
                yield Trouble(alerts, {"aws_region": place.region}, since, since, until, must, place.region, kind=kind)
