"""The whole exporter in a process of its own, as its command line starts it."""

from __future__ import annotations

import http.client
import re
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Self

import yaml

from bench.names import names
from bench.process import Program, python

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_PATIENCE = 300.0


@contextmanager
def simulator(jobs: int, running: int) -> Iterator[str]:
    """Run a simulator with so many tuning jobs, of which ``running`` are in progress; give its URL."""
    with Program(python("bench.fleet:serve", jobs, running), r"simulator at (\S+)") as program:
        yield program.match[1]


class Daemon:
    """An exporter that watches tuning jobs of a simulator, from the start of the ``with`` block to its end.

    Each entry is a tuning job as the configuration lists it; given as a number, so many of those of the bench. ``aws`` and
    ``discover`` are more of the configuration.
    """

    def __init__(
        self,
        url: str,
        jobs: int | Sequence[Mapping[str, Any]],
        interval: str,
        requests_per_second: float,
        aws: Mapping[str, Any] | None = None,
        discover: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        entries = [{"name": name} for name in names(jobs)] if isinstance(jobs, int) else jobs
        self._configuration: dict[str, Any] = {
            "interval": interval,
            # Every one that runs is described in each interval, whatever lists would tell.
            "describe_max_age": "0s",
            "aws": {
                "endpoint_url": url,
                "sts_endpoint_url": url,
                "requests_per_second": requests_per_second,
                **(aws or {}),
            },
            "discover": list(discover),
            "tuning_jobs": [{**entry, "labels": {"team": "search"}} for entry in entries],
        }
        self._jobs = len(entries)

    def __enter__(self) -> Self:
        self._directory = TemporaryDirectory()
        file = Path(self._directory.name, "config.yaml")
        file.write_text(yaml.safe_dump(self._configuration))
        self._program = Program(
            [sys.executable, "-m", "exporter", "--config.file", file, "--web.listen-address", "127.0.0.1:0"],
            r"addresses=\S*127\.0\.0\.1:(\d+)",
        )
        self._program.__enter__()
        self.pid, self.started = self._program.pid, self._program.started
        self.port = int(self._program.match[1])
        return self

    def __exit__(self, *_: object) -> None:
        self._program.__exit__()
        self._directory.cleanup()

    def wait_ready(self) -> float:
        """Return the seconds from the start of the process until the first scrape tells something."""
        return self._wait(lambda: self.get("/-/ready")[0] == 200, pause=0.005)

    def wait_described(self) -> float:
        """Return the seconds from the start of the process until every tuning job has been described."""
        up = b"\nsagemaker_tuning_job_up{"

        def all_described() -> bool:
            return self.get("/metrics")[1].count(up) == self._jobs

        return self._wait(all_described, pause=0.5)

    def calls(self) -> int:
        """Return how many calls were made so far, of all operations."""
        requests = re.compile(rb"^sagemaker_tuning_exporter_api_requests_total\{[^}]*\} (\S+)", re.MULTILINE)
        return round(sum(map(float, requests.findall(self.get("/metrics")[1]))))

    def targets(self) -> int:
        """Return how many targets are on /metrics."""
        return len(re.findall(rb"^sagemaker_tuning_exporter_target_info\{", self.get("/metrics")[1], re.MULTILINE))

    def wait_requests(self, count: int) -> None:
        """Return when so many describes were begun."""
        requests = re.compile(
            rb"^sagemaker_tuning_exporter_api_requests_total\{[^}]*Describe[^}]*\} (\S+)", re.MULTILINE
        )

        def all_begun() -> bool:
            return sum(map(float, requests.findall(self.get("/metrics")[1]))) >= count

        self._wait(all_begun, pause=2.0)

    def get(self, path: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, body

    def _wait(self, condition: Any, pause: float) -> float:
        while not condition():
            if time.perf_counter() - self.started > _PATIENCE:
                raise TimeoutError("the exporter did not get there")
            time.sleep(pause)
        return time.perf_counter() - self.started
