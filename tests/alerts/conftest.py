"""The story of the rig, played once to Prometheus and Alertmanager of both major versions side by side."""

from __future__ import annotations

import pytest
from alerts.rig import Programs, Rig, Side
from support.pace import slowness, unhurried
from support.tools import RELEASES, release

SCRAPED_WITHIN = 0.25
"""The part of the time for a scrape that an answer of nothing may take."""

SPARE = 3.0
"""How many times slower than a free machine one may be that still has time for all: most of the story is waiting."""


@pytest.fixture(scope="session")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Side]:
    """Return what both sides have come to know. The servers have ended."""
    names = ("prometheus", "prometheus-alertmanager")
    programs = {version: Programs(*(release(version, name) for name in names)) for version in RELEASES}

    def play(pace: float) -> dict[str, Side]:
        with Rig(programs, tmp_path_factory.mktemp("alerts"), pace) as rig:
            rig.play()
        return rig.sides

    return unhurried(play, slowness() / SPARE, answered_within=SCRAPED_WITHIN)


@pytest.fixture(scope="session", params=RELEASES)
def side(request: pytest.FixtureRequest, sides: dict[str, Side]) -> Side:
    """Return one side after the other."""
    return sides[request.param]
