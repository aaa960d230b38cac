"""CPU of one describe: the exporter's whole way from due to applied, against a loop over a bare boto3 client."""

from __future__ import annotations

from bench.daemon import simulator
from bench.process import call
from bench.table import Row, growth, versus

SIZES = (100, 10_000)
REPEATS = 5
_DESCRIBES = 2_000
_MORE = 1.25  # own CPU on top of boto3's is a quarter of it at most


def rows() -> list[Row]:
    """Measure; the processes take turns, the simulator is in one of its own."""
    few, many = SIZES
    with simulator(many, many) as url:
        ours, bare, of_many = [], [], []
        for _ in range(REPEATS):
            ours.append(call("bench.path:describe", url, few, _DESCRIBES)["seconds"])
            bare.append(call("bench.sdk:describe", url, few, _DESCRIBES // few)["seconds"])
            of_many.append(call("bench.path:describe", url, many, _DESCRIBES)["seconds"])
    rows = [versus("one describe with everything about it, CPU", ours, "a bare boto3 client", bare, "s", _MORE)]
    all_few, all_many = ([count * each for each in seconds] for count, seconds in ((few, ours), (many, of_many)))
    return [*rows, growth(f"describe {many:,} jobs once, CPU", all_many, all_few, many // few, "s")]
