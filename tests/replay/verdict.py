"""What the alerts made of the troubles: each found, late or missed, and every alarm that no trouble explains."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from replay.faults import Kind
from replay.fleet import EXPORTER

if TYPE_CHECKING:
    from replay.faults import Fault
    from replay.firing import Firing
    from replay.fleet import Fleet
    from replay.rules import Rules
    from replay.truth import Trouble


@dataclass(frozen=True)
class Outcome:
    """A trouble and when its alert fired. ``due`` is the end of the stated time, None when it never became evident."""

    trouble: Trouble
    fired: float | None
    due: float | None

    @property
    def in_time(self) -> bool:
        return self.fired is not None and self.due is not None and self.fired <= self.due


@dataclass(frozen=True)
class Verdict:
    """``outcomes`` are of the injected troubles; ``unplanned`` are the right alarms about what came by itself.

    ``repeated`` counts those that fired again after they were resolved.
    """

    outcomes: tuple[Outcome, ...]
    false_alarms: tuple[Firing, ...]
    unplanned: tuple[Firing, ...]
    repeated: int

    def of(self, alert: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.trouble.alert == alert]


def judge(fleet: Fleet, rules: Rules, troubles: Sequence[Trouble], firings: Sequence[Firing]) -> Verdict:
    """Compare what is wrong with what fired."""
    outcomes = []
    repeated = 0
    late = fleet.lag
    for trouble in troubles:
        if trouble.injected:
            due = _due(trouble, rules, fleet)
            if due is not None and due > min(trouble.ended, fleet.end):
                continue  # it was over before it had to be told
            if due is None and trouble.ended > fleet.end:
                continue
            about = [firing for firing in firings if _is_about(firing, trouble, late)]
            fired = min((max(firing.since, trouble.began) for firing in about), default=None)
            repeated += len(about) - len({tuple(sorted(firing.labels.items())) for firing in about})
            outcomes.append(Outcome(trouble, fired, due))
    explained = [(firing, [t for t in troubles if _is_about(firing, t, late)]) for firing in firings]
    false_alarms = tuple(firing for firing, why in explained if not why)
    unplanned = tuple(firing for firing, why in explained if why and not any(each.injected for each in why))
    return Verdict(tuple(outcomes), false_alarms, unplanned, repeated)


def _is_about(firing: Firing, trouble: Trouble, late: float) -> bool:
    return (
        firing.alert == trouble.alert
        and trouble.labels.items() <= firing.labels.items()
        and firing.since <= trouble.ended + late
        and firing.until > trouble.began
    )


def _due(trouble: Trouble, rules: Rules, fleet: Fleet) -> float | None:
    """Return until when an alert must have fired.

    Its stated time starts anew after the exporter saw nothing, and so does the one in which it does not look.
    """
    if trouble.evident is None:
        return None
    # A time that is no multiple of the interval is over at the next evaluation only.
    stated = math.ceil(rules.stated(trouble.alert) / fleet.interval) * fleet.interval
    due = trouble.evident + trouble.unseen + stated + fleet.lag
    faults = [fault for fault in (*fleet.faults, *fleet.blind_starts) if _blinds(fault, trouble)]
    for fault in sorted(faults, key=lambda fault: fault.since):
        if fault.since <= due and fault.until > trouble.evident - fleet.lag:
            due = max(due, fault.until + trouble.unseen + stated + 2 * fleet.lag)
    return due


def _blinds(fault: Fault, trouble: Trouble) -> bool:
    if trouble.where is None:  # a fault itself, beside which no other is but this
        return fault.kind is Kind.RESTART and fault.blinds
    if fault.kind is Kind.REFUSED and "List" in fault.operations and fault.share == 1 and fault.region == trouble.where:
        new = trouble.appeared is not None and fault.since <= trouble.appeared < fault.until
        if new or trouble.unseen or trouble.alert == EXPORTER + "UntrackedRunningJobs":
            return True
    return fault.blinds and fault.region in {None, trouble.where} and fault.name in {None, trouble.name}


def table(alerts: Iterable[str], rules: Rules, verdicts: Sequence[Verdict]) -> str:
    """Return the table of all verdicts as Markdown, a row for each of these alerts."""
    rows: list[tuple[str, ...]] = [
        (
            "alert",
            "troubles",
            "found in time",
            "late",
            "missed",
            "median",
            "longest",
            "stated",
            "unplanned",
            "false alarms",
        )
    ]
    rows += [_row(alert, rules.stated(alert), verdicts) for alert in alerts]
    outcomes = [outcome for verdict in verdicts for outcome in verdict.outcomes]
    unplanned, false_alarms = (
        sum(len(firings) for firings in each)
        for each in ([v.unplanned for v in verdicts], [v.false_alarms for v in verdicts])
    )
    rows.append(("**all**", *_counts(outcomes), "", "", "", str(unplanned), str(false_alarms)))
    lines = [rows[0], ("---",) * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _counts(outcomes: Sequence[Outcome]) -> tuple[str, str, str, str]:
    in_time = sum(outcome.in_time for outcome in outcomes)
    missed = sum(outcome.fired is None for outcome in outcomes)
    return str(len(outcomes)), str(in_time), str(len(outcomes) - in_time - missed), str(missed)


def _row(alert: str, stated: float, verdicts: Sequence[Verdict]) -> tuple[str, ...]:
    outcomes = [outcome for verdict in verdicts for outcome in verdict.of(alert)]
    unplanned = sum(firing.alert == alert for verdict in verdicts for firing in verdict.unplanned)
    false_alarms = sum(firing.alert == alert for verdict in verdicts for firing in verdict.false_alarms)
    took = [
        outcome.fired - outcome.trouble.evident
        for outcome in outcomes
        if outcome.fired is not None and outcome.trouble.evident is not None
    ]
    times = (minutes(median(took)), minutes(max(took))) if took else ("", "")
    return (f"`{alert}`", *_counts(outcomes), *times, minutes(stated), str(unplanned), str(false_alarms))


def minutes(duration: float) -> str:
    """Return seconds as minutes."""
    return f"{duration / 60:.0f} min"


def details(verdict: Verdict, fleet: Fleet) -> Iterator[str]:
    """Yield a line for each trouble that was not found in time, and for each false alarm."""
    for outcome in verdict.outcomes:
        if not outcome.in_time:
            trouble = outcome.trouble
            told = (
                "missed" if outcome.fired is None else f"found {_hours(outcome.fired - trouble.began)} after it began"
            )
            evident = (
                "never evident" if trouble.evident is None else f"evident {_hours(trouble.evident - trouble.began)}"
            )
            lasted = _hours(min(trouble.ended, fleet.end) - trouble.began)
            due = "" if outcome.due is None else f", due {_hours(outcome.due - trouble.began)}"
            yield f"seed {fleet.seed}: {trouble.alert} {dict(trouble.labels)} {told}; {evident}{due}, lasted {lasted}"
    for firing in verdict.false_alarms:
        at = _hours(firing.since - fleet.start)
        yield f"seed {fleet.seed}: false alarm {firing.alert} {dict(firing.labels)} at {at}, for {_hours(firing.until - firing.since)}"


def _hours(duration: float) -> str:
    return f"{duration / 3600:.1f} h"
