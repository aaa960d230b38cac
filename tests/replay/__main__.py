"""Replay fleets and print what the alerts made of them: ``python -m replay SEED...``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from functools import partial

from replay.play import play
from replay.rules import Rules
from replay.verdict import table
from support.tools import find


def main() -> None:
    """Print a table of all seeds, and what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m replay", description=__doc__)
    parser.add_argument("seeds", nargs="+", type=int, metavar="SEED")
    parser.add_argument("--jobs", type=int, default=300, help="tuning jobs in a fleet")
    parser.add_argument("--days", type=float, default=30.0)
    parser.add_argument("--interval", type=float, default=240.0, help="seconds between scrapes")
    options = parser.parse_args()
    began = time.monotonic()
    programs = {name: find(name) or parser.error(f"{name} is not installed") for name in PROGRAMS}
    one = partial(play, jobs=options.jobs, days=options.days, interval=options.interval, **programs)
    with multiprocessing.Pool(min(len(options.seeds), os.cpu_count() or 1)) as pool:
        replays = pool.map(one, options.seeds, chunksize=1)
    rules = Rules.shipped()
    verdicts = [replay.verdict for replay in replays]
    print(table(rules, rules, verdicts))
    for replay in replays:
        print("".join(f"- {line}\n" for line in replay.details), end="")
    print(
        f"\n{len(replays)} fleets of {options.jobs} tuning jobs in {options.days:g} days,"
        f" {sum(replay.samples for replay in replays):,} samples, {time.monotonic() - began:.0f} s."
        f" {sum(verdict.by_chance for verdict in verdicts)} right alarms about troubles that came by chance,"
        f" {sum(verdict.repeated for verdict in verdicts)} fired again after they were resolved.",
        file=sys.stderr,
    )


PROGRAMS = ("promtool", "prometheus")


if __name__ == "__main__":
    main()
