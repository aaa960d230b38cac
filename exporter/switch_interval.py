"""How long a thread may compute while others wait for their turn: Python runs one thread at a time."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# With Python's default of 5 ms, a scrape waits up to 5 ms after each of its system calls while describes are applied. But
# each thread that waits wakes up once in a turn: turns of 0.1 ms cost 40 % more CPU per describe than those of 5 ms, turns
# of 1 ms 8 %.
ORDINARY_SECONDS = 0.001

# While a page of 1,000 tuning jobs was made, the slowest scrape in a hundred took 2.8 times as long with turns of 0.1 ms, and
# 4.5 times with 0.5 ms (bench/pages.py).
SHORT_SECONDS = 0.0001

_lock = threading.Lock()
_blocks = 0
_before = ORDINARY_SECONDS


@contextmanager
def short_switch_interval() -> Iterator[None]:
    """Let other threads take turns more often during the block, which computes for long. Thread-safe."""
    global _blocks, _before  # noqa: PLW0603 - there is one interpreter
    with _lock:
        if _blocks == 0:
            _before = sys.getswitchinterval()
            sys.setswitchinterval(SHORT_SECONDS)
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                sys.setswitchinterval(_before)
