"""Handles signals while the daemon runs."""

from __future__ import annotations

import atexit
import os
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.daemon import Daemon

_END_ANYWAY_SECONDS = 4.0


def handle_signals(daemon: Daemon) -> None:
    """Make SIGTERM and SIGINT stop the daemon, and SIGHUP reload it. Call this only in the main thread.

    A SIGHUP that was blocked before is handled now.
    """

    def stop(*_: object) -> None:
        # The main thread may hang, for example if it reads a configuration on a network disk that has failed.
        if not any(signal.getitimer(signal.ITIMER_REAL)):
            signal.setitimer(signal.ITIMER_REAL, _END_ANYWAY_SECONDS)
        daemon.request_stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
    # The interpreter removes handlers before it ends. A second signal would then kill the process.
    atexit.register(signal.setitimer, signal.ITIMER_REAL, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        atexit.register(signal.signal, number, signal.SIG_IGN)
    # The earlier handlers are no longer needed.
    if (early := signal.set_wakeup_fd(-1)) != -1:
        os.close(early)
    signal.signal(signal.SIGHUP, lambda *_: daemon.request_reload("SIGHUP"))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGHUP})
