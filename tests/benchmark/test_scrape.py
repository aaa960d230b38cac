from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import latency
from bench.process import Program, call, python, resident
from bench.scrape import Server, fetch, measure


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    body = tmp_path / "body"
    body.write_bytes(b"x" * 100_000)
    with Program(python("bench.loopback:serve", str(body)), r"port (\d+)") as program:
        assert resident(program.pid) > 1
        yield int(program.match[1])


def test_a_scrape_is_read_to_its_end(port: int) -> None:
    assert 100_000 < fetch(port, gzip=False) < 101_000


def test_every_server_has_its_turns(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.scrape.ROUNDS", 2)
    monkeypatch.setattr("bench.scrape._TURN", 0.01)
    first, second = measure([Server("a", port), Server("b", port)], gzip=True)
    assert len(first) == len(second) == 2
    assert min(first + second) > 0


def test_percentiles() -> None:
    assert latency.percentile([float(number) for number in range(101)], 99) == 99


def test_what_a_process_of_its_own_returns_comes_back() -> None:
    assert call("bench.names:names", 2) == ["team-0-search-00000", "team-1-search-00001"]


def test_a_program_that_ends_too_early_tells_why() -> None:
    with (
        pytest.raises(RuntimeError, match="no_such_function"),
        Program(python("bench.names:no_such_function"), "ready"),
    ):
        pass
