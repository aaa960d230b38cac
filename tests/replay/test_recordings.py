"""A recording before the alert rules."""

from __future__ import annotations

from pathlib import Path

import pytest
from recording.demo import record
from replay.firing import Firing
from replay.fleet import Setup
from replay.recordings import Watched, told, watch
from replay.rules import Rules
from support.tools import RELEASES, release, require

from exporter.recording import Survey


@pytest.mark.long
def test_what_fired_in_a_recording(tmp_path: Path) -> None:
    file = record(tmp_path / "demo.rec", redacts=True).path
    setup = Setup(30, 30, 0, 0)
    [version, *_] = RELEASES
    watched = watch(file, setup, Rules.shipped(), require("promtool"), release(version, "prometheus"))
    assert watched.samples > 10_000
    fired = {firing.alert for firing in watched.firings}
    assert "SageMakerTuningJobFailed" in fired
    assert all(
        "tuning_job" not in f.labels or f.labels["tuning_job"].lower().startswith("job0") for f in watched.firings
    )
    assert "| `SageMakerTuningJobFailed` | " in told(Rules.shipped(), [watched])


def test_a_table_tells_how_often_and_how_long() -> None:
    firings = (
        Firing("A", {"tuning_job": "job0001"}, 100.0, 400.0),
        Firing("A", {"tuning_job": "job0001"}, 900.0, 960.0),
        Firing("A", {"tuning_job": "job0002"}, 900.0, 1e9),
        Firing("B", {}, 100.0, 160.0),
    )
    text = told(["A", "B", "C"], [Watched(Path("a.rec"), Survey(9, 7_200.0, 2, False, {}), 0, firings)])
    assert "Of a.rec, 2 tuning jobs in 2.0 h, which ends early." in text
    assert "| `A` | 3 | 2 | 120 min |\n| `B` | 1 | 0 | 1 min |\n" in text
    assert "C" not in text
    assert "No alert fired." in told(["A"], [Watched(Path("a.rec"), Survey(9, 7_200.0, 2, True, {}), 0, ())])
