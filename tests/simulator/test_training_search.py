"""Search finds training jobs by name and by much else, of tuning jobs that are gone too, and tells what is billed."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.errors import ApiError
from exporter.simulator.expression import only_among, read
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.search import RESOURCES

NOW = 1_764_000_000.25
NAME = "TrainingJobName"
PROPERTIES = RESOURCES["TrainingJob"].properties


def search(simulator, *filters, joined="And", **wire_input):
    given = [dict(zip(("Name", "Operator", "Value"), each, strict=False)) for each in filters]
    expression = {"SearchExpression": {"Filters": given, "Operator": joined}} if given else {}
    return simulator.search(Resource="TrainingJob", MaxResults=100, **expression, **wire_input)


def named(names, filters=5):
    """Return filters that ask for names as a client does: no value is longer than the service takes."""
    return [(NAME, "In", ",".join(names[i::filters])) for i in range(min(filters, len(names)))]


def jobs_of(answer):
    return [result["TrainingJob"] for result in answer["Results"]]


def names_of(answer):
    return [job[NAME] for job in jobs_of(answer)]


@pytest.fixture
def churn(simulator):
    return simulator.create("failing-training-jobs", "churn", created=NOW - 9000, tags={"team": "growth"})


def test_a_hundred_are_found_by_their_names_in_one_call(simulator):
    life = simulator.create("converged-running", "churn", created=NOW - 40_000)
    simulator.create("healthy", "other", created=NOW - 9000)
    names = [job.name for job in life.truth(NOW)][:100]
    assert len(names) == 100
    answer = search(simulator, *named(names), joined="Or")
    assert sorted(names_of(answer)) == names
    assert "NextToken" not in answer
    for job, truth in zip(sorted(jobs_of(answer), key=lambda job: job[NAME]), life.truth(NOW), strict=False):
        assert job["BillableTimeInSeconds"] == truth.billable_seconds
        assert truth.start is not None
        assert truth.end is not None
        assert job["TrainingTimeInSeconds"] == truth.end - truth.start


def test_names_that_nobody_has_are_not_found(simulator, churn):
    known = churn.truth(NOW)[0].name
    asked = [known.upper(), "churn-001-00000000", "churn", "churn-1x-00000000", "churn-000-00000000", "-"]
    assert names_of(search(simulator, *named(asked), joined="Or")) == [known]
    assert names_of(search(simulator, *named(asked), joined="Or", region="eu-west-1")) == []


@pytest.mark.parametrize(
    ("filters", "met"),
    [
        ([("TrainingJobStatus", "Equals", "Failed")], lambda job: job.status == "Failed"),
        ([("TrainingJobStatus", "In", "InProgress,Completed")], lambda job: job.status in {"InProgress", "Completed"}),
        ([("FailureReason", "Contains", "memory")], lambda job: "memory" in (job.failure or "")),
        ([("TrainingEndTime", "NotExists")], lambda job: job.status == "InProgress" or job.reason == "quota"),
        ([("EnableManagedSpotTraining", "Equals", "true")], lambda _: True),
        ([("EnableManagedSpotTraining", "NotEquals", "true")], lambda _: False),
        ([("BillableTimeInSeconds", "LessThan", "60")], lambda job: (job.billable_seconds or 60) < 60),
        ([("ResourceConfig.InstanceType", "Equals", "ml.g5.xlarge")], lambda _: True),
        ([("Tags.team", "Equals", "growth")], lambda _: True),
        ([("Tags.team", "Equals", "risk")], lambda _: False),
        (
            [("TuningJobArn", "Equals", "arn:aws:sagemaker:us-east-1:123456789012:hyper-parameter-tuning-job/churn")],
            lambda _: True,
        ),
        ([(NAME, "Contains", "churn-00")], lambda job: job.name < "churn-010"),
        (
            [(NAME, "Contains", "churn-00"), ("TrainingJobStatus", "Equals", "Completed")],
            lambda job: job.name < "churn-010" and job.status == "Completed",
        ),
    ],
)
def test_filters(simulator, churn, filters, met):
    expected = [job.name for job in churn.truth(NOW) if met(job)]
    answer = search(simulator, *filters, SortBy=NAME, SortOrder="Ascending")
    assert names_of(answer) == expected


def test_last_modified_come_first_and_pages_join_to_the_whole(simulator, churn):
    whole = jobs_of(search(simulator))
    assert len(whole) == len(churn.truth(NOW))
    modified = [job["LastModifiedTime"] for job in whole]
    assert modified == sorted(modified, reverse=True)
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        answer = simulator.search(Resource="TrainingJob", MaxResults=7, **token)
        found += names_of(answer)
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert found == [job[NAME] for job in whole]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("age", [80.0, 3000.0, 40_000.0])
def test_records_fit_the_model_and_are_what_describe_says(simulator, validate, scenario, age):
    life = simulator.create(scenario, "churn", created=NOW - age, tags={"n": "1"})
    answer = search(simulator)
    assert validate("Search", answer) == []
    assert len(answer["Results"]) == min(100, len(life.truth(NOW)))
    for record in jobs_of(answer):
        assert record.pop("Tags") == [{"Key": "n", "Value": "1"}]
        described = simulator.describe_training_job(record[NAME])
        assert validate("DescribeTrainingJob", described) == []
        assert record == described


def test_the_index_lags(simulator, churn):
    simulator.search_lag = 15.0
    ended = next(job for job in churn.training_jobs if job.trial.ended > NOW)
    simulator.clock.set_time(ended.trial.ended + 14.9)
    assert jobs_of(search(simulator, *named([ended.name], 1)))[0]["TrainingJobStatus"] == "InProgress"
    simulator.clock.advance(0.2)
    assert jobs_of(search(simulator, *named([ended.name], 1)))[0]["TrainingJobStatus"] != "InProgress"


@pytest.mark.parametrize(
    ("filters", "problem"),
    [
        ([(NAME, "In", "churn-001-00000000," * 60)], "longer than 1024"),
        ([(NAME, "In", "x")] * 21, "Filters"),
        ([(NAME, "GreaterThan", "x")], "GreaterThan"),
        ([("BillableTimeInSeconds", "Equals", "many")], "many"),
        ([("EnableManagedSpotTraining", "Equals", "maybe")], "maybe"),
        ([("HyperParameterTuningJobName", "Equals", "churn")], "HyperParameterTuningJobName"),
    ],
)
def test_what_cannot_be_asked_is_refused(simulator, churn, filters, problem):
    with pytest.raises(ApiError) as refused:
        search(simulator, *filters, joined="Or")
    assert refused.value.code == "ValidationException"
    assert problem in refused.value.message


VALUES = st.lists(st.sampled_from(["a", "B", "c", "D"]), min_size=1, max_size=3).map(",".join)
FILTERS = st.one_of(
    st.builds(lambda value: {"Name": NAME, "Value": value.split(",")[0]}, VALUES),
    st.builds(lambda value: {"Name": NAME, "Operator": "In", "Value": value}, VALUES),
    st.builds(lambda value: {"Name": NAME, "Operator": "NotEquals", "Value": value.split(",")[0]}, VALUES),
    st.just({"Name": "TrainingJobArn", "Operator": "Equals", "Value": "b"}),
)
EXPRESSIONS = st.recursive(
    st.builds(
        lambda filters, joined: {"Filters": filters, **joined},
        st.lists(FILTERS, min_size=1, max_size=3),
        st.sampled_from([{}, {"Operator": "Or"}, {"Operator": "And"}]),
    ),
    lambda inner: st.builds(
        lambda parts, joined: {"SubExpressions": parts, "Operator": joined},
        st.lists(inner, min_size=1, max_size=3),
        st.sampled_from(["And", "Or"]),
    ),
    max_leaves=5,
)


class Named:
    """Something that has only a name, and that as its ARN too."""

    def __init__(self, name):
        self.name = self.arn = name


@given(EXPRESSIONS)
def test_names_that_a_search_is_narrowed_to_lose_nothing(expression: dict[str, Any]):
    problems: list[str] = []
    matches = read(expression, problems, PROPERTIES)
    assert problems == []
    narrowed = only_among(expression, NAME)
    for name in "abcdABCDe":
        if matches(Named(name), NOW):
            assert narrowed is None or name.lower() in narrowed


@pytest.mark.long
def test_asking_by_names_is_cheap_beside_a_thousand_tuning_jobs(simulator):
    for i in range(1000):
        simulator.create("healthy", f"job-{i}", created=NOW - 9000)
    names = [f"job-{i}-001-00000000" for i in range(95)]
    start = time.process_time()
    search(simulator, *named(names), joined="Or")
    assert time.process_time() - start < 2  # about 0.3 s on a free core, the rest of them are not looked at
