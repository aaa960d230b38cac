"""What is billed for training jobs: a few searches for many of them, and no sum that claims more than is known."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import pytest
from fleet.driver import Call, Driver, FakeApi
from fleet.test_training_jobs import LIST, Search, spec, spend, training

from exporter.config.specs import SpendSpec
from exporter.errors import CallFailed, ErrorCode
from exporter.fleet.bills import ENOUGH_WAIT, request_for
from exporter.fleet.training_sums import TrainingSums

SEARCHED = SpendSpec(billable="search")


class Records(FakeApi):
    """Finds the training jobs that it has a record of, by the names that are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, dict[str, Any]] = {}
        self.trouble: Exception | None = None
        self.asked: list[list[str]] = []

    def record(self, number: int, billable: int | None, **members: Any) -> None:
        resources = {"ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2}}
        told = {"TrainingJobName": f"t-{number}", "TrainingJobStatus": "Completed", "EnableManagedSpotTraining": True}
        self.records[f"t-{number}"] = told | resources | {"BillableTimeInSeconds": billable} | members

    def search(self, request: Any) -> dict[str, Any]:
        names = [name for each in request["SearchExpression"]["Filters"] for name in each["Value"].split(",")]
        self.asked.append(names)
        if self.trouble is not None:
            raise self.trouble
        return {"Results": [{"TrainingJob": self.records[name]} for name in names if name in self.records]}


@pytest.fixture
def api() -> Records:
    return Records()


@pytest.fixture
def search(api: Records) -> Search:
    return Search(api)


def driver(api: Records, **changes: Any) -> Driver:
    return Driver(spec("churn", **({"spend": SEARCHED} | changes)), api=api)


def searched(driver: Driver) -> list[Call]:
    return [call for call in driver.calls if call.operation == "Search"]


def searches(driver: Driver) -> list[float]:
    return [call.at for call in searched(driver)]


def test_names_fit_into_the_values_of_a_search() -> None:
    request = request_for([f"{'x' * 59}-{number:03}" for number in range(100)])
    filters = request["SearchExpression"]["Filters"]
    assert len(filters) <= 20
    assert all(len(each["Value"]) <= 1_024 for each in filters)
    assert sum(len(each["Value"].split(",")) for each in filters) == request["MaxResults"] == 100


@pytest.mark.parametrize("billable", ["list", "off"])
def test_nothing_is_searched_for_unless_it_is_asked_for(billable: Any, api: Records, search: Search) -> None:
    search.holds(training(1))
    driven = driver(api, spend=SpendSpec(billable=billable, prices={"ml.m5.large": 1.0}))
    driven.run(10_000)
    assert searches(driven) == []
    assert bool(spend(driven).instance_seconds) == bool(spend(driven).cost) == (billable == "list")
    assert bool(spend(driven).running_instances) == (billable == "list")


def test_is_asked_for_once_and_adds_up(api: Records, search: Search) -> None:
    search.holds(training(2), training(1))
    api.record(1, 40)
    api.record(2, 60)
    driven = driver(api, spend=SpendSpec(billable="search", prices={"ml.m5.large": 36.0}))
    driven.run(30)
    assert spend(driven).incomplete.billable_unknown
    driven.run(50_000)
    assert searches(driven) == [60.0]
    assert sorted(api.asked[0]) == ["t-1", "t-2"]
    found = spend(driven)
    assert found.billed_seconds == ((("ml.m5.large", "true", "Completed"), 200.0),)
    assert dict(found.cost) == pytest.approx({"Completed": 2.0})
    assert not found.incomplete.billable_unknown


def test_those_of_several_tuning_jobs_are_asked_for_together(api: Records) -> None:
    names = [f"search-{number}" for number in range(5)]
    for place, name in enumerate(names):
        Search(api, name).holds(training(place))
        api.record(place, 10)
    driven = Driver(spec(*names, spend=SEARCHED), api=api)
    driven.run(10_000)
    assert len(searches(driven)) == 1


def test_a_full_page_does_not_wait(api: Records, search: Search) -> None:
    search.holds(*(training(number) for number in range(250, 0, -1)))
    for number in range(251):
        api.record(number, 10)
    driven = driver(api)
    driven.run(10_000)
    assert searches(driven) == [0.0, 0.0, 60.0]
    assert spend(driven).billed_seconds == ((("ml.m5.large", "true", "Completed"), 5_000.0),)


def test_it_tells_on_which_of_several_instances_one_ran(api: Records, search: Search) -> None:
    either = {"InstanceConfigs": [{"InstanceType": "a", "InstanceCount": 1}, {"InstanceType": "b", "InstanceCount": 3}]}
    search.holds(training(1), TrainingJobDefinition={"HyperParameterTuningResourceConfig": either})
    api.record(1, 40, ResourceConfig={"InstanceType": "b", "InstanceCount": 3})
    driven = driver(api)
    driven.run(10_000)
    found = spend(driven)
    assert found.instance_seconds == ((("b", "true", "Completed"), 300.0),)
    assert found.billed_seconds == ((("b", "true", "Completed"), 120.0),)
    assert not found.incomplete.billable_unknown


def test_one_that_is_not_found_is_asked_for_a_few_times(api: Records, search: Search) -> None:
    search.holds(training(1))
    driven = driver(api)
    driven.run(50_000)
    assert searches(driven) == [60.0, 180.0, 420.0, 900.0]
    assert spend(driven).incomplete.billable_unknown
    assert spend(driven).trained == (("Completed", 1, 100.0),)


def test_one_that_is_not_found_is_not_asked_for_sooner_because_others_end(api: Records, search: Search) -> None:
    search.holds(training(0))
    driven = driver(api)
    for number in range(1, 20):
        api.record(number, 10)
        search.holds(*(training(each) for each in range(number, -1, -1)))
        driven.run(number * 60)
    assert [call.at for call, names in zip(searched(driven), api.asked, strict=True) if "t-0" in names] == [
        60.0,
        180.0,
        420.0,
        900.0,
    ]


def test_one_that_the_index_does_not_know_the_end_of_is_asked_for_again(api: Records, search: Search) -> None:
    search.holds(training(1))
    api.record(1, None, TrainingJobStatus="InProgress")
    driven = driver(api)
    driven.run(100)
    api.record(1, 40)
    driven.run(10_000)
    assert searches(driven) == [60.0, 180.0]
    assert not spend(driven).incomplete.billable_unknown


def test_where_searches_are_denied_the_rest_goes_on(api: Records, search: Search) -> None:
    search.holds(training(1))
    api.trouble = CallFailed(ErrorCode.ACCESS_DENIED, "no")
    driven = driver(api)
    driven.run(1_000)
    assert spend(driven).incomplete.billable_unknown
    assert driven.target.view(driven.now).errors == (("Search", "access_denied"),)
    search.holds(training(2), training(1))
    driven.run(3_000)
    assert spend(driven).trained == (("Completed", 2, 200.0),)
    assert len([call for call in driven.calls if call.operation == LIST]) == 2


def test_a_search_that_is_throttled_is_made_again(api: Records, search: Search) -> None:
    search.holds(training(1))
    api.record(1, 40)
    api.trouble = CallFailed(ErrorCode.THROTTLED, "slow")
    driven = driver(api)
    driven.run(100)
    api.trouble = None
    driven.run(10_000)
    assert searches(driven) == [60.0, 120.0]
    assert not spend(driven).incomplete.billable_unknown


def test_what_is_under_way_for_a_tuning_job_that_has_left_is_dropped(api: Records, search: Search) -> None:
    search.holds(training(1))
    api.record(1, 40)
    driven = driver(api)
    driven.run(30)
    driven.update(spec("other", spend=SEARCHED))
    driven.update(spec("churn", "other", spend=SEARCHED))
    driven.run(10_000)
    assert spend(driven).billed_seconds == ((("ml.m5.large", "true", "Completed"), 80.0),)
    assert len(searches(driven)) == 1


def test_turned_on_later_it_begins_anew_with_all(api: Records, search: Search) -> None:
    search.holds(training(2), training(1))
    api.record(1, 40)
    api.record(2, 60)
    driven = driver(api, spend=SpendSpec())
    driven.run(1_000)
    driven.update(spec("churn", spend=SEARCHED))
    driven.run(10_000)
    assert spend(driven).billed_seconds == ((("ml.m5.large", "true", "Completed"), 200.0),)


@pytest.mark.parametrize(
    ("code", "lasts"),
    [(ErrorCode.ACCESS_DENIED, 20_000.0), (ErrorCode.THROTTLED, 5_000.0), (ErrorCode.TIMEOUT, 20_000.0)],
)
def test_no_trouble_makes_it_forget_what_waits(code: ErrorCode, lasts: float, api: Records, search: Search) -> None:
    search.holds(training(2), training(1))
    api.record(1, 40)
    api.record(2, 60)
    api.trouble = CallFailed(code, "no")
    driven = driver(api)
    driven.run(lasts)
    assert spend(driven).incomplete.billable_unknown
    assert spend(driven).billed_seconds == ()
    api.trouble = None
    driven.run(lasts + 4_000)
    assert spend(driven).billed_seconds == ((("ml.m5.large", "true", "Completed"), 200.0),)
    assert not spend(driven).incomplete.billable_unknown


@pytest.mark.parametrize("works", [True, False])
def test_lists_wait_for_searches_only_while_these_work(works: bool, api: Records) -> None:
    names = [f"search-{number}" for number in range(8)]
    for place, name in enumerate(names):
        Search(api, name).holds(*(training(1_000 * place + number) for number in range(300)))
    api.trouble = None if works else CallFailed(ErrorCode.ACCESS_DENIED, "no")
    driven = Driver(spec(*names, spend=SEARCHED, requests_per_second=1_000.0), api=api)
    driven.run(10_000 if works else 50)
    assert all(driven.views()[name].spend is not None for name in names)
    waiting = list(accumulate({LIST: 100, "Search": -100}.get(call.operation, 0) for call in driven.calls))
    assert (max(waiting) <= ENOUGH_WAIT) is works


def test_one_that_makes_us_fail_takes_no_other_with_it(api: Records, search: Search) -> None:
    search.holds(*(training(number) for number in range(3, 0, -1)))
    for number in (1, 2, 3):
        api.record(number, 40)
    driven = driver(api)
    bill = TrainingSums.bill
    failing = iter([True])

    def fails_once(sums: TrainingSums, told: Any) -> None:
        if told.name == "t-2" and next(failing, False):
            raise RuntimeError("a defect")
        bill(sums, told)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TrainingSums, "bill", fails_once)
        driven.run(10_000)
    assert driven.target.view(driven.now).errors == ()
    assert spend(driven).billed_seconds == ((("ml.m5.large", "true", "Completed"), 160.0),)


def test_one_that_is_told_without_whether_it_was_on_spot_is_as_its_definition_says(
    api: Records, search: Search
) -> None:
    search.holds(training(1))
    api.record(1, 40, EnableManagedSpotTraining=None)
    driven = driver(api)
    driven.run(10_000)
    assert spend(driven).billed_seconds == ((("ml.m5.large", "false", "Completed"), 80.0),)


def test_what_was_billed_on_instances_without_a_price_is_told(api: Records, search: Search) -> None:
    search.holds(training(1))
    api.record(1, 40, ResourceConfig={"SelectedInstanceType": "ml.g5.xlarge", "SelectedInstanceCount": 1})
    driven = driver(api, spend=SpendSpec(billable="search", prices={"ml.m5.large": 36.0}))
    driven.run(10_000)
    assert spend(driven).incomplete.unpriced


@pytest.mark.parametrize("seconds", [-40, 1e308, float("nan")])
def test_a_bill_that_can_be_none_is_unknown(seconds: float, api: Records, search: Search) -> None:
    search.holds(training(1))
    api.record(1, seconds)  # type: ignore[arg-type]
    driven = driver(api)
    driven.run(10_000)
    assert spend(driven).billed_seconds == ()
    assert spend(driven).incomplete.billable_unknown


@pytest.mark.parametrize("billable", ["off", "list"])
def test_turned_off_nothing_is_read_anew(billable: Any, api: Records, search: Search) -> None:
    search.holds(training(2), training(1))
    api.record(1, 40)
    api.record(2, 60)
    driven = driver(api)
    driven.run(1_000)
    api.trainings["churn"] = []
    driven.update(spec("churn", spend=SpendSpec(billable=billable)))
    driven.run(10_000)
    assert spend(driven).trained == (("Completed", 2, 200.0),)
    assert spend(driven).billed_seconds == ()
    assert len([call for call in driven.calls if call.operation == LIST]) == 1
