"""Families about the targets, read from what was published, so that a target that left leaves nothing behind."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from exporter.fleet import JobState
from exporter.telemetry import PREFIX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from prometheus_client import Metric

    from exporter.exposition.publish import Published


class TargetCollector(Collector):
    """``target_info``, ``tracked_jobs``, ``untracked_running_jobs``, ``target_error_info`` and ``rule_matched_jobs``."""

    def __init__(self, published: Callable[[], Published]) -> None:
        self._published = published

    def collect(self) -> Iterable[Metric]:
        """Return the families as they were published; counting was done by whoever made the views."""
        info = GaugeMetricFamily(
            f"{PREFIX}_target_info",
            "The region and account of a target; always 1.",
            labels=["target", "aws_region", "aws_account_id"],
        )
        tracked = GaugeMetricFamily(
            f"{PREFIX}_tracked_jobs",
            "Tuning jobs watched, by what the last describe says of them.",
            labels=["target", "state"],
        )
        untracked = GaugeMetricFamily(
            f"{PREFIX}_untracked_running_jobs",
            "Tuning jobs that run in a target's account and region and are not watched.",
            labels=["target"],
        )
        errors = GaugeMetricFamily(
            f"{PREFIX}_target_error_info",
            "Why calls to AWS fail that are not about one tuning job; 1 while they do.",
            labels=["target", "operation", "code"],
        )
        matched = GaugeMetricFamily(
            f"{PREFIX}_rule_matched_jobs",
            "Tuning jobs that a rule finds: those watched, and those that a limit keeps out; listed ones are not counted.",
            labels=["target", "rule"],
        )
        for target in self._published().targets:
            for rule, count in target.matched:
                matched.add_metric([target.name, rule], count)
            if target.untracked_running_jobs is not None:
                untracked.add_metric([target.name], target.untracked_running_jobs)
            for operation, code in target.errors:
                errors.add_metric([target.name, operation, code], 1)
            info.add_metric([target.name, target.region, target.account_id], 1)
            for state in JobState:
                tracked.add_metric([target.name, state], target.states[state])
        return [family for family in (info, tracked, untracked, errors, matched) if family.samples]
