"""What one would write with prometheus_client: gauges that are set, or a collector over the same tuning jobs."""

from __future__ import annotations

import gzip
import threading
import time
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Gauge, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from bench.fleet import views
from bench.process import peak, resident
from exporter.exposition.families import families_in_force
from exporter.exposition.family import IDENTITY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from prometheus_client import Metric

    from exporter.exposition.family import Family, Number
    from exporter.fleet import JobView

_FAMILIES = families_in_force(frozenset())


def _labels(family: Family) -> tuple[str, ...]:
    # Every tuning job of the stored fleet has this one configured label.
    return (*IDENTITY, *(("label_team",) if family.name == "labels" else family.labels))


def _samples(family: Family, job: JobView) -> Iterable[tuple[tuple[str, ...], Number]]:
    return ((tuple(value for _, value in labels), number) for labels, number in family.samples(job))


class JobCollector(Collector):
    """Makes every family anew for each scrape."""

    def __init__(self, jobs: Iterable[JobView]) -> None:
        self._jobs = tuple(jobs)

    def collect(self) -> Iterator[Metric]:
        for family in _FAMILIES:
            metric = GaugeMetricFamily(family.full_name, family.help, labels=_labels(family))
            for job in self._jobs:
                identity = (job.account_id, job.region, job.name)
                for values, number in _samples(family, job):
                    metric.add_metric((*identity, *values), number)
            yield metric

    def describe(self) -> list[Metric]:
        """Name none, so that registering makes no fleet."""
        return []


def collector(file: str, jobs: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(JobCollector(views(file, jobs)))
    return registry


def gauges(file: str, jobs: int) -> CollectorRegistry:
    registry = CollectorRegistry()
    metrics = [Gauge(family.full_name, family.help, _labels(family), registry=registry) for family in _FAMILIES]
    for job in views(file, jobs):
        for family, metric in zip(_FAMILIES, metrics, strict=True):
            for values, number in _samples(family, job):
                metric.labels(job.account_id, job.region, job.name, *values).set(number)
    return registry


def serve(file: str, jobs: int) -> None:
    """Serve a collector over a stored fleet by the library's own server until the process is ended; print the port."""
    server, _ = start_http_server(0, "127.0.0.1", collector(file, jobs))
    print(f"port {server.server_port}", flush=True)
    threading.Event().wait()


def render_gauges(file: str, jobs: int, repeats: int) -> dict[str, object]:
    """Render gauges; return what ``bench.ours.render`` does, and the seconds that gzip would take on top."""
    return _render(gauges, file, jobs, repeats)


def render_collector(file: str, jobs: int, repeats: int) -> dict[str, object]:
    """Render a collector; likewise."""
    return _render(collector, file, jobs, repeats)


def _render(make: Callable[[str, int], CollectorRegistry], file: str, jobs: int, repeats: int) -> dict[str, object]:
    before = resident()
    registry = make(file, jobs)
    seconds = []
    for _ in range(repeats):
        began = time.process_time()
        text = generate_latest(registry)
        seconds.append(time.process_time() - began)
    memory = peak() - before
    began = time.process_time()
    gzip.compress(text)  # as the library's own server does
    zipping = time.process_time() - began
    series = sum(not line.startswith(b"#") for line in text.splitlines())
    return {"seconds": seconds, "gzip": zipping, "memory": memory, "series": series}
