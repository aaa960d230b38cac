"""What is published of the targets: read and not counted, so that a target that left leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily

from exporter.fleet import JobState
from exporter.telemetry import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from prometheus_client import Metric

    from exporter.exposition.publish import Published


class TargetCollector:
    """``target_info``, ``tracked_jobs``, ``untracked_running_jobs``, ``target_error_info`` and ``rule_matched_jobs``."""

    def __init__(self, published: Callable[[], Published]) -> None:
        self._published = published

    def labels(self) -> Mapping[str, Mapping[str, str]]:
        """Return account and region of each target by its name; the account is empty while nothing has told it."""
        return {
            target.name: {"aws_account_id": target.account_id, "aws_region": target.region}
            for target in self._published().targets
        }

    def collect(self) -> Iterable[Metric]:
        """Return the families as they were published; counting was done by whoever made the views."""
        info = _info("target", "The region and account of a target; always 1.")
        tracked = _gauge("tracked_jobs", "Tuning jobs watched, by what the last describe says of them.", "state")
        untracked = _gauge(
            "untracked_running_jobs", "Tuning jobs that run in a target's account and region and are not watched."
        )
        errors = _info(
            "target_error",
            "Why calls to AWS fail that are not about one tuning job; 1 while they do.",
            "operation",
            "code",
        )
        matched = _gauge(
            "rule_matched_jobs",
            "Tuning jobs that a rule finds: those watched, and those that a limit keeps out; listed ones are not counted.",
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
        return [family for family in (info, tracked, untracked, errors, matched) if family.samples]


_IDENTITY = ("aws_account_id", "aws_region", "target")


def _gauge(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, labels=(*_IDENTITY, *labels))


def _info(name: str, help_: str, *labels: str) -> InfoMetricFamily:
    """Return a family whose series are called ``…_info``; in text format it is a gauge."""
    return InfoMetricFamily(f"{PREFIX}_{name}", help_, labels=(*_IDENTITY, *labels))
