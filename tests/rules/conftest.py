"""The promtools that the rules must please."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.tools import RELEASES, release

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session", params=RELEASES)
def promtools(request: pytest.FixtureRequest) -> Path:
    """Return promtool of each major version in turn."""
    return release(request.param, "promtool")


@pytest.fixture(scope="session")
def newest_promtool() -> Path:
    """Return promtool of the newest major version: it plays what is too long to be played by each."""
    return release(RELEASES[-1], "promtool")
