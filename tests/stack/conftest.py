"""One stack for all tests of this folder: it lives in one worker, so they name the same ``xdist_group``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.stack import HOURS, Moment, Stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="package")
def stack(prometheus_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(prometheus_binary, tmp_path_factory.mktemp("stack")) as running:
        yield running


@pytest.fixture(scope="package")
def moments(stack: Stack) -> dict[str, Moment]:
    return {hours: stack.at(float(hours) * 3600) for hours in HOURS}
