"""The page Status: problems by their cause over all targets, with what to do, or that everything is well."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode
from exporter.fleet import JobState, Operation
from exporter.web.pages.figures import count, date, moment
from exporter.web.pages.rows import told_apart
from exporter.web.pages.secrets import shown
from exporter.web.pages.targets import said

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    from exporter.fleet import JobView, TargetView
    from exporter.web.pages.snapshot import Refused, Snapshot

# Seconds that a describe may be late. It is too late if it is later than this and than an interval.
_PATIENCE = 60.0

# The most mistakes of a configuration to show. The page Configuration has more.
_MISTAKES = 3


class Verdict(StrEnum):
    """The overall state of the exporter."""

    WRONG = "wrong"
    WAITING = "waiting"
    """No problem is known, but not everything is known yet."""
    IDLE = "idle"
    """There is nothing to watch."""
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Example:
    """One of the tuning jobs with a problem. Its account and message are None if they are not known."""

    account_id: str | None
    region: str
    name: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """One problem. ``jobs`` counts the affected tuning jobs, 0 if it is not about single tuning jobs.

    ``operation`` and ``code`` are those of failing calls, None for other problems. ``targets`` has the names of the affected
    targets. ``message`` is that of calls that are not about single tuning jobs.
    """

    what: str
    remedy: str
    operation: str | None = None
    code: str | None = None
    jobs: int = 0
    targets: tuple[str, ...] = ()
    message: str | None = None
    example: Example | None = None
    details: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Status:
    """The state of the exporter at one time: its problems, the worst first, and what it still waits for."""

    at: datetime | None
    version: str
    started: datetime | None
    verdict: Verdict
    causes: tuple[Cause, ...]
    waiting: tuple[str, ...]
    targets: int
    jobs: Mapping[str, int]


def status(snapshot: Snapshot) -> Status:
    """Return the state. Everything is well only if each target has answered and no tuning job is waiting."""
    causes = (
        *_of_the_process(snapshot),
        *_unread(snapshot),
        *_without_answer(snapshot.targets),
        *_failing_calls(snapshot),
        *_late(snapshot),
        *_left_out(snapshot),
    )
    waiting = tuple(_waiting(snapshot))
    states: Counter[JobState] = Counter(view.state for view in told_apart(snapshot.targets))
    if causes:
        verdict = Verdict.WRONG
    elif waiting:
        verdict = Verdict.WAITING
    elif not snapshot.configuration.settings.targets:
        verdict = Verdict.IDLE
    else:
        verdict = Verdict.WELL
    return Status(
        at=moment(snapshot.now),
        version=snapshot.version,
        started=moment(snapshot.started),
        verdict=verdict,
        causes=causes,
        waiting=waiting,
        targets=len(snapshot.targets),
        jobs={state: states[state] for state in JobState},
    )


def _of_the_process(snapshot: Snapshot) -> Iterator[Cause]:
    if snapshot.unhealthy:
        yield Cause(
            snapshot.unhealthy[:1].upper() + snapshot.unhealthy[1:],
            "Restart the exporter, and report this with its log.",
        )
    if (refused := snapshot.configuration.refused) is not None:
        yield Cause(
            "The configuration file has changed and is refused. The previous configuration stays in force",
            "Fix the mistakes listed on the Configuration page. The exporter then loads the file within seconds.",
            details=_mistakes(refused),
        )
    if (web := snapshot.web) is not None and web.refused is not None:
        yield Cause(
            "The web configuration file, or a file that it names, has mistakes."
            f" What was loaded at {date(moment(web.loaded_at))} stays in force",
            "Fix the mistakes listed on the Configuration page. Until then, no certificate and no password that you"
            " renew is used. The exporter reads the files again at the next request.",
            details=_mistakes(web.refused),
        )


def _mistakes(refused: Refused) -> tuple[str, ...]:
    return tuple(shown(str(each)) for each in refused.problems[:_MISTAKES])


def _unread(snapshot: Snapshot) -> Iterator[Cause]:
    for each in snapshot.organizations:
        view = each.view
        if view.failure is not None:
            known = (
                "none is watched" if view.accounts is None else f"the {len(view.accounts):,} known so far stay watched"
            )
            yield Cause(
                f"The accounts of {view.spec.name} cannot be read: {known}",
                view.remedy or "",
                code=view.failure.code,
                message=view.failure.message or None,
            )


def _without_answer(targets: Iterable[TargetView]) -> Iterator[Cause]:
    blind = [target for target in targets if target.attempted and target.last_answered is None]
    if blind:
        yield Cause(
            f"AWS has never answered for {count(len(blind), 'target')}. No tuning job there is watched",
            "See below which calls fail there and why. If none is listed, check the network path to the endpoint.",
            targets=_names(blind),
        )


@dataclass(slots=True)
class _Gathered:
    """The failures of one operation with one code."""

    jobs: int = 0
    targets: dict[str, None] = field(default_factory=dict)
    message: str | None = None
    example: JobView | None = None


def _failing_calls(snapshot: Snapshot) -> list[Cause]:
    found: dict[tuple[str, ErrorCode], _Gathered] = {}
    for target in snapshot.targets:
        for operation, code in target.errors:
            gathered = found.setdefault((operation, ErrorCode(code)), _Gathered())
            gathered.targets[target.name] = None
            gathered.message = gathered.message or said(operation, code, snapshot.states.get(target.name))
        if not target.states[JobState.FAILING] + target.states[JobState.MISSING]:
            continue
        for view in target.jobs:
            if view.failure is not None:
                gathered = found.setdefault((Operation.DESCRIBE, view.failure.code), _Gathered())
                gathered.jobs += 1
                gathered.targets[target.name] = None
                gathered.example = gathered.example or view
    causes = [_failing(operation, code, gathered) for (operation, code), gathered in found.items()]
    return sorted(causes, key=lambda cause: (-len(cause.targets), -cause.jobs, cause.operation or "", cause.code or ""))


def _failing(operation: str, code: ErrorCode, gathered: _Gathered) -> Cause:
    view = gathered.example
    return Cause(
        f"{operation} fails with {code}",
        code.remedy(operation),
        str(operation),
        str(code),
        gathered.jobs,
        tuple(gathered.targets),
        gathered.message,
        None if view is None else _example(view),
    )


def _late(snapshot: Snapshot) -> Iterator[Cause]:
    """Yield tuning jobs that are stale or late without a failure that explains it."""
    stale, overdue = _Gathered(), _Gathered()
    for target in snapshot.targets:
        state = snapshot.states.get(target.name)
        patience = max(_PATIENCE, 0.0 if state is None else state.spec.interval)
        for view in target.jobs:
            if view.failure is not None or not view.attempted:
                continue
            if view.facts is None:
                _gather(stale, target, view)
            elif view.next_describe + patience < snapshot.now:
                _gather(overdue, target, view)
    for gathered, what in (
        (stale, f"The values of {count(stale.jobs, 'tuning job')} have gone stale and are no longer shown"),
        (overdue, f"{count(overdue.jobs, 'tuning job')} should have been described by now"),
    ):
        if (one := gathered.example) is not None:
            yield Cause(
                what,
                "Check on the Targets page whether calls hang or requests_per_second is used up. If it is used up, raise it or lengthen interval.",
                jobs=gathered.jobs,
                targets=tuple(gathered.targets),
                example=_example(one),
            )


def _example(view: JobView) -> Example:
    message = None if view.failure is None else view.failure.message
    return Example(view.account_id or None, view.region, view.name, message or None)


def _gather(gathered: _Gathered, target: TargetView, view: JobView) -> None:
    gathered.jobs += 1
    gathered.targets[target.name] = None
    gathered.example = gathered.example or view


def _left_out(snapshot: Snapshot) -> Iterator[Cause]:
    for target in snapshot.targets:
        if (state := snapshot.states.get(target.name)) is None:
            continue
        most = {rule.name: rule.max_jobs for rule in state.spec.rules}
        for rule, matched in target.matched:
            if rule in most and matched > most[rule]:
                yield Cause(
                    f"Rule {rule} finds {count(matched, 'tuning job')} and watches only the newest {most[rule]:,}",
                    "Raise max_jobs, or narrow the rule so that it matches fewer.",
                    targets=(target.name,),
                )
        free = max(0, state.spec.max_tracked_jobs - len(state.spec.jobs))
        found = sum(min(matched, most.get(rule, 0)) for rule, matched in target.matched)
        if found > free:
            yield Cause(
                f"Rules find {count(found, 'tuning job')} and watch only the newest {free:,} in all",
                "Raise max_tracked_jobs, or narrow the rules so that they match fewer.",
                targets=(target.name,),
            )
    if snapshot.left_out:
        families = sorted({family for family, _ in snapshot.left_out})
        yield Cause(
            f"Series of {count(len({job for _, job in snapshot.left_out}), 'tuning job')} exceed the limit of their family and are left out",
            "Remove these families from collect, or report this: no tuning job should have so many series.",
            jobs=len({job for _, job in snapshot.left_out}),
            details=tuple(families),
        )


def _waiting(snapshot: Snapshot) -> Iterator[str]:
    if snapshot.generation == 0:
        yield "nothing has been published yet"
        return
    if unread := sum(not each.view.tried for each in snapshot.organizations):
        yield f"the accounts of {count(unread, 'organization')}"
    published = {target.name for target in snapshot.targets}
    new = [spec.name for spec in snapshot.configuration.settings.targets if spec.name not in published]
    unasked = [target.name for target in snapshot.targets if not target.attempted]
    if new or unasked:
        yield f"{count(len(new) + len(unasked), 'target')} without a first answer"
    if pending := sum(target.states[JobState.PENDING] for target in snapshot.targets):
        yield f"{count(pending, 'tuning job')} not described yet"


def _names(targets: Iterable[TargetView]) -> tuple[str, ...]:
    return tuple(target.name for target in targets)
