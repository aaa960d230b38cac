"""What is published of the targets: read and not counted, so that a target that left leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily

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
        info = _family("target_info", "The region and account of a target; always 1.")
        tracked = _family("tracked_jobs", "Tuning jobs watched, by what the last describe says of them.", "state")
        untracked = _family(
            "untracked_running_jobs", "Tuning jobs that run in a target's account and region and are not watched."
        )
        errors = _family(
            "target_error_info",
            "Why calls to AWS fail that are not about one tuning job; 1 while they do.",
            "operation",
            "code",
        )
        matched = _family(
            "rule_matched_jobs",
            "Tuning jobs that a rule finds: those watched, and those that a limit keeps out; listed ones are not counted.",
            "rule",
        )
        for target in self._published().targets:
            identity = (target.account_id, target.region, target.name)
            info.add_metric(identity, 1)
            for state in JobState:
                tracked.add_metric((*identity, state), target.states[state])
            if target.untracked_running_jobs is not None:
                untracked.add_metric(identity, target.untracked_running_jobs)
            for operation, code in target.errors:
                errors.add_metric((*identity, operation, code), 1)
            for rule, count in target.matched:
                matched.add_metric((*identity, rule), count)
        return [family for family in (info, tracked, untracked, errors, matched) if family.samples]


def _family(name: str, help_: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"{PREFIX}_{name}", help_, labels=("aws_account_id", "aws_region", "target", *labels))
