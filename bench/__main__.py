"""Measure everything, print the table, and keep it in docs/performance.md with the machine: ``make bench``.

With the names of some of the modules only those are measured and printed, and the page stays as it is.
"""

from __future__ import annotations

import argparse
import importlib
import platform
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from bench.process import ROOT
from bench.table import markdown, replaced

MODULES = (
    "calls",
    "freshness",
    "delta",
    "scrape",
    "render",
    "latency",
    "pages",
    "describe",
    "rest",
    "accounts",
    "organization",
    "spend",
    "plan",
)
"""Each has ``rows()``."""
_PAGE = ROOT / "docs" / "performance.md"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"one of {', '.join(MODULES)} [default all]")
    chosen = parser.parse_args().modules
    if unknown := set(chosen) - set(MODULES):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    began = time.monotonic()
    rows = []
    for name in chosen or MODULES:
        print(f"measuring: {name}", file=sys.stderr, flush=True)
        rows += importlib.import_module(f"bench.{name}").rows()
    table = f"{machine(time.monotonic() - began)}\n\n{markdown(rows)}"
    print(table, end="")
    if not chosen:
        _PAGE.write_text(replaced(_PAGE.read_text(encoding="utf-8"), table), encoding="utf-8")
    missed = [row for row in rows if row.met is False]
    for row in missed:
        print(f"goal missed: {row.what}, against {row.against or 'none'}", file=sys.stderr)


def machine(seconds: float) -> str:
    """Return when and on what it was measured, and how long that took."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    processor = models[0].partition(":")[2].strip() if models else platform.machine()
    memory = int(Path("/proc/meminfo").read_text().split()[1]) / 1e6
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {processor}, {len(models) or '?'} cores, {memory:.0f} GB, "
        f"{platform.system()} {platform.release()}, Python {platform.python_version()}; {seconds:.0f} s."
    )


if __name__ == "__main__":
    main()
