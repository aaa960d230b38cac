"""Recordings of real fleets before the rules. Nobody knows what was wrong in them, so what fired is for a person to judge."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from replay.drive import Scrape
from replay.firing import Firing, evaluated
from replay.fleet import Fleet, Setup
from replay.samples import backfill
from support.clock import ManualClock
from support.driven import Driven

from exporter.exposition import families_in_force
from exporter.recording import Pace, RecordedApi, Recording, World, number_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from replay.rules import Rules

    from exporter.recording import Survey

_ENDPOINT = "http://127.0.0.1:1"


class Watched(NamedTuple):
    """What the alerts made of a recording; the file tells nothing more of what was so."""

    path: Path
    survey: Survey
    samples: int
    firings: tuple[Firing, ...]


def watch(path: Path, setup: Setup, rules: Rules, promtool: Path, server: Path) -> Watched:
    """Watch a recording from its first to its last call. Raise RecordingError when it is of no use."""
    recording = Recording(path)
    survey = recording.survey()
    start = math.ceil(recording.began)
    fleet = Fleet(0, setup.interval, start, start + survey.seconds, (), (), (), (), setup.evaluation)
    metrics = rules.metrics()
    with tempfile.TemporaryDirectory(prefix="recording-") as name:
        directory = Path(name)
        samples = backfill(scrapes(recording, survey, fleet, metrics), metrics, promtool, directory / "data")
        firings = evaluated(rules, fleet, promtool, server, directory)
    return Watched(path, survey, samples, tuple(firings))


def scrapes(recording: Recording, survey: Survey, fleet: Fleet, metrics: Collection[str]) -> Iterator[Scrape]:
    """Yield what Prometheus would have scraped while it was recorded."""
    clock = ManualClock(recording.began)
    world = World(recording, survey, Pace(recording.began, recording.began), slack=1.0)
    spec = recording.settings(_ENDPOINT)
    driven = Driven(spec, [RecordedApi(world, number_of(each), clock) for each in spec.targets], clock)
    force = families_in_force(spec.collect)
    families = [family for family in force if any(name in metrics for name in family.series_names)]
    for number in range(1, int((fleet.end - fleet.start) / fleet.interval) + 1):
        at = fleet.start + number * fleet.interval
        driven.run(at)
        yield Scrape(at, "recorded", driven.jobs(families), driven.own())


def told(alerts: Iterable[str], watched: Sequence[Watched]) -> str:
    """Return as Markdown which alerts fired in which recording, how often, and for how long."""
    parts = []
    for each in watched:
        survey = each.survey
        parts.append(
            f"\nOf {each.path.name}, {survey.jobs} tuning jobs in {survey.seconds / 3600:.1f} h"
            f"{'' if survey.whole else ', which ends early'}. Nobody has said what was wrong, so each is for you to judge:\n\n"
        )
        rows = [*_rows(alerts, each.firings, each.survey)]
        parts += rows or ["No alert fired.\n"]
    return "".join(parts)


def _rows(alerts: Iterable[str], firings: Sequence[Firing], survey: Survey) -> Iterator[str]:
    if firings:
        yield "| alert | fired | tuning jobs | longest |\n| --- | --- | --- | --- |\n"
    for alert in alerts:
        if found := [firing for firing in firings if firing.alert == alert]:
            jobs = {firing.labels.get("tuning_job") for firing in found} - {None}
            longest = max(min(firing.until - firing.since, survey.seconds) for firing in found)
            yield f"| `{alert}` | {len(found)} | {len(jobs)} | {longest / 60:.0f} min |\n"
