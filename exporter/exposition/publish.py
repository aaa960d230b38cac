"""The publisher: one thread that renders when something changed and swaps one reference.

A scrape reads that reference and nothing else: it takes no lock, formats no tuning job and calls no AWS.
"""

from __future__ import annotations

import threading
import zlib
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from exporter.exposition.families import FAMILIES
from exporter.exposition.render import render

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exporter.clock import Clock, Instant
    from exporter.fleet import TargetView
    from exporter.telemetry import Telemetry

_LEVEL = 1  # a twentieth of the size already; higher levels cost several times the CPU for a few percent
_MIN_PERIOD = 1.0
_MAX_SHARE = 0.1  # of the time may be spent rendering
_BEAT = 5.0


@dataclass(frozen=True, slots=True)
class Published:
    """What a scrape serves of the tuning jobs.

    ``deflated`` is a raw deflate stream that ends at a byte boundary without its last block, so that each scrape can
    append its own end and still send one gzip member. ``crc`` and ``size`` are of the text. ``generation`` counts
    renderings.
    """

    generation: int
    deflated: bytes
    crc: int
    size: int
    targets: tuple[TargetView, ...]


EMPTY = Published(0, b"", 0, 0, ())


def publish(generation: int, targets: Sequence[TargetView]) -> Published:
    """Render all tuning jobs of the targets."""
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated: list[bytes] = []
    crc = size = 0
    for text in render(FAMILIES, list(chain.from_iterable(target.jobs for target in targets))):
        block = text.encode()
        crc = zlib.crc32(block, crc)
        size += len(block)
        deflated.append(compressor.compress(block))
    deflated.append(compressor.flush(zlib.Z_FULL_FLUSH))
    return Published(generation, b"".join(deflated), crc, size, tuple(targets))


class Publisher:
    """Keeps ``published`` up to date with what ``collect`` returns. Thread-safe.

    It is woken by ``changed`` and, without, at the moment when values go stale.
    """

    def __init__(self, collect: Callable[[Instant], Iterable[TargetView]], telemetry: Telemetry, clock: Clock) -> None:
        self.published = EMPTY
        self._collect = collect
        self._telemetry = telemetry
        self._clock = clock
        self._condition = threading.Condition()
        self._changed = True
        self._stopping = False
        self._last_beat = clock.monotonic()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread, waiting at most ``timeout`` seconds."""
        with self._condition:
            self._stopping = True
            self._condition.notify_all()
        self._thread.join(timeout)

    def changed(self) -> None:
        """Say that a target's view changed."""
        with self._condition:
            self._changed = True
            self._condition.notify_all()

    @property
    def seconds_since_beat(self) -> float:
        """Seconds since the thread last showed that it lives."""
        return self._clock.monotonic() - self._last_beat

    def _run(self) -> None:
        not_before = self._clock.monotonic()
        changes_at: float | None = None
        while self._wait(not_before, changes_at):
            now = self._clock.now()
            targets = tuple(self._collect(now))
            self.published = publish(self.published.generation + 1, targets)
            seconds = self._clock.monotonic() - now.monotonic
            self._telemetry.render_duration.set(seconds)
            not_before = now.monotonic + max(_MIN_PERIOD, seconds / _MAX_SHARE)
            changes_at = min((t.changes_at for t in targets if t.changes_at is not None), default=None)

    def _wait(self, not_before: float, changes_at: float | None) -> bool:
        """Wait until there is something to render and return True, or False at the end."""
        with self._condition:
            while not self._stopping:
                now = self._last_beat = self._clock.monotonic()
                changed = self._changed or (changes_at is not None and now >= changes_at)
                if changed and now >= not_before:
                    self._changed = False
                    return True
                due = not_before if changed else changes_at
                self._clock.wait(self._condition, min(now + _BEAT, now + _BEAT if due is None else due))
            return False
