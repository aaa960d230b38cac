"""The simulator in process: names, accounts, regions, counting, and what it refuses."""

from __future__ import annotations

import sys
import threading
import time

import pytest
from support.clock import ManualClock

from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Request, Simulator

NOW = 1_764_000_000.25


def code_of(call, *args, **kwargs):
    with pytest.raises(ApiError) as refused:
        call(*args, **kwargs)
    return refused.value.code, refused.value.http_status


def test_describe_is_the_life_at_the_clocks_time(simulator, clock):
    life = simulator.create("healthy", "churn")
    for step in (0, 600, 6000, 600_000):
        clock.advance(step)
        assert simulator.describe("churn") == life.at(clock.time())


def test_the_truth_of_a_life_is_at_hand(simulator):
    life = simulator.create("completed", "churn")
    answer = life.at(life.ended)
    assert answer["TrainingJobStatusCounters"]["Completed"] == len(life.trials) == 9


def test_a_name_belongs_to_an_account_and_region(simulator):
    here = simulator.create("healthy", "same")
    there = simulator.create("completed", "same", region="cn-north-1", account_id="210987654321")
    assert simulator.describe("same")["HyperParameterTuningJobArn"] == here.arn
    answer = simulator.describe("same", region="cn-north-1", account_id="210987654321")
    assert answer["HyperParameterTuningJobArn"] == there.arn
    assert there.arn == "arn:aws-cn:sagemaker:cn-north-1:210987654321:hyper-parameter-tuning-job/same"
    assert code_of(simulator.describe, "same", region="cn-north-1") == ("ResourceNotFound", 400)


def test_a_name_is_used_once_until_it_is_deleted(simulator, clock):
    simulator.create("healthy", "churn")
    assert code_of(simulator.create, "healthy", "churn") == ("ResourceInUse", 400)
    simulator.delete("churn")
    assert code_of(simulator.describe, "churn") == ("ResourceNotFound", 400)
    assert code_of(simulator.delete, "churn") == ("ResourceNotFound", 400)
    clock.advance(5 * 86400)
    simulator.create("healthy", "churn")
    assert simulator.describe("churn")["CreationTime"] == clock.time()


def test_a_name_is_free_again_when_its_life_is_over(simulator, clock):
    life = simulator.create("deleting", "churn")
    clock.set_time(life.gone)
    assert code_of(simulator.describe, "churn") == ("ResourceNotFound", 400)
    simulator.create("healthy", "churn")
    assert simulator.describe("churn")["HyperParameterTuningJobStatus"] == "InProgress"


def test_an_unknown_scenario_is_a_mistake_of_the_caller(simulator):
    with pytest.raises(KeyError, match="no-such"):
        simulator.create("no-such", "churn")


@pytest.mark.parametrize("name", ["", "-churn", "churn-", "a_b", "a" * 33, "a b", "churn\n"])
def test_names_follow_the_apis_rule(simulator, name):
    assert code_of(simulator.create, "healthy", name) == ("ValidationException", 400)
    assert code_of(simulator.describe, name) == ("ValidationException", 400)


def test_seeds_decide_lives():
    def objectives(simulator_seed, **changes):
        life = Simulator(ManualClock(NOW), seed=simulator_seed).create("healthy", "churn", **changes)
        return [trial.objective for trial in life.trials]

    assert objectives(1) == objectives(1)
    assert objectives(1) != objectives(2)
    assert objectives(1, seed=7) == objectives(2, seed=7)


def test_tags_are_found_by_the_arn_though_it_lost_the_case(simulator, validate):
    life = simulator.create("healthy", "Churn-V3", tags={"team": "growth", "env": "prod"})
    answer = simulator.list_tags(life.arn)
    assert answer == {"Tags": [{"Key": "team", "Value": "growth"}, {"Key": "env", "Value": "prod"}]}
    assert validate("ListTags", answer) == []
    assert code_of(simulator.list_tags, life.arn + "x") == ("ResourceNotFound", 400)
    assert code_of(simulator.list_tags, life.arn, region="eu-west-1") == ("ResourceNotFound", 400)
    assert code_of(simulator.list_tags, "churn") == ("ValidationException", 400)


def test_every_request_is_counted_refused_ones_too(simulator):
    simulator.create("healthy", "churn")
    simulator.describe("churn")
    code_of(simulator.describe, "other")
    code_of(simulator.describe, "churn", region="eu-west-1")
    code_of(simulator.list, MaxResults=0)
    assert simulator.requests == {
        ("DescribeHyperParameterTuningJob", "us-east-1"): 2,
        ("DescribeHyperParameterTuningJob", "eu-west-1"): 1,
        ("ListHyperParameterTuningJobs", "us-east-1"): 1,
    }


def test_no_request_is_lost_between_threads(simulator):
    simulator.create("completed", "churn")
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=lambda: [simulator.describe("churn") for _ in range(300)]) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert simulator.requests["DescribeHyperParameterTuningJob", "us-east-1"] == 2400


def request(operation, content, **changes):
    return Request(service="sagemaker", operation=operation, content=content, region="us-east-1", **changes)


@pytest.mark.parametrize(
    ("operation", "content", "code"),
    [
        ("DescribeTransformJob", {}, "UnknownOperationException"),
        ("", {}, "UnknownOperationException"),
        ("DescribeHyperParameterTuningJob", None, "SerializationException"),
        ("DescribeHyperParameterTuningJob", ["churn"], "SerializationException"),
        ("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": 7}, "SerializationException"),
        ("DescribeHyperParameterTuningJob", {}, "ValidationException"),
        ("ListTags", {}, "ValidationException"),
        ("ListTags", {"ResourceArn": 7}, "SerializationException"),
    ],
)
def test_what_is_no_proper_request_is_refused(simulator, operation, content, code):
    assert code_of(simulator.handle, request(operation, content)) == (code, 400)


def test_a_signature_can_be_required(clock):
    simulator = Simulator(clock, require_signature=True)
    simulator.create("healthy", "churn")
    content = {"HyperParameterTuningJobName": "churn"}
    unsigned = request("DescribeHyperParameterTuningJob", content)
    assert code_of(simulator.handle, unsigned) == ("MissingAuthenticationToken", 403)
    signed = request("DescribeHyperParameterTuningJob", content, access_key_id="AKIDUNKNOWN")
    assert simulator.handle(signed) == simulator.describe("churn")


def test_a_key_speaks_for_its_account(simulator):
    simulator.add_credentials("AKIDOTHER", "210987654321")
    simulator.create("healthy", "churn", account_id="210987654321")
    content = {"HyperParameterTuningJobName": "churn"}
    known = request("DescribeHyperParameterTuningJob", content, access_key_id="AKIDOTHER")
    unknown = request("DescribeHyperParameterTuningJob", content, access_key_id="AKIDUNKNOWN")
    assert ":210987654321:" in simulator.handle(known)["HyperParameterTuningJobArn"]
    assert code_of(simulator.handle, unknown) == ("ResourceNotFound", 400)


@pytest.mark.long
def test_a_thousand_jobs_are_cheap(simulator):
    start = time.process_time()
    for i in range(1000):
        simulator.create(sorted(SCENARIOS)[i % len(SCENARIOS)], f"job-{i}", created=NOW - 3000)
    creating = time.process_time() - start
    start = time.process_time()
    for i in range(1000):
        simulator.describe(f"job-{i}")
    describing = time.process_time() - start
    assert creating < 10  # about 1.3 s on a free core
    assert describing < 0.5  # about 20 ms on a free core


def test_names_have_no_case_but_keep_that_of_their_creation(simulator):
    life = simulator.create("healthy", "Churn-V3", tags={"team": "growth"})
    assert code_of(simulator.create, "completed", "churn-v3") == ("ResourceInUse", 400)
    assert simulator.describe("CHURN-v3")["HyperParameterTuningJobName"] == "Churn-V3"
    for arn in (life.arn.upper(), life.arn.replace("churn", "Churn")):
        assert simulator.list_tags(arn)["Tags"] == [{"Key": "team", "Value": "growth"}]
    simulator.delete("churn-V3")
    assert code_of(simulator.describe, "Churn-V3") == ("ResourceNotFound", 400)


def test_describes_may_be_older_than_lists(simulator, clock):
    simulator.describe_lag, simulator.list_lag = 8.0, 0.0
    life = simulator.create("healthy", "churn")
    assert simulator.describe("churn") == life.at(NOW), "a young one is told as it was at first"
    clock.advance(600)
    [summary] = simulator.list()["HyperParameterTuningJobSummaries"]
    assert summary == life.summary(NOW + 600)
    assert simulator.describe("churn") == life.at(NOW + 592)
    simulator.delete("churn")
    assert simulator.describe("churn") == life.at(NOW + 592)
    clock.advance(8)
    assert code_of(simulator.describe, "churn") == ("ResourceNotFound", 400)
    later = simulator.create("healthy", "later", created=clock.time() + 5)
    assert code_of(simulator.describe, later.name) == ("ResourceNotFound", 400)


def test_search_may_throttle_early(simulator):
    simulator.search_requests_per_second = 1
    simulator.requests_per_second = 5
    simulator.create("healthy", "churn")
    search = {"Resource": "HyperParameterTuningJob"}
    assert simulator.search(**search)
    assert code_of(simulator.search, **search) == ("ThrottlingException", 400)
    assert simulator.describe("churn")
    simulator.clock.advance(1)
    assert simulator.search(**search)


def test_the_operations_are_those_that_answer(simulator):
    for operation in simulator.operations:
        service = "sagemaker"
        if operation in simulator.organization.operations:
            service = "organizations"
        elif operation in simulator.quotas.operations:
            service = "servicequotas"
        elif operation in {"GetCallerIdentity", "AssumeRole", "AssumeRoleWithWebIdentity"}:
            service = "sts"
        empty = Request(service=service, operation=operation, content=None, region="us-east-1")
        assert code_of(simulator.handle, empty) == ("SerializationException", 400)
