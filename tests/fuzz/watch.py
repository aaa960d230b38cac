"""One case under watch: what the exporter may not raise, how long it may take, and how much memory."""

from __future__ import annotations

import resource
import signal
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from fuzz.target import Defect

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fuzz.target import Target

LONGEST_WAIT_SECONDS = 300.0
"""By the wall, for a case that hangs without working."""

MOST_MEMORY = 256 * 2**20
"""By how many bytes all cases together may let the process grow."""

MOST_MEMORY_OF_ONE = 64 * 2**20
"""The same for one case."""

_KIB = 1024


class TooLong(BaseException):
    """A case that took longer than it may. Nobody who catches every Exception catches this."""


@dataclass
class Finding:
    """A case that broke a promise: which, where, and the error itself."""

    case: bytes
    error: BaseException

    @property
    def place(self) -> str:
        """Return what is the same for the same defect: the kind of the error and the last line of the exporter in it."""
        found, frame = "elsewhere", self.error.__traceback__
        while frame is not None:
            code = frame.tb_frame.f_code
            if f"{_EXPORTER}/" in code.co_filename:
                found = f"{code.co_filename.rpartition(f'{_EXPORTER}/')[2]}:{code.co_name}:{frame.tb_lineno}"
            frame = frame.tb_next
        said = f": {self.error}" if isinstance(self.error, Defect) else ""
        return f"{type(self.error).__name__}{said} at {found}"


_EXPORTER = "exporter"


@dataclass
class Watch:
    """Takes cases in and keeps count. ``findings`` has the first case for each place."""

    target: Target
    cases: int = 0
    deep: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: dict[str, Finding] = field(default_factory=dict)
    worst_seconds: float = 0.0
    memory_at_start: int = 0

    def __post_init__(self) -> None:
        self.memory_at_start = peak_memory()

    def take(self, case: bytes) -> None:
        """Run one case."""
        self.cases += 1
        before, began = peak_memory(), time.process_time()
        try:
            with limited(self.target.seconds(case)):
                outcome = self.target.run(case)
            if peak_memory() - before > MOST_MEMORY_OF_ONE:
                raise Defect(f"one case took more than {MOST_MEMORY_OF_ONE >> 20} MiB of memory")
            if self.grown > MOST_MEMORY:
                raise Defect(f"the cases so far took more than {MOST_MEMORY >> 20} MiB of memory")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 - that is what is looked for
            finding = Finding(case, error)
            self.outcomes["DEFECT"] += 1
            self.findings.setdefault(finding.place, finding)
        else:
            self.outcomes[outcome.kind] += 1
            self.deep += outcome.deep
        self.worst_seconds = max(self.worst_seconds, time.process_time() - began)

    @property
    def grown(self) -> int:
        """By how many bytes the process has grown at its peak."""
        return peak_memory() - self.memory_at_start


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise TooLong in the block once it has taken so many seconds of CPU, or has waited for too long."""

    def late(*_: Any) -> NoReturn:
        raise TooLong(f"more than {seconds:g} s of CPU, or {LONGEST_WAIT_SECONDS:g} s of waiting")

    before = [(number, signal.signal(number, late)) for number in (signal.SIGPROF, signal.SIGALRM)]
    try:
        signal.setitimer(signal.ITIMER_PROF, seconds)
        signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT_SECONDS)
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before:
            signal.signal(number, handler)


def peak_memory() -> int:
    """Return the most memory that this process has had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB


def bound_memory() -> None:
    """Let the process have twice what all cases may take, beside what it has now: more of it raises MemoryError."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + 2 * MOST_MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
