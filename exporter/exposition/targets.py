"""Metrics of targets. They are read from what is published, so that a removed target leaves no series behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

from exporter.fleet import JobState
from exporter.telemetry import PREFIX
from exporter.tuning_job import Quotas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from prometheus_client import Metric

    from exporter.exposition.publish import Published
    from exporter.fleet import TargetView


class TargetCollector:
    """Metrics of targets: ``target_info``, numbers of tuning jobs, errors of calls, and the quotas of their accounts."""

    def __init__(self, published: Callable[[], Published]) -> None:
        self._published = published

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Return account and region of each target by name. The account is empty while it is not known."""
        return {
            target.name: {"aws_account_id": target.account_id, "aws_region": target.region}
            for target in self._published().targets
        }

    def collect(self) -> Iterable[Metric]:
        """Return the families as published. The views already have the counts."""
        info = _info("target", "The region and account of a target; always 1.")
        tracked = _gauge("tracked_jobs", "Watched tuning jobs, by the result of their last describe.", "state")
        untracked = _gauge(
            "untracked_running_jobs", "Tuning jobs that run in a target's account and region and are not watched."
        )
        errors = _info(
            "target_error",
            "Why calls to AWS that are not about one tuning job fail; 1 while they do.",
            "operation",
            "code",
        )
        matched = _gauge(
            "rule_matched_jobs",
            "Tuning jobs that a rule finds, including those that a limit leaves out; listed ones are not counted.",
            "rule",
        )
        for target in self._published().targets:
            identity = (target.account_id, target.region, target.name)
            info.add_metric(identity, {})
            for state in JobState:
                tracked.add_metric((*identity, state), target.states[state])
            if target.untracked_running_jobs is not None:
                untracked.add_metric(identity, target.untracked_running_jobs)
            for operation, code in target.errors:
                errors.add_metric((*identity, operation, code), {})
            for rule, count in target.matched:
                matched.add_metric((*identity, rule), count)
        families = (info, tracked, untracked, errors, matched, *_quotas(self._published().targets))
        return [family for family in families if family.samples]


_PLACE = ("aws_account_id", "aws_region")
_IDENTITY = (*_PLACE, "target")


def _quotas(targets: Iterable[TargetView]) -> Iterator[GaugeMetricFamily]:
    """Yield the quotas of each account and region once, even if several targets use it. Skip targets of unknown account."""
    told: dict[tuple[str, str], Quotas] = {}
    for target in targets:
        if target.quotas is not None and target.account_id:
            place = target.account_id, target.region
            told[place] = told.get(place, Quotas()) | target.quotas
    instances = GaugeMetricFamily(
        f"{PREFIX}_quota_training_instances",
        "Quota of instances that training jobs may use at once, for types that tuning jobs name; needs collect: [quotas].",
        labels=(*_PLACE, "instance_type", "spot"),
    )
    tuning_jobs = GaugeMetricFamily(
        f"{PREFIX}_quota_tuning_jobs",
        "Quota of tuning jobs that may run at once, if AWS lists it; needs collect: [quotas].",
        labels=_PLACE,
    )
    for place, quotas in told.items():
        for key, most in quotas.instances.items():
            instances.add_metric((*place, *key), most)
        if quotas.tuning_jobs is not None:
            tuning_jobs.add_metric(place, quotas.tuning_jobs)
    yield from (instances, tuning_jobs)


def _gauge(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, labels=(*_IDENTITY, *labels))


def _info(name: str, help_: str, *labels: str) -> InfoMetricFamily:
    """Return a family whose series end in ``_info``. In text 0.0.4 it is a gauge."""
    return InfoMetricFamily(f"{PREFIX}_{name}", help_, labels=(*_IDENTITY, *labels))
