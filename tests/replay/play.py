"""One replay from a fleet to the verdict."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from replay.drive import scrapes
from replay.firing import evaluated
from replay.rules import Rules
from replay.samples import backfill
from replay.truth import troubles
from replay.verdict import details, judge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from replay.fleet import Fleet
    from replay.verdict import Verdict


@dataclass(frozen=True)
class Replay:
    """What the alerts made of a fleet. ``samples`` were scraped of it; ``details`` tell of each that went wrong."""

    samples: int
    verdict: Verdict
    details: tuple[str, ...]


def play(fleet: Fleet, rules: Rules, promtool: Path, servers: Mapping[str, Path]) -> dict[str, Replay]:
    """Replay a fleet before rules, and return what came of it on each of these Prometheuses."""
    metrics = rules.metrics()
    with tempfile.TemporaryDirectory(prefix="replay-") as name:
        directory = Path(name)
        samples = backfill(scrapes(fleet, metrics), metrics, promtool, directory / "data")
        fired = {}
        for version, binary in servers.items():
            own = directory / f"server-{version}"  # where records become blocks
            shutil.copytree(directory / "data", own / "data", copy_function=os.link)
            fired[version] = evaluated(rules, fleet, promtool, binary, own)
    what = troubles(fleet, {*rules})
    verdicts = {version: judge(fleet, what, each) for version, each in fired.items()}
    return {version: Replay(samples, each, tuple(details(each, fleet))) for version, each in verdicts.items()}
