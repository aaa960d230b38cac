"""One small replay for all that is asked of it."""

from __future__ import annotations

import pytest
from replay.play import Replay, play
from support.tools import RELEASES, release, require

SEED = 9


@pytest.fixture(scope="session")
def replays() -> dict[str, Replay]:
    servers = {version: release(version, "prometheus") for version in RELEASES}
    return play(SEED, jobs=40, days=4, interval=300, promtool=require("promtool"), servers=servers)


@pytest.fixture(scope="session", params=RELEASES)
def small(request: pytest.FixtureRequest, replays: dict[str, Replay]) -> Replay:
    """Return what the alerts make of 40 tuning jobs in four days."""
    return replays[request.param]
