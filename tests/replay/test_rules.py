from __future__ import annotations

import pytest
from render_rules import load
from replay.promises import JOB, PROMISES, TELLS
from replay.rules import Rules, seconds

RULES = Rules.shipped()


@pytest.mark.parametrize(
    ("duration", "expected"), [("0s", 0), ("45m", 2700), ("1h30m", 5400), ("500ms", 0.5), ("1d", 86400)]
)
def test_seconds(duration: str, expected: float) -> None:
    assert seconds(duration) == expected


def test_each_alert_has_promised_something_and_tells_of_a_cause() -> None:
    assert {*RULES} == PROMISES.keys()
    told = {alert for alerts in TELLS.values() for alert in alerts}
    assert {alert for alert in RULES if alert.startswith(JOB)} == told | {JOB + "DescribeFailing", JOB + "Missing"}


def test_each_record_has_a_name_and_no_labels_of_its_own() -> None:
    """So their names tell them apart."""
    records = [rule for group in load()["groups"] for rule in group["rules"] if "record" in rule]
    assert len({rule["record"] for rule in records}) == len(records) == len(RULES.records)
    assert not [rule for rule in records if "labels" in rule]


def made_of(records: dict[str, str], alert: str) -> Rules:
    return Rules({"A": {"expr": alert}}, records)


def test_records_come_before_what_is_made_of_them() -> None:
    records = {"a:x:y": "b:x:y + b:x:z", "b:x:y": "m", "b:x:z": "b:x:y", "c:x:y": "m"}
    assert made_of(records, "a:x:y > 1").layers == [["b:x:y"], ["b:x:z"], ["a:x:y"]]
    assert made_of(records, "b:x:y > 1 # a:x:y").layers == [["b:x:y"]]
    with pytest.raises(ValueError, match="made of each other"):
        _ = made_of({"a:x:y": "b:x:y", "b:x:y": "a:x:y"}, "a:x:y").layers


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up == 0", "up == 0"),
        ("a:x:y > 1", "last_over_time(a:x:y[29700ms]) > 1"),
        ('a:x:y{b="c"} offset 1h > 1', 'last_over_time(a:x:y{b="c"}[29700ms] offset 1h) > 1'),
        ("max_over_time(a:x:y[1h]) + a:x:yz", "max_over_time(a:x:y[1h]) + a:x:yz"),
        ('max_over_time(a:x:y{b="c"}[1h])', 'max_over_time(a:x:y{b="c"}[1h])'),
        ("min(a:x:y) # a:x:y", "min(last_over_time(a:x:y[29700ms])) "),
    ],
)
def test_of_a_record_only_what_was_recorded_at_the_time(expression: str, expected: str) -> None:
    assert made_of({"a:x:y": "m"}, expression).at_steps(expression, 30) == expected


def test_metrics() -> None:
    assert {"up", "sagemaker_tuning_job_status", "sagemaker_tuning_exporter_api_errors_total"} <= RULES.metrics()
