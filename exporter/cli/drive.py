"""One round of a whole configuration, by the same pair as the daemon: ``next`` and ``apply`` of each target."""

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

# There is no second round: nothing falls due again while the first one lasts.
_INTERVAL = 2 * LONGEST
# What failed and may soon succeed is tried again if its turn comes this soon: after pauses of 5 and of 10 s.
_SOON = 10.0
# After so many failures in a row that are about the target as a whole, it is given up.
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
    """What came of the calls of one operation to a target: how many were made, and what fails, by what it is about."""

    calls: int = 0
    answered: int = 0
    failing: dict[str, Failure] = field(default_factory=dict)

    def take(self, about: str, outcome: object) -> None:
        """Take what came of a call."""
        self.calls += 1
        if isinstance(outcome, Failure):
            self.failing[about] = outcome
        else:
            self.answered += 1
            self.failing.pop(about, None)


class Driven:
    """A target whose calls are made one after the other. ``spec`` is as it was configured, ``operations`` what it may call.

    ``tried`` has each operation that was called. ``over`` tells that its round is; ``given_up`` that its calls failed for
    a reason that is about all of them, so that the rest was not tried.
    """

    def __init__(self, spec: TargetSpec, api: Api, telemetry: Telemetry, clock: Clock) -> None:
        self.spec = spec
        self.api = api
        # Of the configuration as it is: without a second round there would be no use for lists that spare describes.
        self.operations = Target(spec, telemetry, clock.now()).operations
        self.target = Target(replace(spec, interval=_INTERVAL), telemetry, clock.now())
        self.tried: dict[Operation, Tried] = {}
        self.over = False
        self._clock = clock
        self._in_vain = 0

    @property
    def given_up(self) -> bool:
        """Whether calls failed so often in a row that the others would too."""
        return self._in_vain >= _MOST_IN_VAIN

    @property
    def view(self) -> TargetView:
        """The target as it is now. There is no next describe."""
        view = self.target.view(self._clock.now())
        return replace(view, jobs=tuple(replace(job, next_describe=math.nan) for job in view.jobs))

    def step(self) -> bool:
        """Make the next call if there is one to make now, and tell whether there was."""
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
    """The first round of each target of a configuration: all that it lists, finds, and reads of what it found.

    Calls of so many targets are made at once, each in one of ``threads``.
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
        """Make the calls, and begin none after so many seconds; ``on_step`` is called whenever it has come further.

        Afterwards a target that is not ``over`` has more to do.
        """
        ends = self._clock.monotonic() + seconds

        def step(each: Driven) -> bool:
            # One call may take as long as its deadline, so time is looked at before each.
            return self._clock.monotonic() < ends and each.step()

        while (left := [each for each in self.targets if not each.over]) and self._clock.monotonic() < ends:
            if not any(at_once(step, left, self._threads)):
                now = self._clock.now()
                wakes = [each.target.wakes_at(now) for each in left if not each.over]
                self._sleep(min([ends, *(at for at in wakes if at is not None)]) if wakes else now.monotonic)
            on_step()

    def views(self) -> tuple[TargetView, ...]:
        """Return each target as it is now."""
        return tuple(each.view for each in self.targets)

    def _sleep(self, until: float) -> None:
        condition = threading.Condition()
        with condition:
            self._clock.wait(condition, until)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What reading a configuration once brought: ``settings`` has the targets in the accounts of organizations too."""

    settings: Settings
    organizations: tuple[OrganizationView, ...]
    round: Round


def read_all(settings: Settings, telemetry: Telemetry, seconds: float) -> Outcome:
    """Read the accounts of organizations, then make the first round of each target; begin no call after so many seconds.

    Raise ConfigError where the accounts contradict the configuration.
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
