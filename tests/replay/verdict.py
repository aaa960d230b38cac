"""What the alerts made of the troubles: each found, late or missed, and every alarm that no trouble explains."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from replay.faults import Kind
from replay.promises import EXPORTER, PROMISES

from exporter.simulator.scenario import MINUTE

if TYPE_CHECKING:
    from replay.faults import Fault
    from replay.firing import Firing
    from replay.fleet import Fleet
    from replay.truth import Trouble

AFTERWARDS = 30 * MINUTE
"""How long after the end of a trouble it is still no mistake to tell of it."""
OUTAGE = 60 * MINUTE
"""After one that began so long before, an alert may be resolved and fire anew."""
TEAM = 20
"""Searches of a team in a week."""


@dataclass(frozen=True)
class Outcome:
    """A trouble and when an alert told of it first. ``due`` is the end of the promised time, None when it was never visible."""

    trouble: Trouble
    fired: float | None
    due: float | None

    @property
    def in_time(self) -> bool:
        return self.fired is not None and self.due is not None and self.fired <= self.due


@dataclass(frozen=True)
class Verdict:
    """``outcomes`` are of the troubles that must be told, ``searches`` is how many tuning jobs there were.

    ``false_alarms`` are those that no cause explains, ``repeated`` those about a trouble that the same alert had told of before:
    neither is of use. ``brief`` troubles were over before the promised time was.
    """

    outcomes: tuple[Outcome, ...]
    false_alarms: tuple[Firing, ...]
    repeated: tuple[Firing, ...]
    brief: tuple[Trouble, ...]
    searches: int

    def of(self, alert: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.trouble.alert == alert]


def judge(fleet: Fleet, troubles: Sequence[Trouble], firings: Sequence[Firing]) -> Verdict:
    """Compare what is wrong with what fired."""
    outcomes, brief = [], []
    late = fleet.lag + AFTERWARDS
    repeated: dict[int, Firing] = {}
    for trouble in troubles:
        about = [firing for firing in firings if _is_about(firing, trouble, late)]
        told: dict[object, Firing] = {}
        for firing in about:
            before = told.get(key := (firing.alert, *sorted(firing.labels.items())))
            if before is not None and not _outage(fleet, trouble, before.until, firing.since):
                repeated[id(firing)] = firing
            if firing.since >= trouble.began:  # else it was about another, and has gone on
                told[key] = firing
        if trouble.must:
            due = _due(trouble, fleet)
            if due is not None and due > min(trouble.ended, fleet.end):
                brief.append(trouble)
            elif due is not None or trouble.ended <= fleet.end:
                fired = min((max(firing.since, trouble.began) for firing in about), default=None)
                outcomes.append(Outcome(trouble, fired, due))
    false_alarms = [firing for firing in firings if not any(_is_about(firing, each, late) for each in troubles)]
    searches = len(fleet.lives) + len(fleet.untracked)
    return Verdict(tuple(outcomes), tuple(false_alarms), tuple(repeated.values()), tuple(brief), searches)


def _outage(fleet: Fleet, trouble: Trouble, since: float, until: float) -> bool:
    """Tell whether the exporter saw nothing of a trouble some time before an alert was resolved, or since."""
    faults = (fault for fault in fleet.faults if fault.blinds and fault.region in {None, trouble.where})
    return any(fault.until > since - OUTAGE and fault.since < until for fault in faults)


def _is_about(firing: Firing, trouble: Trouble, late: float) -> bool:
    return (
        firing.alert in trouble.alerts
        and trouble.labels.items() <= firing.labels.items()
        and firing.since <= trouble.ended + late
        and firing.until > trouble.began
    )


def _due(trouble: Trouble, fleet: Fleet) -> float | None:
    """Return until when an alert must have fired.

    Its promised time starts anew after the exporter saw nothing, and so does the one in which it does not look.
    """
    if trouble.visible is None:
        return None
    # A time that is no multiple of the interval is over at the next evaluation only.
    promised = math.ceil(PROMISES[trouble.alert] / fleet.evaluation) * fleet.evaluation
    due = trouble.visible + trouble.unseen + promised + fleet.lag
    faults = [fault for fault in (*fleet.faults, *fleet.blind_starts) if _blinds(fault, trouble)]
    for fault in sorted(faults, key=lambda fault: fault.since):
        if fault.since <= due and fault.until > trouble.visible - fleet.lag:
            due = max(due, fault.until + trouble.unseen + promised + 2 * fleet.lag)
    return due


def _blinds(fault: Fault, trouble: Trouble) -> bool:
    if trouble.where is None:  # a fault itself, beside which no other is but this
        return fault.kind is Kind.RESTART and fault.blinds
    if fault.kind is Kind.REFUSED and "List" in fault.operations and fault.share == 1 and fault.region == trouble.where:
        new = trouble.appeared is not None and fault.since <= trouble.appeared < fault.until
        if new or trouble.unseen or trouble.alert == EXPORTER + "UntrackedRunningJobs":
            return True
    return fault.blinds and fault.region in {None, trouble.where} and fault.name in {None, trouble.name}


_HEAD = (
    "alert",
    "troubles",
    "in time",
    "late",
    "missed",
    "recall",
    "too brief",
    "median",
    "longest",
    "promised",
    "false",
    "repeated",
    "useless a team and week",
)


def table(alerts: Iterable[str], verdicts: Sequence[Verdict]) -> str:
    """Return the table of all verdicts as Markdown, a row for each of these alerts."""
    rows: list[tuple[str, ...]] = [_HEAD, ("---",) * len(_HEAD)]
    rows += [_row(f"`{alert}`", [alert], verdicts, PROMISES[alert]) for alert in alerts]
    rows.append(_row("**all**", {trouble.alert for v in verdicts for trouble in _asked(v)} | {*alerts}, verdicts))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def _asked(verdict: Verdict) -> Iterator[Trouble]:
    yield from (outcome.trouble for outcome in verdict.outcomes)
    yield from verdict.brief


def _row(
    title: str, alerts: Collection[str], verdicts: Sequence[Verdict], promised: float | None = None
) -> tuple[str, ...]:
    outcomes = [outcome for verdict in verdicts for outcome in verdict.outcomes if outcome.trouble.alert in alerts]
    in_time = sum(outcome.in_time for outcome in outcomes)
    missed = sum(outcome.fired is None for outcome in outcomes)
    took = [o.fired - o.trouble.visible for o in outcomes if o.fired is not None and o.trouble.visible is not None]
    false, repeated = (
        sum(firing.alert in alerts for firings in each for firing in firings)
        for each in ([v.false_alarms for v in verdicts], [v.repeated for v in verdicts])
    )
    brief = sum(trouble.alert in alerts for verdict in verdicts for trouble in verdict.brief)
    weeks = sum(verdict.searches for verdict in verdicts) / TEAM
    return (
        title,
        str(len(outcomes)),
        str(in_time),
        str(len(outcomes) - in_time - missed),
        str(missed),
        f"{in_time / len(outcomes):.0%}" if outcomes else "",
        str(brief),
        *((minutes(median(took)), minutes(max(took))) if took and promised is not None else ("", "")),
        minutes(promised) if promised is not None else "",
        str(false),
        str(repeated),
        f"{(false + repeated) / weeks:.2f}" if weeks else "",
    )


def by_kind(verdicts: Sequence[Verdict]) -> str:
    """Return a table of what must be told, a row for each cause and shape."""
    counts: dict[tuple[str, str], Counter[str]] = {}
    for verdict in verdicts:
        for outcome in verdict.outcomes:
            how = "missed" if outcome.fired is None else "in time" if outcome.in_time else "late"
            counts.setdefault((outcome.trouble.alert, outcome.trouble.kind), Counter())[how] += 1
    columns = ("in time", "late", "missed")
    head = ("trouble", *columns)
    rows = [head, ("---",) * len(head)]
    for (_, kind), count in sorted(counts.items()):
        rows.append((kind, *(str(count[column]) for column in columns)))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in rows)


def minutes(duration: float) -> str:
    """Return seconds as minutes."""
    return f"{duration / 60:.0f} min"


def details(verdict: Verdict, fleet: Fleet) -> Iterator[str]:
    """Yield a line for each trouble that was not found in time, and for each alarm that was of no use."""
    for outcome in verdict.outcomes:
        if not outcome.in_time:
            trouble = outcome.trouble
            told = (
                "missed" if outcome.fired is None else f"found {_hours(outcome.fired - trouble.began)} after it began"
            )
            visible = (
                "never visible" if trouble.visible is None else f"visible {_hours(trouble.visible - trouble.began)}"
            )
            lasted = _hours(min(trouble.ended, fleet.end) - trouble.began)
            due = "" if outcome.due is None else f", due {_hours(outcome.due - trouble.began)}"
            yield (
                f"seed {fleet.seed}: {trouble.alert} {dict(trouble.labels)} {trouble.kind}: {told}; {visible}{due}, lasted {lasted}"
            )
    for title, firings in (("false alarm", verdict.false_alarms), ("repeated", verdict.repeated)):
        for firing in firings:
            at = _hours(firing.since - fleet.start)
            created = next((life.created for life in fleet.lives if life.name == firing.labels.get("tuning_job")), None)
            age = "" if created is None else f", {_hours(firing.since - created)} after its creation"
            lasted = _hours(firing.until - firing.since)
            yield f"seed {fleet.seed}: {title} {firing.alert} {dict(firing.labels)} at {at}{age}, for {lasted}"


def _hours(duration: float) -> str:
    return f"{duration / 3600:.1f} h"
