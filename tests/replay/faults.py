"""What goes wrong between the exporter and AWS, and an API that does so."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from exporter.errors import CallFailed, ErrorCode
from exporter.simulator import listing, search, training_listing
from exporter.simulator.errors import ApiError
from exporter.simulator.jobs import Jobs
from exporter.simulator.scenario import MINUTE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from random import Random

    from replay.life import Told

    from exporter.clock import Clock

ALL = frozenset({"Describe", "List", "Trainings"})


class Kind(StrEnum):
    """What is wrong with a target, a tuning job of it, or the exporter as a whole."""

    REFUSED = "calls fail"
    SILENT = "calls never come back"
    STARVED = "the budget is far too small"
    MISSPELT = "a tuning job is listed that does not exist"
    BAD_CONFIGURATION = "the configuration has a mistake"
    BLIND = "a pod starts and its calls fail"
    DOWN = "the exporter does not answer"
    GONE = "there is no exporter"
    RESTART = "another pod takes over"
    CRASHES = "the exporter crashes again and again"


AWAY = frozenset({Kind.DOWN, Kind.GONE, Kind.RESTART, Kind.CRASHES})
"""After which another pod starts, or the same again."""
CRASH_PERIOD, CRASH_UP = 330.0, 60.0
"""Seconds from one crash to the next, and how long it runs in between."""
_REFUSES = frozenset({Kind.REFUSED, Kind.BLIND})


@dataclass(frozen=True)
class Fault:
    """Something that is wrong from one Unix time to another.

    ``region`` None: whatever the region. ``name`` is the tuning job that it is about, None: any. ``share`` of the calls of
    ``operations`` fail with ``code``, or with one of ``codes`` by chance. ``replica``: only that exporter has it, None: each.
    ``alert`` is what must come of it; None: nothing may. Others in ``also`` may tell of it instead.
    """

    kind: Kind
    since: float
    until: float
    alert: str | None = None
    region: str | None = None
    name: str | None = None
    operations: frozenset[str] = ALL
    code: ErrorCode = ErrorCode.SERVER_ERROR
    share: float = 1.0
    codes: tuple[ErrorCode, ...] = ()
    replica: int | None = None
    also: tuple[str, ...] = ()

    def holds(self, t: float) -> bool:
        return self.since <= t < self.until

    def absences(self) -> Iterator[Fault]:
        """Yield when there is no exporter to answer."""
        if self.kind is not Kind.CRASHES:
            yield self
            return
        since = self.since
        while since < self.until:
            until = min(since + CRASH_PERIOD - CRASH_UP, self.until)
            yield replace(self, kind=Kind.DOWN, since=since, until=until)
            since += CRASH_PERIOD

    @property
    def blinds(self) -> bool:
        """Tell whether no facts come from where it is."""
        match self.kind:
            case Kind.REFUSED:
                return "Describe" in self.operations and self.share == 1
            case Kind.BLIND | Kind.SILENT | Kind.STARVED | Kind.DOWN | Kind.GONE | Kind.CRASHES:
                return self.replica is None
            case Kind.RESTART:
                return self.until - self.since > MINUTE
            case _:
                return False

    def silences(self, *, only_rules: bool) -> bool:
        """Tell whether a pod that starts meanwhile gets no answer of a target: with ``only_rules`` it can only list."""
        if self.kind is Kind.SILENT:
            return True
        first = "List" if only_rules else "Describe"
        return self.kind is Kind.REFUSED and first in self.operations and self.share == 1 and self.name is None


class Service:
    """The API of one account and region, with its faults."""

    def __init__(
        self, region: str, account_id: str, lives: Iterable[Told], faults: Sequence[Fault], clock: Clock, rng: Random
    ) -> None:
        self._account_id = account_id
        self._jobs = Jobs()
        for life in lives:
            self._jobs.put(life)
        self._faults = [fault for fault in faults if fault.kind in _REFUSES and fault.region == region]
        self._clock = clock
        self._rng = rng

    def describe(self, name: str) -> Mapping[str, Any]:
        self._strike("Describe", name)
        life = self._jobs.get(name)
        if life is None:
            raise CallFailed(ErrorCode.NOT_FOUND, f"no {name}")
        try:
            return life.at(self._clock.time())
        except ApiError as error:
            raise CallFailed(ErrorCode.NOT_FOUND, str(error)) from None

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._strike("List", None)
        now = self._clock.time()
        return listing.answer(self._jobs, listing.read(dict(request), owner=self._account_id, now=now), now=now)

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        content = dict(request)
        name = content.pop("HyperParameterTuningJobName")
        self._strike("Trainings", name)
        now = self._clock.time()
        life = self._jobs.get(name)
        if life is None or not life.exists(now):
            raise CallFailed(ErrorCode.NOT_FOUND, f"no {name}")
        query = training_listing.read(content, owner=f"{self._account_id}/{name}", now=now)
        return training_listing.answer(life, query, seen=now, filters_after_paging=False)

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self._strike("Trainings", None)
        now = self._clock.time()
        return search.answer(self._jobs, search.read(dict(request), owner=self._account_id, now=now), now=now)

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise CallFailed(ErrorCode.ACCESS_DENIED, f"no quotas for {request}")

    def list_tags(self, arn: str) -> Mapping[str, str]:
        raise CallFailed(ErrorCode.ACCESS_DENIED, f"no tags of {arn}")

    def caller_account(self) -> str:
        return self._account_id

    def _strike(self, operation: str, name: str | None) -> None:
        now = self._clock.time()
        for fault in self._faults:
            if (
                fault.holds(now)
                and operation in fault.operations
                and fault.name in {None, name}
                and self._rng.random() < fault.share
            ):
                raise CallFailed(self._rng.choice(fault.codes or (fault.code,)), str(fault.kind))
