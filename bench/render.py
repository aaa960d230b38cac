"""Rendering 10,000 tuning jobs: CPU, and the memory of everything it needs; each in a process of its own."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench.process import call
from bench.table import Row, growth, versus

SIZES = (100, 10_000)
REPEATS = 3
_RENDERED = 3  # times in each process: the first time warms up

_OURS = "bench.ours:render"
_GAUGES, _COLLECTOR = "bench.client_library:render_gauges", "bench.client_library:render_collector"
_NAMES = {_GAUGES: "prometheus_client, gauges", _COLLECTOR: "prometheus_client, collector"}
_MEMORY_GOALS = {_GAUGES: 1 / 6, _COLLECTOR: None}


def rows() -> list[Row]:
    """Measure; the processes take turns."""
    few, many = SIZES
    with TemporaryDirectory() as directory:
        fleet = str(Path(directory, "fleet"))
        call("bench.fleet:store", fleet, many)
        runs: dict[str, list[dict[str, Any]]] = {function: [] for function in (_OURS, _GAUGES, _COLLECTOR)}
        small: list[dict[str, Any]] = []
        for _ in range(REPEATS):
            for function, results in runs.items():
                results.append(call(function, fleet, many, _RENDERED))
            small.append(call(_OURS, fleet, few, 10 * _RENDERED))
    return _rows(runs, small)


def _rows(runs: dict[str, list[dict[str, Any]]], small: list[dict[str, Any]]) -> list[Row]:
    few, many = SIZES
    ours = [_warm(result) for result in runs[_OURS]]
    memory = [result["memory"] for result in runs[_OURS]]
    what = f"render {many:,} jobs ({runs[_OURS][0]['series']:,} series) to gzip, CPU"
    what_memory = f"peak memory of {many:,} jobs and their rendering, imports aside"
    found = []
    for function, name in _NAMES.items():
        results = runs[function]
        theirs = [_warm(result) for result in results]
        zipped = [seconds + result["gzip"] for seconds, result in zip(theirs, results, strict=True)]
        found += [
            versus(what, ours, f"{name}: generate_latest, not compressed", theirs, "s", 1 / 5),
            versus(what, ours, f"{name}: generate_latest and gzip", zipped, "s"),
            versus(what_memory, memory, name, [result["memory"] for result in results], "MB", _MEMORY_GOALS[function]),
        ]
    found.append(growth(f"render {many:,} jobs", ours, [_warm(result) for result in small], many // few, "s"))
    least = [result["memory"] for result in small]
    found.append(growth(f"peak memory of {many:,} jobs, imports aside", memory, least, many // few, "MB"))
    return found


def _warm(result: dict[str, Any]) -> float:
    """Return the median of the seconds but for the first time's."""
    seconds = sorted(result["seconds"][1:])
    return float(seconds[len(seconds) // 2])
