"""The whole product at work: simulator on a manual clock, daemon, and a real Prometheus that scrapes it.

One tuning job of each scenario, all created at ``EPOCH``. The simulator's time stands still between the moments at
which a test looks, so that what the API says, what the daemon exposes and what Prometheus holds can be compared. Its hours
pass in seconds, so the daemon describes those that have ended each second, too, and not once a day.
"""

from __future__ import annotations

import math
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple, Self
from unittest.mock import patch

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.daemon import Daemon
from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import open_socket, parse_address
from support.clock import ManualClock
from support.processes import wait_until
from support.prometheus import Prometheus, Sample, scrape_job
from support.web import get

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path

    from exporter.config import Settings

EPOCH = 1_772_438_400.0  # 2026-03-02 08:00:00 UTC
ACCOUNT = "123456789012"
REGIONS = ("us-east-1", "eu-west-1")
MISSING = "never-existed"

HOURS = ("0.1", "1", "2.1", "3.3", "5", "9", "30")
"""When to look, in hours after the creation of every job."""


class Job(NamedTuple):
    """One tuning job of the stack."""

    scenario: str
    name: str
    region: str

    @property
    def identity(self) -> dict[str, str]:
        return {"aws_account_id": ACCOUNT, "aws_region": self.region, "tuning_job": self.name}


JOBS = tuple(Job(scenario, f"stack-{scenario}", REGIONS[i % 2]) for i, scenario in enumerate(SCENARIOS))


class Moment(NamedTuple):
    """What was seen at one simulated time: the API's answers, the daemon's text and Prometheus' samples."""

    answers: dict[str, dict[str, Any] | None]
    text: str
    samples: list[Sample]


class Recorder(Simulator):
    """A simulator that remembers when each tuning job was first asked for since ``forget`` (Unix seconds)."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.asked: dict[str, float] = {}

    def forget(self) -> None:
        self.asked = {}

    def handle(self, request: Any) -> dict[str, Any]:
        if request.operation == "DescribeHyperParameterTuningJob":
            self.asked.setdefault(request.content["HyperParameterTuningJobName"], time.time())
        return super().handle(request)


class Stack:
    """Everything running, from the start of the ``with`` block to its end."""

    def __init__(self, prometheus_binary: Path, directory: Path) -> None:
        self.clock = ManualClock(EPOCH)
        self.simulator = Recorder(self.clock)
        for job in JOBS:
            self.simulator.create(job.scenario, job.name, region=job.region)
        self.server = Server(self.simulator)
        listener = open_socket(parse_address("127.0.0.1:0"))
        host, port = listener.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        self.daemon = Daemon(self._load, self._load(), [listener], SystemClock())
        self.prometheus = Prometheus(prometheus_binary, directory, [scrape_job("exporter", f"{host}:{port}")])

    def _load(self) -> Settings:
        jobs = [(job.name, job.region) for job in JOBS] + [(MISSING, REGIONS[0])]
        entries = "\n".join(
            f"  - {{name: {name}, region: {region}, labels: {{team: {name[:8]}}}}}" for name, region in jobs
        )
        text = (
            "interval: 1s\ndescribe_max_age: 0s\n"
            f"aws: {{endpoint_url: '{self.server.url}', sts_endpoint_url: '{self.server.url}', requests_per_second: 100}}\n"
            "collect: [definitions, best_training_job, hyperparameters, warm_start_parents]\n"
            f"tuning_jobs:\n{entries}\n"
        )
        return parse(text, "stack.yaml")

    def __enter__(self) -> Self:
        with ExitStack() as running:
            running.enter_context(patch("exporter.fleet.refresh.REST", 1.0))
            running.enter_context(self.server)
            self.daemon.start()
            running.callback(self.daemon.stop)
            running.enter_context(self.prometheus)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def at(self, seconds: float) -> Moment:
        """Move the simulator to ``seconds`` after EPOCH and return what is seen once everyone has caught up."""
        self.clock.set_time(EPOCH + seconds)
        answers = {job.name: self._answer(job) for job in JOBS}
        # Asking here counts too, and an answer from before the move may still be on its way to the daemon.
        self.simulator.forget()
        gone = {MISSING, *(name for name, answer in answers.items() if answer is None)}
        wait_until(lambda: self._shows(gone), what="a describe of every job")
        return Moment(
            answers,
            get(f"{self.url}/metrics").text,
            self.prometheus.query('{__name__=~"sagemaker_tuning_.+"}', at=self.scraped_since(time.time())),
        )

    def scraped_since(self, moment: float) -> float:
        """Return the time of a scrape after ``moment``, when there is one: what it held is there, whatever came later."""

        def scraped() -> float | None:
            times: Sequence[Sample] = self.prometheus.query("min(timestamp(sagemaker_tuning_job_up))")
            return times[0].value if times and times[0].value > moment else None

        return wait_until(scraped, what="a scrape") or moment

    def _answer(self, job: Job) -> dict[str, Any] | None:
        try:
            return self.simulator.describe(job.name, region=job.region)
        except ApiError:
            return None

    def _shows(self, gone: Container[str]) -> bool:
        """Tell whether what is published was asked for since the clock was moved."""
        views = [job for target in self.daemon.published.targets for job in target.jobs]
        asked = self.simulator.asked
        return len(views) == len(JOBS) + 1 and all(
            job.failure is not None if job.name in gone else (job.last_success or 0.0) > asked.get(job.name, math.inf)
            for job in views
        )
