"""The story of the rig, played once to Prometheus and Alertmanager of both major versions side by side."""

from __future__ import annotations

import pytest
from alerts.rig import Programs, Rig, Side
from support.tools import ROOT, require

NEWER = ROOT / ".cache" / "prometheus3" / "usr" / "bin"
PROGRAMS = {
    "prometheus-2": ("prometheus", "prometheus-alertmanager"),
    "prometheus-3": (str(NEWER / "prometheus"), str(NEWER / "prometheus-alertmanager")),
}


@pytest.fixture(scope="session")
def sides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Side]:
    """Return what both sides have come to know. The servers have ended."""
    programs = {version: Programs(*map(require, names)) for version, names in PROGRAMS.items()}
    with Rig(programs, tmp_path_factory.mktemp("alerts")) as rig:
        rig.play()
    return rig.sides


@pytest.fixture(scope="session", params=PROGRAMS)
def side(request: pytest.FixtureRequest, sides: dict[str, Side]) -> Side:
    """Return one side after the other."""
    return sides[request.param]
