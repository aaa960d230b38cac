"""Accounts that an organization lists, in two regions, with a tuning job in each; also where some deny and some never answer.

Measured from outside as in ``bench.accounts``. An account that denies lets nobody assume the role; one that hangs takes
every request to SageMaker and answers none.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.accounts import INTERVAL, ROUNDS, Recording, latest, most_threads, serve_on, simulator, wait
from bench.daemon import Daemon
from bench.names import names
from bench.process import peak, resident
from bench.table import Row, Spread, versus
from exporter.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.simulator.request import Request

REGIONS = ("eu-west-1", "us-east-1")
COUNT = 300
DENYING = HANGING = 10
_ROLE_NAME = "metrics"
_LATEST = "latest start of a describe after it was due"
_DELAY = 1.5
"""The most that the latest describe may be as late as without accounts that deny and hang."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What so many accounts cost: MB, seconds, and calls.

    ``tried`` is from the start of the process until the organization was read, and in each account and region the tuning job
    has been asked for; where the account hangs its list, where it denies its role. ``calls`` are those up to then. ``latest`` is
    as in ``bench.accounts``, of each round.
    """

    resident: float
    peak: float
    threads: int
    calls: int
    tried: float
    latest: tuple[float, ...]


def rows() -> list[Row]:
    """Measure."""
    of = f"{COUNT} accounts of an organization in {len(REGIONS)} regions"
    healthy, troubled = measure(COUNT), measure(COUNT, DENYING, HANGING)
    among = f"{of}, {DENYING} deny and {HANGING} hang"
    alone = Row(f"{_LATEST}, {of}", Spread.of(healthy.latest, "s"))
    beside = versus(f"{_LATEST}, {among}", troubled.latest, "all healthy", healthy.latest, "s", _DELAY)
    return [*_rows(of, healthy), alone, *_rows(among, troubled), beside]


def _rows(of: str, figures: Figures) -> Iterator[Row]:
    for what, value, unit in (
        ("memory", figures.resident, "MB"),
        ("peak memory", figures.peak, "MB"),
        ("most threads", figures.threads, "threads"),
        ("calls until all were tried", figures.calls, "calls"),
        ("start until all were tried", figures.tried, "s"),
    ):
        yield Row(f"{what}, {of}", Spread.of([value], unit))


def measure(
    count: int, denying: int = 0, hanging: int = 0, interval: float = INTERVAL, rounds: int = ROUNDS
) -> Figures:
    """Run an exporter on so many accounts for so many rounds after the first, and return what it cost.

    The first accounts deny, those after them hang.
    """
    first_healthy = denying + hanging
    healthy = names(len(REGIONS) * count)[len(REGIONS) * first_healthy :]
    hang = {f"{_account(number)}/{region}" for number in range(denying, first_healthy) for region in REGIONS}

    def are_tried(asked: Mapping[str, Sequence[float]]) -> bool:
        denied = all(len(asked.get(_account(number), ())) >= len(REGIONS) for number in range(denying))
        return denied and asked.keys() >= hang.union(healthy)

    with simulator("bench.organization:serve", count, denying, hanging) as (url, asked):
        organization = {"role_name": _ROLE_NAME, "endpoint_url": url}
        aws = {"regions": REGIONS, "organization": organization}
        with Daemon(url, [], f"{interval:g}s", 5, aws, [{}]) as daemon, most_threads(daemon.pid) as most:
            began = time.time() - (time.perf_counter() - daemon.started)
            wait(lambda: are_tried(asked()))
            tried = max(times[0] for times in asked().values()) - began
            # A target's calls are on /metrics once it has been published.
            wait(lambda: daemon.targets() >= len(REGIONS) * count)
            calls = daemon.calls()
            late_by = tuple(latest(daemon, healthy, asked) for _ in range(rounds))
            return Figures(resident(daemon.pid), peak(daemon.pid), most(), calls, tried, late_by)


def _account(number: int) -> str:
    return f"{number + 1:012}"


class _Recording(Recording):
    """A simulator that also writes down when an account and region is asked for a list, and for the role of which account."""

    def asked_for(self, request: Request) -> str | None:
        if request.operation == "ListHyperParameterTuningJobs":
            return f"{self._authenticate(request).account_id}/{request.region}"
        if request.operation == "AssumeRole" and isinstance(request.content, dict):
            return str(request.content["RoleArn"]).split(":")[4]
        return super().asked_for(request)


def serve(count: int, denying: int, hanging: int, record: str) -> None:
    """Serve a simulator with so many accounts until the process is ended; print its URL."""
    served = _Recording(record)
    created = served.clock.time() - 3_600.0
    jobs = iter(names(len(REGIONS) * count))
    for number in range(count):
        account = _account(number)
        served.organization.join(account, f"team-{number}")
        for region in REGIONS:
            served.create("healthy", next(jobs), account_id=account, region=region, created=created, speed=0.01)
        if number >= denying:
            served.roles[f"arn:aws:iam::{account}:role/{_ROLE_NAME}"] = None
        if denying <= number < denying + hanging:
            served.faults.add(Fault(Kind.HANG, account_id=account))
    serve_on(served)
