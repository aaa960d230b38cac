from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from replay.fleet import DISCOVERED, START
from replay.trace import Reading, Recorded, read

if TYPE_CHECKING:
    from pathlib import Path

TOLD: dict[str, Any] = {
    "tuning_job": "old-search",
    "strategy": "Bayesian",
    "objective": {"metric": "auc", "type": "Maximize"},
    "max_jobs": 8,
    "max_parallel": 2,
    "early_stopping": None,
    "created": None,
    "complete": True,
}


def job(start: float | None, end: float | None, objective: float | None, status: str = "Completed") -> dict[str, Any]:
    return {
        "status": status,
        "start": start,
        "end": end,
        "objective": objective,
        "hyperparameters": {"eta": 0.1, "kind": "a"},
    }


JOBS = [
    job(1000, 1100, 0.5),
    job(1000, 1150, None, "Failed"),
    job(1120, 1200, 0.504),
    job(1170, 1300, 0.508),
    job(1220, 1400, 0.7, "Stopped"),
]


def life(folder: Path, reading: Reading = Reading.THE_BEST, jobs: list[dict[str, Any]] | None = None) -> Recorded:
    (folder / "a.json").write_text(
        json.dumps(TOLD | {"training_jobs": JOBS if jobs is None else jobs}), encoding="utf-8"
    )
    [trace] = read(folder)
    return Recorded(trace, reading, name="a", place=DISCOVERED, created=START)


def test_counters_and_best_value_over_time(tmp_path: Path) -> None:
    it = life(tmp_path)
    assert it.state(START).in_progress == 0
    at = START + 73 - 1000  # when its first training job starts
    states = [it.state(at + moment) for moment in (1050, 1101, 1160, 1250, 1350, 1401)]
    assert [state.in_progress for state in states] == [2, 1, 1, 2, 1, 0]
    assert [state.completed for state in states] == [0, 1, 1, 2, 3, 3]
    assert (states[-1].non_retryable, states[-1].stopped, states[-1].succeeded, states[-1].without_objective) == (
        1,
        1,
        4,
        1,
    )
    assert [state.best for state in states] == [None, 0, 0, 2, 3, 4]
    answer = it.at(it.ended or 0)
    assert answer["HyperParameterTuningJobStatus"] == "Completed"
    assert answer["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 8
    assert 4 <= (it.ended or 0) - (at + 1400) <= 235


def test_two_readings_of_what_does_not_improve(tmp_path: Path) -> None:
    """0.5, 0.504, 0.508: each less than 1 % above the one before, the last more than 1 % above the first."""
    jobs = [job(1000, 1100, 0.5), job(1000, 1150, 0.504), job(1120, 1200, 0.508)]
    counts = {}
    for reading in Reading:
        it = life(tmp_path, reading, jobs)
        counts[reading] = it.state(it.ended or 0).not_improving
    assert counts == {Reading.THE_BEST: 2, Reading.THE_LAST_GAIN: 0}


def test_times_that_are_missing_are_drawn(tmp_path: Path) -> None:
    it = life(tmp_path, jobs=[job(None, None, 0.1 * number) for number in range(6)])
    assert max(sum(o.created <= t.created < o.ended for o in it.trials) for t in it.trials) == 2
    assert all(trial.ended > (trial.started or 0) > trial.created > START for trial in it.trials)


def test_files_without_training_jobs_are_left_out(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no tuning job with training jobs"):
        life(tmp_path, jobs=[])
