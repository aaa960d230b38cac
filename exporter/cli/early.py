"""The first actions of the process, before imports, which take half a second."""

from __future__ import annotations

import os
import signal
import sys
import threading
from contextlib import suppress

# If one of these is set, prometheus_client stores values in files, for servers that fork, and exits if it cannot.
_OTHERS = ("PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir")

_M_ARENA_MAX = -8  # of mallopt(3)
_ARENAS = 2  # more would each keep memory of their own


def ignore_others() -> None:
    """Remove variables from the environment that are for other programs in the same container.

    ``prometheus_client`` reads them when it is imported.
    """
    for variable in _OTHERS:
        os.environ.pop(variable, None)


def leave_out_rich() -> None:
    """Prevent structlog from importing rich for tracebacks if it is installed, because it needs 4 MB of memory."""
    sys.modules.setdefault("rich", None)  # type: ignore[arg-type]  # None makes the import fail


def share_arenas() -> None:
    """Let all threads take memory from two of the C library's arenas, unless the environment says how many.

    By default glibc gives threads up to eight arenas for each core. What is freed stays in its arena, so each of them grows to a
    maximum of its own: after twelve days of ``make soak`` the process had 98 MB, and 86 MB with two. Other C libraries have no arenas.
    """
    if "MALLOC_ARENA_MAX" in os.environ or "glibc.malloc.arena_max" in os.environ.get("GLIBC_TUNABLES", ""):
        return
    with suppress(ImportError, AttributeError, OSError):
        import ctypes

        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)


def hand_over() -> None:
    """Stop handling signals here, because the later handlers are installed."""
    if (writing := signal.set_wakeup_fd(-1)) != -1:
        os.close(writing)


def open_standard_streams() -> None:
    """Open closed standard streams on /dev/null. Otherwise the first sockets get their numbers, and log lines go to them.

    Also, messages of a command for a closed stderr would be printed to stdout.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def mind_signals() -> None:
    """Make SIGTERM and SIGINT end the process, which has nothing to clean up yet, and block SIGHUP.

    A thread ends the process. The main thread may wait for a configuration that never comes, and a signal that comes just before
    this wait would not run a handler. The later handlers close what ``signal.set_wakeup_fd`` returns.
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
