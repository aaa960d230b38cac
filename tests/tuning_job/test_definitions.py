from __future__ import annotations

from typing import Any

import pytest

from exporter.tuning_job import Objective
from exporter.tuning_job.definitions import definitions, labelled_definitions

LOSS = {"MetricName": "loss", "Type": "Minimize"}


def single(**members: Any) -> dict[str, Any]:
    return {"TrainingJobDefinition": {"DefinitionName": "d", **members}}


def group(instance_type: str, count: Any) -> dict[str, Any]:
    return {"InstanceType": instance_type, "InstanceCount": count}


class TestLabels:
    @pytest.mark.parametrize(
        ("listed", "labels"),
        [
            ([], []),
            ([{"DefinitionName": "a"}], ["a"]),
            ([{"RoleArn": "r"}], [""]),
            ([{"DefinitionName": ""}, {"DefinitionName": None}], ["#1", "#2"]),
            ([{"DefinitionName": "a"}, {}, {"DefinitionName": "b"}, {}], ["a", "#2", "b", "#4"]),
            (["a", {"DefinitionName": "b"}], ["b"]),
            ({"DefinitionName": "a"}, []),
        ],
    )
    def test_are_names_or_places(self, listed: object, labels: list[str]) -> None:
        assert [label for label, _ in labelled_definitions({"TrainingJobDefinitions": listed})] == labels

    def test_tell_both_layouts_apart(self) -> None:
        answer = {"TrainingJobDefinition": {"RoleArn": "r"}, "TrainingJobDefinitions": [{"RoleArn": "s"}]}
        assert [(label, found["RoleArn"]) for label, found in labelled_definitions(answer)] == [
            ("#1", "s"),
            ("#2", "r"),
        ]


class TestInstances:
    @pytest.mark.parametrize(
        ("members", "instances"),
        [
            ({}, ()),
            ({"ResourceConfig": group("m", 2)}, (("m", 2),)),
            ({"ResourceConfig": {"InstanceType": "m"}}, (("m", None),)),
            ({"ResourceConfig": {"InstanceCount": 3}}, ()),
            (
                {"ResourceConfig": {"InstanceGroups": [group("m", 2), group("g", 1), group("m", 5)]}},
                (("m", 7), ("g", 1)),
            ),
            ({"ResourceConfig": {"InstanceGroups": [group("m", 2), group("m", None), group("m", 1)]}}, (("m", None),)),
            (
                {
                    "HyperParameterTuningResourceConfig": {
                        "InstanceConfigs": [group("m", 2), group("g", 4), group("m", 5)]
                    }
                },
                (("m", 2), ("g", 4)),
            ),
            ({"HyperParameterTuningResourceConfig": group("m", 2)}, (("m", 2),)),
            (
                {"ResourceConfig": {"InstanceCount": 3, "InstancePreferences": [group("m", None), group("g", 1)]}},
                (("m", 3), ("g", 1)),
            ),
        ],
    )
    def test_are_of_one_type_each(self, members: dict[str, Any], instances: tuple[Any, ...]) -> None:
        [found] = definitions(single(**members))
        assert found.instances == instances

    @pytest.mark.parametrize(
        ("members", "one_of"),
        [
            ({}, False),
            ({"ResourceConfig": group("m", 2)}, False),
            ({"ResourceConfig": {"InstanceGroups": [group("m", 2), group("g", 1)]}}, False),
            ({"HyperParameterTuningResourceConfig": group("m", 2)}, False),
            ({"HyperParameterTuningResourceConfig": {"InstanceConfigs": [group("m", 2)]}}, False),
            ({"HyperParameterTuningResourceConfig": {"InstanceConfigs": [group("m", 2), group("g", 4)]}}, True),
            ({"HyperParameterTuningResourceConfig": {"InstanceConfigs": [group("m", 2), group("m", 4)]}}, True),
            ({"ResourceConfig": {"InstanceCount": 3, "InstancePreferences": [group("m", None)]}}, False),
            ({"ResourceConfig": {"InstanceCount": 3, "InstancePreferences": [group("m", None), group("g", 1)]}}, True),
        ],
    )
    def test_tell_whether_a_training_job_gets_one_of_them_only(self, members: dict[str, Any], one_of: bool) -> None:
        [found] = definitions(single(**members))
        assert found.one_of_instances is one_of


class TestDefinition:
    def test_holds_what_it_states(self) -> None:
        stopping = {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2, "MaxPendingTimeInSeconds": 3}
        [found] = definitions(single(TuningObjective=LOSS, EnableManagedSpotTraining=False, StoppingCondition=stopping))
        assert (found.name, found.objective, found.spot) == ("d", Objective("loss", "Minimize"), False)
        assert (found.max_runtime_seconds, found.max_wait_seconds, found.max_pending_seconds) == (1, 2, 3)

    def test_searches_by_the_tuning_job_s_objective_where_it_has_none(self) -> None:
        config = {"HyperParameterTuningJobConfig": {"HyperParameterTuningJobObjective": LOSS}}
        [found] = definitions(single() | config)
        assert found.objective == Objective("loss", "Minimize")
        [found] = definitions(single(TuningObjective={"MetricName": "auc"}) | config)
        assert found.objective == Objective("auc", None)

    @pytest.mark.parametrize("value", [None, "true", 1, 0, "", []])
    def test_does_not_guess_whether_spot(self, value: object) -> None:
        [found] = definitions(single(EnableManagedSpotTraining=value))
        assert found.spot is None


@pytest.mark.parametrize("count", [10**308, 1e308, 1.7e308])
def test_instances_beyond_any_sample_are_not_stated(count: float) -> None:
    answer = single(ResourceConfig={"InstanceGroups": [group("ml.m5.large", count)] * 20})
    assert definitions(answer)[0].instances == (("ml.m5.large", None),)
