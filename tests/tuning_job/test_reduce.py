"""What the facts are, whatever the answer looks like. How they are exposed stands with the rendering."""

from __future__ import annotations

import copy
import math
import random
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.views import answer

from exporter.tuning_job import MalformedAnswer, Objective, TuningJob, reduce

if TYPE_CHECKING:
    from collections.abc import Iterator

Path = tuple[str | int, ...]

REQUIRED = ("HyperParameterTuningJobName", "HyperParameterTuningJobArn", "HyperParameterTuningJobStatus")
ACCOUNT = "123456789012"
BARE: dict[str, Any] = {
    "HyperParameterTuningJobName": "bare",
    "HyperParameterTuningJobArn": "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/bare",
    "HyperParameterTuningJobStatus": "InProgress",
}

# Objects are absent where a wrong type stands, so these stand for "this cannot be a text, a number, a time".
NO_TEXTS = [None, "", 3, 0.5, True, ["Bayesian"], {"Strategy": "Bayesian"}, b"Bayesian"]
NO_NUMBERS = [None, "", "many", " 3", "3 ", "0x3", "1_000", "٣", "nan", "inf", True, False, [3], {"N": 3}, 10**400]


class TestRequired:
    def test_an_answer_may_hold_nothing_else(self) -> None:
        job = reduce(BARE)
        assert (job.name, job.status) == ("bare", "InProgress")
        assert job == TuningJob(
            name="bare",
            arn="arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/bare",
            region="eu-west-1",
            account_id="123456789012",
            status="InProgress",
            objective=Objective(None, None),
        )

    @pytest.mark.parametrize("member", REQUIRED)
    @pytest.mark.parametrize("value", [*NO_TEXTS, "x" * 257, "\ud800"])
    def test_each_must_be_a_text(self, member: str, value: object) -> None:
        with pytest.raises(MalformedAnswer, match=member):
            reduce({**BARE, member: value})

    @pytest.mark.parametrize("member", REQUIRED)
    def test_each_must_be_there(self, member: str) -> None:
        with pytest.raises(MalformedAnswer, match=member):
            reduce({key: value for key, value in BARE.items() if key != member})

    @pytest.mark.parametrize("whole", [None, [], "", "{}", 7, [BARE]])
    def test_an_answer_must_be_an_object(self, whole: Any) -> None:
        with pytest.raises(MalformedAnswer, match="not an object"):
            reduce(whole)

    @pytest.mark.parametrize(
        ("arn", "region", "account"),
        [
            ("arn:aws:sagemaker:us-east-1:000000000001:hyper-parameter-tuning-job/x", "us-east-1", "000000000001"),
            ("arn:aws-cn:sagemaker:cn-north-1:123456789012:hyper-parameter-tuning-job/x", "cn-north-1", ACCOUNT),
            (
                "arn:aws-us-gov:sagemaker:us-gov-west-1:123456789012:hyper-parameter-tuning-job/x",
                "us-gov-west-1",
                ACCOUNT,
            ),
            (
                "arn:aws-iso-b:sagemaker:us-isob-east-1:123456789012:hyper-parameter-tuning-job/x",
                "us-isob-east-1",
                ACCOUNT,
            ),
        ],
    )
    def test_the_arn_tells_region_and_account(self, arn: str, region: str, account: str) -> None:
        job = reduce({**BARE, "HyperParameterTuningJobArn": arn})
        assert (job.arn, job.region, job.account_id) == (arn, region, account)

    @pytest.mark.parametrize(
        "arn",
        [
            "bare",
            "arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/",
            "arn:aws:sagemaker:eu-west-1:123456789012:training-job/bare",
            "arn:aws:sagemaker:eu-west-1:1234:hyper-parameter-tuning-job/bare",
            "arn:aws:sagemaker:eu-west-1:١٢٣٤٥٦٧٨٩٠١٢:hyper-parameter-tuning-job/bare",
            "arn:aws:sagemaker::123456789012:hyper-parameter-tuning-job/bare",
            "arn:aws:ec2:eu-west-1:123456789012:hyper-parameter-tuning-job/bare",
            "arn:gcp:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/bare",
            " arn:aws:sagemaker:eu-west-1:123456789012:hyper-parameter-tuning-job/bare",
        ],
    )
    def test_the_arn_must_be_a_tuning_job_s(self, arn: str) -> None:
        with pytest.raises(MalformedAnswer, match="not the ARN of a tuning job"):
            reduce({**BARE, "HyperParameterTuningJobArn": arn})

    def test_the_name_is_not_taken_from_the_arn(self) -> None:
        lowered = BARE["HyperParameterTuningJobArn"].replace("/bare", "/cased")
        assert (
            reduce({**BARE, "HyperParameterTuningJobName": "CaSed", "HyperParameterTuningJobArn": lowered}).name
            == "CaSed"
        )

    def test_a_status_of_tomorrow_is_kept(self) -> None:
        assert reduce({**BARE, "HyperParameterTuningJobStatus": "Archiving"}).status == "Archiving"


def at(parent: Any, path: Path) -> Any:
    for step in path:
        parent = parent[step]
    return parent


def replaced(whole: Any, path: Path, value: object) -> Any:
    """Return a copy with another value at the path."""
    if not path:
        return value
    changed = copy.deepcopy(whole)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def removed(whole: Any, path: Path) -> Any:
    changed = copy.deepcopy(whole)
    del at(changed, path[:-1])[path[-1]]
    return changed


CONFIG = "HyperParameterTuningJobConfig"
CRITERIA = (CONFIG, "TuningJobCompletionCriteria")
COUNTS = "TrainingJobStatusCounters"
STATES = "ObjectiveStatusCounters"
DETAILS = "TuningJobCompletionDetails"
METRIC = "FinalHyperParameterTuningJobObjectiveMetric"

# Each fact by the one member that it is made of.
NUMBERS: dict[str, Path] = {
    "limits.max_training_jobs": (CONFIG, "ResourceLimits", "MaxNumberOfTrainingJobs"),
    "limits.max_parallel_training_jobs": (CONFIG, "ResourceLimits", "MaxParallelTrainingJobs"),
    "limits.max_runtime_seconds": (CONFIG, "ResourceLimits", "MaxRuntimeInSeconds"),
    "criteria.max_training_jobs_not_improving": (
        *CRITERIA,
        "BestObjectiveNotImproving",
        "MaxNumberOfTrainingJobsNotImproving",
    ),
    "runtime_seconds": ("ConsumedResources", "RuntimeInSeconds"),
    "training_jobs_not_improving": (DETAILS, "NumberOfTrainingJobsObjectiveNotImproving"),
    **{f"training_jobs.{name}": (COUNTS, name) for name in answer("everything")[COUNTS]},
    **{f"objectives.{name}": (STATES, name) for name in answer("everything")[STATES]},
}
VALUES: dict[str, Path] = {
    "criteria.target_objective_value": (*CRITERIA, "TargetObjectiveMetricValue"),
    "best_training_job.objective_value": ("BestTrainingJob", METRIC, "Value"),
    "overall_best_training_job.objective_value": ("OverallBestTrainingJob", METRIC, "Value"),
}
TIMES: dict[str, Path] = {
    "convergence_detected_time": (DETAILS, "ConvergenceDetectedTime"),
    "creation_time": ("CreationTime",),
    "last_modified_time": ("LastModifiedTime",),
    "end_time": ("HyperParameterTuningEndTime",),
    "best_training_job.end_time": ("BestTrainingJob", "TrainingEndTime"),
    "overall_best_training_job.end_time": ("OverallBestTrainingJob", "TrainingEndTime"),
}
TEXTS: dict[str, Path] = {
    "strategy": (CONFIG, "Strategy"),
    "early_stopping": (CONFIG, "TrainingJobEarlyStoppingType"),
    "warm_start_type": ("WarmStartConfig", "WarmStartType"),
    "autotune": ("Autotune", "Mode"),
    "criteria.complete_on_convergence": (*CRITERIA, "ConvergenceDetected", "CompleteOnConvergence"),
    "failure_reason": ("FailureReason",),
    "best_training_job.name": ("BestTrainingJob", "TrainingJobName"),
    "best_training_job.definition_name": ("BestTrainingJob", "TrainingJobDefinitionName"),
    "overall_best_training_job.name": ("OverallBestTrainingJob", "TrainingJobName"),
}
MEMBERS = NUMBERS | VALUES | TIMES | TEXTS


def fact(job: TuningJob, name: str) -> Any:
    """Return a fact by its dotted name, None where there is none."""
    value: Any = job
    for part in name.split("."):
        if value is None:
            return None
        value = value.get(part) if isinstance(value, dict) else getattr(value, part)
    return value


FULL: dict[str, Any] = {**answer("everything"), "FailureReason": "it was stopped"}
FULL["OverallBestTrainingJob"]["TrainingJobDefinitionName"] = "bert"
ALL_FACTS = {name: at(FULL, path) for name, path in MEMBERS.items()}


class TestMembers:
    @pytest.mark.parametrize(("name", "path"), MEMBERS.items(), ids=list(MEMBERS))
    def test_each_comes_to_its_fact(self, name: str, path: Path) -> None:
        assert fact(reduce(FULL), name) == at(FULL, path)

    @pytest.mark.parametrize(("name", "path"), MEMBERS.items(), ids=list(MEMBERS))
    def test_each_is_missed_alone(self, name: str, path: Path) -> None:
        job = reduce(removed(FULL, path))
        assert {other for other in MEMBERS if fact(job, other) != ALL_FACTS[other]} == {name}
        assert fact(job, name) is None

    @pytest.mark.parametrize("value", NO_NUMBERS)
    @pytest.mark.parametrize("name", NUMBERS | VALUES)
    def test_what_is_no_number_is_absent(self, name: str, value: object) -> None:
        assert fact(reduce(replaced(FULL, MEMBERS[name], value)), name) is None

    @pytest.mark.parametrize("value", NO_TEXTS)
    @pytest.mark.parametrize("name", TEXTS)
    def test_what_is_no_text_is_absent(self, name: str, value: object) -> None:
        assert fact(reduce(replaced(FULL, TEXTS[name], value)), name) is None

    @pytest.mark.parametrize("value", [*NO_NUMBERS, math.nan, math.inf, "NaN", "Infinity", "2025-13-01", "yesterday"])
    @pytest.mark.parametrize("name", TIMES)
    def test_what_is_no_time_is_absent(self, name: str, value: object) -> None:
        assert fact(reduce(replaced(FULL, TIMES[name], value)), name) is None

    @pytest.mark.parametrize("value", [0, 7, 7.0, 2.5, -1, 2**53 + 1, "7", "-2.5", "1e3"])
    @pytest.mark.parametrize("name", NUMBERS | VALUES)
    def test_what_is_a_number_is_one(self, name: str, value: float | str) -> None:
        found = fact(reduce(replaced(FULL, MEMBERS[name], value)), name)
        assert found == (float(value) if isinstance(value, str) else value)
        assert not isinstance(found, str)

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "NaN", "Infinity", "-Infinity"])
    @pytest.mark.parametrize("name", NUMBERS)
    def test_no_count_and_no_limit_is_beyond_numbers(self, name: str, value: object) -> None:
        assert fact(reduce(replaced(FULL, NUMBERS[name], value)), name) is None

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (math.nan, math.nan),
            ("NaN", math.nan),
            (math.inf, math.inf),
            ("Infinity", math.inf),
            (-math.inf, -math.inf),
            ("-Infinity", -math.inf),
        ],
    )
    @pytest.mark.parametrize("name", VALUES)
    def test_an_objective_may_be_beyond_numbers(self, name: str, value: object, expected: float) -> None:
        assert fact(reduce(replaced(FULL, VALUES[name], value)), name) == pytest.approx(expected, nan_ok=True)

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (1718000101, 1718000101.0),
            (1718000101.502, 1718000101.502),
            ("1718000101.502", 1718000101.502),
            (0, 0.0),
            (datetime(2024, 6, 10, 6, 15, 1, 502000, tzinfo=UTC), 1718000101.502),
            (datetime(2024, 6, 10, 8, 15, 1, 502000, tzinfo=timezone(timedelta(hours=2))), 1718000101.502),
            (datetime(2024, 6, 10, 6, 15, 1, 502000), 1718000101.502),  # noqa: DTZ001 - one without a zone is the point
            ("2024-06-10T06:15:01.502Z", 1718000101.502),
            ("2024-06-10T08:15:01.502+02:00", 1718000101.502),
            ("2024-06-10 06:15:01", 1718000101.0),
            (32503679999.0, 32503679999.0),
        ],
    )
    @pytest.mark.parametrize("name", TIMES)
    def test_times_come_in_many_dresses(self, name: str, value: object, expected: float) -> None:
        found = fact(reduce(replaced(FULL, TIMES[name], value)), name)
        assert found == expected
        assert isinstance(found, float)

    @pytest.mark.parametrize(
        "value",
        [
            1_718_000_101_502,  # milliseconds
            253_402_300_800.0,  # the year 10000
            32_503_680_000,
            -1.0,
            1e300,
            "1718000101502",
            "9999-12-31T23:59:59Z",
            datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
            datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
        ],
    )
    @pytest.mark.parametrize("name", TIMES)
    def test_times_that_no_tuning_job_has_are_absent(self, name: str, value: object) -> None:
        assert fact(reduce(replaced(FULL, TIMES[name], value)), name) is None

    @pytest.mark.parametrize("value", [datetime(2024, 6, 10, 6, 15, 1), "2024-06-10T06:15:01"])  # noqa: DTZ001
    def test_a_time_without_zone_is_utc_wherever_the_machine_stands(
        self, monkeypatch: pytest.MonkeyPatch, value: object
    ) -> None:
        with monkeypatch.context() as patch:
            patch.setenv("TZ", "Asia/Kolkata")
            time.tzset()
            assert reduce({**BARE, "CreationTime": value}).creation_time == 1718000101.0
        time.tzset()


class TestCounters:
    def test_only_those_of_the_answer_are_there(self) -> None:
        job = reduce({**BARE, COUNTS: {"Completed": 4, "Stopped": 0}, STATES: {"Pending": 1}})
        assert job.training_jobs == {"Completed": 4, "Stopped": 0}
        assert job.objectives == {"Pending": 1}

    @pytest.mark.parametrize("value", [None, {}, [], "Completed", 4, [{"Completed": 4}]])
    def test_without_any_there_are_none(self, value: object) -> None:
        job = reduce({**BARE, COUNTS: value, STATES: value})
        assert (job.training_jobs, job.objectives) == ({}, {})

    def test_names_nobody_documented_are_left_out(self) -> None:
        assert reduce({**BARE, COUNTS: {"Completed": 1, "Queued": 9}}).training_jobs == {"Completed": 1}


class TestParents:
    @pytest.mark.parametrize(
        ("listed", "parents"),
        [
            ([], ()),
            (
                [{"HyperParameterTuningJobName": "first"}, {"HyperParameterTuningJobName": "second"}],
                ("first", "second"),
            ),
            ([{"HyperParameterTuningJobName": "first"}, {}], ("first", "")),
            (None, None),
            ("first", None),
            ({"HyperParameterTuningJobName": "first"}, None),
            (["first"], None),
            ([None], None),
            ([{"HyperParameterTuningJobName": "first"}, 7], None),
        ],
    )
    def test_are_counted_only_where_they_can_be(self, listed: object, parents: tuple[str, ...] | None) -> None:
        assert reduce({**BARE, "WarmStartConfig": {"ParentHyperParameterTuningJobs": listed}}).parents == parents

    def test_are_absent_from_a_cold_start(self) -> None:
        assert reduce(BARE).parents is None


LOSS = {"MetricName": "loss", "Type": "Minimize"}
SCORE = {"MetricName": "score", "Type": "Maximize"}


def definition(objective: object, name: str = "only") -> dict[str, object]:
    return {"DefinitionName": name, "TuningObjective": objective}


def configured(objective: object) -> dict[str, object]:
    return {CONFIG: {"HyperParameterTuningJobObjective": objective}}


class TestConfiguredObjective:
    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            pytest.param({}, (None, None), id="nowhere"),
            pytest.param(configured(LOSS), ("loss", "Minimize"), id="in the config"),
            pytest.param(
                {"TrainingJobDefinition": definition(LOSS)}, ("loss", "Minimize"), id="in the single definition"
            ),
            pytest.param(
                {"TrainingJobDefinitions": [definition(LOSS)]}, ("loss", "Minimize"), id="in the only definition listed"
            ),
            pytest.param(
                {"TrainingJobDefinitions": [definition(LOSS, "a"), definition(LOSS, "b")]},
                ("loss", "Minimize"),
                id="definitions agree",
            ),
            pytest.param(
                {"TrainingJobDefinitions": [definition(LOSS, "a"), definition(SCORE, "b")]},
                (None, None),
                id="definitions differ",
            ),
            pytest.param(
                {"TrainingJobDefinitions": [definition(None, "a"), definition(LOSS, "b")]},
                ("loss", "Minimize"),
                id="one definition is silent",
            ),
            pytest.param(
                configured(LOSS) | {"TrainingJobDefinitions": [definition(LOSS)]},
                ("loss", "Minimize"),
                id="config and definition agree",
            ),
            pytest.param(
                configured(LOSS) | {"TrainingJobDefinition": definition(SCORE)},
                (None, None),
                id="config and definition differ",
            ),
            pytest.param(configured({"MetricName": "loss"}), ("loss", None), id="without direction"),
            pytest.param(configured({"Type": "Minimize"}), (None, "Minimize"), id="without metric"),
            pytest.param(configured({"MetricName": "", "Type": ""}), (None, None), id="empty texts"),
            pytest.param(configured({"MetricName": 5, "Type": ["Minimize"]}), (None, None), id="wrong types"),
            pytest.param(configured("loss"), (None, None), id="no object"),
            pytest.param(
                {"TrainingJobDefinitions": ["loss", None, 3, definition(LOSS)]},
                ("loss", "Minimize"),
                id="odd definitions",
            ),
            pytest.param({"TrainingJobDefinitions": {"0": definition(LOSS)}}, (None, None), id="no list"),
        ],
    )
    def test_is_what_all_agree_on(self, members: dict[str, object], expected: tuple[str | None, str | None]) -> None:
        assert reduce(BARE | members).objective == Objective(*expected)


def best(metric: object, definition_name: object = None) -> dict[str, object]:
    return {"BestTrainingJob": {METRIC: metric, "TrainingJobDefinitionName": definition_name}}


UNTYPED = {"MetricName": "loss", "Value": 1.5}
TWO = {
    "TrainingJobDefinitions": [
        definition(LOSS, "a"),
        definition({"MetricName": "loss", "Type": "Maximize"}, "b"),
    ]
}


class TestObjectiveOfBest:
    @pytest.mark.parametrize(
        ("members", "expected"),
        [
            pytest.param(best(UNTYPED), ("loss", None), id="nowhere"),
            pytest.param(
                best(UNTYPED | {"Type": "Maximize"}) | configured(LOSS),
                ("loss", "Maximize"),
                id="on the job itself first",
            ),
            pytest.param(best(UNTYPED, "b") | TWO, ("loss", "Maximize"), id="in the named definition"),
            pytest.param(
                best(UNTYPED, "b") | TWO | configured(LOSS), ("loss", "Maximize"), id="named definition before config"
            ),
            pytest.param(best(UNTYPED, "c") | TWO | configured(LOSS), ("loss", "Minimize"), id="name of no definition"),
            pytest.param(best(UNTYPED) | TWO, ("loss", None), id="two definitions and no name"),
            pytest.param(
                best(UNTYPED) | {"TrainingJobDefinitions": [definition(LOSS, "a"), definition(LOSS, "b")]},
                ("loss", "Minimize"),
                id="two definitions that agree and no name",
            ),
            pytest.param(
                best(UNTYPED) | {"TrainingJobDefinitions": [definition(LOSS, "a"), definition(SCORE, "b")]},
                ("loss", "Minimize"),
                id="the only definition of this metric and no name",
            ),
            pytest.param(best(UNTYPED) | configured(LOSS), ("loss", "Minimize"), id="in the config"),
            pytest.param(
                best(UNTYPED)
                | configured({"MetricName": "loss", "Type": "Maximize"})
                | {"TrainingJobDefinition": definition(LOSS)},
                ("loss", "Maximize"),
                id="config before the only definition",
            ),
            pytest.param(
                best(UNTYPED) | {"TrainingJobDefinitions": [definition(LOSS)]},
                ("loss", "Minimize"),
                id="in the only definition listed",
            ),
            pytest.param(
                best(UNTYPED) | {"TrainingJobDefinition": definition(LOSS)},
                ("loss", "Minimize"),
                id="in the single definition",
            ),
            pytest.param(best(UNTYPED) | configured(SCORE), ("loss", None), id="config names another metric"),
            pytest.param(
                best(UNTYPED) | configured({"Type": "Minimize"}), ("loss", "Minimize"), id="config names none"
            ),
            pytest.param(best({"Value": 1.5}) | configured(LOSS), ("loss", "Minimize"), id="job names none"),
            pytest.param(
                best({"MetricName": "", "Type": "", "Value": 1.5}) | configured(LOSS),
                ("loss", "Minimize"),
                id="job's are empty",
            ),
            pytest.param(
                best({"Value": 1.5}, "") | {"TrainingJobDefinitions": [definition(LOSS, ""), definition(SCORE, "")]},
                (None, None),
                id="two definitions without names",
            ),
            pytest.param(
                best({"Value": 1.5}, "") | {"TrainingJobDefinitions": [definition(LOSS, "")]},
                ("loss", "Minimize"),
                id="empty name",
            ),
            pytest.param(
                best(UNTYPED, "b") | configured(LOSS) | {"TrainingJobDefinitions": "b"},
                ("loss", "Minimize"),
                id="no list",
            ),
        ],
    )
    def test_is_found_in_order(self, members: dict[str, object], expected: tuple[str | None, str | None]) -> None:
        job = reduce(BARE | members)
        assert job.best_training_job is not None
        assert job.best_training_job.objective == Objective(*expected)
        assert job.best_training_job.objective_value == 1.5

    @pytest.mark.parametrize("member", ["BestTrainingJob", "OverallBestTrainingJob"])
    @pytest.mark.parametrize("value", [None, {}, [], "best", 1, True])
    def test_without_a_best_job_there_is_none(self, member: str, value: object) -> None:
        job = reduce({**BARE, member: value})
        assert (job.best_training_job, job.overall_best_training_job) == (None, None)

    @pytest.mark.parametrize("metric", [None, {}, "loss", 1.5, [1.5], {"Value": None}, {"MetricName": "loss"}])
    def test_without_a_metric_there_is_no_value(self, metric: object) -> None:
        job = reduce({**BARE, "BestTrainingJob": {"TrainingJobName": "x", METRIC: metric}})
        assert job.best_training_job is not None
        assert job.best_training_job.objective_value is None


NAMES = sorted({step for path in MEMBERS.values() for step in path if isinstance(step, str)} | {
    "MetricName", "Type", "TuningObjective", "DefinitionName", "TrainingJobDefinition", "TrainingJobDefinitions",
    "HyperParameterTuningJobObjective", "ParentHyperParameterTuningJobs", "HyperParameterTuningJobName", *REQUIRED,
})  # fmt: skip
TEXT = st.text(st.characters(exclude_categories=()), max_size=8) | st.sampled_from(
    ["NaN", "-Infinity", "1e999", "2025-01-01T00:00:00Z"]
)
JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.just(10**500)
    | st.floats()
    | TEXT
    | st.datetimes(timezones=st.none() | st.timezones()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES) | TEXT, inner, max_size=6),
    max_leaves=8,
)


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """Return the path of everything inside, the value itself first."""
    yield path
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from paths(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


PATHS = list(paths(FULL))


def reduced(anything: Any) -> TuningJob | None:
    """Reduce; every error but a MalformedAnswer comes through."""
    try:
        return reduce(anything)
    except MalformedAnswer:
        return None


@pytest.mark.long
class TestAnything:
    @settings(deadline=None)
    @given(JSON_LIKE)
    def test_is_malformed_or_facts(self, whole: Any) -> None:
        reduced(whole)

    @pytest.mark.long
    @settings(max_examples=200, deadline=None)
    @given(st.dictionaries(st.sampled_from(NAMES), JSON_LIKE))
    def test_may_stand_beside_what_must_be_there(self, members: dict[str, Any]) -> None:
        assert reduce(members | BARE).name == "bare"

    @pytest.mark.long
    @settings(max_examples=200, deadline=None)
    @given(st.sampled_from(PATHS), JSON_LIKE)
    def test_may_stand_anywhere_in_an_answer(self, path: Path, value: Any) -> None:
        job = reduced(replaced(FULL, path, value))
        if job is None:
            assert path == () or path[0] in REQUIRED
            return
        numbers = [fact(job, name) for name in NUMBERS | TIMES]
        assert all(type(number) in {int, float} and math.isfinite(number) for number in numbers if number is not None)
        assert all(type(fact(job, name)) in {int, float, type(None)} for name in VALUES)
        assert all(type(fact(job, name)) in {str, type(None)} and fact(job, name) != "" for name in TEXTS)


def mutation(rng: random.Random, answer_: Any) -> Path:
    """Drop or replace something at random, in place, and return where."""
    path = rng.choice([path for path in paths(answer_) if path and path[0] not in REQUIRED])
    parent, last = at(answer_, path[:-1]), path[-1]
    if rng.random() < 0.4:
        del parent[last]
        return path[:-1] if isinstance(last, int) else path
    parent[last] = rng.choice([None, "", "NaN", "x", True, -1, 0, 10**400, math.nan, 1.5, [], {}, [{}], {"Value": "8"}])
    return path


@pytest.mark.long
def test_thousands_of_mutations_leave_the_facts_of_all_other_members_alone() -> None:
    rng = random.Random(20_251_125)
    left_alone = 0
    for _ in range(4_000):
        answer_ = copy.deepcopy(FULL)
        changed = [mutation(rng, answer_) for _ in range(rng.randint(1, 4))]
        job = reduce(answer_)
        for name, path in MEMBERS.items():
            if not any(touched == path[: len(touched)] or path == touched[: len(path)] for touched in changed):
                assert fact(job, name) == ALL_FACTS[name], (name, changed)
                left_alone += 1
    assert left_alone > 4_000 * len(MEMBERS) / 2


def test_reducing_changes_nothing_in_the_answer() -> None:
    before = copy.deepcopy(FULL)
    assert reduce(FULL) == reduce(FULL)
    assert before == FULL
