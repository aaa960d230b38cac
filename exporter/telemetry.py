"""The exporter's own metrics: its calls to AWS, their results, and its own health.

Each daemon has its own registry, not the process-wide one, so that two daemons or tests in a process do not share metrics.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, Self

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics
from prometheus_client.registry import Collector

from exporter import __version__
from exporter.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from prometheus_client import Metric
    from prometheus_client.samples import Sample

PREFIX = "sagemaker_tuning_exporter"
REVISION_VARIABLE = "SAGEMAKER_TUNING_EXPORTER_REVISION"
"""The environment variable with the commit that the exporter was built from. The image sets it."""

# From a fast call in the same region to a read time-out.
_DURATION_BUCKETS = (0.025, 0.05, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 15.0, 30.0)

disable_created_metrics()  # type: ignore[no-untyped-call]


class _TargetCounter(Counter):
    """A counter whose first label is a target. Nothing is counted for removed targets."""

    targets: AbstractSet[str] = frozenset()

    def labels(self, *values: Any, **by_name: Any) -> Self:
        """Return the child of these labels, or one that is not exposed."""
        if _has_left(self, values):
            return type(self)("left", "Counts for a target that has left.", registry=None)
        return super().labels(*values, **by_name)


class _TargetGauge(Gauge):
    """A gauge whose first label is a target, likewise."""

    targets: AbstractSet[str] = frozenset()

    def labels(self, *values: Any, **by_name: Any) -> Self:
        """Return the child of these labels, or one that is not exposed."""
        if _has_left(self, values):
            return type(self)("left", "Stands for a target that has left.", registry=None)
        return super().labels(*values, **by_name)


def _has_left(metric: _TargetCounter | _TargetGauge, values: tuple[Any, ...]) -> bool:
    return values[0] not in metric.targets


class Targets(Protocol):
    """The published targets: their own families, and additional labels by target name."""

    def collect(self) -> Iterable[Metric]:
        """Return the families that are read from what is published."""

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Return the labels to add to all series with the label ``target``, by target name."""


class _Joined(Collector):
    """Collects a registry and adds the labels of the targets.

    They are added here and are not labels of the counters, because the account may become known later or change. A counter then
    continues with its new labels, and never has series with both. A target that is not published has no series.
    """

    def __init__(
        self, registry: CollectorRegistry, targets: Targets, organizations: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._registry = registry
        self._targets = targets
        self._organizations = organizations

    def collect(self) -> Iterator[Metric]:
        known = {**self._organizations, **self._targets.labels()}
        for metric in self._registry.collect():
            metric.samples = [joined for sample in metric.samples if (joined := _join(sample, known)) is not None]
            yield metric
        yield from self._targets.collect()


def _join(sample: Sample, known: Mapping[str, Mapping[str, str]]) -> Sample | None:
    if "target" not in sample.labels:
        return sample
    labels = known.get(sample.labels["target"])
    return None if labels is None else sample._replace(labels={**labels, **sample.labels})


class Totals(NamedTuple):
    """The counts of a target's calls by operation, and of failed calls by operation and code."""

    requests: dict[str, int]
    errors: dict[tuple[str, str], int]


class Telemetry:
    """The exporter's own metrics for one daemon.

    ``target`` is always the stable name of a TargetSpec or, for metrics of calls, also that of an OrganizationSpec.

    With ``lasts`` False there are no metrics of the process itself, because it will have ended when they are read.
    """

    def __init__(self, *, lasts: bool = True) -> None:
        self._registry = CollectorRegistry(auto_describe=True)
        self._exposed: Collector = self._registry
        self._targets: set[str] = set()
        self._organizations: dict[str, Mapping[str, str]] = {}
        self._of_targets: list[_TargetCounter | _TargetGauge] = []
        if lasts:
            ProcessCollector(registry=self._registry)
        build = Info(f"{PREFIX}_build", "Version and commit of the exporter; always 1.", registry=self._registry)
        build.info({"version": __version__, "revision": os.environ.get(REVISION_VARIABLE, "")})
        self.api_requests = self._counter(
            "api_requests", "Calls to AWS, every attempt counted.", ["target", "operation"]
        )
        self.api_errors = self._counter(
            "api_errors", "Calls to AWS that failed, by reason.", ["target", "operation", "code"]
        )
        self.api_connection_retries = self._counter(
            "api_connection_retries",
            "Requests sent again on a new connection, because the old one closed before any answer.",
            ["target", "operation"],
        )
        self.api_request_duration = Histogram(
            f"{PREFIX}_api_request_duration_seconds",
            "Time from the start of a call to AWS to its end.",
            ["operation"],
            buckets=_DURATION_BUCKETS,
            registry=self._registry,
        )
        self.polls = self._counter(
            "polls", "Polls that are complete: each describes all tuning jobs that were due at its start.", ["target"]
        )
        self.poll_overruns = self._counter(
            "poll_overruns",
            "Intervals that ended before the poll begun in them, or earlier, was complete.",
            ["target"],
        )
        self.rate_limit_wait = self._counter(
            "rate_limit_wait_seconds",
            "Time during which a due call waited for the target's budget.",
            ["target"],
        )
        self.poll_duration = self._gauge("poll_duration_seconds", "Length of the last complete poll.", ["target"])
        self.last_poll = self._gauge("last_poll_timestamp_seconds", "End of the last complete poll.", ["target"])
        # A metric, and not read from what is published, because an answer without news is not published.
        self.last_answer = self._gauge(
            "target_last_success_timestamp_seconds",
            "When AWS last answered a list or a describe; absent until it first has.",
            ["target"],
        )
        self.render_duration = Gauge(
            f"{PREFIX}_render_duration_seconds",
            "Time taken by the last rendering of all tuning jobs.",
            registry=self._registry if lasts else None,
        )
        self.series_capped = self._counter(
            "series_capped", "Times that a tuning job exceeded the limit of series of a family.", ["family"]
        )
        self.jobs_left_out = self._counter(
            "discovered_jobs_left_out", "Tuning jobs that a rule found and a limit left out.", ["target", "rule"]
        )
        self.reload_successful = Gauge(
            f"{PREFIX}_config_last_reload_successful",
            "Whether the last attempt to load the configuration succeeded.",
            registry=self._registry,
        )
        self.reload_success_time = Gauge(
            f"{PREFIX}_config_last_reload_success_timestamp_seconds",
            "When the configuration was last loaded successfully.",
            registry=self._registry,
        )

        # For organizations, not targets.
        self.organization_accounts = self._gauge(
            "organization_accounts", "Active accounts of an organization when it was last read.", ["organization"]
        )
        self.organization_last_success = self._gauge(
            "organization_last_success_timestamp_seconds",
            "When the accounts of an organization were last read.",
            ["organization"],
        )
        self.organization_errors = self._counter(
            "organization_errors",
            "Readings of an organization's accounts that failed, by reason.",
            ["organization", "code"],
        )

    def _counter(self, name: str, help_: str, labels: list[str]) -> Counter:
        if labels[0] != "target":
            return Counter(f"{PREFIX}_{name}", help_, labels, registry=self._registry)
        counter = _TargetCounter(f"{PREFIX}_{name}", help_, labels, registry=self._registry)
        counter.targets = self._targets
        self._of_targets.append(counter)
        return counter

    def _gauge(self, name: str, help_: str, labels: list[str]) -> Gauge:
        if labels[0] != "target":
            return Gauge(f"{PREFIX}_{name}", help_, labels, registry=self._registry)
        gauge = _TargetGauge(f"{PREFIX}_{name}", help_, labels, registry=self._registry)
        gauge.targets = self._targets
        self._of_targets.append(gauge)
        return gauge

    def show_web_config(self, successful: Callable[[], bool], success_time: Callable[[], float]) -> None:
        """Expose the state of the web configuration file, if there is one. The functions are called for each scrape."""
        Gauge(
            f"{PREFIX}_web_config_last_reload_successful",
            "Whether the web configuration file is in force as it is; only with --web.config.file.",
            registry=self._registry,
        ).set_function(lambda: float(successful()))
        Gauge(
            f"{PREFIX}_web_config_last_reload_success_timestamp_seconds",
            "When it was last loaded successfully; only with --web.config.file.",
            registry=self._registry,
        ).set_function(success_time)

    def show(self, targets: Targets) -> None:
        """Expose the published targets. Counters are exposed only for published targets."""
        self._exposed = _Joined(self._registry, targets, self._organizations)

    def add_target(self, target: str, operations: tuple[str, ...], rules: tuple[str, ...] = ()) -> None:
        """Start the counters of a target and its rules at 0, so that Prometheus sees their first increase.

        Of the error counters, only that for throttling starts at 0. The others would be many series that nearly always stay at 0.
        """
        self._targets.add(target)
        for counter in (self.polls, self.poll_overruns, self.rate_limit_wait):
            counter.labels(target)
        for rule in rules:
            self.jobs_left_out.labels(target, rule)
        self._start_calls(target, operations)

    def add_organization(self, organization: str, account_id: str, operations: tuple[str, ...]) -> None:
        """Start the counters of an organization's calls at 0, under its name as target.

        ``account_id`` is the caller's account, empty if it is not known. There is no region, because Organizations has none.
        """
        self._organizations[organization] = {"aws_account_id": account_id, "aws_region": ""}
        self._targets.add(organization)
        self._start_calls(organization, operations)

    def _start_calls(self, target: str, operations: tuple[str, ...]) -> None:
        for operation in operations:
            self.api_requests.labels(target, operation)
            self.api_connection_retries.labels(target, operation)
            self.api_errors.labels(target, operation, ErrorCode.THROTTLED)

    def keep_only_targets(self, targets: Collection[str]) -> None:
        """Forget targets that were removed from the configuration. Their calls that end later are not counted."""
        for target in self._targets - set(targets) - self._organizations.keys():
            self._forget(target)

    def _forget(self, target: str) -> None:
        self._targets.discard(target)
        for metric in self._of_targets:
            metric.remove_by_labels({"target": target})

    def forget_organization(self, organization: str) -> None:
        """Forget an organization that was removed from the configuration."""
        self._organizations.pop(organization, None)
        self._forget(organization)
        for metric in (self.organization_accounts, self.organization_last_success, self.organization_errors):
            metric.remove_by_labels({"organization": organization})

    def forget_rule(self, target: str, rule: str) -> None:
        """Forget a rule that was removed from the configuration."""
        self.jobs_left_out.remove_by_labels({"target": target, "rule": rule})

    def totals(self) -> Mapping[str, Totals]:
        """Return the counts of calls for each target, by name."""
        totals = {target: Totals({}, {}) for target in tuple(self._targets)}
        for labels, count in _counts(self.api_requests):
            if (of := totals.get(labels["target"])) is not None:
                of.requests[labels["operation"]] = count
        for labels, count in _counts(self.api_errors):
            if (of := totals.get(labels["target"])) is not None:
                of.errors[labels["operation"], labels["code"]] = count
        return totals

    def render_text(self) -> bytes:
        """Return these metrics in text format 0.0.4."""
        return generate_latest(self._exposed)

    def render_openmetrics(self) -> bytes:
        """Return these metrics in OpenMetrics 1.0, including ``# EOF``."""
        text: bytes = generate_openmetrics(self._exposed)  # type: ignore[no-untyped-call]
        return text


def _counts(counter: Counter) -> Iterator[tuple[Mapping[str, str], int]]:
    for metric in counter.collect():
        for sample in metric.samples:
            if sample.name.endswith("_total"):
                yield sample.labels, int(sample.value)
