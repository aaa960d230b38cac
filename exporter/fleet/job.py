"""What a target knows of one tuning job, and the verbs that change it. Nobody else writes its fields."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.config.specs import LISTED
from exporter.errors import ErrorCode
from exporter.fleet.history import remembered
from exporter.fleet.schedule import RESTS_AFTER_END
from exporter.fleet.view import JobView
from exporter.tuning_job import name_key, same_moment

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Instant
    from exporter.config.specs import JobSpec
    from exporter.errors import Failure
    from exporter.fleet.source import Operation
    from exporter.fleet.view import Spend
    from exporter.tuning_job import Summary, TuningJob

NAMELESS: Mapping[str, str] = MappingProxyType({})


@dataclass(slots=True)
class Job:
    """What a target knows of one tuning job. ``due``, ``owed`` and ``described`` are monotonic seconds, other times Unix seconds.

    ``due`` is when the next describe is to be made. ``owed`` is when the values should be confirmed; they are stale
    ``stale_after`` later. Only what confirms them moves it to a later time: a good describe, or a list that shows no
    change. ``described`` is when the last good describe was begun. ``retrying`` tells that the next describe comes before
    the next round. ``created`` is 0 while nothing has told when the tuning job was created. ``listed`` is what a list said
    last. ``rests_left`` counts the describes that are still to be made at the interval after the end. ``history`` has the
    last calls about it: see ``history``. The others are as in JobView.
    """

    spec: JobSpec
    due: float
    owed: float
    next_describe: float
    created: float = 0.0
    listed: Summary | None = None
    facts: TuningJob | None = None
    failure: Failure | None = None
    rests_left: int = RESTS_AFTER_END
    attempted: bool = False
    last_success: float | None = None
    retrying: bool = False
    described: float = -math.inf
    tags: Mapping[str, str] = field(default_factory=dict)
    spend: Spend | None = None
    history: bytes = b""
    _view: JobView | None = None

    @classmethod
    def begun(cls, spec: JobSpec, now: Instant, listed: Summary | None = None) -> Job:
        """Return one that is to be described at once; ``listed`` is what a list says of it already."""
        created = (listed.creation_time if listed is not None else None) or 0.0
        return cls(spec, now.monotonic, now.monotonic, now.wall, created, listed)

    @property
    def key(self) -> str:
        """The name without its case: AWS has one tuning job of it."""
        return name_key(self.spec.name)

    def configure(self, spec: JobSpec) -> None:
        """Take what a new configuration says of it."""
        self.spec = spec
        self._view = None

    def plan(self, due: float, now: Instant) -> None:
        """Have it described at a monotonic time. ``owed`` moves only to an earlier time."""
        self.due = due
        self.owed = min(self.owed, due)
        self.next_describe = now.wall + due - now.monotonic
        self._view = None

    def settle(self, due: float, owed: float, now: Instant) -> None:
        """Plan the next describe after its values were confirmed; they are ``owed`` again at the time given (monotonic seconds)."""
        self.owed = owed
        self.plan(due, now)

    def retry(self, due: float, now: Instant) -> None:
        """Have it described again at a monotonic time before the next round."""
        self.retrying = True
        self.plan(due, now)

    def confirm(self, owed: float) -> None:
        """Take a list that shows no change: the values are owed at the time given, or when the describe is due if that is sooner."""
        self.owed = max(self.owed, min(owed, self.due))

    def succeed(self, facts: TuningJob, started: float, now: Instant) -> bool:
        """Take a good describe, begun at a monotonic time, and tell whether it rests from now on. ``settle`` must come next."""
        if self.facts is not None and self.facts.creation_time != facts.creation_time:
            self.rests_left = RESTS_AFTER_END  # the name was used again
        if self.facts != facts:  # else what is being served would be held twice over
            self.facts = facts
        self.failure = None
        self.attempted = True
        self.last_success = now.wall
        self.described = started
        self.created = facts.creation_time or self.created
        self.retrying = False
        if not facts.terminal:
            self.rests_left = RESTS_AFTER_END
        elif self.rests_left > 0:
            self.rests_left -= 1
        else:
            return True
        return False

    def fail(self, failure: Failure) -> None:
        """Take a describe that failed. ``plan`` or ``retry`` must come next."""
        self.failure = failure
        self.attempted = True
        self.retrying = False
        if failure.code is ErrorCode.NOT_FOUND:
            self.facts = None
            self.rests_left = RESTS_AFTER_END  # should the name come back, it is another tuning job's

    def hear(self, summary: Summary) -> bool:
        """Take what a list says and tell whether that changes what is shown."""
        before = self.last_modified
        self.listed = summary
        if self.last_modified == before:
            return False
        self._view = None
        return True

    def tag(self, tags: Mapping[str, str]) -> bool:
        """Take the tags that are labels, by the labels' names, and tell whether they are others than before."""
        if tags == self.tags:
            return False
        self.tags = tags
        self._view = None
        return True

    def spent(self, spend: Spend | None) -> bool:
        """Take what its training jobs come to, and tell whether that is something else than before."""
        if spend == self.spend:
            return False
        self.spend = spend
        self._view = None
        return True

    def called(self, operation: Operation, code: ErrorCode | None, seconds: float, now: Instant) -> None:
        """Take that a call about it has ended, which took so many seconds; ``code`` is why it failed, None where it did not."""
        self.history = remembered(self.history, operation, code, now.wall, seconds)
        self._view = None

    def redraw(self) -> None:
        """Show it again: something of the target has changed that is shown with it."""
        self._view = None

    @property
    def last_modified(self) -> float | None:
        """LastModifiedTime of whichever answer is newer: it moves about every 10 s while the tuning job runs."""
        if self.facts is None:
            return None
        told = [answer.last_modified_time for answer in (self.facts, self._listed_now) if answer is not None]
        return max((time for time in told if time is not None), default=None)

    @property
    def _listed_now(self) -> Summary | None:
        """What a list said of the very tuning job that was described last, not of another of its name."""
        if self.listed is None or self.facts is None:
            return self.listed
        return self.listed if same_moment(self.listed.creation_time, self.facts.creation_time) else None

    def view(self, region: str, account_id: str | None, account_names: Mapping[str, str] = NAMELESS) -> JobView:
        """Return the view of it, made only when something has changed; ``account_id`` is the target's, where it has none."""
        if self._view is None:
            account_id = self.spec.account_id or account_id or ""
            facts = self.facts
            if facts is not None and facts.last_modified_time != self.last_modified:
                facts = replace(facts, last_modified_time=self.last_modified)
            self._view = JobView(
                account_id=account_id,
                region=region,
                name=self.spec.name,
                labels=self.spec.labels,
                facts=facts,
                failure=self.failure,
                attempted=self.attempted,
                last_success=self.last_success,
                next_describe=self.next_describe,
                tags=self.tags,
                spend=self.spend,
                budget=self.spec.budget,
                account_name=account_names.get(account_id),
                history=self.history,
            )
        return self._view

    @property
    def discovered(self) -> bool:
        """Whether a rule found it, and not the configuration names it."""
        return self.spec.source != LISTED

    @property
    def running(self) -> bool:
        """Whether its last describe was good and said that it has not ended."""
        return self.failure is None and self.facts is not None and not self.facts.terminal

    @property
    def missing(self) -> bool:
        """Whether its last describe said that there is no such tuning job."""
        return self.failure is not None and self.failure.code is ErrorCode.NOT_FOUND

    @property
    def resting(self) -> bool:
        """Whether it has ended and its last describes are over."""
        ended = self.failure is None and self.facts is not None and self.facts.terminal
        return ended and self.rests_left == 0

    @property
    def ended(self) -> float | None:
        """When it ended (Unix seconds), by its last describe or, where that fails, by a list; None while it runs."""
        if self.facts is not None and self.facts.ended is not None:
            return self.facts.ended
        listed = self._listed_now
        return listed.ended if self.failure is not None and listed is not None else None

    def goes_at(self, retention: float, now: Instant) -> float | None:
        """Return when a discovered job that ended goes, on the clock of ``due``; None while it stays."""
        ended = self.ended if self.discovered else None
        return None if ended is None else now.monotonic + ended + retention - now.wall

    def is_elsewhere(self, spec: JobSpec) -> bool:
        """Tell whether the configuration now names another account: what is known is about another tuning job then."""
        if spec.account_id in {None, self.spec.account_id}:
            return False
        return self.facts is None or self.facts.account_id != spec.account_id
