"""Colors, thresholds and texts that all panels share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import ErrorCode
from exporter.fleet import Operation
from grafana.promql import STATUSES
from grafana.schema import model

if TYPE_CHECKING:
    from collections.abc import Mapping

GREEN, BLUE, YELLOW, ORANGE, RED, PURPLE, GRAY = "green", "blue", "yellow", "orange", "red", "purple", "text"

JOB_COLORS = {
    "InProgress": BLUE,
    "Completed": GREEN,
    "Failed": RED,
    "Stopping": YELLOW,
    "Stopped": PURPLE,
    "Deleting": ORANGE,
    "DeleteFailed": "dark-red",
    "Unknown": GRAY,
}
TRAINING_COLORS = {
    "Completed": GREEN,
    "InProgress": BLUE,
    "Stopped": PURPLE,
    "RetryableError": ORANGE,
    "NonRetryableError": RED,
}
OBJECTIVE_COLORS = {"Succeeded": GREEN, "Pending": BLUE, "Failed": RED}
STATE_COLORS = {"running": BLUE, "finished": GREEN, "pending": YELLOW, "missing": ORANGE, "failing": RED}
SEVERITY_COLORS = {"critical": RED, "warning": ORANGE, "info": BLUE}
ALERT_COLORS = {"firing": RED, "pending": YELLOW}


def steps(first: str, *others: tuple[float, str]) -> model.ThresholdsConfig:
    """Return thresholds: the color below the first one, then each value with the color from it on."""
    return model.ThresholdsConfig(
        model.ThresholdsMode.ABSOLUTE,
        [model.Threshold(None, first), *(model.Threshold(value, color) for value, color in others)],
    )


PLAIN = steps(BLUE)
NONE_IS_GOOD = steps(GREEN, (1, RED))
FEW_ARE_GOOD = steps(GREEN, (1, ORANGE))
NEAR_LIMIT = steps(BLUE, (0.8, ORANGE), (0.95, RED))
FAILED_SHARE = steps(GREEN, (0.1, ORANGE), (0.3, RED))
SLOTS = steps(RED, (0.3, ORANGE), (0.6, GREEN))
STALE_SEARCH = steps(GREEN, (6 * 3600, ORANGE), (24 * 3600, RED))
EDGES = steps(RED, (0.02, GREEN), (0.98, RED))


def words(meanings: Mapping[str, tuple[str, str | None]]) -> list[model.ValueMap]:
    """Return a mapping from values, as text, to the text and color that are shown."""
    return [
        model.ValueMap(
            {
                value: model.ValueMappingResult(text=text, color=color, index=index)
                for index, (value, (text, color)) in enumerate(meanings.items())
            }
        )
    ]


def colored(colors: Mapping[str, str]) -> list[model.ValueMap]:
    """Return a mapping that only sets colors."""
    return words({value: (value, color) for value, color in colors.items()})


STATUS_WORDS = words({str(number): (status, JOB_COLORS[status]) for number, status in enumerate(STATUSES)})
DESCRIBED_WORDS = words({"1": ("described", GREEN), "0": ("failing", RED)})
RELOAD_WORDS = words({"1": ("loaded", GREEN), "0": ("refused", RED)})
REMEDY_WORDS = words({code: (code.remedy(Operation.DESCRIBE), None) for code in ErrorCode})
