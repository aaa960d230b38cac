"""One round of a whole configuration, with the same methods as the daemon: ``next`` and ``apply`` of each target."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from exporter.cli.at_once import THREADS, at_once
from exporter.cli.organizations import read_organizations, with_accounts
from exporter.cli.progress import progress
from exporter.cli.timeout import LONGEST
from exporter.clock import Instant, SystemClock
from exporter.errors import ErrorCode, Failure
from exporter.fleet import Operation, Target, log_events, perform
from exporter.sagemaker import SageMakerApi, Sessions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from exporter.clock import Clock
    from exporter.config import Settings
    from exporter.config.specs import TargetSpec
    from exporter.fleet import OrganizationView, TargetView, Work
    from exporter.sagemaker import Api
    from exporter.telemetry import Telemetry

# A long interval, so that nothing is due a second time during the round.
_INTERVAL = 2 * LONGEST
# A call with a transient failure is retried if it is due within this many seconds: after pauses of 5 and 10 s.
_SOON = 10.0
# A target is given up after this many failures in a row that affect all its calls.
_MOST_IN_VAIN = 3
_OF_THE_TARGET = frozenset(
    {
        ErrorCode.ASSUME_ROLE_DENIED,
        ErrorCode.NO_CREDENTIALS,
        ErrorCode.EXPIRED_CREDENTIALS,
        ErrorCode.CLOCK_SKEW,
        ErrorCode.TIMEOUT,
        ErrorCode.CONNECTION,
        ErrorCode.TLS,
    }
)


@dataclass(slots=True)
class Tried:
    """The calls of one operation to a target: their number, and the failures by subject."""

    calls: int = 0
    answered: int = 0
    failing: dict[str, Failure] = field(default_factory=dict)

    def take(self, about: str, outcome: object) -> None:
        """Add the outcome of a call."""
        self.calls += 1
        if isinstance(outcome, Failure):
            self.failing[about] = outcome
        else:
            self.answered += 1
            self.failing.pop(about, None)


class Driven:
    """A target whose calls are made one after the other. ``spec`` is the configured one, ``operations`` what it may call.

    ``tried`` has each operation that was called. ``over`` is True when its round is complete. ``given_up`` is True if its calls
    failed for a reason that affects all calls, so that the rest was not tried.
    """

    def __init__(self, spec: TargetSpec, api: Api, telemetry: Telemetry, clock: Clock) -> None:
        self.spec = spec
        self.api = api
        # From the configured spec: without a second round, lists would not save describes.
        self.operations = Target(spec, telemetry, clock.now()).operations
        self.target = Target(replace(spec, interval=_INTERVAL), telemetry, clock.now())
        self.tried: dict[Operation, Tried] = {}
        self.over = False
        self._clock = clock
        self._in_vain = 0

    @property
    def given_up(self) -> bool:
        """Whether so many calls in a row failed that all others would fail too."""
        return self._in_vain >= _MOST_IN_VAIN

    @property
    def view(self) -> TargetView:
        """The present view of the target, without a next describe."""
        view = self.target.view(self._clock.now())
        return replace(view, jobs=tuple(replace(job, next_describe=math.nan) for job in view.jobs))

    def step(self) -> bool:
        """Make the next call if one is due now. Return whether there was one."""
        now = self._clock.now()
        log_events(self.target.expire(now))
        work = self.target.next(now)
        if work is None:
            self.target.hurry(now)
            self.over = not self.target.has_more(Instant(now.wall + _SOON, now.monotonic + _SOON))
            return False
        outcome = perform(self.api, work)
        self._note(work, outcome)
        log_events(self.target.apply(work, outcome, self._clock.now()))
        self.over = self.given_up
        return True

    def _note(self, work: Work, outcome: object) -> None:
        self.tried.setdefault(work.operation, Tried()).take(work.name, outcome)
        hopeless = isinstance(outcome, Failure) and outcome.code in _OF_THE_TARGET
        self._in_vain = self._in_vain + 1 if hopeless else 0


class Round:
    """The first round of each target of a configuration: its lists, and everything that is read about the tuning jobs found.

    Targets are called in parallel in ``threads`` threads.
    """

    def __init__(
        self,
        specs: Iterable[TargetSpec],
        make_api: Callable[[TargetSpec], Api],
        telemetry: Telemetry,
        clock: Clock,
        threads: int = 1,
    ) -> None:
        self.targets = tuple(Driven(spec, make_api(spec), telemetry, clock) for spec in specs)
        self._clock = clock
        self._threads = threads

    def run(self, seconds: float, on_step: Callable[[], object]) -> None:
        """Make the calls. None begins after ``seconds``. ``on_step`` is called after each step.

        Afterwards, a target that is not ``over`` is incomplete.
        """
        ends = self._clock.monotonic() + seconds

        def step(each: Driven) -> bool:
            # Check the time before each call, because a call may take as long as its deadline.
            return self._clock.monotonic() < ends and each.step()

        while (left := [each for each in self.targets if not each.over]) and self._clock.monotonic() < ends:
            if not any(at_once(step, left, self._threads)):
                now = self._clock.now()
                wakes = [each.target.wakes_at(now) for each in left if not each.over]
                self._sleep(min([ends, *(at for at in wakes if at is not None)]) if wakes else now.monotonic)
            on_step()

    def views(self) -> tuple[TargetView, ...]:
        """Return the present view of each target."""
        return tuple(each.view for each in self.targets)

    def _sleep(self, until: float) -> None:
        condition = threading.Condition()
        with condition:
            self._clock.wait(condition, until)


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of reading a configuration once. ``settings`` includes the targets in the accounts of organizations."""

    settings: Settings
    organizations: tuple[OrganizationView, ...]
    round: Round


def read_all(settings: Settings, telemetry: Telemetry, seconds: float) -> Outcome:
    """Read the accounts of organizations, then make the first round of each target. No call begins after ``seconds``.

    Raises ConfigError if the accounts contradict the configuration.
    """
    sessions, clock = Sessions(), SystemClock()
    ends = clock.monotonic() + seconds
    with progress("Calling AWS") as advance:
        organizations = read_organizations(settings, sessions, telemetry, clock, ends, advance)
        settings = with_accounts(settings, organizations)
        round_ = Round(
            settings.targets, lambda spec: SageMakerApi(spec, sessions, telemetry), telemetry, clock, THREADS
        )
        round_.run(ends - clock.monotonic(), advance)
    return Outcome(settings, organizations, round_)
