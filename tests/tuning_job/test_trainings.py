from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.tuning_job import Bill, MalformedAnswer, Training, reduce_bills, reduce_trainings

CREATED, STARTED, ENDED = 1_764_540_000.5, 1_764_540_060.25, 1_764_543_660.75


def entry(**members: Any) -> dict[str, Any]:
    return {"TrainingJobName": "tune-001-ab", "TrainingJobStatus": "Completed"} | members


def page(*entries: Any, **members: Any) -> dict[str, Any]:
    return {"TrainingJobSummaries": list(entries)} | members


def one(**members: Any) -> Training:
    [found] = reduce_trainings(page(entry(**members))).trainings
    return found


class TestListed:
    def test_has_what_the_entry_has(self) -> None:
        found = one(
            TrainingJobDefinitionName="bert",
            CreationTime=CREATED,
            TrainingStartTime=STARTED,
            TrainingEndTime=ENDED,
            TrainingJobStatus="Failed",
            FailureReason="ClientError: no data",
        )
        assert found == Training(
            "tune-001-ab", "Failed", "bert", CREATED, STARTED, ENDED, failure_reason="ClientError: no data"
        )

    def test_lacks_what_the_entry_lacks(self) -> None:
        assert one() == Training("tune-001-ab", "Completed")
        assert one().seconds is None

    def test_times_may_be_what_the_sdk_makes_of_them(self) -> None:
        assert one(TrainingStartTime=datetime.fromtimestamp(STARTED, UTC)).start_time == STARTED
        assert one(TrainingStartTime="2025-11-30T22:01:00.250Z").start_time == STARTED

    @pytest.mark.parametrize("odd", [-1, "soon", None, True, [], 1e15])
    def test_an_odd_time_is_absent(self, odd: object) -> None:
        assert one(TrainingStartTime=odd).start_time is None

    def test_hyperparameters_are_not_kept(self) -> None:
        assert "secret" not in repr(one(TunedHyperParameters={"lr": "secret"}, TrainingJobArn="arn:secret"))

    @pytest.mark.parametrize("odd", [None, "x", {}, {"TrainingJobStatus": "Failed"}, {"TrainingJobName": "a"}])
    def test_an_odd_entry_does_not_hide_the_others(self, odd: object) -> None:
        found = reduce_trainings(page(odd, entry()))
        assert (len(found.trainings), found.unreadable) == (1, 1)
        assert found.why.startswith("the entry ")

    def test_tells_the_next_page(self) -> None:
        assert reduce_trainings(page(NextToken="t")).next_token == "t"
        assert reduce_trainings(page(NextToken="")).next_token is None
        assert reduce_trainings(page()).next_token is None

    @pytest.mark.parametrize(
        "odd", [{}, {"TrainingJobSummaries": None}, {"TrainingJobSummaries": {}}, page(NextToken=7)]
    )
    def test_what_is_no_answer_is_malformed(self, odd: dict[str, Any]) -> None:
        with pytest.raises(MalformedAnswer):
            reduce_trainings(odd)


class TestLife:
    @pytest.mark.parametrize(
        ("members", "ended", "open_"),
        [
            ({"TrainingJobStatus": "InProgress"}, False, True),
            ({"TrainingJobStatus": "InProgress", "TrainingStartTime": STARTED}, False, True),
            ({"TrainingJobStatus": "Stopping", "TrainingStartTime": STARTED, "TrainingEndTime": ENDED}, False, True),
            ({"TrainingJobStatus": "Restarting"}, False, True),
            ({"TrainingJobStatus": "Deleting"}, False, False),
            ({"TrainingJobStatus": "Failed"}, True, False),
            ({"TrainingJobStatus": "Failed", "TrainingStartTime": STARTED}, False, True),
            ({"TrainingJobStatus": "Stopped", "TrainingStartTime": STARTED, "TrainingEndTime": ENDED}, True, False),
            ({"TrainingJobStatus": "Completed", "TrainingEndTime": ENDED}, True, False),
        ],
    )
    def test_has_ended_once_nothing_changes(self, members: dict[str, Any], ended: bool, open_: bool) -> None:
        found = one(**members)
        assert (found.ended, found.open) == (ended, open_)

    @pytest.mark.parametrize(
        ("start", "end", "seconds"),
        [(STARTED, ENDED, 3600.5), (STARTED, STARTED, 0.0), (ENDED, STARTED, None), (None, ENDED, None)],
    )
    def test_trained_from_its_start_to_its_end(
        self, start: float | None, end: float | None, seconds: float | None
    ) -> None:
        assert one(TrainingStartTime=start, TrainingEndTime=end).seconds == seconds


def found(*records: Any, **members: Any) -> dict[str, Any]:
    return {"Results": [{"TrainingJob": record} for record in records]} | members


class TestBilled:
    def test_has_what_the_record_has(self) -> None:
        record = entry(
            BillableTimeInSeconds=1200,
            EnableManagedSpotTraining=True,
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2},
        )
        told = reduce_bills(found(record, NextToken="t"))
        assert told.bills == (Bill("tune-001-ab", "Completed", 1200, (("ml.m5.large", 2),), spot=True),)
        assert told.next_token == "t"

    def test_lacks_what_the_record_lacks(self) -> None:
        assert reduce_bills(found(entry())).bills == (Bill("tune-001-ab", "Completed", None, (), spot=None),)

    def test_groups_run_side_by_side(self) -> None:
        groups = [{"InstanceType": "a", "InstanceCount": 2}, {"InstanceType": "b", "InstanceCount": 1}]
        [bill] = reduce_bills(found(entry(ResourceConfig={"InstanceGroups": groups}))).bills
        assert bill.instances == (("a", 2), ("b", 1))

    def test_of_several_types_the_selected_one_counts(self) -> None:
        resources = {
            "InstancePreferences": [{"InstanceType": "a"}, {"InstanceType": "b"}],
            "SelectedInstanceType": "b",
            "SelectedInstanceCount": 3,
        }
        [bill] = reduce_bills(found(entry(ResourceConfig=resources))).bills
        assert bill.instances == (("b", 3),)

    def test_what_is_no_training_job_is_left_out(self) -> None:
        assert reduce_bills(found({}, {"TrainingJobName": "a"}) | {"NextToken": None}).bills == ()
        assert reduce_bills({"Results": [None, {"HyperParameterTuningJob": entry()}]}).bills == ()

    @pytest.mark.parametrize("odd", [{}, {"Results": "x"}, {"Results": [], "NextToken": []}])
    def test_what_is_no_answer_is_malformed(self, odd: dict[str, Any]) -> None:
        with pytest.raises(MalformedAnswer):
            reduce_bills(odd)
