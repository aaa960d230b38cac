"""Finds tuning jobs by rules: which lists to read, and which tuning jobs on them to watch."""

from __future__ import annotations

import math
from collections import defaultdict
from typing import TYPE_CHECKING

from exporter.fleet import events, rules
from exporter.fleet.events import Forget
from exporter.fleet.limits import Limits
from exporter.fleet.lists import RUNNING, SWEEP, Kind, Purpose
from exporter.fleet.running import MAX_PAGES
from exporter.fleet.schedule import REFUSED_PAUSE
from exporter.statuses import IN_PROGRESS
from exporter.tuning_job import Summary, name_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import JobSpec, RuleSpec, TargetSpec
    from exporter.fleet.events import Decision, Event
    from exporter.fleet.job import Job
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.lists import Listing, Lists
    from exporter.fleet.running import Running
    from exporter.fleet.tags import TagListings
    from exporter.telemetry import Telemetry

_LATER_PERIOD = 300.0
# A tuning job may appear on lists somewhat after its creation, and clocks differ.
_OVERLAP = 300.0

_GONE = "discovered tuning job no longer exists; its series end"


class Finder:
    """A reader of lists. It returns decisions: which tuning jobs to watch, and which to stop watching."""

    def __init__(
        self, spec: TargetSpec, jobs: Jobs, lists: Lists, running: Running, tags: TagListings, telemetry: Telemetry
    ) -> None:
        self.limits = Limits(spec, jobs, telemetry)
        self._spec = spec
        self._jobs = jobs
        self._lists = lists
        self._running = running
        self._tags = tags
        self._telemetry = telemetry
        self._begun: dict[str, float] = {}
        self._pending_rules: set[str] = set()
        self._listed = False
        self._later_due = 0.0
        self._leaving: dict[str, Summary] = {}
        self._waiting: dict[str, Summary] = {}
        # Look-ups that were not read to their end, and until when they are not repeated.
        self._endless: dict[str, float] = {}
        self._counted = (-math.inf, 0)
        self._untracked = 0

    def untracked(self, now: Instant) -> int | None:
        """Return how many running tuning jobs are not watched. None if there is no recent and complete list."""
        running = self._running.jobs
        if running is None or not self._running.whole or now.monotonic >= self.untracked_until:
            return None
        counted = self._running.listed_at, self._jobs.comings
        if self._counted != counted:  # cached, because this is called for each answer
            self._counted, self._untracked = counted, sum(key not in self._jobs for key in running)
        return self._untracked

    @property
    def untracked_until(self) -> float:
        """Until when ``untracked`` returns a number, if there is no new list (monotonic seconds)."""
        return self._running.listed_at + self._spec.stale_after

    @property
    def matched(self) -> tuple[tuple[str, int], ...]:
        """How many tuning jobs each rule matches. A rule without matches is left out until its first lists have been read."""
        return tuple(
            (rule, number) for rule, number in self.limits.matched.items() if number or rule not in self._pending_rules
        )

    @property
    def pending_rules(self) -> int:
        """The number of rules for which it is not known yet whether they match any tuning job."""
        return len(self._pending_rules)

    def reload(self, spec: TargetSpec, before: TargetSpec | None, now: Instant) -> None:
        """Use a new configuration. Rules that changed begin again with their first lists."""
        self._spec = spec
        self.limits.reload(spec)
        self._listed = False
        earlier = {rule.name: rule for rule in before.rules} if before is not None else {}
        changed = {rule.name for rule in spec.rules if rule != earlier.get(rule.name)}
        wider = before is not None and (
            spec.retention > before.retention or spec.max_tracked_jobs > before.max_tracked_jobs
        )
        if wider:
            changed = {rule.name for rule in spec.rules}
        for rule in earlier.values():
            if rule not in spec.rules or rule.name in changed:
                self._forget_rule(rule)
        for rule in spec.rules:
            if rule.name in changed:
                self._look_back(rule, now)
        for name in earlier.keys() - {rule.name for rule in spec.rules}:
            self._telemetry.forget_rule(spec.name, name)
        if earlier and not spec.rules:
            self._leaving, self._waiting = {}, {}
            for purpose in (*self._lists, RUNNING):
                if purpose != SWEEP:
                    self._lists.drop(purpose)

    def _forget_rule(self, rule: RuleSpec) -> None:
        self._begun.pop(rule.name, None)
        self._pending_rules.discard(rule.name)
        self.limits.forget(rule.name)
        for purpose in (*self._lists, Purpose(Kind.LATER, rule.name)):
            if purpose.rule == rule.name:
                self._lists.forget(purpose)

    def _look_back(self, rule: RuleSpec, now: Instant) -> None:
        self._begun[rule.name] = now.wall
        self._pending_rules.add(rule.name)
        for filters in rules.first_lists(rule, self._spec.retention, now):
            purpose = Purpose(Kind.FIRST, rule.name, filters.get("StatusEquals", ""))
            self._lists.plan(purpose, filters, now.monotonic, MAX_PAGES)

    def _looks_back(self, rule: str) -> bool:
        return any(purpose.kind is Kind.FIRST and purpose.rule == rule for purpose in self._lists)

    def spec_after_reload(self, job: Job, before: Iterable[RuleSpec]) -> JobSpec | None:
        """Return the new configuration of a watched tuning job, None if no rule matches it any more.

        ``before`` has the previous rules. While the tags of the tuning job are not known, the rule that found it still matches,
        if its conditions on tags have not changed.
        """
        asked, summary = {rule.name: (rule.tags, rule.exclude) for rule in before}, _summary_of(job)
        if self._is_elsewhere(summary):
            return None
        for rule in self._spec.rules:
            if summary is None:
                if rule.name == job.spec.source:
                    return rules.job_spec(rule, job.spec.name)
                continue
            # Once watched, it stays watched when its status or age no longer matches.
            wanted = rules.wants(rule, summary, self._tags.known)
            if wanted is None and rule.name == job.spec.source and (rule.tags, rule.exclude) == asked.get(rule.name):
                wanted = True
            if wanted:
                return rules.job_spec(rule, job.spec.name)
        return None

    def dismissed(self, job: Job, now: Instant) -> None:
        """Plan to read the tags of a job that was watched, if a rule may match them. Lists may not show this job again."""
        summary = _summary_of(job)
        if summary is not None and not self._is_elsewhere(summary) and self._match(summary, now).tags_needed:
            self._waiting[job.key] = summary
            self._tags.ask(summary, now)

    def _is_elsewhere(self, summary: Summary | None) -> bool:
        """Return whether the configuration now names another account than that of a tuning job."""
        return summary is not None and self._spec.account_id not in {None, summary.account_id}

    def begin_round(self, now: Instant) -> None:
        """Plan the lists that rules need in this round, apart from that of running tuning jobs."""
        self._endless = {key: until for key, until in self._endless.items() if until > now.monotonic}
        for key, summary in [*self._leaving.items(), *self._unseen()]:
            if key in self._endless:
                continue
            self._lists.plan(Purpose(Kind.LOOKUP, about=key), rules.lookup(summary), now.monotonic, MAX_PAGES)
        if now.monotonic < self._later_due:
            return
        self._later_due = now.monotonic + max(_LATER_PERIOD, self._spec.interval) - self._spec.interval / 2
        for rule in self._spec.rules:
            since = self._begun.get(rule.name)
            purpose = Purpose(Kind.LATER, rule.name)
            # A list that is still waiting has filters that reach back further.
            if since is None or self._looks_back(rule.name) or purpose in self._lists:
                continue
            for filters in rules.later_lists(rule, since - _OVERLAP):
                self._lists.plan(purpose, filters, now.monotonic, MAX_PAGES)
            self._begun[rule.name] = now.wall

    def _unseen(self) -> Iterator[tuple[str, Summary]]:
        """Yield discovered tuning jobs that cannot be described and are no longer on the list of running ones."""
        for job in self._jobs:
            lost = job.discovered and job.failure is not None and job.ended is None
            if lost and job.listed is not None and self._running.has_left(job.key, job.listed):
                yield job.key, job.listed

    def listed(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        """Handle the result of a list."""
        if listing.failure is not None:
            return []
        self._listed = True
        for key, summary in listing.summaries.items():
            if (job := self._jobs.get(key)) is not None:
                self._jobs.note_listed(job, summary)
        decisions: list[Decision] = []
        if (
            listing.unreadable and not listing.purpose.kind.repeats
        ):  # other lists are reported as long as they have such entries
            decisions.append(events.of_unreadable_entries(self._spec, listing.unreadable, listing.why))
        is_news = listing.purpose != SWEEP and not (listing.purpose == RUNNING and not self._running.whole)
        if not listing.whole and is_news:
            decisions.append(events.of_long_list(self._spec, listing.pages))
        if listing.purpose == RUNNING:
            decisions += self._take_running(listing, now)
        elif listing.purpose.kind is Kind.LOOKUP:
            decisions += self._looked_up(listing, now)
        elif listing.purpose == SWEEP:  # the other lists find those that have ended
            return decisions
        going = {decision.name for decision in decisions if isinstance(decision, Forget)}
        return decisions + self._consider(listing.summaries.values(), now, going)

    def _take_running(self, listing: Listing, now: Instant) -> list[Decision]:
        for key, summary in self._running.take(listing, now).items():
            if key in self._jobs or not self._running.has_left(key, summary):
                continue
            found = self._match(summary, now)
            if found.later or found.tags_needed:
                self._leaving[key] = summary
                self._waiting.pop(key, None)
        self.limits.keep_only({key for key in listing.summaries if key not in self._jobs})
        decisions: list[Decision] = [
            decision
            for job in self._jobs
            if job.discovered and job.missing and job.listed is not None and self._running.has_left(job.key, job.listed)
            for decision in self._stop_watching(job)
        ]
        self._waiting = {
            key: summary
            for key, summary in self._waiting.items()
            if self._match(summary, now).tags_needed and (key in listing.summaries or not self._tags.unfound(key))
        }
        in_use = (self._jobs, listing.summaries, self._leaving, self._waiting)
        decisions += [Forget(name) for name in self._tags.all_but(lambda key: any(key in each for each in in_use))]
        self._lists.hurry(now)
        return decisions

    def _stop_watching(self, job: Job) -> tuple[Forget, Event]:
        return Forget(job.spec.name), events.of_discovery(self._spec, job.spec.name, job.spec.source, _GONE)

    def described_as_missing(self, job: Job) -> Iterable[Decision]:
        """Return the decisions to stop watching a tuning job that does not exist. Empty if not discovered or still listed."""
        return self._stop_watching(job) if job.discovered and not self._running.shows(job.key) else ()

    def _looked_up(self, listing: Listing, now: Instant) -> Iterable[Decision]:
        key = listing.purpose.about
        summary = listing.summaries.get(key)
        absent = summary is None and listing.whole
        if summary is None or summary.terminal:  # so it is considered for the last time
            self._leaving.pop(key, None)
        if summary is None and not listing.whole:
            self._endless[key] = now.monotonic + REFUSED_PAUSE
        job = self._jobs.get(key)
        return (
            self._stop_watching(job)
            if absent and job is not None and job.discovered and job.failure is not None
            else ()
        )

    def _consider(
        self, summaries: Iterable[Summary], now: Instant, going: AbstractSet[str] = frozenset()
    ) -> list[Decision]:
        """Return which listed tuning jobs to watch, and which to stop watching because of a limit. ``going`` do not count."""
        wanted: defaultdict[str, list[Summary]] = defaultdict(list)
        for summary in summaries:
            key = name_key(summary.name)
            if key in self._jobs:
                self._leaving.pop(key, None)
                continue
            found = self._match(summary, now)
            if found.tags_needed:
                self._waiting[key] = summary
                self._tags.ask(summary, now)
            elif found.rule is not None:
                wanted[found.rule.name].append(summary)
            elif found.later and summary.status != IN_PROGRESS:
                self._leaving[key] = summary
        return self.limits.admit(wanted, going) if wanted else []

    def tags_known(self, now: Instant) -> list[Decision]:
        """Apply the rules again to tuning jobs whose tags are now known."""
        learned = [key for key in self._tags.take_learned() if key in self._waiting]
        known = [summary for key in learned if self._tags.known(summary := self._waiting[key]) is not None]
        for summary in known:
            del self._waiting[name_key(summary.name)]
        return self._consider(known, now) if known else []

    def empty_rules(self) -> list[Event]:
        """Return the lines about rules that match nothing, once, after their first lists have been read."""
        if not self._listed or not self._pending_rules or self._running.jobs is None or self._waiting:
            return []
        self._listed = False
        ready = {name for name in self._pending_rules if not self._looks_back(name)}
        self._pending_rules -= ready
        matched = self.limits.matched if ready else {}
        return [events.of_rule_without_jobs(self._spec, name) for name in sorted(ready) if not matched[name]]

    def _match(self, summary: Summary, now: Instant) -> rules.Match:
        return rules.match(self._spec.rules, summary, self._tags.known, self._spec.retention, now)


def _summary_of(job: Job) -> Summary | None:
    return Summary.of(job.facts) if job.facts is not None else job.listed
