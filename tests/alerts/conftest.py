"""The story of the rig, played once to Prometheus and Alertmanager of both major versions side by side."""

from __future__ import annotations

import pytest
from alerts.rig import Programs, Rig, Side
from support.pace import unhurried
from support.tools import RELEASES, release

SCRAPED_WITHIN = 0.25
"""The part of the time for a scrape that an answer of nothing may take."""


@pytest.fixture(scope="session")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Side]:
    """Return what both sides have come to know. The servers have ended."""
    names = ("prometheus", "prometheus-alertmanager")
    programs = {version: Programs(*(release(version, name) for name in names)) for version in RELEASES}

    def play(pace: float) -> dict[str, Side]:
        with Rig(programs, tmp_path_factory.mktemp("alerts"), pace) as rig:
            rig.play()
        return rig.sides

    return unhurried(play, answered_within=SCRAPED_WITHIN, spare=3.0)


@pytest.fixture(scope="session", params=RELEASES)
def side(request: pytest.FixtureRequest, sides: dict[str, Side]) -> Side:
    """Return one side after the other."""
    return sides[request.param]
