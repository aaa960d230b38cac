"""What ``plan`` says of memory beside what a daemon takes that has all of it: five configurations."""

from __future__ import annotations

import json
import re
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from bench.fleet import populate
from bench.process import Program, call, python, resident
from bench.table import Row, Spread
from exporter.cli.cost import cost, expected
from exporter.clock import SystemClock
from exporter.config import parse
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

TOLERANCE = 1.25
_DAEMON = "a daemon that has read it all"
_MAY_WATCH = {"max_jobs": 10_000}
_FAMILIES = ["definitions", "best_training_job", "warm_start_parents", "hyperparameters"]
_PAUSE = 1.0
_PATIENCE = 600.0
_STILL = 3
"""So many looks that show as many calls as the one before: all is read."""

_REST = 5.0  # seconds, in which what reading needed is given back


@dataclass(frozen=True, slots=True)
class Case:
    """A configuration, and how many tuning jobs each of its regions has, of which ``running`` are in progress."""

    settings: Mapping[str, Any]
    jobs: int
    running: int
    regions: tuple[str, ...] = ("us-east-1",)


_REGIONS = ("us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1")
CASES = {
    "10 tuning jobs": Case({"discover": [_MAY_WATCH]}, 10, 5),
    "3,000 tuning jobs": Case({"discover": [_MAY_WATCH]}, 3_000, 100),
    "2,000 tuning jobs with opt-in families and tags": Case(
        {"discover": [_MAY_WATCH], "collect": _FAMILIES, "tag_labels": ["team"]}, 2_000, 100
    ),
    "2,000 tuning jobs with training jobs and what they are billed for": Case(
        {"discover": [_MAY_WATCH], "collect": ["training_jobs"], "spend": {"prices": {"ml.m5.xlarge": 0.23}}}, 2_000, 50
    ),
    f"{len(_REGIONS)} regions of 100 tuning jobs": Case(
        {"discover": [{"region": region, **_MAY_WATCH} for region in _REGIONS]}, 100, 20, _REGIONS
    ),
}


def rows() -> list[Row]:
    """Measure. The ratio is how far off ``plan`` is, whether it says too much or too little."""
    found = []
    for name in CASES:
        told, measured = call("bench.plan:planned", name), measure(name)
        off = max(told / measured, measured / told)
        figures = Spread.of([told], "MB"), _DAEMON, Spread.of([measured], "MB"), Spread.of([off], "")
        found.append(Row(f"memory that plan tells, {name}", *figures, limit=TOLERANCE))
    return found


def planned(name: str) -> float:
    """Return how many MB ``plan`` says that a case takes."""
    case = CASES[name]
    settings = parse(json.dumps(_configuration(case, "http://127.0.0.1:1")), name)
    wanted = {spec.name: expected(spec, case.jobs, case.running, 0.0) for spec in settings.targets}
    return cost(settings, wanted, lambda: None).memory


def measure(name: str) -> float:
    """Return how many MB a daemon holds that has read everything once and is scraped."""
    case = CASES[name]
    with (
        Program(python("bench.plan:serve", name), r"simulator at (\S+)") as simulator,
        _daemon(_configuration(case, simulator.match[1])) as (pid, scrape),
    ):
        ends, wanted = time.monotonic() + _PATIENCE, case.jobs * len(case.regions)
        looks = [-1.0] * _STILL
        while looks != [looks[-1]] * _STILL or looks[-1] < wanted:
            if time.monotonic() > ends:
                raise TimeoutError("the exporter did not get there")
            time.sleep(_PAUSE)
            looks = [*looks[1:], _calls(scrape())]
        time.sleep(_REST)
        scrape()
        return resident(pid)


def _calls(text: bytes) -> float:
    return sum(map(float, re.findall(rb"(?m)^sagemaker_tuning_exporter_api_requests_total\{[^}]*\} (\S+)", text)))


@contextmanager
def _daemon(configuration: Mapping[str, Any]) -> Iterator[tuple[int, Callable[[], bytes]]]:
    with TemporaryDirectory() as directory:
        file = Path(directory, "config.yaml")
        file.write_text(json.dumps(configuration))
        command = [sys.executable, "-m", "exporter", "--config.file", str(file), "--web.listen-address", "127.0.0.1:0"]
        with Program(command, r"addresses=\S*(127\.0\.0\.1:\d+)") as program:
            yield program.pid, lambda: urlopen(f"http://{program.match[1]}/metrics", timeout=60).read()


def _configuration(case: Case, url: str) -> dict[str, Any]:
    aws = {"region": "us-east-1", "endpoint_url": url, "sts_endpoint_url": url, "requests_per_second": 500}
    return {"interval": "5m", "retention": "30d", "aws": aws, **case.settings}


def serve(name: str) -> None:
    """Serve a simulator with the tuning jobs of a case until the process is ended; print its URL."""
    case = CASES[name]
    simulator = Simulator(SystemClock())
    for region in case.regions:
        populate(simulator, case.jobs, case.running, region)
    server = Server(simulator)
    server.start()
    print(f"simulator at {server.url}", flush=True)
    threading.Event().wait()
