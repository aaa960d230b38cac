"""The shipped alerts as the report needs them: their expressions, their numbers, and how soon they say they fire."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from render_rules import alerts, load, thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}

LASTING = {
    "SageMakerTuningJobStuckStopping": ("window",),
    "SageMakerTuningJobStuck": ("window",),
    "SageMakerTuningJobConvergedStillRunning": ("age",),
    "SageMakerTuningJobSlotsStarved": ("window",),
    "SageMakerTuningJobTargetReachedStillRunning": ("window",),
    "SageMakerTuningExporterThrottled": ("window",),
    "SageMakerTuningExporterDataStale": ("overdue",),
}
"""The thresholds that say, beside ``for``, how long something must have lasted."""


def seconds(duration: str) -> float:
    """Return a duration of Prometheus in seconds."""
    return sum(int(number) * _SECONDS[unit] for number, unit in re.findall(r"(\d+)(ms|[smhd])", duration))


@dataclass(frozen=True)
class Rules:
    """The alerts by name, as in the rule files."""

    by_name: Mapping[str, Mapping[str, Any]]

    @classmethod
    def shipped(cls) -> Rules:
        """Return those of the chart."""
        groups = {"groups": reversed(load()["groups"])}  # the tuning jobs' before the exporter's own
        return cls({rule["alert"]: rule for rule in alerts(groups)})

    def __iter__(self) -> Iterator[str]:
        return iter(self.by_name)

    def expression(self, alert: str) -> str:
        return str(self.by_name[alert]["expr"])

    def hold(self, alert: str) -> float:
        """Return the ``for`` of an alert, in seconds."""
        return seconds(self.by_name[alert]["for"])

    def keep(self, alert: str) -> float:
        """Return the ``keep_firing_for`` of an alert, in seconds."""
        return seconds(self.by_name[alert]["keep_firing_for"])

    def numbers(self, alert: str) -> dict[str, float]:
        """Return the thresholds of an alert by name, durations in seconds."""
        found = thresholds(self.by_name[alert])
        return {name: seconds(one.value) if one.range else float(one.value) for name, one in found.items()}

    def stated(self, alert: str) -> float:
        """Return how many seconds after its condition began an alert says that it fires."""
        numbers = self.numbers(alert)
        return self.hold(alert) + sum(numbers[name] for name in LASTING.get(alert, ()))

    def metrics(self) -> frozenset[str]:
        """Return the names of all metrics that the expressions select."""
        return frozenset(
            name
            for rule in self.by_name.values()
            for name in re.findall(r"\b(?:sagemaker_tuning_\w+|up)\b", rule["expr"])
        )
