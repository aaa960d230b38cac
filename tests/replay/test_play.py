"""A small fleet on a real Prometheus, from the exporter's own rendering to the verdict. `make alerts-report` plays great ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from replay.rules import UNDRAWN, Rules

if TYPE_CHECKING:
    from replay.play import Replay

pytestmark = [pytest.mark.xdist_group("replay"), pytest.mark.timeout(1800)]


def test_every_trouble_is_found_in_its_time_and_no_alarm_is_false(small: Replay) -> None:
    assert not small.details


def test_every_alert_has_a_trouble_to_find(small: Replay) -> None:
    assert {outcome.trouble.alert for outcome in small.verdict.outcomes} == {*Rules.shipped()} - UNDRAWN
