"""A real Prometheus server that scrapes what a test serves, and answers PromQL about it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx

from support.processes import PATIENCE, Child, free_port, wait_until
from support.web import client

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path


class Sample(NamedTuple):
    """One series at one time."""

    labels: dict[str, str]
    value: float


class Series(NamedTuple):
    """One series over a range of time; a point is Unix seconds and a value."""

    labels: dict[str, str]
    points: list[tuple[float, float]]


class PrometheusError(Exception):
    """Prometheus' own message about a request that it refused."""


def scrape_job(name: str, *targets: str, **settings: Any) -> dict[str, Any]:
    """Return a scrape configuration for ``host:port`` targets; ``settings`` are more of its keys."""
    return {"job_name": name, "static_configs": [{"targets": list(targets)}], **settings}


class Prometheus:
    """A server on a free port of 127.0.0.1 from the start of the ``with`` block to its end.

    It keeps configuration, data and log in ``directory`` (blocks laid into ``directory / "data"`` before the start
    are served). ``interval`` is the time between scrapes, and between evaluations of the rules, in seconds.
    """

    def __init__(
        self,
        binary: Path,
        directory: Path,
        scrape_jobs: Sequence[dict[str, Any]],
        *,
        interval: float = 0.5,
        rule_files: Sequence[Path] = (),
        flags: Sequence[str] = (),
    ) -> None:
        self._binary = binary
        self._directory = directory
        self._interval = interval
        self._flags = flags
        self._child: Child | None = None
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self._client = client(self.url)
        directory.mkdir(parents=True, exist_ok=True)
        self._configure(scrape_jobs, rule_files)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._client.close()

    def start(self) -> None:
        """Start, or start again on the same data, and return when queries are answered.

        The first scrape comes about five seconds later, as after a ``reload``: Prometheus gathers its targets at
        that pace, whatever the interval.
        """
        self._child = Child(
            [
                self._binary,
                f"--config.file={self._config_file}",
                f"--storage.tsdb.path={self._directory / 'data'}",
                f"--web.listen-address={self.address}",
                "--web.enable-lifecycle",
                "--log.level=warn",
                *self._flags,
            ],
            log=self._directory / "prometheus.log",
        )
        try:
            self._child.wait_until(self._ready, what="Prometheus to be ready")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop; the data stays."""
        if self._child is not None:
            self._child.terminate()
            self._child = None

    def reload(self, scrape_jobs: Sequence[dict[str, Any]], rule_files: Sequence[Path] = ()) -> None:
        """Replace the configuration in the running server; raise PrometheusError when it refuses."""
        self._configure(scrape_jobs, rule_files)
        answer = self._client.post("/-/reload")
        if answer.is_error:
            raise PrometheusError(answer.text)

    def query(self, promql: str, *, at: float | None = None) -> list[Sample]:
        """Return an instant query's samples, now or at a Unix time; a scalar is one sample without labels."""
        data = self._get("query", query=promql, time=at)
        if data["resultType"] == "scalar":
            return [Sample({}, float(data["result"][1]))]
        return [Sample(item["metric"], float(item["value"][1])) for item in data["result"]]

    def query_range(self, promql: str, *, start: float, end: float, step: float) -> list[Series]:
        """Return a range query's series; ``start`` and ``end`` in Unix seconds, ``step`` in seconds."""
        data = self._get("query_range", query=promql, start=start, end=end, step=step)
        return [
            Series(item["metric"], [(float(when), float(value)) for when, value in item["values"]])
            for item in data["result"]
        ]

    def series(self, selector: str) -> list[dict[str, str]]:
        """Return the labels of every series that a selector has ever matched."""
        found: list[dict[str, str]] = self._get("series", **{"match[]": selector})
        return found

    def targets(self) -> list[dict[str, Any]]:
        """Return the active scrape targets: ``labels``, ``health``, ``lastError`` and more of each."""
        active: list[dict[str, Any]] = self._get("targets", state="active")["activeTargets"]
        return active

    def types(self, job: str) -> dict[str, str]:
        """Return the type of each metric family as the targets of a scrape job told it last."""
        told = self._get("targets/metadata", match_target=f'{{job="{job}"}}')
        return {each["metric"]: each["type"] for each in told}

    def rules(self) -> list[dict[str, Any]]:
        """Return every rule of every group with its state and health."""
        return [rule for group in self._get("rules")["groups"] for rule in group["rules"]]

    def alerts(self) -> list[dict[str, Any]]:
        """Return the pending and firing alerts."""
        alerts: list[dict[str, Any]] = self._get("alerts")["alerts"]
        return alerts

    def wait_until(
        self, promql: str, holds: Callable[[list[Sample]], object] = bool, *, timeout: float = PATIENCE
    ) -> list[Sample]:
        """Return the samples of the first answer that ``holds``, by default the first that is not empty.

        Raise TimeoutError with the last answer after ``timeout`` seconds.
        """
        samples: list[Sample] = []

        def answered() -> bool:
            samples[:] = self.query(promql)
            return bool(holds(samples))

        try:
            wait_until(answered, timeout=timeout, what=promql)
        except TimeoutError as error:
            error.add_note(f"last answer: {samples}")
            raise
        return samples

    @property
    def _config_file(self) -> Path:
        return self._directory / "prometheus.json"

    def _configure(self, scrape_jobs: Sequence[dict[str, Any]], rule_files: Sequence[Path]) -> None:
        interval = f"{round(self._interval * 1000)}ms"
        config = {
            "global": {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval},
            "rule_files": [str(file.resolve()) for file in rule_files],
            "scrape_configs": list(scrape_jobs),
        }
        # JSON is YAML.
        self._config_file.write_text(json.dumps(config, indent=1))

    def _ready(self) -> bool:
        try:
            return self._client.get("/-/ready").is_success
        except httpx.TransportError:
            return False

    def _get(self, path: str, **parameters: Any) -> Any:
        given = {name: value for name, value in parameters.items() if value is not None}
        answer = self._client.get(f"/api/v1/{path}", params=given).json()
        if answer["status"] != "success":
            raise PrometheusError(answer["error"])
        return answer["data"]
