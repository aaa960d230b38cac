"""Shows progress on a terminal during long work. Nothing is written to a pipe or file.

::

    with progress("Describing", total=len(jobs)) as advance:
        for job in jobs:
            ...
            advance()
"""

from __future__ import annotations

import os
import sys
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import Progress

SHOWN_AFTER = 0.5
"""Seconds after which progress is shown."""


@contextmanager
def progress(what: str, total: float | None = None) -> Iterator[Callable[..., None]]:
    """Show on standard error, if it is a terminal, that ``what`` is being done, until the block ends.

    Yields a function that adds to the part of ``total`` that is done, by default 1. Without a total, only the time is shown.
    Colors obey NO_COLOR. Output of the block on standard error comes above the progress line.
    """
    if not _is_terminal():
        yield lambda _more=1.0: None
        return
    shown = _Shown(what, total)
    timer = threading.Timer(SHOWN_AFTER, shown.begin)
    timer.daemon = True
    timer.start()
    try:
        yield shown.advance
    finally:
        timer.cancel()
        timer.join()
        shown.end()


class _Shown:
    """The progress line, shown after ``SHOWN_AFTER``."""

    def __init__(self, what: str, total: float | None) -> None:
        self._what = what
        self._total = total
        self._done = 0.0
        self._bar: Progress | None = None

    def begin(self) -> None:
        """Show the line."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

        share = [] if self._total is None else [BarColumn(), TaskProgressColumn()]
        columns = [SpinnerColumn(), TextColumn("{task.description}", markup=False), *share, TimeElapsedColumn()]
        bar = Progress(*columns, console=Console(stderr=True), transient=True, redirect_stdout=False)
        bar.add_task(self._what, total=self._total)
        bar.start()
        self._bar = bar
        self.advance(0)  # progress before the line was shown

    def advance(self, more: float = 1.0) -> None:
        """Note that more of the total is done."""
        self._done += more
        if self._bar is not None:
            self._bar.update(self._bar.task_ids[0], completed=self._done)

    def end(self) -> None:
        """Remove the line."""
        if self._bar is not None:
            with suppress(OSError):  # the terminal is closed
                self._bar.stop()


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") not in {None, "dumb"}
