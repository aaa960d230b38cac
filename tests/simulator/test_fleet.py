"""The mixed fleet shows every fact at once, and goes on showing something new."""

from __future__ import annotations

import time
import tracemalloc
from collections import Counter

import pytest

from exporter.simulator.errors import ApiError
from exporter.simulator.fleet import SECOND_REGION, mixed_fleet, old_jobs
from exporter.simulator.scenario import SCENARIOS


@pytest.fixture
def members(simulator):
    return mixed_fleet(simulator, 60)


def answers(simulator, members):
    found = []
    for member in members:
        try:
            found.append(simulator.describe(member.name, region=member.region, account_id=member.account_id))
        except ApiError:
            continue
    return found


def test_every_scenario_is_there_in_two_regions(members):
    assert {member.scenario for member in members} == SCENARIOS.keys()
    assert {member.region for member in members} == {"us-east-1", SECOND_REGION}
    assert len({member.name for member in members}) == len(members)


@pytest.mark.parametrize("speed", [1, 10, 60])
def test_all_facts_appear_at_once(simulator, validate, speed):
    found = answers(simulator, mixed_fleet(simulator, speed))
    assert [validate("DescribeHyperParameterTuningJob", answer) for answer in found] == [[]] * len(found)
    assert {answer["HyperParameterTuningJobStatus"] for answer in found} == {
        "InProgress",
        "Completed",
        "Failed",
        "Stopping",
        "Stopped",
        "Deleting",
    }
    facts = {key for answer in found for key in paths(answer)}
    assert facts >= {
        "BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
        "BestTrainingJob.TrainingEndTime",
        "OverallBestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value",
        "TuningJobCompletionDetails.ConvergenceDetectedTime",
        "HyperParameterTuningEndTime",
        "ConsumedResources.RuntimeInSeconds",
        "HyperParameterTuningJobConfig.ResourceLimits.MaxRuntimeInSeconds",
        "HyperParameterTuningJobConfig.TuningJobCompletionCriteria.TargetObjectiveMetricValue",
        "TuningJobCompletionDetails.NumberOfTrainingJobsObjectiveNotImproving",
        "WarmStartConfig.WarmStartType",
        "Autotune.Mode",
        "FailureReason",
    }
    criteria = [answer["HyperParameterTuningJobConfig"].get("TuningJobCompletionCriteria", {}) for answer in found]
    assert any("BestObjectiveNotImproving" in each for each in criteria)
    counters = ("TrainingJobStatusCounters", "ObjectiveStatusCounters")
    assert all(any(answer[group][key] for answer in found) for group in counters for key in found[0][group])


def test_several_still_evolve_after_half_an_hour_at_speed_60(simulator, clock, members):
    clock.advance(1800)
    before = answers(simulator, members)
    clock.advance(300)
    after = answers(simulator, members)
    moved = sum(
        one["TrainingJobStatusCounters"] != other["TrainingJobStatusCounters"]
        for one, other in zip(before, after, strict=True)
    )
    assert moved >= 5


@pytest.mark.long
def test_an_account_with_five_thousand_old_jobs_is_cheap(simulator):
    tracemalloc.start()
    start = time.process_time()
    old_jobs(simulator, 5000)
    spent = time.process_time() - start
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert spent < 20  # about 0.5 s on a free core, and four times that when memory is traced
    assert held < 80e6  # about 25 MB
    statuses: Counter[str] = Counter()
    token: dict[str, str] = {}
    pages = 0
    while True:
        answer = simulator.list(MaxResults=100, **token)
        statuses.update(each["HyperParameterTuningJobStatus"] for each in answer["HyperParameterTuningJobSummaries"])
        now = simulator.clock.time()
        assert all(each["CreationTime"] < now - 30 * 86_400 for each in answer["HyperParameterTuningJobSummaries"])
        pages += 1
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert pages == 50
    assert statuses.keys() == {"Completed", "Failed", "Stopped"}
    assert statuses.total() == 5000
    assert simulator.describe("old-00000")["HyperParameterTuningEndTime"] < now


def paths(answer, prefix=""):
    for key, value in answer.items():
        if isinstance(value, dict):
            yield from paths(value, f"{prefix}{key}.")
        else:
            yield prefix + key
