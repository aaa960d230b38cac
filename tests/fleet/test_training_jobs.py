"""When lists of training jobs are read, and what they come to, through a target."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fleet.driver import CREATED, START, Driver, FakeApi, answer, job_specs, known, target_spec

from exporter.config.specs import FailureClass, Money, SpendSpec
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import perform
from exporter.fleet.training_reading import ListTrainings
from exporter.fleet.training_sums import TrainingSums
from exporter.fleet.view import Incomplete, Spend
from exporter.tuning_job import TrainingsPage

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec

LIST = "ListTrainingJobsForHyperParameterTuningJob"
DEFINITION = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}, "EnableManagedSpotTraining": False}
DEFAULT = SpendSpec()


def spec(*names: str, spend: SpendSpec | None = DEFAULT, **changes: Any) -> TargetSpec:
    return target_spec(*names, spend=spend, **changes)


def training(number: int, status: str = "Completed", seconds: float | None = 100.0, **members: Any) -> dict[str, Any]:
    """Return an entry of one that was created at its number and began then."""
    times = {"CreationTime": START + number, "TrainingStartTime": START + number}
    end = {"TrainingEndTime": START + number + seconds} if seconds is not None and status != "InProgress" else {}
    return {"TrainingJobName": f"t-{number}", "TrainingJobStatus": status} | times | end | members


class Search:
    """A tuning job whose describe and list agree, until a test has it otherwise."""

    def __init__(self, api: FakeApi, name: str = "churn") -> None:
        self.api, self.name = api, name
        self.members: dict[str, Any] = {}
        self.holds()

    def holds(self, *trainings: dict[str, Any], counted: dict[str, int] | None = None, **members: Any) -> None:
        """Have these training jobs, newest first, and counters of them or as told."""
        statuses = [each["TrainingJobStatus"] for each in trainings]
        counters = {
            "Completed": statuses.count("Completed"),
            "InProgress": statuses.count("InProgress"),
            "RetryableError": 0,
            "NonRetryableError": statuses.count("Failed"),
            "Stopped": statuses.count("Stopped"),
        }
        told: dict[str, Any] = {
            "TrainingJobStatusCounters": counters | (counted or {}),
            "TrainingJobDefinition": DEFINITION,
        }
        self.api.jobs[self.name] = answer(self.name, **(told | members))
        self.api.trainings[self.name] = list(trainings)


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def search(api: FakeApi) -> Search:
    return Search(api)


def driver(api: FakeApi, **changes: Any) -> Driver:
    return Driver(spec("churn", **changes), api=api)


def reads(driver: Driver) -> list[float]:
    return driver.times("churn", LIST)


def spend(driver: Driver, after: float = 0.0) -> Spend:
    return known(driver.views(after)["churn"].spend)


class TestCall:
    WORK = ListTrainings(1, 0.0, "churn", None)

    def test_asks_for_the_newest_first_and_for_full_pages(self, api: FakeApi) -> None:
        api.trainings["churn"] = [training(2), training(1)]
        page = perform(api, self.WORK)
        assert isinstance(page, TrainingsPage)
        assert [each.name for each in page.trainings] == ["t-2", "t-1"]
        assert api.pages == [
            {
                "HyperParameterTuningJobName": "churn",
                "SortBy": "CreationTime",
                "SortOrder": "Descending",
                "MaxResults": 100,
            }
        ]

    def test_asks_for_the_next_page_by_its_token(self, api: FakeApi) -> None:
        perform(api, replace(self.WORK, token="7"))
        assert api.pages[0]["NextToken"] == "7"

    def test_may_fail(self, api: FakeApi) -> None:
        api.trainings["churn"] = CallFailed(ErrorCode.ACCESS_DENIED, "no")
        assert perform(api, self.WORK) == Failure(ErrorCode.ACCESS_DENIED, "no")


class TestReads:
    def test_nothing_unless_it_is_asked_for(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api, spend=None)
        driven.run(3_600)
        assert reads(driven) == []
        assert driven.views()["churn"].spend is None

    def test_the_whole_list_at_once_and_nothing_at_rest(self, api: FakeApi, search: Search) -> None:
        search.holds(*(training(number) for number in range(250, 0, -1)))
        driven = driver(api)
        driven.run(86_400)
        assert reads(driven) == [0.0, 0.0, 0.0]
        assert spend(driven).trained == (("Completed", 250, 25_000.0),)
        assert spend(driven).incomplete == Incomplete()

    def test_nothing_of_a_tuning_job_that_has_launched_nothing(self, api: FakeApi, search: Search) -> None:
        driven = driver(api)
        driven.run(3_600)
        assert reads(driven) == []

    def test_one_page_an_interval_after_a_change(self, api: FakeApi, search: Search) -> None:
        old = [training(number) for number in range(250, 0, -1)]
        search.holds(*old)
        driven = driver(api)
        driven.run(1_000)
        search.holds(training(251), *old)
        driven.run(10_000)
        assert reads(driven) == [0.0, 0.0, 0.0, 1_020.0 + 300.0]
        assert spend(driven).trained == (("Completed", 251, 25_100.0),)

    def test_one_page_for_all_changes_within_an_interval(self, api: FakeApi, search: Search) -> None:
        trainings = [training(1)]
        search.holds(*trainings)
        driven = driver(api)
        driven.run(1_000)
        for minute in range(4):
            trainings.insert(0, training(minute + 2))
            search.holds(*trainings)
            driven.run(1_060 + 60 * minute)
        driven.run(10_000)
        assert reads(driven) == [0.0, 1_320.0]
        assert spend(driven).trained == (("Completed", 5, 500.0),)

    def test_no_more_than_is_allowed(self, api: FakeApi, search: Search) -> None:
        search.holds(*(training(number) for number in range(350, 0, -1)))
        driven = driver(api, spend=SpendSpec(max_training_jobs=150))
        driven.run(86_400)
        assert reads(driven) == [0.0, 0.0, 300.0, 600.0], "what is new may be missing as well"
        assert spend(driven).incomplete == Incomplete(page_limit=True)
        assert spend(driven).trained == (("Completed", 150, 15_000.0),)
        driven.update(spec("churn"))
        driven.run(2 * 86_400)
        assert spend(driven).trained == (("Completed", 350, 35_000.0),)
        assert spend(driven).incomplete == Incomplete()

    def test_again_while_a_training_job_waits_and_less_and_less_often(self, api: FakeApi, search: Search) -> None:
        waiting = training(2, "InProgress")
        del waiting["TrainingStartTime"]
        search.holds(waiting, training(1))
        driven = driver(api)
        driven.run(50_000)
        assert reads(driven) == [0.0, 900.0, 6_300.0, 27_900.0, 49_500.0]
        search.holds(training(2, "InProgress"), training(1))
        driven.run(100_000)
        assert len(reads(driven)) == 6
        assert spend(driven).oldest_start == START + 2

    def test_soon_after_a_change_though_a_training_job_waits_for_long(self, api: FakeApi, search: Search) -> None:
        waiting = training(2, "InProgress")
        del waiting["TrainingStartTime"]
        search.holds(waiting, training(1))
        driven = driver(api)
        driven.run(8_500)
        search.holds(training(2), training(1))
        driven.run(20_000)
        assert reads(driven)[-1] == 8_520.0 + 300.0

    def test_after_the_describes_that_are_due(self, api: FakeApi) -> None:
        names = [f"search-{number}" for number in range(40)]
        for name in names:
            Search(api, name).holds(training(1))
        driven = Driver(spec(*names, requests_per_second=1.0), api=api)
        driven.run(200)
        first = [call.operation for call in driven.calls[:40]]
        assert LIST not in first
        assert len([call for call in driven.calls if call.operation == LIST]) == 40


class TestShortLists:
    def test_are_read_again_and_then_to_their_end(self, api: FakeApi, search: Search) -> None:
        old = [training(number) for number in range(250, 0, -1)]
        search.holds(*old, counted={"Completed": 251})
        driven = driver(api)
        driven.run(86_400)
        assert reads(driven)[:7] == [0.0, 0.0, 0.0, 300.0, 600.0, 600.0, 600.0]
        assert reads(driven)[7::3] == [1_500.0, 6_900.0, 28_500.0, 50_100.0], "a few times more, and to the end"
        assert len(reads(driven)) == 7 + 4 * 3
        assert spend(driven).incomplete == Incomplete(records_missing=True)

    def test_that_lag_are_whole_the_next_time(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1), counted={"Completed": 2})
        driven = driver(api)
        driven.run(100)
        assert spend(driven).incomplete == Incomplete(records_missing=True)
        search.holds(training(2), training(1))
        driven.run(10_000)
        assert reads(driven) == [0.0, 300.0]
        assert spend(driven).incomplete == Incomplete()

    def test_that_are_short_for_ever_are_left_until_there_is_more(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1), counted={"Completed": 2})
        driven = driver(api)
        driven.run(10_000)
        before = len(reads(driven))
        search.holds(training(3), training(1), counted={"Completed": 3})
        driven.run(20_000)
        assert len(reads(driven)) == before + 1
        assert spend(driven).trained == (("Completed", 2, 200.0),)
        assert spend(driven).incomplete == Incomplete(records_missing=True)

    def test_deletion_takes_nothing_from_the_sums(self, api: FakeApi, search: Search) -> None:
        search.holds(training(2), training(1))
        driven = driver(api)
        driven.run(100)
        search.holds(training(3), training(2), counted={"Completed": 3})
        driven.run(10_000)
        assert spend(driven).trained == (("Completed", 3, 300.0),)
        assert spend(driven).incomplete == Incomplete()


class TestFailures:
    def test_leave_the_describes_alone_and_are_seen(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        api.trainings["churn"] = CallFailed(ErrorCode.ACCESS_DENIED, "not authorized")
        driven = driver(api)
        driven.run(7_300)
        assert reads(driven) == [0.0, 3_600.0, 7_200.0]
        assert driven.views()["churn"].failure is None
        assert spend(driven) == Spend(currency="USD", incomplete=Incomplete(records_missing=True))
        assert driven.target.view(driven.now).errors == ((LIST, "access_denied"),)
        assert driven.counted("api_errors_total", operation=LIST, code="access_denied") == 3
        lines = [event for event in driven.events if event.fields.get("operation") == LIST]
        assert len(lines) <= 3, "one to begin with, and one an hour"
        assert lines[0].fields["remedy"] == f"Allow sagemaker:{LIST} to the exporter's identity."

    def test_that_pass_are_tried_again_where_they_came(self, api: FakeApi, search: Search) -> None:
        trainings = [training(number) for number in range(250, 0, -1)]
        search.holds(*trainings)
        driven = driver(api)
        driven.on_call = lambda call: api.trainings.update(
            churn=CallFailed(ErrorCode.THROTTLED, "slow") if len(api.pages) == 1 else trainings
        )
        driven.run(1_000)
        assert [page.get("NextToken") for page in api.pages] == [None, "100", "100", "200"]
        assert reads(driven) == [0.0, 0.0, 60.0, 60.0]
        assert spend(driven).trained == (("Completed", 250, 25_000.0),)

    def test_that_last_end_what_is_said_of_what_runs_and_keep_the_sums(self, api: FakeApi, search: Search) -> None:
        search.holds(training(2, "InProgress"), training(1))
        driven = driver(api)
        driven.run(100)
        assert spend(driven).running_seconds == pytest.approx(0.0, abs=1.0)
        search.holds(training(2), training(1))
        api.trainings["churn"] = CallFailed(ErrorCode.ACCESS_DENIED, "no")
        driven.run(1_000)
        assert spend(driven).running_seconds is None
        assert spend(driven).trained == (("Completed", 1, 100.0),)
        assert spend(driven).incomplete == Incomplete(records_missing=True)

    def test_a_call_that_hangs_is_given_up_and_made_again_when_it_is_back(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api)
        target, clock = driven.target, driven.clock
        describe = known(target.next(driven.now))
        target.apply(describe, perform(api, describe), driven.now)
        hanging = known(target.next(driven.now))
        assert isinstance(hanging, ListTrainings)
        clock.advance(50)
        target.expire(driven.now)
        driven.run(200)
        assert reads(driven) == [], "the same question is not asked again while it holds a thread"
        target.apply(hanging, perform(api, hanging), driven.now)
        driven.run(400)
        assert len(reads(driven)) == 1
        assert spend(driven).trained == (("Completed", 1, 100.0),)

    def test_a_call_that_hangs_ends_what_is_said_of_what_runs(self, api: FakeApi, search: Search) -> None:
        search.holds(training(2, "InProgress"), training(1))
        driven = driver(api)
        driven.run(100)
        assert spend(driven).running_seconds is not None
        search.holds(training(2), training(1))
        while not isinstance(hanging := driven.target.next(driven.now), ListTrainings):
            if hanging is None:
                driven.clock.advance(1.0)
            else:
                driven.target.apply(hanging, perform(api, hanging), driven.now)
        driven.run(driven.now.monotonic + 100)
        assert spend(driven).running_seconds is None
        assert spend(driven).incomplete == Incomplete(records_missing=True)
        driven.target.apply(hanging, perform(api, hanging), driven.now)
        driven.run(driven.now.monotonic + 1_000)
        assert spend(driven).running_seconds == 0.0

    @pytest.mark.parametrize("code", [ErrorCode.ACCESS_DENIED, ErrorCode.NOT_FOUND])
    def test_are_told_no_more_when_the_list_is_no_longer_read(
        self, api: FakeApi, search: Search, code: ErrorCode
    ) -> None:
        driven = driver(api)
        driven.run(61)
        search.holds(training(1))
        api.trainings["churn"] = CallFailed(code, "no")
        driven.run(350)
        if code is ErrorCode.NOT_FOUND:
            api.fail("churn", code)
            driven.run(3_000)
        else:
            driven.run(450)
            driven.update(spec("churn", spend=None))
        driven.run(5 * 3_600)
        told = [event.text for event in driven.events if event.text.startswith("listing training jobs")]
        assert "listing training jobs still fails" not in told

    def test_a_tuning_job_that_is_gone_is_not_asked_for_until_a_describe_finds_it(
        self, api: FakeApi, search: Search
    ) -> None:
        search.holds(training(1))
        api.trainings["churn"] = CallFailed(ErrorCode.NOT_FOUND, "no such tuning job")
        driven = driver(api)
        driven.on_call = lambda call: api.fail("churn", ErrorCode.NOT_FOUND) if call.operation == LIST else None
        driven.run(20_000)
        assert reads(driven) == [0.0, 60.0]
        assert driven.target.view(driven.now).errors == ()
        driven.on_call = lambda call: None
        search.holds(training(1))
        driven.run(40_000)
        assert len(reads(driven)) == 3
        assert spend(driven).trained == (("Completed", 1, 100.0),)

    def test_an_answer_that_cannot_be_used_is_a_failure(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        api.list_training_jobs = lambda request: {}  # type: ignore[method-assign]
        driven = driver(api)
        driven.run(10)
        assert driven.target.view(driven.now).errors == ((LIST, "malformed_answer"),)

    def test_a_tuning_job_that_only_its_list_does_not_know_is_told(self, api: FakeApi, search: Search) -> None:
        search.holds(training(2, "InProgress"), training(1))
        driven = driver(api)
        driven.run(100)
        search.holds(training(2), training(1))
        api.trainings["churn"] = CallFailed(ErrorCode.NOT_FOUND, "no such tuning job")
        driven.run(2_000)
        assert driven.target.view(driven.now).errors == ((LIST, "not_found"),)
        assert (spend(driven).running_seconds, spend(driven).running_instances) == (None, ())
        assert spend(driven).incomplete == Incomplete(records_missing=True)
        search.holds(training(2), training(1))
        driven.run(10_000)
        assert driven.target.view(driven.now).errors == ()
        assert spend(driven).trained == (("Completed", 2, 200.0),)

    def test_a_defect_of_ours_is_told_and_the_list_read_again(self, api: FakeApi, search: Search) -> None:
        search.holds(training(2), training(1))
        driven = driver(api)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(TrainingSums, "add", lambda *_: 1 / 0)
            driven.run(500)
        assert driven.target.view(driven.now).errors == ((LIST, "malformed_answer"),)
        assert spend(driven).incomplete == Incomplete(records_missing=True)
        driven.run(10_000)
        assert driven.target.view(driven.now).errors == ()
        assert spend(driven).trained == (("Completed", 2, 200.0),)

    def test_while_lists_wait_for_long_the_sums_do_not_claim_to_be_whole(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api)
        driven.run(100)
        search.holds(training(2), training(1))
        driven.run(500)
        assert spend(driven).incomplete == Incomplete(), "an interval late, as it may be"
        hanging = driver(api)
        hanging.run(100)
        search.holds(training(3), training(2), training(1))
        hanging.on_call = lambda call: (
            api.trainings.update(churn=CallFailed(ErrorCode.NO_CREDENTIALS, "no")) if call.operation == LIST else None
        )
        hanging.run(800)
        assert spend(hanging).incomplete == Incomplete(records_missing=True)


class TestSums:
    def test_follow_the_definition_and_the_failures(self, api: FakeApi, search: Search) -> None:
        search.holds(
            training(4, "InProgress"),
            training(3, "Failed", FailureReason="ClientError: CUDA out of memory"),
            training(2, "Failed", FailureReason="no idea"),
            training(1),
        )
        driven = driver(api)
        driven.run(100)
        found = spend(driven)
        assert found.failures == (("other", 1), ("out_of_memory", 1))
        assert found.instance_seconds == (
            (("ml.m5.large", "false", "Completed"), 200.0),
            (("ml.m5.large", "false", "Failed"), 400.0),
        )
        assert found.running_instances == ((("ml.m5.large", "false"), 2),)

    def test_own_classes_come_first(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1, "Failed", FailureReason="ClientError: CUDA out of memory in step 7"))
        own = (FailureClass("late", "step [0-9]+$"), FailureClass("gpu", "CUDA"))
        driven = driver(api, spend=SpendSpec(failure_classes=own))
        driven.run(100)
        assert spend(driven).failures == (("late", 1),)

    def test_know_a_better_best_at_its_describe(self, api: FakeApi, search: Search) -> None:
        best = {"TrainingJobName": "t-1", "TrainingEndTime": START + 101}
        search.holds(training(3), training(2), training(1), BestTrainingJob=best)
        driven = driver(api)
        driven.run(100)
        assert spend(driven).seconds_since_best == 200.0
        better = {"TrainingJobName": "t-3", "TrainingEndTime": START + 103}
        search.holds(training(3), training(2), training(1), BestTrainingJob=better)
        driven.run(200)
        assert spend(driven).seconds_since_best == 0.0
        assert reads(driven) == [0.0]

    def test_begin_anew_where_the_name_is_used_again(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api)
        driven.run(100)
        search.holds(training(7, seconds=7.0), CreationTime=CREATED + 50_000)
        driven.run(1_000)
        assert spend(driven).trained == (("Completed", 1, 7.0),)

    def test_stay_over_a_reload_and_go_with_the_opt_in(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api)
        driven.run(100)
        driven.update(spec("churn", interval=30.0))
        driven.run(1_000)
        assert reads(driven) == [0.0]
        assert spend(driven).trained == (("Completed", 1, 100.0),)
        driven.update(spec("churn", spend=None))
        assert driven.views()["churn"].spend is None
        driven.update(spec("churn"))
        driven.run(2_000)
        assert len(reads(driven)) == 2

    def test_go_with_the_tuning_job(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api)
        driven.run(100)
        driven.update(spec("other"))
        driven.update(spec("churn", "other"))
        driven.run(1_000)
        assert len(reads(driven)) == 2


class TestMoney:
    def test_is_told_by_the_prices_in_force(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1, seconds=3_600.0))
        driven = driver(api, spend=SpendSpec(prices={"ml.m5.large": 0.5}, currency="EUR"))
        driven.run(100)
        assert (spend(driven).cost, spend(driven).currency) == ((("Completed", 1.0),), "EUR")
        driven.update(spec("churn", spend=SpendSpec(prices={"ml.m5.large": 0.75})))
        assert (spend(driven).cost, spend(driven).currency) == ((("Completed", 1.5),), "USD")
        driven.update(spec("churn"))
        assert spend(driven).cost == ()

    def test_a_budget_is_shown(self, api: FakeApi, search: Search) -> None:
        search.holds()
        budget = Money(500.0, "EUR")
        driven = driver(api, jobs=job_specs("churn", budget=budget))
        driven.run(100)
        assert driven.views()["churn"].budget == budget


class TestLog:
    def test_names_instance_types_without_a_price_once(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        Search(api, "other").holds(training(2))
        without = SpendSpec(prices={"ml.c5.large": 1.0})
        driven = Driver(spec("churn", "other", spend=without), api=api)

        def told() -> list[object]:
            return [each.fields["instance_types"] for each in driven.events if "instance_types" in each.fields]

        driven.run(100)
        assert told() == ["ml.m5.large"]
        driven.update(spec("churn", "other", spend=SpendSpec(prices={"ml.m5.large": 1.0})))
        search.holds(training(3), training(1))
        driven.run(1_000)
        assert told() == ["ml.m5.large"]
        driven.update(spec("churn", "other", spend=without))
        search.holds(training(4), training(3), training(1))
        driven.run(2_000)
        assert told() == ["ml.m5.large", "ml.m5.large"]

    def test_names_no_instance_type_where_there_are_no_prices(self, api: FakeApi, search: Search) -> None:
        search.holds(training(1))
        driven = driver(api)
        driven.run(100)
        assert not [each for each in driven.events if "instance_types" in each.fields]

    def test_tells_the_first_failure_of_each_class_without_what_is_personal(self, api: FakeApi, search: Search) -> None:
        denied = "ClientError: arn:aws:iam::123456789012:role/x is not authorized to read s3://secret/data"
        search.holds(
            training(5, "Failed", FailureReason=denied),
            training(4, "Failed", FailureReason="ClientError: CUDA out of memory"),
            training(3, "Failed", FailureReason="OOM"),
            training(2, "Failed"),
            training(1),
        )
        driven = driver(api)
        driven.run(100)
        told = [event for event in driven.events if "training_job" in event.fields]
        assert [(event.fields["training_job"], event.fields["reason"]) for event in told] == [
            ("t-5", "access"),
            ("t-4", "out_of_memory"),
            ("t-2", "other"),
        ]
        assert told[0].fields["message"] == "ClientError: arn:*** is not authorized to read s3://***"
        search.holds(training(6, "Failed", FailureReason="OOM"), *known_trainings(api))
        driven.run(1_000)
        assert len([event for event in driven.events if "training_job" in event.fields]) == 3

    def test_tells_what_is_no_news_to_those_who_look_closer_and_still_the_next(
        self, api: FakeApi, search: Search
    ) -> None:
        """As after each restart, when all lists are read."""
        search.holds(
            training(2 - 7_200, "Failed", FailureReason="OOM"), training(1 - 7_200, "Failed", FailureReason="OOM")
        )
        driven = driver(api)
        driven.run(100)

        def told() -> list[tuple[str, object]]:
            return [(event.level, event.fields["training_job"]) for event in driven.events if "reason" in event.fields]

        assert told() == [("debug", "t--7198")]
        search.holds(training(50, "Failed", FailureReason="OOM"), *known_trainings(api))
        driven.run(1_000)
        assert told()[1:] == [("info", "t-50")]


def known_trainings(api: FakeApi) -> list[dict[str, Any]]:
    told = api.trainings["churn"]
    assert isinstance(told, list)
    return told
