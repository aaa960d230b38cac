from __future__ import annotations

import pytest
from render_rules import load
from replay.rules import LASTING, Rules, seconds

RULES = Rules.shipped()


@pytest.mark.parametrize(
    ("duration", "expected"), [("0s", 0), ("45m", 2700), ("1h30m", 5400), ("500ms", 0.5), ("1d", 86400)]
)
def test_seconds(duration: str, expected: float) -> None:
    assert seconds(duration) == expected


def test_what_an_alert_states_is_made_of_its_own_numbers() -> None:
    assert RULES.stated("SageMakerTuningJobDeleteFailed") == RULES.hold("SageMakerTuningJobDeleteFailed") > 0
    for alert, names in LASTING.items():
        numbers = RULES.numbers(alert)
        assert RULES.stated(alert) == RULES.hold(alert) + sum(numbers[name] for name in names)


def test_no_alert_builds_upon_a_recorded_series() -> None:
    """A replay evaluates the alerts only."""
    records = [rule["record"] for group in load()["groups"] for rule in group["rules"] if "record" in rule]
    assert records
    assert not [alert for alert in RULES for record in records if record in RULES.expression(alert)]


def test_metrics() -> None:
    assert {"up", "sagemaker_tuning_job_status", "sagemaker_tuning_exporter_api_errors_total"} <= RULES.metrics()
