"""One small replay for all that is asked of it."""

from __future__ import annotations

import pytest
from replay.play import Replay, play
from support.tools import require

SEED = 9


@pytest.fixture(scope="session")
def small() -> Replay:
    """Return what the alerts make of 40 tuning jobs in four days."""
    return play(SEED, jobs=40, days=4, interval=300, promtool=require("promtool"), prometheus=require("prometheus"))
