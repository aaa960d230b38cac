"""What is wrong with whole targets, for the landing page: who never got an answer, which calls fail, and what to do."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from exporter.errors import ErrorCode
from exporter.fleet import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.fleet import TargetView


class FailingCall(NamedTuple):
    """Calls that fail in the same way. ``jobs`` counts the tuning jobs that they are about, 0 if not about single ones."""

    operation: str
    code: str
    jobs: int
    remedy: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A target with failing calls, or without any answer so far. ``account_id`` is empty while nothing has told it."""

    target: str
    region: str
    account_id: str
    answered: bool
    calls: tuple[FailingCall, ...]


def troubles(targets: Iterable[TargetView]) -> list[Trouble]:
    """Return the targets that have some, those without any answer first."""
    found = [
        Trouble(
            target.name, target.region, target.account_id, target.last_answered is not None, tuple(_failing(target))
        )
        for target in targets
    ]
    return sorted(
        (each for each in found if each.calls or not each.answered), key=lambda each: (each.answered, each.target)
    )


def _failing(target: TargetView) -> Iterable[FailingCall]:
    for operation, code in target.errors:
        yield FailingCall(operation, code, 0, ErrorCode(code).remedy(operation))
    by_code = Counter(job.failure.code for job in target.jobs if job.failure is not None)
    for code, jobs in sorted(by_code.items()):
        yield FailingCall(Operation.DESCRIBE, code, jobs, code.remedy(Operation.DESCRIBE))
