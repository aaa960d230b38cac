"""Replay fleets and recorded tuning jobs and print what the alerts made of them: ``python -m replay SEED...``."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import docs_alerts
from replay.fleet import DISCOVERED, SETUPS, START, Fleet, Setup, draw, recorded
from replay.play import Replay, play
from replay.recordings import Watched, told, watch
from replay.rules import Rules
from replay.trace import Reading, Recorded, read
from replay.verdict import by_kind, table
from support.tools import find

from exporter.recording import RecordingError
from exporter.simulator.chance import chance
from exporter.simulator.scenario import HOUR

_TRACES = Setup(60, 60, 0, 0)


class Task(NamedTuple):
    """One replay: of a seed, or of the recorded tuning jobs of a directory by one reading."""

    setup: Setup
    seed: int
    traces: Path | None = None
    reading: Reading = Reading.THE_BEST

    def fleet(self) -> Fleet:
        if self.traces is None:
            return draw(self.seed, self.setup)
        rng = chance("traces")
        team = DISCOVERED.prefixes[0][0]
        lives = [
            Recorded(
                trace,
                self.reading,
                name=f"{team}{number:03}",
                place=DISCOVERED,
                created=START + HOUR + rng.uniform(0, 18) * HOUR,
            )
            for number, trace in enumerate(read(self.traces))
        ]
        return recorded(lives, self.setup)

    def __str__(self) -> str:
        what = f"seed {self.seed}: {self.setup.jobs} tuning jobs in {self.setup.days:g} days"
        if self.traces is not None:
            what = f"recorded tuning jobs, which do not improve when they are not 1 % better than {self.reading.value}"
        more = f", {self.setup.replicas} replicas" if self.setup.replicas > 1 else ""
        more += f", {self.setup.lost:.0%} of the scrapes lost" if self.setup.lost else ""
        return f"{what}, scraped each {self.setup.interval:g} s, evaluated each {self.setup.evaluation:g} s{more}"


def main() -> None:
    """Print a table of all, and what went wrong."""
    parser = argparse.ArgumentParser(prog="python -m replay", description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int, metavar="SEED")
    parser.add_argument(
        "--traces", type=Path, metavar="DIR", help="recorded tuning jobs, as replay/trace.py describes them"
    )
    parser.add_argument(
        "--recordings", type=Path, nargs="+", default=[], metavar="FILE", help="what the subcommand record has written"
    )
    parser.add_argument("--setup", type=int, metavar="N", help="draw the N-th kind of fleet, instead of all by turns")
    for name, kind, what in (
        ("jobs", int, "tuning jobs in a fleet"),
        ("days", float, "that it lasts"),
        ("interval", float, "seconds between scrapes"),
        ("evaluation", float, "seconds between evaluations"),
    ):
        parser.add_argument(f"--{name}", type=kind, metavar="N", help=what)
    parser.add_argument("--docs", action="store_true", help="put the report into docs/alerts.md too")
    options = parser.parse_args()
    if not options.seeds and options.traces is None and not options.recordings:
        parser.error("name seeds, traces or recordings")
    tasks = [*_tasks(options)]
    began = time.monotonic()
    promtool, server = (find(name) or parser.error(f"{name} is not installed") for name in ("promtool", "prometheus"))
    one = partial(_play, promtool=promtool, server=server)
    other = partial(_watch, setup=_TRACES._replace(**_changes(options)), promtool=promtool, server=server)
    try:
        with multiprocessing.Pool(min(len(tasks) + len(options.recordings), os.cpu_count() or 1)) as pool:
            watched = pool.map(other, options.recordings, chunksize=1)
            replays = pool.map(one, tasks, chunksize=1)
    except RecordingError as error:
        sys.exit(str(error))
    report = _report(tasks, replays)
    print(report, told(Rules.shipped(), watched), sep="", end="")
    for replay in replays:
        print("".join(f"- {line}\n" for line in replay.details), end="")
    if options.docs:
        page = docs_alerts.PAGE.read_text(encoding="utf-8")
        docs_alerts.PAGE.write_text(docs_alerts.placed(page, "replay", report), encoding="utf-8")
    samples = sum(replay.samples for replay in replays) + sum(each.samples for each in watched)
    print(f"{samples:,} samples, {time.monotonic() - began:.0f} s.", file=sys.stderr)


def _changes(options: argparse.Namespace) -> dict[str, Any]:
    names = ("jobs", "days", "interval", "evaluation")
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def _tasks(options: argparse.Namespace) -> list[Task]:
    changes = _changes(options)
    tasks = []
    for number, seed in enumerate(options.seeds):
        setup = SETUPS[(number if options.setup is None else options.setup) % len(SETUPS)]
        tasks.append(Task(setup._replace(**changes), seed))
    if options.traces is not None:
        tasks += [Task(_TRACES._replace(**changes), 0, options.traces, reading) for reading in Reading]
    # The long ones first, so that no worker waits for one at the end.
    return sorted(
        tasks, key=lambda task: -task.setup.days * task.setup.replicas * task.setup.jobs / task.setup.interval
    )


def _play(task: Task, promtool: Path, server: Path) -> Replay:
    return play(task.fleet(), Rules.shipped(), promtool, {"": server})[""]


def _watch(path: Path, setup: Setup, promtool: Path, server: Path) -> Watched:
    return watch(path, setup, Rules.shipped(), promtool, server)


def _report(tasks: list[Task], replays: list[Replay]) -> str:
    drawn = [replay.verdict for task, replay in zip(tasks, replays, strict=True) if task.traces is None]
    traced = [replay.verdict for task, replay in zip(tasks, replays, strict=True) if task.traces is not None]
    parts = [f"- {task}\n" for task in sorted(tasks, key=lambda task: task.seed)]
    for title, verdicts in (("Of the fleets that were drawn:", drawn), ("Of recorded tuning jobs:", traced)):
        if verdicts:
            parts += ["\n", title, "\n\n", table(Rules.shipped(), verdicts)]
    if drawn:
        parts += ["\n", by_kind(drawn)]
    return "".join(parts)


if __name__ == "__main__":
    main()
