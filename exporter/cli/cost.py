"""What a configuration costs in a day: a stand-in's day, watched by the same code as the daemon's on a clock that skips."""

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

# Once so many calls were made, and the start is over, the rest of the day is taken to go on as it went last. What comes once
# a day, such as reading tags again, is then left out: next to so many calls it does not count.
_ENOUGH_CALLS = 20_000
_STARTS_IN, _LEAST_WINDOW = 3, 300.0
_CALLS_AT_START = 5  # of a tuning job: one describe, three more after its end, one for all else
_HOUR = 3_600.0
_DAY = HOURS * _HOUR
_START = 2.0**30
_MOST_RUNNING = 100
_USUAL_CHANGES = 0.02

# Measured by `make bench`, which also holds the result against daemons: see docs/performance.md. In MB.
_AT_REST = 69.0
_OF_A_JOB = 0.0053
_OF_A_TARGET = 0.038
_OF_AN_OPT_IN_SERIES = 0.00055
_OF_A_TRAINING_JOB = 0.0000366


@dataclass(frozen=True, slots=True)
class TargetCost:
    """What one account and region takes. ``an_hour`` is the average of the day, ``most_in_an_hour`` its busiest hour.

    ``budget_an_hour`` is what ``requests_per_second`` lets through. ``waited`` is the share of the day in which calls that
    were due waited for it.
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
    """What a configuration takes. ``memory`` is in MB, where 1 MB is 1,000,000 bytes."""

    tuning_jobs: int
    running: int
    series: int
    own_series: int
    memory: float
    targets: tuple[TargetCost, ...]


def expected(spec: TargetSpec, jobs: int | None, running: int | None, changes: float | None) -> Expected:
    """Return what to expect of a target by default: all that its rules may watch, and as many that run as AWS lets."""
    may_watch = len(spec.jobs) + sum(rule.max_jobs for rule in spec.rules)
    if jobs is None or not spec.rules:
        jobs = min(may_watch, max(len(spec.jobs), spec.max_tracked_jobs))
    jobs = max(jobs, len(spec.jobs))
    running = min(jobs, _MOST_RUNNING if running is None else running)
    return Expected(jobs, running, usual_changes(running) if changes is None else changes)


def usual_changes(running: int) -> float:
    """Return how many of the tuning jobs that run change in a minute by default."""
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
        """Let the day pass, and count its calls."""
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
        """After how many seconds everything was read once, and all series are there."""
        spec = self.spec
        reads = _CALLS_AT_START * self._expected.jobs / spec.requests_per_second
        return min(_DAY, max(_LEAST_WINDOW, 3 * spec.interval, reads))

    @property
    def _window(self) -> float:
        """How many seconds are like those that come after: all that repeats within the hour is in them."""
        spec = self.spec
        return min(_DAY, max(spec.describe_max_age, 10 * spec.interval, self.start))

    def _go_on(self, passed: float, window: float, last: Counter[str]) -> None:
        """Count the calls of the rest of the day, which goes on as the last window."""
        left = (_DAY - passed) / window
        if left > 0:
            self.calls.update({operation: round(calls * left) for operation, calls in last.items()})
            an_hour = last.total() * _HOUR / window
            self._hours[int(passed // _HOUR)] += round(an_hour * (1.0 - passed % _HOUR / _HOUR))
            self._hours[HOURS] = round(an_hour)
        self.most_in_an_hour = max(self._hours.values(), default=0)

    def run(self, until: float) -> None:
        """Make every call that falls due before a monotonic time."""
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
        """What is shown at this moment."""
        return self.target.view(self.clock.now())


def cost(
    settings: Settings,
    wanted: Mapping[str, Expected],
    on_step: Callable[[], object],
    views: Sequence[TargetView] = (),
) -> Cost:
    """Return what a configuration takes; ``wanted`` tells by its name what each target has.

    ``views`` are what there really is, if that is known: then the series are counted of these.
    Of targets that are alike only the first has its whole day: the others are as this one.
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
    """Return about how many MB an exporter takes, by what was measured of it; ``training_jobs`` are those that it reads."""
    more = _OF_AN_OPT_IN_SERIES * opt_in_series + _OF_A_TRAINING_JOB * training_jobs
    return _AT_REST + _OF_A_JOB * jobs + _OF_A_TARGET * max(0, targets - 1) + more


def _usual_series(settings: Settings, views: Sequence[TargetView]) -> int:
    """Return how many series there would be of the tuning jobs if none were opted in to."""
    return count_series(replace(settings, collect=frozenset()), views, Telemetry(lasts=False))[0]


def _training_jobs(settings: Settings, views: Sequence[TargetView]) -> int:
    """Return how many training jobs are read."""
    if not any(spec.spend for spec in settings.targets):
        return 0
    facts = [job.facts for view in views for job in view.jobs if job.facts is not None]
    return round(sum(sum(each.training_jobs.values()) for each in facts))


def count_series(settings: Settings, views: Iterable[TargetView], telemetry: Telemetry) -> tuple[int, int]:
    """Return how many series a scrape has of the tuning jobs, and of the exporter itself."""
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
    """Return what makes targets alike: all but who calls, and what tuning jobs and rules are called."""
    jobs = tuple(replace(job, name="", account_id=None, labels=dict.fromkeys(job.labels, "")) for job in spec.jobs)
    rules = tuple(
        replace(rule, name="", name_contains=None, name_regex=None, labels=dict.fromkeys(rule.labels, ""))
        for rule in spec.rules
    )
    return repr((replace(spec, key=None, name="", account_id=None, account_names={}, jobs=jobs, rules=rules), wanted))  # type: ignore[arg-type]
