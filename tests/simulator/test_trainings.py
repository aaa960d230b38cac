"""The training jobs of a life: machines, spot capacity, billing, failures, and that nothing told is ever taken back."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.errors import ApiError
from exporter.simulator.failure_texts import REASONS, RETRYABLE
from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS, Spell
from exporter.simulator.training import STATUSES

NOW = 1_764_000_000.25
FOREVER = NOW + 1e9
PRIMARY = {
    "Starting": "InProgress",
    "Downloading": "InProgress",
    "Training": "InProgress",
    "Interrupted": "InProgress",
    "Uploading": "InProgress",
    "Stopping": "Stopping",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "Completed": "Completed",
    "Failed": "Failed",
}


def life_of(kind, **changes):
    scenario = replace(SCENARIOS[kind] if isinstance(kind, str) else kind, **changes)
    return Life(
        "churn", scenario, region="us-east-1", account_id="123456789012", created=NOW, speed=1.0, seed=3, tags={}
    )


def spot(**changes):
    """Return a scenario on spot capacity whose trainings take an hour and more."""
    [definition] = SCENARIOS["converged-running"].definitions
    return replace(
        SCENARIOS["converged-running"], definitions=(replace(definition, **changes),), trial=(3600.0, 7200.0)
    )


def whole(t):
    return float(math.floor(t))


def test_they_are_the_trials_of_the_plan():
    life = life_of("healthy")
    for job, trial in zip(life.training_jobs, life.trials, strict=True):
        truth = job.truth(FOREVER)
        assert trial.started is not None
        assert (truth.created, truth.start, truth.end) == (
            whole(trial.created),
            whole(trial.started),
            whole(trial.ended),
        ) or job.reason in {"capacity", "quota"}
        assert truth.objective == trial.objective
        assert truth.status == ("Failed" if trial.outcome.endswith("Error") else trial.outcome)


@settings(deadline=None, max_examples=60)
@given(
    scenario=st.sampled_from(sorted(SCENARIOS)),
    seed=st.integers(0, 500),
    speed=st.sampled_from([0.5, 1.0, 60.0, 3600.0]),
)
def test_secondary_statuses_follow_the_status(make_life, scenario, seed, speed):
    life = make_life(scenario, seed=seed, speed=speed)
    for job in life.training_jobs:
        times = [stage.since for stage in job.stages]
        assert times == sorted(times)
        assert times[0] == job.trial.created
        for stage, following in pairwise(job.stages):
            if stage.since < following.since:
                assert job.stage(stage.since) == stage
                assert job.status(stage.since) == PRIMARY[stage.status]
        if job.trial.ended < math.inf:
            assert PRIMARY[job.stages[-1].status] == job.status(job.trial.ended)
        assert set(PRIMARY.values()) <= set(STATUSES)


@settings(deadline=None, max_examples=40)
@given(
    scenario=st.sampled_from(sorted(SCENARIOS)),
    seed=st.integers(0, 500),
    share=st.floats(0, 1),
    seconds=st.sampled_from([None, 0.0, 90.0]),
)
def test_a_request_to_stop_changes_nothing_that_was_told_before(make_life, scenario, seed, share, seconds):
    life = make_life(scenario, seed=seed)
    t = life.created + share * min(max((trial.ended for trial in life.trials), default=NOW) - life.created, 1e6)
    if life.state(t).status != "InProgress":
        return
    stopped = life.stopped(t, seconds)
    for moment in (t - 1e-3, t - 20, t - 1000):
        known = [job.at(moment) for job in life.training_jobs if job.exists(moment)]
        assert [job.at(moment) for job in stopped.training_jobs if job.exists(moment)] == known
    running = [job for job in stopped.training_jobs if job.trial.created <= t < job.trial.ended]
    assert all(job.status(t) == "Stopping" for job in running)


def test_a_training_on_demand_is_billed_in_full():
    for kind in ("healthy", "several-definitions"):
        for job in life_of(kind).truth(FOREVER):
            assert not job.spot
            if job.start is None or job.end is None:
                assert job.billable_seconds is None
            else:
                assert job.billable_seconds == job.end - job.start


def test_spot_capacity_is_billed_for_fewer_seconds():
    shares = []
    for job in life_of(spot(interruptions=0.0, savings=(0.6, 0.75))).truth(FOREVER):
        assert job.spot
        if job.start is not None and job.end is not None:
            assert job.billable_seconds is not None
            shares.append(job.billable_seconds / (job.end - job.start))
    assert 0.24 < min(shares) < 0.27
    assert 0.38 < max(shares) <= 0.4


def test_spot_that_saves_nothing_is_billed_in_full():
    for job in life_of(spot(interruptions=0.0, savings=(0.0, 0.0))).truth(FOREVER):
        assert job.start is None or job.billable_seconds == (job.end or 0) - job.start


def test_interruptions_take_time_that_is_not_billed():
    life = life_of(spot(interruptions=0.5, savings=(0.0, 0.0)))
    interrupted: list[float] = []
    others: list[float] = []
    for job in life.training_jobs:
        truth = job.truth(FOREVER)
        if truth.status != "Completed" or truth.start is None or truth.end is None or truth.billable_seconds is None:
            continue
        waits = [
            following.since - stage.since for stage, following in pairwise(job.stages) if stage.status == "Interrupted"
        ]
        assert truth.billable_seconds == pytest.approx(truth.end - truth.start - sum(waits), abs=6)
        (interrupted if waits else others).append(truth.end - truth.start)
    assert len(interrupted) > 20
    assert len(others) > 20
    assert sum(interrupted) / len(interrupted) > sum(others) / len(others), "they take longer"


def test_one_that_waits_for_a_spot_instance_says_so(simulator):
    life = life_of(spot(interruptions=2.0))
    simulator.add(life)
    job = next(job for job in life.training_jobs if any(stage.status == "Interrupted" for stage in job.stages))
    stage = next(stage for stage in job.stages if stage.status == "Interrupted")
    simulator.clock.set_time(stage.since + 1)
    answer = simulator.describe_training_job(job.name)
    assert (answer["TrainingJobStatus"], answer["SecondaryStatus"]) == ("InProgress", "Interrupted")
    assert answer["LastModifiedTime"] == stage.since
    assert "BillableTimeInSeconds" not in answer


def test_instances_are_told_by_type_or_by_group():
    first, second = SCENARIOS["several-definitions"].definitions
    life = life_of("several-definitions")
    kinds: dict[int, Counter[tuple[tuple[str, int], ...]]] = {0: Counter(), 1: Counter()}
    for job in life.training_jobs:
        kinds[job.trial.definition][job.instances] += 1
        config = job.at(FOREVER)["ResourceConfig"]
        groups = config.get("InstanceGroups", [config])
        assert job.instances == tuple((group["InstanceType"], group["InstanceCount"]) for group in groups)
        assert ("InstanceGroups" in config) is (job.trial.definition == 0)
    assert kinds[0].keys() == {first.instances}
    assert kinds[1].keys() == {(instances,) for instances in second.instances}, "the second choice too"
    assert kinds[1][(second.instances[0],)] > kinds[1][(second.instances[1],)]


def failures(life):
    return [(job.trial, job.truth(FOREVER)) for job in life.training_jobs if job.truth(FOREVER).status == "Failed"]


def test_most_fail_for_the_reason_that_the_scenario_gives():
    found = failures(life_of("failing-training-jobs"))
    again = [truth.reason for trial, truth in found if trial.outcome == "RetryableError"]
    lasting = Counter(truth.reason for trial, truth in found if trial.outcome != "RetryableError")
    assert again
    assert set(again) <= set(RETRYABLE)
    assert lasting.most_common(1)[0][0] == "out_of_memory"
    assert 0.6 < lasting["out_of_memory"] / lasting.total() < 0.95
    assert all(truth.failure for _, truth in found if truth.reason != "other")


def test_every_reason_is_met_and_the_usual_one_differs_by_life():
    scenario = replace(SCENARIOS["failing-training-jobs"], reason=None)
    usual: set[str | None] = set()
    met: set[str | None] = set()
    for seed in range(60):
        where = {"region": "us-east-1", "account_id": "123456789012"}
        life = Life("churn", scenario, **where, created=NOW, speed=1.0, seed=seed, tags={}, constant=None)
        reasons = Counter(truth.reason for trial, truth in failures(life) if trial.outcome != "RetryableError")
        usual.add(reasons.most_common(1)[0][0])
        met |= reasons.keys()
    assert met == set(REASONS)
    assert len(usual) > 8


def test_a_spell_has_a_reason_of_its_own():
    spell = Spell(10, 20, failing=1.0, reason="capacity")
    life = life_of("healthy", failing=0.0, retried=0.0, spells=(spell,), gives_up_after=None)
    found = failures(life)
    assert [trial.number for trial, _ in found] == [*range(11, 21)]
    for _, truth in found:
        assert truth.reason == "capacity"
        assert truth.start is None
        assert truth.end is not None
        assert truth.billable_seconds is None


@pytest.mark.parametrize(("reason", "tells_end"), [("capacity", True), ("quota", False)])
def test_what_got_no_instance_has_no_start_and_perhaps_no_end(simulator, validate, reason, tells_end):
    life = life_of("healthy", failing=1.0, retried=0.0, reason=reason, gives_up_after=None)
    simulator.add(life)
    simulator.list_lag = 0.0
    simulator.clock.set_time(NOW + 6000)
    seen = 0
    for summary in simulator.list_training_jobs("churn", MaxResults=100, StatusEquals="Failed")["TrainingJobSummaries"]:
        answer = simulator.describe_training_job(summary["TrainingJobName"])
        assert validate("DescribeTrainingJob", answer) == []
        if life.training_jobs[int(summary["TrainingJobName"].split("-")[1]) - 1].reason != reason:
            continue
        seen += 1
        for told in (summary, answer):
            assert "TrainingStartTime" not in told
            assert ("TrainingEndTime" in told) is tells_end
            assert {"TrainingTimeInSeconds", "BillableTimeInSeconds"}.isdisjoint(told)
    assert seen > 5


def test_one_that_ran_as_long_as_it_may_says_so():
    [definition] = SCENARIOS["healthy"].definitions
    limited = replace(definition, max_runtime=600.0)
    life = life_of("healthy", definitions=(limited,), early_stopping=None)
    last = Counter(job.stages[-1].status for job in life.training_jobs)
    assert last["MaxRuntimeExceeded"] > 20
    assert last["Stopped"] == 0


def test_one_that_hangs_is_in_progress_for_ever():
    spells = (Spell(0, 3, failing=1.0, reason="data"), Spell(8, 10, hanging=True))
    life = life_of("converged-running", failing=0.0, retried=0.0, gives_up_after=None, spells=spells)
    hanging = [job for job in life.training_jobs if job.trial.number in {9, 10}]
    assert len(hanging) == 2
    for job in hanging:
        truth = job.truth(NOW + 30 * 86_400)
        assert (truth.status, truth.end, truth.billable_seconds) == ("InProgress", None, None)
        assert truth.start is not None
        assert job.stages[-1].status == "Training"
        assert "EndTime" not in job.at(FOREVER)["SecondaryStatusTransitions"][-1]
    assert {truth.reason for _, truth in failures(life)} == {"data"}


def code_of(call, *args, **kwargs):
    with pytest.raises(ApiError) as refused:
        call(*args, **kwargs)
    return refused.value.code, refused.value.message


GONE = ("ValidationException", "Requested resource not found.")


def test_a_training_job_that_is_not_there_is_told_by_validation(simulator):
    life = simulator.create("healthy", "churn", created=NOW - 9000)
    name = life.truth(NOW)[0].name
    assert simulator.describe_training_job(name.upper())["TrainingJobName"] == name
    later = next(job.name for job in life.training_jobs if job.trial.created > NOW)
    assert code_of(simulator.describe_training_job, later) == GONE
    assert code_of(simulator.describe_training_job, "churn-001-00000000") == GONE
    assert code_of(simulator.describe_training_job, "churn") == GONE
    assert code_of(simulator.describe_training_job, name, region="eu-west-1") == GONE
    assert code_of(simulator.describe_training_job, name, account_id="1" * 12) == GONE
    for bad in ("", "-x", "x" * 64):
        code, message = code_of(simulator.describe_training_job, bad)
        assert code == "ValidationException"
        assert "TrainingJobName" in message


def test_describes_may_be_late(simulator):
    life = simulator.create("healthy", "churn", created=NOW - 9000)
    simulator.describe_lag = 8.0
    job = next(job for job in life.training_jobs if job.trial.ended > NOW)
    simulator.clock.set_time(job.trial.ended + 7)
    assert simulator.describe_training_job(job.name)["TrainingJobStatus"] == "InProgress"
    simulator.clock.advance(2)
    assert simulator.describe_training_job(job.name)["TrainingJobStatus"] != "InProgress"


def found(simulator, name):
    expression = {"Filters": [{"Name": "TrainingJobName", "Operator": "Equals", "Value": name}]}
    return [
        result["TrainingJob"]["TrainingJobName"]
        for result in simulator.search(Resource="TrainingJob", SearchExpression=expression)["Results"]
    ]


def test_training_jobs_outlive_their_tuning_job(simulator):
    life = simulator.create("completed", "churn", created=NOW - 90_000)
    names = [job.name for job in life.truth(NOW)]
    simulator.delete("churn")
    assert code_of(simulator.list_training_jobs, "churn")[0] == "ResourceNotFound"
    assert len(simulator.search(Resource="TrainingJob")["Results"]) == len(names) == 9
    for name in names:
        assert simulator.describe_training_job(name)["TrainingJobStatus"] == "Completed"
        assert found(simulator, name) == [name]


def test_a_tuning_job_of_the_same_name_has_training_jobs_of_its_own(simulator):
    first = simulator.create("completed", "churn", created=NOW - 90_000)
    simulator.delete("churn")
    simulator.clock.advance(10)
    second = simulator.create("completed", "Churn", created=NOW - 80_000)
    simulator.list_lag = 0.0
    names = {job.name for job in first.truth(NOW)}, {job.name for job in second.truth(NOW)}
    assert names[0].isdisjoint(names[1])
    listed = simulator.list_training_jobs("churn", MaxResults=100)["TrainingJobSummaries"]
    assert {job["TrainingJobName"] for job in listed} == names[1]
    assert simulator.describe("churn")["BestTrainingJob"]["TrainingJobName"] in names[1]
    for name in names[0] | names[1]:
        assert simulator.describe_training_job(name)["TrainingJobName"] == name
        assert found(simulator, name) == [name]


def test_nothing_is_launched_after_the_tuning_job_is_gone(simulator):
    life = simulator.create("healthy", "churn", created=NOW - 3000)
    running = [job.name for job in life.truth(NOW) if job.status == "InProgress"]
    launched = len(life.truth(NOW))
    simulator.delete("churn")
    simulator.clock.advance(50_000)
    assert len(simulator.search(Resource="TrainingJob", MaxResults=100)["Results"]) == launched
    assert running
    for name in running:
        assert simulator.describe_training_job(name)["TrainingJobStatus"] != "InProgress"


def test_the_record_of_a_training_job_can_vanish(simulator):
    life = simulator.create("healthy", "churn", created=NOW - 9000)
    simulator.list_lag = 0.0
    lost, kept = (job.name for job in life.truth(NOW)[:2])
    before = simulator.describe("churn")
    simulator.forget_training_job(lost)
    assert simulator.describe("churn") == before, "its tuning job counts it still"
    assert code_of(simulator.describe_training_job, lost) == GONE
    assert code_of(simulator.forget_training_job, lost) == GONE
    assert code_of(simulator.forget_training_job, "churn-099-00000000") == GONE
    listed = [
        job["TrainingJobName"] for job in simulator.list_training_jobs("churn", MaxResults=100)["TrainingJobSummaries"]
    ]
    assert lost not in listed
    assert len(listed) == sum(before["TrainingJobStatusCounters"].values()) - 1
    assert found(simulator, lost) == []
    assert found(simulator, kept) == [kept]
    simulator.delete("churn")
    simulator.create("completed", "churn")
    simulator.forget_training_job(kept)
    assert code_of(simulator.describe_training_job, kept) == GONE


def test_a_stop_and_a_forgotten_record_go_together(simulator):
    life = simulator.create("healthy", "churn", created=NOW - 9000)
    lost = life.truth(NOW)[0].name
    simulator.forget_training_job(lost)
    request = {"HyperParameterTuningJobName": "churn"}
    simulator._call("StopHyperParameterTuningJob", request, None, None)
    simulator.clock.advance(3600)
    assert code_of(simulator.describe_training_job, lost) == GONE
    listed = simulator.list_training_jobs("churn", MaxResults=100)["TrainingJobSummaries"]
    assert len(listed) == sum(simulator.describe("churn")["TrainingJobStatusCounters"].values()) - 1
    assert not any(job["TrainingJobStatus"] in {"InProgress", "Stopping"} for job in listed)


def test_a_job_of_a_request_runs_on_what_it_asks_for(simulator, validate):
    definition = {
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "RoleArn": "arn:aws:iam::123456789012:role/service-role/training",
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/models/"},
        "ResourceConfig": {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 3, "VolumeSizeInGB": 30},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
        "EnableManagedSpotTraining": True,
        "Environment": {"TOKEN": "secret"},
    }
    content = {
        "HyperParameterTuningJobName": "asked",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 5, "MaxParallelTrainingJobs": 2},
        },
        "TrainingJobDefinition": definition,
    }
    simulator._call("CreateHyperParameterTuningJob", content, None, None)
    simulator.clock.advance(50_000)
    [*results] = simulator.search(Resource="TrainingJob")["Results"]
    assert len(results) >= 5
    for result in results:
        answer = simulator.describe_training_job(result["TrainingJob"]["TrainingJobName"])
        assert validate("DescribeTrainingJob", answer) == []
        for member in ("ResourceConfig", "StoppingCondition", "EnableManagedSpotTraining", "Environment"):
            assert answer[member] == definition[member]
        if "TrainingStartTime" in answer:
            assert answer["BillableTimeInSeconds"] <= 0.4 * answer["TrainingTimeInSeconds"]
