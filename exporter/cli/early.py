"""What a process does first, before the imports, which take half a second."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

# With one of them set, prometheus_client keeps values in files, for servers that fork, and ends where it cannot.
_OTHERS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")

_M_ARENA_MAX = -8  # of mallopt(3)
_ARENAS = 2  # one for the main thread, which holds nearly everything, and one for all others


def ignore_others() -> None:
    """Take out of the environment what is meant for other programs in the same container.

    It counts when ``prometheus_client`` is imported.
    """
    for variable in _OTHERS:
        os.environ.pop(variable, None)


def leave_out_rich() -> None:
    """Let structlog, which takes rich for its tracebacks where it is installed, do without: it costs a daemon 4 MB."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # an entry of None makes its import fail


def share_arenas() -> None:
    """Let all threads take memory from two of the C library's arenas, unless MALLOC_ARENA_MAX says how many.

    By default glibc gives threads up to eight arenas for each core. What is freed stays in its arena, so each of them grows to a
    maximum of its own: after twelve days of ``make soak`` the process had 98 MB, and 86 MB with two. Other C libraries have no arenas.
    """
    if "MALLOC_ARENA_MAX" in os.environ:
        return
    with suppress(ImportError, AttributeError):
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def hand_over() -> None:
    """Leave signals to their later handlers."""
    if (writing := signal.set_wakeup_fd(-1)) != -1:
        os.close(writing)


def open_standard_streams() -> None:
    """Open the closed ones on /dev/null: else the first sockets would get their numbers, and log lines go to them.

    What a command says on a closed stderr would also be printed on stdout, among its output.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def mind_signals() -> None:
    """Let SIGTERM and SIGINT end the process, which holds nothing yet, and SIGHUP wait.

    A thread ends it: a signal that comes just before the main thread begins to read a configuration that never comes
    would run no handler there. The code that takes over the signals closes what ``signal.set_wakeup_fd`` returns.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    threading.Thread(target=_end_on_signal, args=(reading,), name="early signals", daemon=True).start()


def _end_on_signal(reading: int) -> None:
    while number := os.read(reading, 1):
        if number[0] in {signal.SIGTERM, signal.SIGINT}:
            os._exit(0)
    os.close(reading)
