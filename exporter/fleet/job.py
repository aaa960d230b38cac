"""What a target knows about one tuning job. Only the methods of ``Job`` change its fields."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.config.specs import LISTED
from exporter.errors import ErrorCode
from exporter.fleet.history import remembered
from exporter.fleet.schedule import DESCRIBES_AT_END
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
    """What a target knows about one tuning job.

    ``due``, ``owed`` and ``described`` are monotonic seconds, other times are Unix seconds.

    ``due`` is when the next describe is to be made. ``owed`` is when the values should be confirmed; they are stale
    ``stale_after`` later. Only a successful describe, or a list that shows no change, moves ``owed`` to a later time.
    ``described`` is when the last successful describe began. ``retrying`` is True if the next describe comes before the next
    round. ``created`` is the creation time, 0 while it is not known. ``listed`` is the last entry on a list. ``describes_left``
    counts the describes that must still show the end, one in each interval, before it rests. ``history`` has the last calls, packed
    by the module ``history``. The other fields are those of JobView.
    """

    spec: JobSpec
    due: float
    owed: float
    next_describe: float
    created: float = 0.0
    listed: Summary | None = None
    facts: TuningJob | None = None
    failure: Failure | None = None
    describes_left: int = DESCRIBES_AT_END
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
        """Return a new tuning job that is due at once. ``listed`` is its entry on a list, if it has been listed."""
        created = (listed.creation_time if listed is not None else None) or 0.0
        return cls(spec, now.monotonic, now.monotonic, now.wall, created, listed)

    @property
    def key(self) -> str:
        """The name, independent of case, because names in AWS are unique without case."""
        return name_key(self.spec.name)

    def configure(self, spec: JobSpec) -> None:
        """Use a new configuration."""
        self.spec = spec
        self._view = None

    def plan(self, due: float, now: Instant) -> None:
        """Plan the next describe for ``due``. This may move ``owed`` to an earlier time, never to a later one."""
        self.due = due
        self.owed = min(self.owed, due)
        self.next_describe = now.wall + due - now.monotonic
        self._view = None

    def settle(self, due: float, owed: float, now: Instant) -> None:
        """Plan the next describe after the values were confirmed. ``owed`` is when they should next be confirmed."""
        self.owed = owed
        self.plan(due, now)

    def retry(self, due: float, now: Instant) -> None:
        """Plan a describe before the next round, after a failure."""
        self.retrying = True
        self.plan(due, now)

    def confirm(self, owed: float) -> None:
        """Note that a list shows no change. The values are next owed at ``owed``, or at ``due`` if that is sooner."""
        self.owed = max(self.owed, min(owed, self.due))

    def succeed(self, facts: TuningJob, started: float, now: Instant) -> bool:
        """Store a successful describe that began at ``started``. Return whether the job now rests. Call ``settle`` next."""
        if self.facts is not None and self.facts.creation_time != facts.creation_time:
            self.describes_left = DESCRIBES_AT_END  # another tuning job with the same name
        if (
            self.facts != facts
        ):  # equal facts are kept, so that they are not in memory twice while the old ones are served
            self.facts = facts
        self.failure = None
        self.attempted = True
        self.last_success = now.wall
        self.described = started
        if not same_moment(self.created, facts.creation_time):  # else keep that of lists, which limits compare
            self.created = facts.creation_time or self.created
        self.retrying = False
        if not facts.terminal:
            self.describes_left = DESCRIBES_AT_END
        elif self.describes_left > 0:
            self.describes_left -= 1
        return self.resting

    def fail(self, failure: Failure) -> None:
        """Store a failed describe. Call ``plan`` or ``retry`` next."""
        self.failure = failure
        self.attempted = True
        self.retrying = False
        if failure.code is ErrorCode.NOT_FOUND:
            self.facts = None
            self.describes_left = DESCRIBES_AT_END  # if the name comes back, it is another tuning job

    def note_listed(self, summary: Summary) -> bool:
        """Store the entry of a list, and return whether the view changes."""
        before = self.last_modified
        self.listed = summary
        if self.last_modified == before:
            return False
        self._view = None
        return True

    def tag(self, tags: Mapping[str, str]) -> bool:
        """Store the tags that become labels, by label name, and return whether they have changed."""
        if tags == self.tags:
            return False
        self.tags = tags
        self._view = None
        return True

    def spent(self, spend: Spend | None) -> bool:
        """Store the sums over its training jobs, and return whether they have changed."""
        if spend == self.spend:
            return False
        self.spend = spend
        self._view = None
        return True

    def called(self, operation: Operation, code: ErrorCode | None, seconds: float, now: Instant) -> None:
        """Add a call to the history. ``seconds`` is how long it took; ``code`` is why it failed, None if it succeeded."""
        self.history = remembered(self.history, operation, code, now.wall, seconds)
        self._view = None

    def redraw(self) -> None:
        """Make the view anew, because something of the target that it shows has changed."""
        self._view = None

    @property
    def last_modified(self) -> float | None:
        """LastModifiedTime of the newer answer. It changes about every 10 s while the tuning job runs."""
        if self.facts is None:
            return None
        times = [answer.last_modified_time for answer in (self.facts, self._listed_now) if answer is not None]
        return max((time for time in times if time is not None), default=None)

    @property
    def _listed_now(self) -> Summary | None:
        """The entry on a list, if it is about the tuning job that was described last and not another with the same name."""
        if self.listed is None or self.facts is None:
            return self.listed
        return self.listed if same_moment(self.listed.creation_time, self.facts.creation_time) else None

    def view(self, region: str, account_id: str | None, account_names: Mapping[str, str] = NAMELESS) -> JobView:
        """Return the view, made again only if something has changed. ``account_id`` is used if the job itself has none."""
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
        """Whether a rule found it. Otherwise the configuration lists it by name."""
        return self.spec.source != LISTED

    @property
    def running(self) -> bool:
        """Whether its last describe succeeded and says that it has not ended."""
        return self.failure is None and self.facts is not None and not self.facts.terminal

    @property
    def missing(self) -> bool:
        """Whether its last describe says that there is no such tuning job."""
        return self.failure is not None and self.failure.code is ErrorCode.NOT_FOUND

    @property
    def resting(self) -> bool:
        """Whether it has ended and the describes at its end have been made. Then it is described once a day."""
        ended = self.failure is None and self.facts is not None and self.facts.terminal
        return ended and self.describes_left == 0

    @property
    def ended(self) -> float | None:
        """When it ended (Unix seconds), from the last describe or, if that failed, from a list. None while it runs."""
        if self.facts is not None and self.facts.ended is not None:
            return self.facts.ended
        listed = self._listed_now
        return listed.ended if self.failure is not None and listed is not None else None

    def goes_at(self, retention: float, now: Instant) -> float | None:
        """Return when the retention of an ended discovered job is over (monotonic seconds). None if it has not ended."""
        ended = self.ended if self.discovered else None
        return None if ended is None else now.monotonic + ended + retention - now.wall

    def is_elsewhere(self, spec: JobSpec) -> bool:
        """Return whether the configuration now names another account. Then what is known is about another tuning job."""
        if spec.account_id in {None, self.spec.account_id}:
            return False
        return self.facts is None or self.facts.account_id != spec.account_id
