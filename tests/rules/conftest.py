"""Both promtools that the rules must please."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.tools import ROOT, require

if TYPE_CHECKING:
    from pathlib import Path

PROMTOOLS = {"2": "promtool", "3": str(ROOT / ".cache" / "prometheus3" / "usr" / "bin" / "promtool")}


@pytest.fixture(scope="session", params=PROMTOOLS)
def promtools(request: pytest.FixtureRequest) -> Path:
    """Return promtool of each major version in turn."""
    return require(PROMTOOLS[request.param])
