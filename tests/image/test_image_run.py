"""The image is really built, and run as the chart runs it. Takes the better part of a minute."""

from __future__ import annotations

import os

import image_base
import image_build
import image_engine
import image_run
import pytest
from support.tools import require

import exporter

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400), pytest.mark.xdist_group("image")]

MEGABYTE = 10**6


@pytest.fixture(scope="module")
def figures() -> image_run.Figures:
    for tool in image_engine.TOOLS:
        require(tool)
    if os.geteuid() != 0:
        pytest.skip("the stand-in for the image's base is made as root")
    image_base.make(image_engine.base())
    image_build.build()
    return image_run.look()


def test_it_is_small(figures: image_run.Figures) -> None:
    assert 5 * MEGABYTE < figures.compressed_over_base < 25 * MEGABYTE


def test_it_starts_quickly(figures: image_run.Figures) -> None:
    # The goal is 2 s on a machine that does nothing else; here others run beside it.
    assert 0 < figures.ready_cpu_seconds < 1.5
    assert figures.ready_seconds < 20


def test_it_needs_little_memory(figures: image_run.Figures) -> None:
    assert 20 * MEGABYTE < figures.resident_at_rest < 85 * MEGABYTE
    assert figures.resident_peak < figures.memory_limit
    assert figures.memory_limit == image_run.MEMORY


def test_it_has_no_rights(figures: image_run.Figures) -> None:
    assert figures.user_ids == [image_run.USER] * 4
    assert figures.capabilities == 0
    assert figures.no_new_privileges
    assert figures.root_read_only


def test_it_describes_and_serves(figures: image_run.Figures) -> None:
    assert figures.up > 10
    assert figures.down == 0
    assert "Traceback" not in figures.log


def test_it_ends_well_on_sigterm(figures: image_run.Figures) -> None:
    assert figures.exit_code == 0
    assert "msg=stopped" in figures.log
    assert figures.stop_seconds < 15


def test_it_says_what_it_is(figures: image_run.Figures) -> None:
    assert figures.version == exporter.__version__
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in figures.labels.items()}
    assert labels["version"] == exporter.__version__
    assert labels["base.name"] == image_engine.base().image
    assert labels["created"].startswith("20")
    assert set(labels["revision"].removesuffix("-dirty")) <= set("0123456789abcdef")
    assert figures.revision == labels["revision"]
