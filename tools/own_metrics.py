"""Finds the exporter's own metrics: watches one target and reads its metrics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from exporter.config.specs import LIST_ACCOUNTS, LIST_ACCOUNTS_OF_UNIT, LIST_UNITS
from exporter.errors import ErrorCode
from exporter.exposition.families import FAMILIES
from exporter.exposition.publish import EMPTY
from exporter.exposition.targets import TargetCollector
from exporter.fleet import JobState, Operation, TargetView
from exporter.telemetry import PREFIX, Telemetry
from exporter.tuning_job import Quotas

if TYPE_CHECKING:
    from collections.abc import Mapping

VALUES: Mapping[str, tuple[str, ...]] = {
    "operation": (*Operation, LIST_ACCOUNTS, LIST_ACCOUNTS_OF_UNIT, LIST_UNITS, "AssumeRole"),
    "code": tuple(ErrorCode),
    "state": tuple(JobState),
    "spot": ("true", "false"),
    "family": tuple(family.full_name for family in FAMILIES if family.limit is not None),
}
"""The labels with a fixed set of values."""


@dataclass(frozen=True)
class OwnMetric:
    """A metric family as exposed. ``samples`` has the labels of each of its names."""

    name: str
    type: str
    help: str
    samples: Mapping[str, tuple[str, ...]]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels of the family, without those that its type adds."""
        return tuple(label for label in next(iter(self.samples.values())) if label != "le")

    @property
    def process(self) -> bool:
        """Return whether it is one of the metrics of all processes."""
        return not self.name.startswith(PREFIX)


def own_metrics() -> list[OwnMetric]:
    """Return the metrics in the order in which they are exposed."""
    return [
        OwnMetric(
            name=f"{family.name}_total" if family.type == "counter" else family.name,
            type=family.type,
            help=family.documentation,
            samples={sample.name: tuple(sample.labels) for sample in family.samples},
        )
        for family in text_string_to_metric_families(_a_scrape())
    ]


def _a_scrape() -> str:
    telemetry = Telemetry()
    telemetry.show_web_config(lambda: True, lambda: 0.0)
    watched = TargetView(
        "prod",
        "eu-west-1",
        "123456789012",
        attempted=True,
        jobs=(),
        changes_at=None,
        untracked_running_jobs=0,
        matched=(("rule", 0),),
        errors=((Operation.LIST, ErrorCode.ACCESS_DENIED),),
        quotas=Quotas({("ml.m5.xlarge", "true"): 20.0}, 100.0),
    )
    published = replace(EMPTY, targets=(watched,))
    telemetry.show(TargetCollector(lambda: published))
    telemetry.add_target(watched.name, tuple(Operation))
    for metric in vars(telemetry).values():
        if isinstance(metric, MetricWrapperBase) and not next(iter(metric.collect())).samples:
            # Labels are read from samples. This metric has none yet, and targets that were not added expose none.
            metric.labels(*(watched.name if name == "target" else name for name in metric._labelnames))  # noqa: SLF001
    return telemetry.render_text().decode()
