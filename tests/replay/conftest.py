"""One small replay for all that is asked of it."""

from __future__ import annotations

import pytest
from replay.fleet import Setup, draw
from replay.play import Replay, play
from replay.rules import Rules
from support.tools import RELEASES, release, require

SEED = 9


@pytest.fixture(scope="session")
def replays() -> dict[str, Replay]:
    servers = {version: release(version, "prometheus") for version in RELEASES}
    setup = Setup(interval=300, evaluation=300, days=4, jobs=40)
    return play(draw(SEED, setup), Rules.shipped(), promtool=require("promtool"), servers=servers)


@pytest.fixture(scope="session", params=RELEASES)
def small(request: pytest.FixtureRequest, replays: dict[str, Replay]) -> Replay:
    """Return what the alerts make of 40 tuning jobs in four days."""
    return replays[request.param]
