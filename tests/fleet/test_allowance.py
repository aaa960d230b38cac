"""How much of its budget a target uses."""

from __future__ import annotations

import pytest
from fleet.driver import target_spec

from exporter.clock import Instant
from exporter.fleet.allowance import Allowance
from exporter.telemetry import Telemetry


def at(seconds: float) -> Instant:
    return Instant(1_750_000_000 + seconds, seconds)


@pytest.fixture
def allowance() -> Allowance:
    telemetry = Telemetry()
    spec = target_spec(requests_per_second=2.0)
    telemetry.add_target(spec.name, ())
    return Allowance(spec, telemetry, at(0.0))


def spend(allowance: Allowance, first: int, last: int) -> None:
    """Make a call each second."""
    for second in range(first, last):
        assert allowance.spend("target", at(float(second)), float(second))


def test_it_tells_how_many_calls_were_made_in_the_last_minute(allowance: Allowance) -> None:
    assert allowance.made_per_second(at(0.0)) == 0.0
    spend(allowance, 0, 30)
    assert allowance.made_per_second(at(30.0)) == 0.5
    spend(allowance, 30, 180)
    assert allowance.made_per_second(at(179.999)) == pytest.approx(1.0, abs=0.02)
    assert allowance.made_per_second(at(210.0)) == 0.5, "half of the minute before"
    assert allowance.made_per_second(at(240.0)) == 0.0
    assert allowance.made_per_second(at(100_000.0)) == 0.0


def test_looking_spends_nothing(allowance: Allowance) -> None:
    for _ in range(100):
        allowance.made_per_second(at(10.0))
    assert allowance.spend("target", at(10.0), 10.0)


def test_the_rate_is_the_configured_one_and_less_after_throttling(allowance: Allowance) -> None:
    assert allowance.rate(10.0) == 2.0
    allowance.throttled(10.0)
    assert allowance.rate(10.0) == 1.0
    assert 1.0 < allowance.rate(20.0) < 2.0
    assert allowance.rate(100.0) == 2.0
