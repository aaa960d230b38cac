"""The exporter's way of describing: a target with its threads and the real SDK, nothing rendered."""

from __future__ import annotations

import json
import threading
import time
from typing import TYPE_CHECKING

from bench.names import names
from exporter import logs
from exporter.clock import SystemClock
from exporter.config import parse
from exporter.fleet import Pool, Target
from exporter.log_format import LogFormat
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec


class Meter:
    """Counts describes, and notes the CPU seconds that the process had used when there were so many."""

    def __init__(self, first: int, last: int) -> None:
        self._marks = {first: 0.0, last: 0.0}
        self._count = 0
        self._lock = threading.Lock()
        self._last = last
        self.done = threading.Event()

    def tick(self) -> None:
        with self._lock:
            self._count += 1
            if self._count in self._marks:
                self._marks[self._count] = time.process_time()
            if self._count == self._last:
                self.done.set()

    @property
    def seconds(self) -> float:
        """The CPU seconds of one describe."""
        (first, began), (last, ended) = self._marks.items()
        return (ended - began) / (last - first)


def describe(url: str, jobs: int, describes: int) -> dict[str, float]:
    """Describe so many tuning jobs, again each second, until there were so many describes; return the CPU of one."""
    logs.configure("error", LogFormat.LOGFMT)
    telemetry, clock = Telemetry(), SystemClock()
    meter = Meter(describes // 10, describes)
    spec = _spec(url, jobs)
    api = SageMakerApi(spec, Sessions(), telemetry)
    pool = Pool(clock, lambda _: meter.tick())
    pool.drive(Target(spec, telemetry, clock.now()), api)
    pool.start()
    meter.done.wait()
    pool.stop()
    return {"seconds": meter.seconds}


def _spec(url: str, jobs: int) -> TargetSpec:
    settings = parse(
        json.dumps(
            {
                "interval": "1s",
                "describe_max_age": "0s",
                "aws": {
                    "region": "us-east-1",
                    "endpoint_url": url,
                    "sts_endpoint_url": url,
                    "requests_per_second": 1000,
                },
                "tuning_jobs": names(jobs),
            }
        ),
        "bench",
    )
    return settings.targets[0]
