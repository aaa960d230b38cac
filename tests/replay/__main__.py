"""Replay fleets and print what the alerts made of them: ``python -m replay SEED...``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from functools import partial

import docs_alerts
from replay.play import Replay, play
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
    parser.add_argument("--docs", action="store_true", help="put the report into docs/alerts.md too")
    options = parser.parse_args()
    began = time.monotonic()
    promtool, server = (find(name) or parser.error(f"{name} is not installed") for name in ("promtool", "prometheus"))
    fleets = {"jobs": options.jobs, "days": options.days, "interval": options.interval}
    one = partial(play, **fleets, promtool=promtool, servers={"": server})
    with multiprocessing.Pool(min(len(options.seeds), os.cpu_count() or 1)) as pool:
        replays = [each[""] for each in pool.map(one, options.seeds, chunksize=1)]
    rules = Rules.shipped()
    verdicts = [replay.verdict for replay in replays]
    report = f"{table(rules, rules, verdicts)}\n{_words(options, replays)}"
    print(report)
    if options.docs:
        page = docs_alerts.PAGE.read_text(encoding="utf-8")
        docs_alerts.PAGE.write_text(docs_alerts.placed(page, "replay", report), encoding="utf-8")
    print(
        f"{sum(replay.samples for replay in replays):,} samples, {time.monotonic() - began:.0f} s."
        f" {sum(verdict.repeated for verdict in verdicts)} alarms fired again after they were resolved.",
        file=sys.stderr,
    )


def _words(options: argparse.Namespace, replays: list[Replay]) -> str:
    seeds = ", ".join(str(seed) for seed in options.seeds)
    what = (
        f"Seeds {seeds}: {options.jobs} tuning jobs each in {options.days:g} days,"
        f" scraped and evaluated each {options.interval:g} s."
    )
    details = [f"- {line}\n" for replay in replays for line in replay.details]
    return "".join([what, "\n", *(["\n"] if details else []), *details])


if __name__ == "__main__":
    main()
