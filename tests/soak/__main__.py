"""Run an exporter for simulated days full of faults, and check every value that it serves: ``python -m soak [fast] [real]``.

``fast``: 30 days in half an hour, because the clocks of the exporter and of the simulated AWS run fast. ``real``: an hour by the
real clock, in which the tuning jobs of the simulated AWS live through 12 days. The report says what happened, whether the memory,
threads and file descriptors of the exporter grow from day to day, and what was wrong.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
from soak.holdings import LEAST_SAMPLES, Held, trends
from soak.play import Pace, Soak
from support.isolation import isolate

_MOST_TOLD = 20


class Kind(NamedTuple):
    """A kind of soak: how many days, and how fast they pass."""

    days: int
    pace: Pace


KINDS = {"fast": Kind(30, Pace(60.0, 1440.0)), "real": Kind(12, Pace(300.0, 1.0))}


def main() -> int:
    """Run the soaks one after the other, print a report of each, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(KINDS)} [default: both]")
    parser.add_argument("--days", type=int, help="how many simulated days")
    parser.add_argument("--seed", type=int, default=1, help="decides what happens")
    given = parser.parse_args()
    if unknown := [kind for kind in given.kinds if kind not in KINDS]:
        parser.error(f"there is no kind {unknown[0]}: choose from {', '.join(KINDS)}")
    return max(_run(kind, given.days or KINDS[kind].days, given.seed) for kind in given.kinds or KINDS)


def _run(kind: str, days: int, seed: int) -> int:
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as directory:
        isolate(patch)
        began = time.monotonic()
        with Soak(Path(directory), KINDS[kind].pace, days, seed) as soak:
            soak.run(lambda day: print(f"day {day + 1}: {_held(soak.samples[-1])}", file=sys.stderr, flush=True))
        problems = [*soak.problems, *(f"in the log: {line}" for line in soak.log_problems())]
        print(
            f"\n{kind}: {days} days by the clock of AWS in {(time.monotonic() - began) / 60:.0f} minutes, seed {seed}\n"
        )
        print(report(soak))
        found = trends(soak.samples)
        problems += [f"the {each.what} grow" for each in found if not each.flat]
        for problem in problems[:_MOST_TOLD]:
            print(f"PROBLEM {problem}")
        print(f"{len(problems)} problems")
        if problems:
            with suppress(OSError):
                kept = Path("build/soak") / f"{kind}.log"
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes((Path(directory) / "log").read_bytes())
                print(f"the exporter's log: {kept}")
    return 1 if problems else 0


def report(soak: Soak) -> str:
    """Return what happened, and what the exporter held."""
    scrapes, compared = (sum(getattr(each, what) for each in soak.scrapers) for what in ("scrapes", "compared"))
    calls, renewed = sum(soak.account.requests.values()), soak.account.renewed
    rows = [
        f"{scrapes:,} scrapes with {compared:,} values, compared with the answers of the simulated AWS to {calls:,} calls;",
        f"{renewed:,} renewals of a role's credentials; "
        + ", ".join(f"{what}: {number:,}" for what, number in sorted(soak.happened.items())),
        "",
        "| held | median of the middle third | of the last third | slope a day | flat |",
        "|---|---|---|---|---|",
    ]
    rows += [
        f"| {each.what} | {each.middle:.1f} | {each.last:.1f} | {each.slope:+.3f} | {'yes' if each.flat else '**no**'} |"
        for each in trends(soak.samples)
    ]
    if not trends(soak.samples):
        rows[-2:] = [f"Too few days to tell whether memory, threads or descriptors grow: this takes {LEAST_SAMPLES}."]
    return "\n".join(rows)


def _held(held: Held) -> str:
    return f"{held.megabytes:.1f} MB, {held.threads} threads, {held.descriptors} descriptors"


if __name__ == "__main__":
    sys.exit(main())
