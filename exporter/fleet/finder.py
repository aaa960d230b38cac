"""Finding tuning jobs by rules: the lists that it takes, and what becomes of each job that they tell of."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from exporter.config.specs import LISTED, JobSpec
from exporter.fleet import discovery, events
from exporter.fleet.job import Job
from exporter.fleet.lists import Lists
from exporter.tuning_job import Summary, name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exporter.clock import Instant
    from exporter.config.specs import RuleSpec, TargetSpec
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Event
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.lists import Listing
    from exporter.fleet.tags import TagListings
    from exporter.fleet.work import Outcome, Work
    from exporter.telemetry import Telemetry

# Of lists that are due together it is read first: so it comes first in the alphabet.
RUNNING = "all running"
SWEEP = "sweep"
_FIRST, _LATER, _LOOKUP = "first", "later", "lookup"

# Chains of about 70 pages were seen to be throttled. The API lets 100 tuning jobs run at once in an account and region, but
# it may choose by status after it has cut the pages: then those that ended fill them too.
_MAX_PAGES = 50
_CLOCKS_DIFFER = 86_400.0
# What was created within seconds of a tuning job fits on one page; but pages may be short, or empty.
_LOOKUP_PAGES = 10
_LATER_PERIOD = 300.0
# What was created before it is sorted in a moment later, and clocks differ.
_OVERLAP = 300.0


class Finder:
    """Part of a target, under its lock. Times are monotonic seconds where nothing else is said."""

    def __init__(
        self,
        calls: Calls,
        jobs: Jobs,
        tags: TagListings,
        telemetry: Telemetry,
        forget: Callable[[str, Instant], None],
    ) -> None:
        self.lists = Lists(calls)
        self.running: Mapping[str, Summary] | None = None
        """By ``name_key`` what runs in the account and region, None until a list has told."""
        self.running_told = -math.inf
        self.running_pages = 1
        self._running_whole = True
        self._running_reaches = -math.inf
        self._jobs = jobs
        self._tags = tags
        self._telemetry = telemetry
        self._forget = forget
        self._begun: dict[str, float] = {}
        self._untold: set[str] = set()
        self._later_due = 0.0
        self._leaving: dict[str, Summary] = {}
        self._waiting: dict[str, Summary] = {}
        self._left_out: defaultdict[str, set[str]] = defaultdict(set)

    def untracked(self, spec: TargetSpec, now: Instant) -> int | None:
        """Return how many tuning jobs run that nobody watches, None when no list has told, or not all, or not lately."""
        if self.running is None or not self._running_whole or now.monotonic >= self.running_told + spec.stale_after:
            return None
        return sum(key not in self._jobs for key in self.running)

    def reload(self, spec: TargetSpec, before: TargetSpec | None, now: Instant) -> None:
        """Take a new configuration: jobs found earlier stay as far as a rule still wants them; new rules look back."""
        earlier = {rule.name: rule for rule in before.rules} if before is not None else {}
        changed = {rule.name for rule in spec.rules if rule != earlier.get(rule.name)}
        if before is not None and spec.retention > before.retention:
            changed = {rule.name for rule in spec.rules}
        for rule in earlier.values():
            if rule in spec.rules and rule.name not in changed:
                continue
            self._forget_rule(rule)
        for rule in spec.rules:
            if rule.name in changed:
                self._look_back(spec, rule, now)
            self._telemetry.jobs_left_out.labels(spec.name, rule.name)
        for name in earlier.keys() - {rule.name for rule in spec.rules}:
            self._telemetry.forget_rule(spec.name, name)
        if earlier and not spec.rules:
            self._leaving, self._waiting = {}, {}
            for key in self.lists:
                if key != SWEEP:
                    self.lists.drop(key)

    def matched(self, spec: TargetSpec) -> Mapping[str, int]:
        """Return how many tuning jobs each rule matches: those watched, and those that a limit keeps out."""
        watched = Counter(job.spec.source for job in self._jobs)
        return {rule.name: watched[rule.name] + len(self._left_out.get(rule.name, ())) for rule in spec.rules}

    def _tell_of_empty(self, spec: TargetSpec) -> list[Event]:
        """Return the rules that match nothing once all that they begin with was read."""
        if self.running is None:
            return []
        read = {rule.name for rule in spec.rules if not any(key.startswith(_key(_FIRST, rule)) for key in self.lists)}
        ready = self._untold & read if not self._waiting else set()
        self._untold -= ready
        matched = self.matched(spec) if ready else {}
        return [events.of_rule_without_jobs(spec, name) for name in sorted(ready) if not matched[name]]

    def _forget_rule(self, rule: RuleSpec) -> None:
        self._begun.pop(rule.name, None)
        self._untold.discard(rule.name)
        self._left_out.pop(rule.name, None)
        for key in self.lists:
            if key.startswith((_key(_FIRST, rule), _key(_LATER, rule))):
                self.lists.drop(key)

    def spec_after_reload(self, spec: TargetSpec, job: Job) -> JobSpec | None:
        """Return what the rules now say of a tuning job that is watched, None when nobody wants it any more."""
        for rule in spec.rules:
            summary = Summary.of(job.facts) if job.facts is not None else job.listed
            if summary is None:
                if rule.name == job.spec.source:
                    return discovery.job_spec(rule, job.spec.name)
                continue
            # To its end: neither its status nor its age makes it go.
            if discovery.fits(rule, summary) and discovery.carries(self._tags.known(summary) or {}, rule):
                return discovery.job_spec(rule, job.spec.name)
        return None

    def list_running(self, now: Instant) -> None:
        """Have the list read of all that runs."""
        oldest = now.wall - discovery.LONGEST_RUN - _CLOCKS_DIFFER
        filters = {"StatusEquals": discovery.RUNNING, **discovery.created_between(oldest, None)}
        self.lists.plan(RUNNING, filters, now.monotonic, _MAX_PAGES)

    def begin_round(self, spec: TargetSpec, now: Instant) -> None:
        """Have those other lists read that rules need in a round."""
        for key, summary in [*self._leaving.items(), *self._unseen()]:
            self.lists.plan(f"{_LOOKUP} {key}", discovery.lookup(summary), now.monotonic, _LOOKUP_PAGES)
        if now.monotonic < self._later_due:
            return
        self._later_due = now.monotonic + max(_LATER_PERIOD, spec.interval) - spec.interval / 2
        for rule in spec.rules:
            since = self._begun.get(rule.name)
            if since is None or any(key.startswith(_key(_FIRST, rule)) for key in self.lists):
                continue
            key = _key(_LATER, rule)
            if key in self.lists:
                continue  # with filters that reach back further
            for filters in discovery.later_lists(rule, since - _OVERLAP):
                self.lists.plan(key, filters, now.monotonic, _MAX_PAGES)
            self._begun[rule.name] = now.wall

    def _unseen(self) -> Iterator[tuple[str, Summary]]:
        """Yield the discovered tuning jobs that may not be described and have left the list of what runs."""
        for job in self._jobs:
            lost = job.discovered and job.failure is not None and job.ended is None
            if lost and job.listed is not None and self._has_left(job.key, job.listed):
                yield job.key, job.listed

    def shows(self, key: str) -> bool:
        """Tell whether the last list of what runs shows a tuning job, whatever a describe says."""
        return self.running is not None and key in self.running

    def _has_left(self, key: str, summary: Summary) -> bool:
        if self.running is None or key in self.running:
            return False
        return (summary.creation_time or 0.0) >= self._running_reaches

    def _look_back(self, spec: TargetSpec, rule: RuleSpec, now: Instant) -> None:
        self._begun[rule.name] = now.wall
        self._untold.add(rule.name)
        for filters in discovery.first_lists(rule, spec.retention, now.wall):
            key = _key(_FIRST, rule) + filters.get("StatusEquals", "")
            self.lists.plan(key, filters, now.monotonic, _MAX_PAGES)

    def apply(self, spec: TargetSpec, work: Work, outcome: Outcome, now: Instant) -> tuple[Listing | None, list[Event]]:
        """Take what came of a page. Return the list that it ended, if it did, and what is worth a log line."""
        listing = self.lists.apply(work, outcome, spec.interval, now.monotonic)
        if listing is None or listing.failure is not None:
            return listing, []
        told: list[Event] = []
        for key, summary in listing.summaries.items():
            if (job := self._jobs.get(key)) is not None:
                self._jobs.hear(job, summary)
        if not listing.whole and listing.key != SWEEP and not (listing.key == RUNNING and not self._running_whole):
            told.append(events.of_long_list(spec, listing.pages))
        if listing.key == RUNNING:
            told += self._take_running(spec, listing, now)
        elif listing.key.startswith(_LOOKUP):
            told += self._looked_up(spec, listing, now)
        told += self.consider(spec, listing.summaries.values(), now)
        return listing, told + self._tell_of_empty(spec)

    def _take_running(self, spec: TargetSpec, listing: Listing, now: Instant) -> list[Event]:
        before, running = self.running or {}, listing.summaries
        self.running, self.running_told, self.running_pages = running, now.monotonic, listing.pages
        self._running_whole, self._running_reaches = listing.whole, listing.reaches
        for key, summary in before.items():
            if key in self._jobs or not self._has_left(key, summary):
                continue
            found = self._match(spec, summary, now)
            if found.later or found.tags_needed:
                self._leaving[key] = summary
                self._waiting.pop(key, None)
        for left_out in self._left_out.values():
            left_out.intersection_update(running)
        told = [
            self._let_go(spec, job, now)
            for job in tuple(self._jobs)
            if job.discovered and job.missing and job.listed is not None and self._has_left(job.key, job.listed)
        ]
        self._waiting = {
            key: summary for key, summary in self._waiting.items() if self._match(spec, summary, now).tags_needed
        }
        in_use = (self._jobs, running, self._leaving, self._waiting)
        self._tags.keep_only(lambda key: any(key in each for each in in_use))
        self.lists.hurry(now.monotonic)
        return told

    def _let_go(self, spec: TargetSpec, job: Job, now: Instant) -> Event:
        self._forget(job.spec.name, now)
        return events.of_discovery(spec, job.spec.name, job.spec.source, "discovered tuning job is gone")

    def _looked_up(self, spec: TargetSpec, listing: Listing, now: Instant) -> list[Event]:
        key = listing.key.removeprefix(f"{_LOOKUP} ")
        summary = listing.summaries.get(key)
        absent = summary is None and listing.whole
        if absent or (summary is not None and summary.terminal):  # to be considered, then, for the last time
            self._leaving.pop(key, None)
        job = self._jobs.get(key)
        if absent and job is not None and job.discovered and job.failure is not None:
            return [self._let_go(spec, job, now)]
        return []

    def consider(self, spec: TargetSpec, summaries: Iterable[Summary], now: Instant) -> list[Event]:
        """Watch those tuning jobs that a rule wants, and return what is worth a log line."""
        wanted: defaultdict[str, list[Summary]] = defaultdict(list)
        for summary in summaries:
            key = name_key(summary.name)
            if key in self._jobs:
                self._leaving.pop(key, None)
                continue
            found = self._match(spec, summary, now)
            if found.tags_needed:
                self._waiting[key] = summary
                self._tags.wonder(summary, now.monotonic)
            elif found.rule is not None:
                wanted[found.rule.name].append(summary)
            elif found.later and summary.status != discovery.RUNNING:
                self._leaving[key] = summary
        if not wanted:
            return []
        return [event for rule in spec.rules for event in self._admit(spec, rule, wanted.get(rule.name, []), now)]

    def tags_known(self, spec: TargetSpec, now: Instant) -> list[Event]:
        """Consider those tuning jobs again that waited for their tags."""
        told = [summary for summary in self._waiting.values() if self._tags.known(summary) is not None]
        for summary in told:
            del self._waiting[name_key(summary.name)]
        return self.consider(spec, told, now)

    def _match(self, spec: TargetSpec, summary: Summary, now: Instant) -> discovery.Match:
        return discovery.match(spec.rules, summary, self._tags.known, spec.retention, now.wall)

    def enforce_limits(self, spec: TargetSpec, now: Instant) -> list[Event]:
        """Let tuning jobs go that are too many for the configuration now, the oldest first."""
        return [event for rule in spec.rules for event in self._admit(spec, rule, [], now)]

    def _admit(self, spec: TargetSpec, rule: RuleSpec, found: Iterable[Summary], now: Instant) -> list[Event]:
        """Watch what a rule found, the newest of it where a limit bites; of those that are watched the oldest go."""
        found_by_key = {name_key(summary.name): summary for summary in found}
        told: list[Event] = []
        members = [job for job in self._jobs if job.spec.source == rule.name]
        others = sum(job.spec.source not in {rule.name, LISTED} for job in self._jobs)
        limit, least = min(
            (rule.max_jobs, "max_jobs"), (spec.max_tracked_jobs - len(spec.jobs) - others, "max_tracked_jobs")
        )
        entries = [(job.created, job.key) for job in members]
        entries += [(summary.creation_time or 0.0, key) for key, summary in found_by_key.items()]
        kept = {key for _, key in discovery.newest(entries, limit)}
        left_out = self._left_out[rule.name]
        new = {key for _, key in entries} - kept - left_out
        if new:
            self._telemetry.jobs_left_out.labels(spec.name, rule.name).inc(len(new))
            if not left_out:
                told.append(events.of_limit(spec, rule.name, least, len(new)))
        left_out |= new
        left_out -= kept
        for job in members:
            if job.key not in kept:
                self._forget(job.spec.name, now)
                told.append(events.of_dismissal(spec, job.spec.name, rule.name))
        for key, summary in found_by_key.items():
            if key in kept:
                self._watch(rule, summary, now)
        return told

    def _watch(self, rule: RuleSpec, summary: Summary, now: Instant) -> None:
        spec = discovery.job_spec(rule, summary.name)
        created = summary.creation_time or 0.0
        job = Job(spec, now.monotonic, now.monotonic, now.wall, created=created, listed=summary)
        self._jobs.add(job)
        if spec.tag_labels:
            self._tags.wonder(summary, now.monotonic)
        self._tags.want(summary.name, spec.tag_labels, None, now.monotonic)


def _key(purpose: str, rule: RuleSpec) -> str:
    return f"{purpose} {rule.name!r} "
