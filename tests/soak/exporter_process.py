"""The exporter as its command line starts it, on a clock that runs fast: ``python -m soak.exporter_process CLOCK [OPTION ...]``.

CLOCK is a ``FastClock`` as JSON. Intervals, ages and retention pass by that clock. What waits for this machine and not
for AWS stays as long as it is: how often files are looked at, how often a rendering may begin, and all that the web
server waits for. A call may take as many seconds of the fast clock as the configuration says.
"""

from __future__ import annotations

import json
import sys
from functools import partial, wraps
from typing import Any

from soak.clock import FastClock

import exporter.clock
from exporter import cli, site
from exporter.config import watch
from exporter.exposition import publish
from exporter.sagemaker import attempt, sdk
from exporter.web.webconfig import file as web_config_file


def hurry(clock: FastClock) -> None:
    """Put the exporter of this process on a clock."""
    speed = clock.speed
    exporter.clock.SystemClock = lambda: clock  # type: ignore[assignment, misc, return-value]
    watch.Watcher = partial(watch.Watcher, period=watch.PERIOD * speed)  # type: ignore[assignment, misc]
    watch.SETTLE *= speed
    publish._MIN_PERIOD *= speed
    publish._BEAT *= speed
    publish._MAX_SHARE /= speed
    site._PUBLISHER_SILENCE_SECONDS *= speed
    site._READY_ANYWAY_SECONDS *= speed
    web_config_file.AGAIN_SECONDS *= speed

    def shorter(make: Any) -> Any:
        @wraps(make)
        def config(*arguments: Any) -> Any:
            made = make(*arguments)
            return made.merge(
                sdk.Config(connect_timeout=made.connect_timeout / speed, read_timeout=made.read_timeout / speed)
            )

        return config

    within = attempt.within
    attempt.within = lambda seconds, on_retry: within(seconds / speed, on_retry)
    sdk._config = shorter(sdk._config)


if __name__ == "__main__":
    hurry(FastClock(*json.loads(sys.argv[1])))
    sys.exit(cli.main(sys.argv[2:]))
