"""Fixtures of every test."""

from __future__ import annotations

import gc
import logging
import os
from typing import TYPE_CHECKING

import hypothesis
import pytest
import structlog
from support.isolation import isolate
from support.peers import MotoServer
from support.tools import require

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


LONG_NAME = 80

# How long an example takes says how busy the machine is, and nothing of what is tested.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def isolation() -> Iterator[None]:
    """Wall the whole session in, before any other fixture starts something."""
    with pytest.MonkeyPatch.context() as patch:
        isolate(patch)
        yield


@pytest.fixture(autouse=True)
def lines_to_pytest() -> None:
    """Keep what daemons of this process log off standard output, which other tests read, but with a failed test.

    Before each test: one that runs a subcommand leaves what that has configured.
    """
    structlog.configure(
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
    )


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    return require("prometheus")


@pytest.fixture(scope="session")
def promtool() -> Path:
    return require("promtool")


@pytest.fixture(scope="session")
def moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MotoServer]:
    """A foreign SageMaker endpoint. One per worker: give its tests ``xdist_group("moto")`` so that one does."""
    with MotoServer(tmp_path_factory.mktemp("moto")) as server:
        yield server


def pytest_xdist_auto_num_workers() -> int:
    """Return more workers than there are cores that this process may use: half of all tests wait for time to pass."""
    return 2 * len(os.sched_getaffinity(0))


def pytest_collection_finish() -> None:
    """Spare the garbage collector all that stays until the end: the tests themselves, which are thousands."""
    gc.collect()
    gc.freeze()


def pytest_make_parametrize_id(val: object) -> str | None:
    """Return a name for a long text that fits on a line, None for what pytest names well itself."""
    if isinstance(val, str | bytes) and len(val) > LONG_NAME:
        return f"{val[: LONG_NAME // 2]!r} and so on, {len(val)} long"
    return None
