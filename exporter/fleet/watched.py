"""Which tuning jobs a target watches: from the configuration and from decisions, until they are forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.fleet.events import Event, Forget, Watch
from exporter.fleet.job import Job
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import RuleSpec, TargetSpec
    from exporter.fleet.events import Decision
    from exporter.fleet.finder import Finder
    from exporter.fleet.incidents import Incidents
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.polls import Polls
    from exporter.fleet.tags import TagListings
    from exporter.fleet.training_jobs import TrainingJobs


class Watched:
    """Adds, configures and removes the tuning jobs of one target, wherever something is known about them.

    Not thread-safe: used with the target's lock held.
    """

    def __init__(
        self,
        jobs: Jobs,
        finder: Finder,
        tags: TagListings,
        training_jobs: TrainingJobs,
        incidents: Incidents,
        polls: Polls,
    ) -> None:
        self._jobs = jobs
        self._finder = finder
        self._tags = tags
        self._training_jobs = training_jobs
        self._incidents = incidents
        self._polls = polls

    def reload(self, spec: TargetSpec, rules_before: Iterable[RuleSpec], now: Instant) -> None:
        """Watch what a new configuration asks for, after the sources and the finder use it. Those that stay keep their values."""
        wanted = {name_key(job.name): job for job in spec.jobs}
        for job in tuple(self._jobs):
            listed = wanted.get(job.key)
            if listed is not None and listed.name == job.spec.name and not job.is_elsewhere(listed):
                continue
            found = self._finder.spec_after_reload(job, rules_before) if listed is None else None
            if found is None:
                self.forget(job.spec.name, now)
                if listed is None:
                    self._finder.dismissed(job, now)
            else:
                self._jobs.configure(job, found)
        for job_spec in wanted.values():
            if (known := self._jobs.get(job_spec.name)) is None:
                self._jobs.add(Job.begun(job_spec, now))
            else:
                self._jobs.configure(known, job_spec)
        for job in self._jobs:
            self._tags.want(job, now)
            self._training_jobs.described(job, now)
        self._jobs.arrange(wanted)

    def carry_out(self, decisions: Iterable[Decision], now: Instant) -> tuple[Event, ...]:
        """Carry out decisions, and return the log lines."""
        lines: list[Event] = []
        for decision in decisions:
            if isinstance(decision, Watch):
                job = Job.begun(decision.spec, now, decision.listed)
                self._jobs.add(job)
                if decision.spec.tag_labels:
                    self._tags.ask(decision.listed, now)
                self._tags.want(job, now)
            elif isinstance(decision, Forget):
                self.forget(decision.name, now)
            else:
                lines.append(decision)
        return tuple(lines)

    def retire(self, retention: float, now: Instant) -> None:
        """Forget discovered jobs whose retention is over."""
        goes_at = self._jobs.goes_at(retention, now)
        if goes_at is not None and goes_at <= now.monotonic:
            for name in self._jobs.gone(retention, now):
                self.forget(name, now)

    def forget(self, name: str, now: Instant) -> None:
        """Stop watching a tuning job."""
        self._jobs.remove(name)
        self._tags.forget(name)
        self._training_jobs.forget(name)
        self._incidents.forget(name, now)
        self._polls.done(name_key(name), now)
