"""What is answered from a recording: to calls as they were made, to others, and at other times."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from recording.files import ARN, BEGAN, HEADER, LIST, NEWEST, flat, summary, written

from exporter.errors import ErrorCode
from exporter.recording import Pace, Recording, Refused, World

if TYPE_CHECKING:
    from pathlib import Path


def world(path: Path, *lines: Any, pace: Pace | None = None, slack: float = 0.0) -> World:
    recording = Recording(written(path / "a.rec", *lines, header=HEADER))
    return World(recording, recording.survey(), pace or Pace(BEGAN, BEGAN), slack=slack)


def code_of(call: Any, *given: Any) -> ErrorCode:
    with pytest.raises(Refused) as refused:
        call(*given)
    return refused.value.code


def names(answer: Any) -> list[str]:
    return [each["HyperParameterTuningJobName"] for each in answer["HyperParameterTuningJobSummaries"]]


def test_each_answer_is_that_of_its_time(tmp_path: Path) -> None:
    described = flat(summary("a", 10.0))
    changed = {"/HyperParameterTuningJobStatus": ["Completed"]}
    it = world(
        tmp_path,
        ["D", 0, 1_000, 9, "a", None, described],
        ["D", 0, 60_000, 250, "a", "throttled"],
        ["D", 0, 5_000, 9, "a", None, changed],
        ["D", 0, 60_000, 9, "a", "not_found"],
    )
    for seconds, told in ((1, "InProgress"), (60, "InProgress"), (61, ErrorCode.THROTTLED), (66, "Completed")):
        if isinstance(told, ErrorCode):
            assert code_of(it.describe, 0, "A", BEGAN + seconds) is told
        else:
            assert it.describe(0, "A", BEGAN + seconds)["HyperParameterTuningJobStatus"] == told
    assert code_of(it.describe, 0, "a", BEGAN + 126) is ErrorCode.NOT_FOUND


def test_who_comes_a_little_earlier_is_answered_all_the_same(tmp_path: Path) -> None:
    line = ["D", 0, 20_000, 9, "a", None, flat(summary("a", 10.0))]
    later = ["D", 0, 900_000, 9, "b", None, flat(summary("b", 10.0))]
    it = world(tmp_path, line, later, slack=2.0)
    assert it.describe(0, "a", BEGAN)["CreationTime"] == 10.0
    assert code_of(it.describe, 0, "b", BEGAN + 1) is ErrorCode.NOT_FOUND  # nobody knew it for long
    assert it.describe(0, "b", BEGAN + 919)["CreationTime"] == 10.0


def test_lists_are_filtered_sorted_and_cut_as_they_are_asked_for(tmp_path: Path) -> None:
    ended = flat(summary("d", BEGAN - 900, "Completed"))
    it = world(tmp_path, LIST, ["D", 0, 0, 0, "d", None, ended])
    at = BEGAN + 2
    assert names(it.list_jobs(0, NEWEST, at)) == ["C", "b", "a", "d"]
    assert names(it.list_jobs(0, {}, at)) == ["C", "a", "b", "d"]
    assert names(it.list_jobs(0, NEWEST | {"StatusEquals": "Completed"}, at)) == ["d"]
    assert names(it.list_jobs(0, NEWEST | {"NameContains": "b"}, at)) == ["b"]
    between = {"CreationTimeAfter": BEGAN - 300, "CreationTimeBefore": BEGAN - 100}
    assert names(it.list_jobs(0, NEWEST | between, at)) == ["b"]
    first = it.list_jobs(0, NEWEST | {"MaxResults": 3}, at)
    assert names(first) == ["C", "b", "a"]
    assert names(it.list_jobs(0, NEWEST | {"NextToken": first["NextToken"]}, at)) == ["d"]
    assert names(it.list_jobs(0, NEWEST | {"NextToken": "bm9uZQ=="}, at)) == []


def test_what_was_gone_is_on_no_list_until_it_is_back(tmp_path: Path) -> None:
    about = LIST[4]
    it = world(
        tmp_path,
        LIST,
        ["L", 0, 1_000, 5, about, None, [], {}, ["b"]],
        ["L", 0, 1_000, 5, about, None, [], {}, [], ["b"]],
    )
    assert [names(it.list_jobs(0, NEWEST, BEGAN + at)) for at in (1, 2, 3)] == [
        ["C", "b", "a"],
        ["C", "a"],
        ["C", "b", "a"],
    ]


def test_a_refusal_that_lasts_is_that_of_what_nobody_asked_for(tmp_path: Path) -> None:
    it = world(tmp_path, ["D", 0, 0, 0, "a", "access_denied"], ["G", 0, 0, 0, "a", "throttled"])
    assert code_of(it.describe, 0, "b", BEGAN) is ErrorCode.ACCESS_DENIED
    assert code_of(it.list_tags, 0, ARN + "b", BEGAN) is ErrorCode.NOT_FOUND
    assert code_of(it.list_training_jobs, 0, {"HyperParameterTuningJobName": "b"}, BEGAN) is ErrorCode.NOT_FOUND
    assert code_of(it.caller_account, 0, BEGAN) is ErrorCode.NOT_FOUND


def test_searches_find_by_time_and_name(tmp_path: Path) -> None:
    found = {
        "/HyperParameterTuningJobName": [[0, 1], [["a"], ["b"]]],
        "/CreationTime": [[0, 1], [[BEGAN - 300], [BEGAN - 200]]],
        "/Tags": [[0], [[[{"Key": "k", "Value": "v"}]]]],
    }
    bills = {"/TrainingJobName": [[0], [["t-1"]]], "/BillableTimeInSeconds": [[0], [[90]]]}
    it = world(
        tmp_path,
        ["S", 0, 0, 0, "HyperParameterTuningJob", None, ["a", "b"], found],
        ["B", 0, 0, 0, "TrainingJob", None, ["t-1"], bills],
        ["G", 0, 0, 0, "b", None, {"/Tags": [[["k", "w"]]]}],
        ["A", 0, 0, 0, "", None, "000000000001"],
    )
    jobs = {
        "Resource": "HyperParameterTuningJob",
        "SearchExpression": {
            "Filters": [
                {"Name": "CreationTime", "Operator": "GreaterThanOrEqualTo", "Value": "2025-11-24T15:56:00Z"},
                {"Name": "CreationTime", "Operator": "LessThanOrEqualTo", "Value": "2025-11-24T15:59:59Z"},
            ]
        },
    }
    [result] = it.search(0, jobs, BEGAN)["Results"]
    assert result["HyperParameterTuningJob"]["HyperParameterTuningJobName"] == "b"
    named = [{"Name": "TrainingJobName", "Operator": "In", "Value": value} for value in ("x,y", "t-1,z")]
    trained = {"Resource": "TrainingJob", "SearchExpression": {"Filters": named, "Operator": "Or"}}
    [result] = it.search(0, trained, BEGAN)["Results"]
    assert result["TrainingJob"]["BillableTimeInSeconds"] == 90
    assert it.list_tags(0, ARN + "b", BEGAN) == {"k": "w"}
    assert it.list_tags(0, ARN + "a", BEGAN) == {"k": "v"}
    assert it.caller_account(0, BEGAN) == "000000000001"


def test_moments_are_moved_and_come_faster(tmp_path: Path) -> None:
    begun = BEGAN + 86_400
    pace = Pace(BEGAN, begun, 60.0)
    later = [
        "L",
        0,
        59_000,
        5,
        LIST[4],
        None,
        ["d"],
        {"/HyperParameterTuningJobName": [[3], [["d"]]], "/CreationTime": [[3], [[BEGAN + 30]]]},
    ]
    it = world(tmp_path, LIST, later, pace=pace)
    first = it.list_jobs(0, NEWEST, begun + 0.5)["HyperParameterTuningJobSummaries"]
    assert [each["CreationTime"] for each in first] == [round(begun - ago / 60, 3) for ago in (100, 200, 300)]
    assert names(it.list_jobs(0, NEWEST, begun + 1.0)) == ["d", "C", "b", "a"]
    assert names(it.list_jobs(0, NEWEST | {"CreationTimeAfter": begun - 4}, begun + 1.0)) == ["d", "C", "b"]
    assert pace.asked({"Name": "CreationTime", "Value": "2025-11-25T16:00:00Z"})["Value"].startswith("2025-11-24T15:59")
    assert pace.told({"RuntimeInSeconds": 60, "Deep": [{"EndTime": BEGAN}]}) == {
        "RuntimeInSeconds": 60,
        "Deep": [{"EndTime": begun}],
    }
