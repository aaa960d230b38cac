from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families as parse

from bench import client_library, fleet, ours
from bench.names import names

JOBS = 30


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = str(tmp_path_factory.mktemp("bench") / "fleet")
    fleet.store(file, 300)
    return file


def test_as_many_run_as_are_told(stored: str) -> None:
    jobs = list(fleet.views(stored, 300))
    assert [job.name for job in jobs] == names(300)
    assert sum(job.facts is not None and not job.facts.terminal for job in jobs) == 3


def samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sorted(f"{key}={value}" for key, value in sample.labels.items())): sample.value
        for family in parse(text)
        for sample in family.samples
    }


def test_everything_that_is_measured_serves_the_same_values(stored: str, tmp_path: Path) -> None:
    text, compressed = tmp_path / "text", tmp_path / "gz"
    ours.write_text(stored, JOBS, str(text), str(compressed))
    expected = samples(text.read_text())
    assert len(expected) > 25 * JOBS
    assert zlib.decompress(compressed.read_bytes(), zlib.MAX_WBITS | 16).startswith(text.read_bytes())
    for registry in (client_library.gauges(stored, JOBS), client_library.collector(stored, JOBS)):
        assert samples(generate_latest(registry).decode()) == expected


def test_renderings_tell_their_cost(stored: str) -> None:
    found: list[dict[str, Any]] = [ours.render(stored, JOBS, 2), client_library.render_gauges(stored, JOBS, 2)]
    assert len({result["series"] for result in found}) == 1
    assert all(len(result["seconds"]) == 2 and min(result["seconds"]) > 0 for result in found)


def test_the_names_are_names_of_tuning_jobs() -> None:
    assert all(re.fullmatch(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", name) for name in names(10_000))
