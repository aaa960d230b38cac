"""How many tuning jobs rules may watch. Beyond a limit only the newest are watched, and the others are counted."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from exporter.config.specs import LISTED
from exporter.fleet import events, rules
from exporter.fleet.events import Forget, Watch
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from exporter.config.specs import RuleSpec, TargetSpec
    from exporter.fleet.events import Decision
    from exporter.fleet.jobs import Jobs
    from exporter.telemetry import Telemetry
    from exporter.tuning_job import Summary

_Member = tuple[float, str]
"""When a tuning job was created (Unix seconds), and its key."""


class Limits:
    """Decides which of the tuning jobs that rules find are watched, by ``max_jobs`` and ``max_tracked_jobs``."""

    def __init__(self, spec: TargetSpec, jobs: Jobs, telemetry: Telemetry) -> None:
        self._spec = spec
        self._jobs = jobs
        self._telemetry = telemetry
        self._left_out: defaultdict[str, set[str]] = defaultdict(set)

    def reload(self, spec: TargetSpec) -> None:
        """Use a new configuration. Call ``enforce`` afterwards to apply it to the tuning jobs that are already watched."""
        self._spec = spec

    def forget(self, rule: str) -> None:
        """Forget which tuning jobs were left out of a rule."""
        self._left_out.pop(rule, None)

    def keep_only(self, untracked: Collection[str]) -> None:
        """Keep only these names (``name_key``) among those left out: the others have ended or are watched now."""
        for left_out in self._left_out.values():
            left_out.intersection_update(untracked)

    @property
    def left_out(self) -> tuple[int, ...]:
        """The number of tuning jobs that a limit leaves out, for each rule that ever had some."""
        return tuple(map(len, self._left_out.values()))

    @property
    def matched(self) -> Mapping[str, int]:
        """The number of tuning jobs that each rule matches: those watched and those that a limit leaves out."""
        watched = Counter(job.spec.source for job in self._jobs)
        return {rule.name: watched[rule.name] + len(self._left_out.get(rule.name, ())) for rule in self._spec.rules}

    def enforce(self) -> list[Decision]:
        """Return which tuning jobs to stop watching because a limit is now lower, the oldest first."""
        return self.admit({}, frozenset())

    def admit(self, found: Mapping[str, Sequence[Summary]], going: AbstractSet[str]) -> list[Decision]:
        """Return which of the tuning jobs that each rule found to watch, and which to stop watching.

        ``going`` has the names of watched tuning jobs that will not be watched any more: they do not count.
        """
        decisions: list[Decision] = []
        members: defaultdict[str, list[_Member]] = defaultdict(list)
        for job in self._jobs:
            if job.spec.name not in going:
                members[job.spec.source].append((job.created, job.key))
        for rule in self._spec.rules:
            new = {name_key(summary.name): summary for summary in found.get(rule.name, ())}
            entries = [*members[rule.name], *((each.creation_time or 0.0, key) for key, each in new.items())]
            others = sum(len(each) for source, each in members.items() if source not in {rule.name, LISTED})
            free = self._spec.max_tracked_jobs - len(self._spec.jobs) - others
            limit, least = min((rule.max_jobs, "max_jobs"), (free, "max_tracked_jobs"))
            kept = rules.newest(entries, limit)
            decisions += self._displaced(rule, entries, kept, least)
            names = {key for _, key in kept}
            decisions += [Watch(rules.job_spec(rule, each.name), each) for key, each in new.items() if key in names]
            members[rule.name] = kept
        return decisions

    def _displaced(
        self, rule: RuleSpec, entries: Iterable[_Member], kept: Iterable[_Member], limit: str
    ) -> Iterator[Decision]:
        """Yield the decisions and log lines for tuning jobs that a limit removes or leaves out."""
        names, left_out = {key for _, key in kept}, self._left_out[rule.name]
        too_many = {key for _, key in entries} - names
        if new := too_many - left_out:
            self._telemetry.jobs_left_out.labels(self._spec.name, rule.name).inc(len(new))
            if not left_out:
                yield events.of_limit(self._spec, rule.name, limit, len(new))
        for others in self._left_out.values():
            others.difference_update(too_many)
        self._left_out[rule.name] = (left_out | too_many) - names
        for key in sorted(too_many):
            if (job := self._jobs.get(key)) is not None:
                yield Forget(job.spec.name)
                yield events.of_dismissal(self._spec, job.spec.name, rule.name)
