"""How the exporter grows with accounts: a role and one running tuning job in each, also where some never answer.

Everything is measured from outside, and so whatever the exporter is made of: threads and memory as the kernel counts
them, and describes when they come to the simulator, beside the times at which the exporter says that they are due.
"""

from __future__ import annotations

import os
import re
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench.daemon import Daemon
from bench.names import names
from bench.process import Program, peak, python, resident, threads
from bench.table import Row, Spread
from exporter.clock import SystemClock
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from exporter.simulator.request import Request

    Asked = Callable[[], Mapping[str, list[float]]]

COUNTS = (1, 20, 200, 1_000)
GOAL = 200
"""The number of accounts that the goals are about."""
HANGING = 50
"""So many of them never answer a describe, in a measurement of its own."""
INTERVAL = 20.0
ROUNDS = 3

_PATIENCE = 600.0
_PAUSE = 0.1
_ROUNDING = 0.01  # seconds, of the times at which describes are said to be due
_NEXT = re.compile(
    rb'^sagemaker_tuning_job_next_describe_timestamp_seconds\{[^}]*\btuning_job="([^"]+)"[^}]*\} (\S+)', re.MULTILINE
)
DESCRIBE = "DescribeHyperParameterTuningJob"


@dataclass(frozen=True, slots=True)
class Figures:
    """What so many accounts cost: MB, and seconds.

    ``tried`` is from the start of the process until each tuning job has been asked for. ``latest`` is the longest that
    a describe of a healthy account then started after it was due.
    """

    resident: float
    peak: float
    threads: int
    tried: float
    latest: float


def rows() -> list[Row]:
    """Measure."""
    healthy = [
        row for count in COUNTS for row in _rows(f"{count:,} accounts", measure(count), 40 if count == GOAL else None)
    ]
    return [*healthy, *_rows(f"{GOAL} accounts, {HANGING} of which hang", measure(GOAL, HANGING), 64)]


def _rows(of: str, figures: Figures, most_threads: int | None) -> Iterator[Row]:
    """Yield the rows of one measurement; the goals are left out with that of the threads."""
    for what, value, unit, limit in (
        ("memory", figures.resident, "MB", 130),
        ("peak memory", figures.peak, "MB", None),
        ("most threads", figures.threads, "threads", most_threads),
        ("start until all were tried", figures.tried, "s", 10),
        ("latest start of a describe after it was due", figures.latest, "s", 1),
    ):
        yield Row(f"{what}, {of}", Spread.of([value], unit), limit=limit if most_threads else None)


def measure(count: int, hanging: int = 0, interval: float = INTERVAL, rounds: int = ROUNDS) -> Figures:
    """Run an exporter on so many accounts for so many rounds after the first, and return what it cost."""
    with simulator("bench.accounts:serve", count, hanging) as (url, asked):
        entries = [{"name": name, "role_arn": _role(number)} for number, name in enumerate(names(count))]
        healthy = names(count)[hanging:]
        with Daemon(url, entries, f"{interval:g}s", 5) as daemon, most_threads(daemon.pid) as most:
            began = time.time() - (time.perf_counter() - daemon.started)
            wait(lambda: len(asked()) == count)
            tried = max(times[0] for times in asked().values()) - began
            late_by = max(latest(daemon, healthy, asked) for _ in range(rounds))
            return Figures(resident(daemon.pid), peak(daemon.pid), most(), tried, late_by)


def latest(daemon: Daemon, healthy: Sequence[str], asked: Asked) -> float:
    """Return how late the latest one of the next describes of healthy accounts was, in seconds."""
    due: dict[str, float] = {}

    def all_are_planned() -> bool:
        found = {name.decode(): float(at) for name, at in _NEXT.findall(daemon.get("/metrics")[1])}
        now = time.time()
        # What is due by now may be under way, and its answer not be published yet.
        due.update((name, found[name]) for name in healthy if found.get(name, 0.0) > now)
        return len(due) == len(healthy)

    wait(all_are_planned)
    wait(lambda: time.time() > max(due.values()))
    found: list[float | None] = []

    def have_all_begun() -> bool:
        times = asked()
        found[:] = [late(times[name], due[name]) for name in healthy]
        return None not in found

    wait(have_all_begun)
    return max(each for each in found if each is not None)


def late(asked: list[float], due: float) -> float | None:
    """Return how long after it was due a tuning job was asked for, None when that has not happened yet."""
    return next((max(0.0, at - due) for at in asked if at >= due - _ROUNDING), None)


@contextmanager
def simulator(serve: str, *arguments: object) -> Iterator[tuple[str, Asked]]:
    """Run a simulator that a function serves, which is given the arguments and the file to record in.

    Give its URL, and what returns by tuning job when it was asked for, in Unix seconds.
    """
    with TemporaryDirectory() as directory:
        record = Path(directory, "asked")
        record.touch()

        def asked() -> Mapping[str, list[float]]:
            found: dict[str, list[float]] = {}
            for line in record.read_text().splitlines():
                name, at = line.split()
                found.setdefault(name, []).append(float(at))
            return found

        with Program(python(serve, *arguments, str(record)), r"simulator at (\S+)") as program:
            yield program.match[1], asked


@contextmanager
def most_threads(pid: int) -> Iterator[Callable[[], int]]:
    """Watch a process during the block; give what returns the most threads that it has had at once."""
    found = [threads(pid)]
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(_PAUSE):
            found[0] = max(found[0], threads(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield lambda: found[0]
    finally:
        ended.set()
        watcher.join()


def wait(condition: Callable[[], bool]) -> None:
    ends = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError("the exporter did not get there")
        time.sleep(_PAUSE)


def _account(number: int) -> str:
    return f"{number + 1:012}"


def _role(number: int) -> str:
    return f"arn:aws:iam::{_account(number)}:role/metrics"


class Recording(Simulator):
    """A simulator that writes down when each tuning job is asked for."""

    def __init__(self, record: str) -> None:
        super().__init__(SystemClock())
        self._record = os.open(record, os.O_WRONLY | os.O_APPEND)

    def asked_for(self, request: Request) -> str | None:
        """Return what to write down of a request, None for nothing."""
        if request.operation == DESCRIBE and isinstance(request.content, dict):
            return str(request.content["HyperParameterTuningJobName"])
        return None

    def handle(self, request: Request) -> dict[str, Any]:
        if (what := self.asked_for(request)) is not None:
            os.write(self._record, f"{what} {time.time()}\n".encode())  # at once and whole
        return super().handle(request)


def serve(count: int, hanging: int, record: str) -> None:
    """Serve a simulator with so many accounts until the process is ended; print its URL."""
    served = Recording(record)
    created = served.clock.time() - 3_600.0
    for number, name in enumerate(names(count)):
        served.create("healthy", name, account_id=_account(number), created=created, speed=0.01)
        served.roles[_role(number)] = None
        if number < hanging:
            served.faults.add(Fault(Kind.HANG, operation=DESCRIBE, account_id=_account(number)))
    serve_on(served)


def serve_on(simulator: Simulator) -> None:
    """Serve a simulator until the process is ended; print its URL."""
    server = Server(simulator)
    server.start()
    print(f"simulator at {server.url}", flush=True)
    threading.Event().wait()
