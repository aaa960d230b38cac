"""By when the values of a target's tuning jobs must be gone: what it owes, reckoned from outside."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet import JobView
    from exporter.tuning_job import Summary, TuningJob

LOOK_PERIOD = 300.0
"""How often one running job at least is described, whatever lists tell."""

A_DAY_OR_SO = 70_000.0
TOLERANCE = 1e-3


@dataclass
class Owed:
    """Times by which a good describe of one tuning job is due (monotonic seconds); the first of them counts.

    ``told`` is what its view told when it was described last, and ``vouched`` is an interval after a describe or a list
    last told that the values are right: a list that tells so puts both off. ``aged`` is when the values are too old for
    any list to tell, and ``failed`` when a describe first failed: only a good describe puts those off.
    """

    facts: TuningJob
    described: float
    told: float
    vouched: float
    aged: float
    failed: float = inf

    @property
    def running(self) -> bool:
        return not self.facts.terminal

    def due(self, look: float) -> float:
        """Return when it is due, if ``look`` is when the target had to be described at the latest."""
        return min(self.told, self.vouched, self.aged, self.failed, look if self.running else inf)


class Ledger:
    """What a target owes. It is told what became of each call, and never asks the target."""

    def __init__(self, spec: TargetSpec, pages: int) -> None:
        self.spec = spec
        self.jobs: dict[str, Owed] = {}
        self.failing: set[str] = set()
        self.look = inf
        self.seen_running: frozenset[str] | None = None
        self._pages = pages

    def reload(self, spec: TargetSpec, now: Instant) -> None:
        """Take a new configuration: it puts nothing off that is due, or was told."""
        self.spec = spec
        for owed in self.jobs.values():
            if owed.running and now.monotonic <= owed.aged + TOLERANCE:
                owed.aged = max(owed.aged, owed.described + self._greatest_age)

    def forget(self, name: str) -> None:
        self.jobs.pop(name, None)
        self.failing.discard(name)

    def succeeded(self, view: JobView, facts: TuningJob, now: Instant) -> None:
        """Take a good describe and what the view tells after it."""
        told = max(now.monotonic, view.next_describe - now.wall + now.monotonic)
        owed = Owed(facts, now.monotonic, told, inf, inf)
        if owed.running:
            assert told <= now.monotonic + self._greatest_age + TOLERANCE, "promised too late"
            owed.vouched = now.monotonic + self.spec.interval
            owed.aged = now.monotonic + self._greatest_age
        elif told > now.monotonic + A_DAY_OR_SO:
            owed.told = inf  # it rests
        self.jobs[view.name] = owed
        self.failing.discard(view.name)
        self.look = now.monotonic + max(LOOK_PERIOD, self.spec.interval) + self.spec.interval

    def failed(self, name: str, now: Instant) -> None:
        """Take a describe that failed."""
        self.failing.add(name)
        if name in self.jobs:
            self.jobs[name].failed = min(self.jobs[name].failed, now.monotonic)

    def listed(self, summaries: Mapping[str, Summary], now: Instant) -> None:
        """Take a whole list of all that runs. Where it tells what is known, no describe is needed for now."""
        self.seen_running = frozenset(summaries)
        running = [owed for owed in self.jobs.values() if owed.running]
        if self.spec.describe_max_age < 2 * self.spec.interval or len(running) < 2:
            return
        for owed in running:
            summary = summaries.get(owed.facts.name.lower())
            if summary is not None and _counts(summary) == _counts(owed.facts):
                owed.told = inf
                owed.vouched = now.monotonic + self.spec.interval

    def due(self, name: str) -> float:
        """Return when a tuning job that was described is due again."""
        return self.jobs[name].due(self.look)

    def gone_by(self, name: str) -> float:
        """Return when its values must be gone (monotonic seconds)."""
        if name not in self.jobs:
            return -inf
        # A list that takes several calls may come in one after the next should have begun.
        tolerated = self.spec.interval * (1 if self._pages == 1 else 2)
        return self.due(name) + self.spec.stale_after + tolerated + TOLERANCE

    def told(self, name: str) -> str:
        """Return for a person why a tuning job is due when it is."""
        owed = self.jobs.get(name)
        if owed is None:
            return "never described"
        times = {
            "told": owed.told,
            "vouched": owed.vouched,
            "aged": owed.aged,
            "failed": owed.failed,
            "look": self.look,
        }
        due = self.due(name)
        return (
            f"described at {owed.described:.1f}, due at {due:.1f} by {[why for why, at in times.items() if at == due]}"
        )

    @property
    def _greatest_age(self) -> float:
        return max(self.spec.describe_max_age, self.spec.interval)


class Turns:
    """Whether each tuning job gets its turn while every call is answered at once. Times are monotonic seconds."""

    def __init__(self, now: float) -> None:
        self._since: dict[str, float] = {}
        self._tried: dict[str, float] = {}
        self._calm_since = now
        self.calls: Counter[str] = Counter()

    def disturbed(self, until: float) -> None:
        """Note that for a while it is no wonder when a turn comes late."""
        self._calm_since = max(self._calm_since, until)

    def took(self, name: str, now: float) -> None:
        self._tried[name] = now

    def check(self, ledger: Ledger, views: Iterable[JobView], pages: int, now: float) -> None:
        """Raise AssertionError when a tuning job has waited longer than all calls of some rounds can take."""
        views = tuple(views)
        spec = ledger.spec
        patience = 2 * spec.interval + 4 * (len(views) + 4 * (pages + 1)) / spec.requests_per_second
        self._since = {view.name: self._since.get(view.name, now) for view in views}
        for view in views:
            tried, owed = self._tried.get(view.name, -inf), ledger.jobs.get(view.name)
            if not view.attempted:
                due = self._since[view.name]
            elif owed is not None and owed.running and view.name in (ledger.seen_running or {view.name}):
                due = max(ledger.due(view.name), tried + spec.interval)
            else:
                continue
            waits = now - max(due, self._calm_since)
            assert waits <= patience, f"{view.name} has been due for {waits:.1f} s and is not described"


def _counts(told: Any) -> tuple[Any, ...]:
    return told.status, told.training_jobs, told.objectives
