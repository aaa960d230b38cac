"""Estimates the cost of a configuration: simulates a day of a stand-in, with the code of the daemon and a skipping clock."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from exporter.cli.stand_in import Expected, StandIn, planned
from exporter.clock import SkippingClock
from exporter.exposition import Format, TargetCollector, families_in_force, scrape
from exporter.exposition.publish import publish
from exporter.fleet import JobState, Target, perform
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from exporter.config import Settings
    from exporter.config.specs import TargetSpec
    from exporter.fleet import TargetView

HOURS = 24

# After this many calls, and when the start is over, the rest of the day is assumed to be the same. Calls that are made once a
# day, such as reading tags again, are then left out, because they are few in comparison.
_ENOUGH_CALLS = 20_000
_STARTS_IN, _LEAST_WINDOW = 3, 300.0
_CALLS_AT_START = 5  # for each tuning job: one describe, three more after its end, one for everything else
_HOUR = 3_600.0
_DAY = HOURS * _HOUR
_START = 2.0**30
_MOST_RUNNING = 100
_USUAL_CHANGES = 0.02

# In MB. Measured by `make bench`, which also compares the result with daemons: see docs/performance.md.
_AT_REST = 69.0
_OF_A_JOB = 0.0053
_OF_A_TARGET = 0.038
_OF_AN_OPT_IN_SERIES = 0.00055
_OF_A_TRAINING_JOB = 0.0000366


@dataclass(frozen=True, slots=True)
class TargetCost:
    """The cost of one account and region. ``an_hour`` is the average of the day, ``most_in_an_hour`` that of its busiest hour.

    ``budget_an_hour`` is the number of calls that ``requests_per_second`` allows. ``waited`` is the share of the day in which
    calls were due but waited for the budget.
    """

    target: str
    region: str
    account_id: str | None
    tuning_jobs: int
    running: int
    changes_per_minute: float
    an_hour: Mapping[str, float]
    most_in_an_hour: int
    budget_an_hour: float
    waited: float


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of a configuration. ``memory`` is in MB (1,000,000 bytes)."""

    tuning_jobs: int
    running: int
    series: int
    own_series: int
    memory: float
    targets: tuple[TargetCost, ...]


def expected(spec: TargetSpec, jobs: int | None, running: int | None, changes: float | None) -> Expected:
    """Return what to expect of a target. Default: all that its rules may watch, and as many running ones as AWS allows."""
    may_watch = len(spec.jobs) + sum(rule.max_jobs for rule in spec.rules)
    if jobs is None or not spec.rules:
        jobs = min(may_watch, max(len(spec.jobs), spec.max_tracked_jobs))
    jobs = max(jobs, len(spec.jobs))
    running = min(jobs, _MOST_RUNNING if running is None else running)
    return Expected(jobs, running, usual_changes(running) if changes is None else changes)


def usual_changes(running: int) -> float:
    """Return the default number of running tuning jobs that change per minute."""
    return _USUAL_CHANGES * running


class _Day:
    """A target and its stand-in."""

    def __init__(self, spec: TargetSpec, wanted: Expected, telemetry: Telemetry) -> None:
        self.spec = spec
        self.clock = SkippingClock(_START)
        self.target = Target(planned(spec), telemetry, self.clock.now())
        self.calls: Counter[str] = Counter()
        self.most_in_an_hour = 0
        self._hours: Counter[int] = Counter()
        self._expected = wanted
        self._api = StandIn(spec, wanted, self.clock)

    def run_whole(self, on_step: Callable[[], object]) -> None:
        """Simulate the whole day, and count its calls."""
        window = self._window
        passed, before = 0.0, self.calls.copy()
        while passed < _DAY:
            before = self.calls.copy()
            until = min(_DAY, passed + window)
            self.run(until)
            window, passed = until - passed, until
            on_step()
            if passed >= _STARTS_IN * window and self.calls.total() >= _ENOUGH_CALLS:
                break
        self._go_on(passed, window, self.calls - before)

    @property
    def start(self) -> float:
        """The seconds until everything has been read once and all series exist."""
        spec = self.spec
        reads = _CALLS_AT_START * self._expected.jobs / spec.requests_per_second
        return min(_DAY, max(_LEAST_WINDOW, 3 * spec.interval, reads))

    @property
    def _window(self) -> float:
        """The seconds that are representative for the rest of the day: they include everything that repeats within an hour."""
        spec = self.spec
        return min(_DAY, max(spec.describe_max_age, 10 * spec.interval, self.start))

    def _go_on(self, passed: float, window: float, last: Counter[str]) -> None:
        """Add the calls for the rest of the day, extrapolated from the last window."""
        left = (_DAY - passed) / window
        if left > 0:
            self.calls.update({operation: round(calls * left) for operation, calls in last.items()})
            an_hour = last.total() * _HOUR / window
            self._hours[int(passed // _HOUR)] += round(an_hour * (1.0 - passed % _HOUR / _HOUR))
            self._hours[HOURS] = round(an_hour)
        self.most_in_an_hour = max(self._hours.values(), default=0)

    def run(self, until: float) -> None:
        """Make all calls that are due before ``until`` (monotonic seconds)."""
        while (now := self.clock.now()).monotonic < until:
            self.target.expire(now)
            while (work := self.target.next(self.clock.now())) is not None:
                self.calls[work.operation] += 1
                self._hours[int(now.monotonic // _HOUR)] += 1
                self.target.apply(work, perform(self._api, work), self.clock.now())
            wakes_at = self.target.wakes_at(self.clock.now())
            self.clock.skip_to(until if wakes_at is None else min(until, max(wakes_at, now.monotonic + 1e-6)))

    @property
    def view(self) -> TargetView:
        """The present view."""
        return self.target.view(self.clock.now())


def cost(
    settings: Settings,
    wanted: Mapping[str, Expected],
    on_step: Callable[[], object],
    views: Sequence[TargetView] = (),
) -> Cost:
    """Return the cost of a configuration. ``wanted`` says by name what to expect of each target.

    ``views`` are the real views, if they are known. Then the series are counted from these. If targets are alike, only the day of
    the first one is simulated.
    """
    telemetry = Telemetry()
    days: list[_Day] = []
    first: dict[object, _Day] = {}
    for spec in settings.targets:
        day = _Day(spec, wanted[spec.name], telemetry)
        same = first.setdefault(_kind(spec, wanted[spec.name]), day)
        if same is day:
            day.run_whole(on_step)
        else:
            day.run(day.start)
            on_step()
            day.calls, day.most_in_an_hour = same.calls, same.most_in_an_hour
        if spec.key.credentials.role_arn is not None:
            telemetry.api_requests.labels(spec.name, "AssumeRole")
            telemetry.api_request_duration.labels("AssumeRole")
        days.append(day)
    shown = views or [day.view for day in days]
    series, own = count_series(settings, shown, telemetry)
    targets = tuple(_of(day, wanted[day.spec.name], telemetry) for day in days)
    jobs = sum(each.tuning_jobs for each in targets)
    return Cost(
        tuning_jobs=jobs,
        running=sum(each.running for each in targets),
        series=series,
        own_series=own,
        memory=memory(jobs, len(targets), series - _usual_series(settings, shown), _training_jobs(settings, shown)),
        targets=targets,
    )


def memory(jobs: int, targets: int, opt_in_series: int, training_jobs: int) -> float:
    """Return the approximate memory of an exporter in MB, from measurements. ``training_jobs`` is how many it reads."""
    more = _OF_AN_OPT_IN_SERIES * opt_in_series + _OF_A_TRAINING_JOB * training_jobs
    return _AT_REST + _OF_A_JOB * jobs + _OF_A_TARGET * max(0, targets - 1) + more


def _usual_series(settings: Settings, views: Sequence[TargetView]) -> int:
    """Return how many series the tuning jobs would have without opt-in families."""
    return count_series(replace(settings, collect=frozenset()), views, Telemetry(lasts=False))[0]


def _training_jobs(settings: Settings, views: Sequence[TargetView]) -> int:
    """Return the number of training jobs that are read."""
    if not any(spec.spend for spec in settings.targets):
        return 0
    facts = [job.facts for view in views for job in view.jobs if job.facts is not None]
    return round(sum(sum(each.training_jobs.values()) for each in facts))


def count_series(settings: Settings, views: Iterable[TargetView], telemetry: Telemetry) -> tuple[int, int]:
    """Return the number of series in a scrape, about tuning jobs and about the exporter itself."""
    published = publish(1, tuple(views), families_in_force(settings.collect))
    telemetry.show(TargetCollector(lambda: published))
    lines = b"".join(scrape(published, telemetry, Format.TEXT, gzip=False)).splitlines()
    series = [line for line in lines if not line.startswith(b"#")]
    of_jobs = sum(line.startswith(b"sagemaker_tuning_job_") for line in series)
    return of_jobs, len(series) - of_jobs


def _of(day: _Day, wanted: Expected, telemetry: Telemetry) -> TargetCost:
    spec, view = day.spec, day.view
    waited = telemetry.rate_limit_wait.labels(spec.name)._value.get()  # noqa: SLF001 - the library has no other way
    return TargetCost(
        target=spec.name,
        region=spec.key.region,
        account_id=spec.account_id,
        tuning_jobs=len(view.jobs),
        running=view.states[JobState.RUNNING],
        changes_per_minute=wanted.changes_per_minute,
        an_hour={str(operation): calls / HOURS for operation, calls in day.calls.items()},
        most_in_an_hour=day.most_in_an_hour,
        budget_an_hour=spec.requests_per_second * _HOUR,
        waited=waited / day.clock.monotonic(),
    )


def _kind(spec: TargetSpec, wanted: Expected) -> object:
    """Return a key that is equal for targets that are alike: everything except callers and names of tuning jobs and rules."""
    jobs = tuple(replace(job, name="", account_id=None, labels=dict.fromkeys(job.labels, "")) for job in spec.jobs)
    rules = tuple(
        replace(rule, name="", name_contains=None, name_regex=None, labels=dict.fromkeys(rule.labels, ""))
        for rule in spec.rules
    )
    return repr((replace(spec, key=None, name="", account_id=None, account_names={}, jobs=jobs, rules=rules), wanted))  # type: ignore[arg-type]
