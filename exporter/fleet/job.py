"""What a target knows of one tuning job."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.specs import LISTED
from exporter.fleet.schedule import RESTS_AFTER_END
from exporter.fleet.view import JobView

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Instant
    from exporter.config.specs import JobSpec
    from exporter.errors import Failure
    from exporter.tuning_job import TuningJob


@dataclass(slots=True)
class Job:
    """What a target knows of one tuning job. ``due`` and ``owed`` are monotonic seconds, the rest as in JobView.

    ``owed`` is when a successful describe was first due: it stays while attempts fail, and staleness counts from it.
    ``retrying`` tells that the next describe comes before the next round does. ``described`` is when the last good
    describe was made, on the clock of ``due``, and ``created`` when the tuning job was, as far as it is known.
    """

    spec: JobSpec
    due: float
    owed: float
    next_describe: float
    facts: TuningJob | None = None
    failure: Failure | None = None
    failures: int = 0
    rests_left: int = RESTS_AFTER_END
    attempted: bool = False
    last_success: float | None = None
    retrying: bool = False
    described: float = -math.inf
    created: float = 0.0
    in_flight: int | None = None
    view: JobView | None = None

    def show(self, region: str, account_id: str | None, tags: Mapping[str, str]) -> JobView:
        """Return the view of it; ``account_id`` is the target's, for want of one of its own."""
        return JobView(
            account_id=self.spec.account_id or account_id or "",
            region=region,
            name=self.spec.name,
            labels=self.spec.labels,
            facts=self.facts,
            failure=self.failure,
            attempted=self.attempted,
            last_success=self.last_success,
            next_describe=self.next_describe,
            tags=tags,
        )

    @property
    def discovered(self) -> bool:
        """Whether a rule found it, and not the configuration names it."""
        return self.spec.source != LISTED

    @property
    def running(self) -> bool:
        """Whether its last describe was good and said that it has not ended."""
        return self.failure is None and self.facts is not None and not self.facts.terminal

    @property
    def resting(self) -> bool:
        """Whether it has ended and its last describes are over."""
        ended = self.failure is None and self.facts is not None and self.facts.terminal
        return ended and self.rests_left == 0

    def goes_at(self, retention: float, now: Instant) -> float | None:
        """Return when a discovered job that ended goes, on the clock of ``due``; None while it stays."""
        if not self.discovered or self.facts is None or self.facts.ended is None:
            return None
        return now.monotonic + self.facts.ended + retention - now.wall

    def is_elsewhere(self, spec: JobSpec) -> bool:
        """Tell whether the configuration now names another account: what is known is about another tuning job then."""
        if spec.account_id in {None, self.spec.account_id}:
            return False
        return self.facts is None or self.facts.account_id != spec.account_id
