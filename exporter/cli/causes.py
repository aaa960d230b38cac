"""The failures of a round: one line for each cause, with what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.cli.organizations import unread
from exporter.config.duration import format_duration
from exporter.fleet import JobState
from exporter.logs import defused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.cli.drive import Round
    from exporter.errors import ErrorCode, Failure
    from exporter.fleet import Operation, OrganizationView

_NAMED = 3


@dataclass(slots=True)
class _Gathered:
    """The failures of one operation with one code: an example, the affected targets and the number of calls."""

    failure: Failure
    example: str
    targets: dict[str, None] = field(default_factory=dict)
    calls: int = 0


def causes(round_: Round, seconds: float, organizations: Iterable[OrganizationView] = ()) -> Iterator[str]:
    """Yield a line for each cause of missing results in a round, which had ``seconds`` at most.

    The causes why accounts of ``organizations`` are not known come first.
    """
    yield from unread(organizations)
    found: dict[tuple[Operation, ErrorCode], _Gathered] = {}
    for each in round_.targets:
        watched = {job.name for job in each.view.jobs}
        for operation, tried in each.tried.items():
            for about, failure in tried.failing.items():
                if operation.concerns_one_job and about not in watched:  # it was deleted in the meantime
                    continue
                gathered = found.setdefault((operation, failure.code), _Gathered(failure, about))
                gathered.targets[each.spec.name] = None
                gathered.calls += 1
    for (operation, code), gathered in found.items():
        yield _line(operation, code, gathered)
    yield from _untried(round_)
    if late := [each.spec.name for each in round_.targets if not each.over]:
        yield (
            f"error: the round did not end within {format_duration(seconds)} for {_several(late)}:"
            " raise --timeout or requests_per_second"
        )


def _line(operation: Operation, code: ErrorCode, gathered: _Gathered) -> str:
    about = ""
    if operation.concerns_one_job:
        plural = "" if gathered.calls == 1 else "s"
        such = gathered.example if gathered.calls == 1 else f"such as {gathered.example}"
        about = f" for {gathered.calls:,} tuning job{plural} ({such})"
    remedy = code.remedy(operation)
    said = defused(gathered.failure.message)
    return f"error: {operation} fails with {code}{about} in {_several([*gathered.targets])}: {said} | {remedy}"


def _untried(round_: Round) -> Iterator[str]:
    """Yield what was not tried, because earlier calls failed for a reason that affects all calls."""
    for each in round_.targets:
        pending = each.view.states[JobState.PENDING]
        if each.given_up and pending:
            plural = "" if pending == 1 else "s"
            yield f"error: {pending:,} tuning job{plural} of {each.spec.name} were not tried, because calls there fail: see above"


def _several(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
