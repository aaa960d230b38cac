"""One incident, few lines."""

from __future__ import annotations

from datetime import UTC, datetime
from math import log2
from random import Random
from typing import Any, NoReturn

import pytest
from fleet.account import DAY, HOUR, Account, rule, rules, run
from fleet.driver import LIST_TAGS, START, Driver, FakeApi, job_specs, target_spec
from hypothesis import given
from hypothesis import strategies as st

from exporter.clock import Instant
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import Operation, perform
from exporter.fleet.events import Event
from exporter.fleet.incidents import Incidents
from exporter.simulator.faults import Fault, Kind

LEFT = "no longer fails: the exporter no longer makes the calls that failed"


def told(driver: Driver, *levels: str) -> list[Event]:
    return [
        event for event in driver.events if event.level in (levels or ("warning", "info")) and "code" in event.fields
    ]


def texts(driver: Driver) -> list[str]:
    return [event.text for event in told(driver)]


def fleet(count: int, **changes: Any) -> Driver:
    return Driver(target_spec(*(f"job-{i:03d}" for i in range(count)), **changes))


def fail(driver: Driver, code: ErrorCode, count: int, start: int = 0) -> None:
    for i in range(start, start + count):
        driver.api.fail(f"job-{i:03d}", code)


@pytest.mark.long
def test_five_hundred_jobs_without_credentials_are_one_line_and_one_an_hour() -> None:
    driver = fleet(500, interval=300.0)
    fail(driver, ErrorCode.NO_CREDENTIALS, 500)
    driver.run(until=60)
    (event,) = told(driver)
    assert (event.level, event.text) == ("warning", "describing tuning jobs fails")
    assert event.fields["tuning_jobs"] == 500
    assert event.fields["example"] in {f"job-{i:03d}" for i in range(500)}
    assert event.fields["remedy"] == ErrorCode.NO_CREDENTIALS.remedy("DescribeHyperParameterTuningJob")
    assert event.fields["message"] == "it is no_credentials"
    driver.run(until=3 * HOUR + 60)
    assert texts(driver) == ["describing tuning jobs fails"] + ["describing tuning jobs still fails"] * 3
    assert told(driver)[-1].fields["for_seconds"] == 10810
    assert len(told(driver, "debug")) == 500, "each job's own line is for those who look closer"


def numbers(driver: Driver) -> list[tuple[str, object]]:
    return [(event.text, event.fields["tuning_jobs"]) for event in told(driver)]


def test_a_budget_that_lets_few_calls_through_makes_few_lines_more() -> None:
    driver = fleet(100, requests_per_second=1.0)
    fail(driver, ErrorCode.ACCESS_DENIED, 100)
    driver.run(until=HOUR / 2)
    assert texts(driver) == ["describing tuning jobs fails", *["describing tuning jobs now fails for more of them"] * 2]
    counts = [int(event.fields["tuning_jobs"]) for event in told(driver)]
    assert counts[0] == 10, "those tried in the first ten seconds"
    assert 20 <= counts[1] <= counts[2] / 2
    assert counts[2] > 50


def test_one_that_fails_is_not_the_last_word_when_all_do() -> None:
    driver = fleet(40)
    fail(driver, ErrorCode.ACCESS_DENIED, 1)
    driver.run(until=600)
    assert numbers(driver) == [("describing tuning jobs fails", 1)]
    fail(driver, ErrorCode.ACCESS_DENIED, 40)
    driver.run(until=900)
    assert numbers(driver)[1:] == [("describing tuning jobs now fails for more of them", 40)]
    assert told(driver)[1].level == "warning"
    assert told(driver)[1].fields["remedy"] == ErrorCode.ACCESS_DENIED.remedy("DescribeHyperParameterTuningJob")


def test_what_more_fails_only_while_that_is_gathered_is_not_told() -> None:
    driver = fleet(40, interval=60.0)
    fail(driver, ErrorCode.THROTTLED, 1)
    driver.run(until=59)
    fail(driver, ErrorCode.THROTTLED, 40)
    driver.run(until=60)
    driver.api.jobs.clear()
    fail(driver, ErrorCode.THROTTLED, 1)
    driver.run(until=HOUR / 2)
    assert numbers(driver) == [("describing tuning jobs fails", 1)]


@pytest.mark.long
@given(st.integers(1, 300), st.data())
def test_an_incident_that_grows_has_few_lines_and_the_last_knows_most_of_it(count: int, data: st.DataObject) -> None:
    spec, incidents = target_spec("a"), Incidents()
    lines: list[Event] = []
    now = 0.0
    for i in range(count):
        now += data.draw(st.sampled_from([0.0, 0.1, 11.0]))
        incidents.failed(spec, Operation.DESCRIBE, f"job-{i}", Failure(ErrorCode.TIMEOUT, "late"), Instant(now, now))
        lines += incidents.report(spec, Instant(now, now))
    while (due := incidents.due(spec)) is not None and due < now + HOUR / 2:
        lines += incidents.report(spec, Instant(due, due))
    assert len(lines) <= 2 + log2(count)
    assert int(lines[-1].fields["tuning_jobs"]) > count / 2


def test_what_is_over_before_it_could_be_told_is_one_line_at_info() -> None:
    driver = fleet(3)
    fail(driver, ErrorCode.THROTTLED, 2)
    driver.run(until=0.5)
    driver.api.jobs.clear()
    driver.run(until=HOUR)
    (event,) = told(driver)
    assert (event.level, event.text) == ("info", "describing tuning jobs failed and works again")
    assert event.fields["message"] == "it is throttled"
    assert event.fields["failures"] == 2


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (3, ["describing tuning jobs failed and works again"]),
        (8, ["describing tuning jobs fails", "describing tuning jobs works again"]),
    ],
)
def test_what_keeps_coming_back_for_a_moment_is_a_warning_in_the_end(times: int, expected: list[str]) -> None:
    driver = fleet(3)
    for start in range(0, 60 * times, 60):
        driver.run(until=start - 0.5)
        fail(driver, ErrorCode.THROTTLED, 1)
        driver.run(until=start + 0.5)
        driver.api.jobs.clear()
    driver.run(until=HOUR)
    assert texts(driver) == expected


def test_no_hourly_warning_tells_of_what_is_over() -> None:
    driver = fleet(3)
    fail(driver, ErrorCode.ACCESS_DENIED, 1)
    driver.run(until=HOUR - 60)
    driver.api.jobs.clear()
    driver.run(until=2 * HOUR)
    assert texts(driver) == ["describing tuning jobs fails", "describing tuning jobs works again"]


def test_throttling_of_a_part_of_the_calls_is_one_incident() -> None:
    random = Random(5)
    driver = fleet(10)

    def dice(_: object) -> None:
        for i in range(10):
            driver.api.jobs.pop(f"job-{i:03d}", None)
            if random.random() < 0.4:
                driver.api.fail(f"job-{i:03d}", ErrorCode.THROTTLED)

    driver.on_call = dice
    driver.run(until=HOUR)
    begun = texts(driver)
    assert begun == [
        "describing tuning jobs fails",
        *["describing tuning jobs now fails for more of them"] * (len(begun) - 1),
    ]
    assert len(begun) <= 4, "ten jobs double three times"
    driver.on_call = lambda _: None
    driver.api.jobs.clear()
    driver.run(until=HOUR + 600)
    assert texts(driver)[-1] == "describing tuning jobs works again"
    assert texts(driver)[len(begun) : -1] in ([], ["describing tuning jobs still fails"])


def test_an_end_says_how_long_it_lasted_and_how_often_it_failed() -> None:
    driver = fleet(3)
    driver.run(until=30)
    fail(driver, ErrorCode.ACCESS_DENIED, 2)
    driver.run(until=250)
    driver.api.jobs.clear()
    driver.run(until=HOUR)
    begin, end = told(driver)
    assert (begin.fields["tuning_jobs"], end.level) == (2, "info")
    assert end.fields == {
        "target": "eu",
        "aws_region": "eu-west-1",
        "operation": "DescribeHyperParameterTuningJob",
        "code": "access_denied",
        "lasted_seconds": 180,
        "ended": datetime.fromtimestamp(START + 240, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "failures": 8,
    }


def test_two_causes_are_two_incidents_and_a_job_is_in_one_of_them() -> None:
    driver = fleet(4)
    fail(driver, ErrorCode.ACCESS_DENIED, 2)
    fail(driver, ErrorCode.NOT_FOUND, 2, start=2)
    driver.run(until=30)
    assert {event.fields["code"]: event.fields["tuning_jobs"] for event in told(driver)} == {
        "access_denied": 2,
        "not_found": 2,
    }
    fail(driver, ErrorCode.NOT_FOUND, 2)
    driver.run(until=600)
    assert [(event.fields["code"], event.text) for event in told(driver)[2:]] == [
        ("not_found", "describing tuning jobs now fails for more of them"),
        ("access_denied", "describing tuning jobs no longer fails for this reason"),
    ]


def test_jobs_that_leave_end_the_incident() -> None:
    driver = fleet(3)
    fail(driver, ErrorCode.ACCESS_DENIED, 1)
    driver.run(until=30)
    driver.update(target_spec("job-001", "job-002"))
    driver.run(until=3 * HOUR)
    assert texts(driver) == ["describing tuning jobs fails", f"describing tuning jobs {LEFT}"]


def test_a_rule_that_leaves_ends_the_incident_of_its_lists(account: Account) -> None:
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="ListHyperParameterTuningJobs"))
    driver = account.watch(rules(rule(), names=("other",)))
    run(driver, 30)
    assert texts(driver).count("listing tuning jobs fails") == 1
    driver.update(rules(names=("other",)))
    run(driver, HOUR / 2)
    assert f"listing tuning jobs {LEFT}" in texts(driver)


def test_lists_tags_and_searches_are_told_at_once_with_the_permission() -> None:
    driver = Driver(target_spec(jobs=job_specs("a", "b", tag_labels={"team": "team"})))
    for arn in ("a", "b"):
        driver.api.tags[f"arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/{arn}"] = CallFailed(
            ErrorCode.ACCESS_DENIED, "no"
        )
    driver.run(until=DAY)
    operations = {event.fields["operation"]: event.fields["remedy"] for event in told(driver)}
    assert operations == {
        "Search": "Allow sagemaker:Search to the exporter's identity.",
        LIST_TAGS: "Allow sagemaker:ListTags to the exporter's identity.",
    }


def test_entries_of_a_list_that_cannot_be_read_are_told_with_the_reason(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule()))
    list_jobs = account.api.list_jobs
    account.api.list_jobs = lambda request: {  # type: ignore[method-assign]
        "HyperParameterTuningJobSummaries": [{"odd": 1}, *list_jobs(request)["HyperParameterTuningJobSummaries"]]
    }
    run(driver, 600)
    (event,) = told(driver)
    assert event.text == "listing tuning jobs fails"
    assert (
        event.fields["message"] == "1 entries of the list cannot be read: the answer has no HyperParameterTuningJobName"
    )


def test_what_is_not_tried_any_more_is_not_told_for_ever() -> None:
    class Once(FakeApi):
        def list_jobs(self, request: object) -> NoReturn:
            raise CallFailed(ErrorCode.SERVER_ERROR, "no")

    driver = Driver(target_spec("a", "b", describe_max_age=600.0), api=Once())
    driver.run(until=90)
    driver.update(target_spec("a", "b", describe_max_age=0.0))
    driver.run(until=DAY)
    assert [text for text in texts(driver) if text.startswith("listing")] == [
        "listing tuning jobs fails",
        f"listing tuning jobs {LEFT}",
    ]
    assert driver.target.view(driver.now).errors == ()


def test_the_line_comes_while_all_threads_hang() -> None:
    driver = fleet(2)
    fail(driver, ErrorCode.ACCESS_DENIED, 2)
    for _ in range(2):
        work = driver.target.next(driver.now)
        assert work is not None
        driver.target.apply(work, perform(driver.api, work), driver.now)
    due = driver.target.expires_at(driver.now)
    assert due == driver.now.monotonic + 10
    driver.clock.advance(10)
    assert [event.text for event in driver.target.expire(driver.now)] == ["describing tuning jobs fails"]


def test_calls_that_fail_now_and_then_are_one_incident() -> None:
    driver = fleet(5)
    for start in range(30, int(6 * HOUR), 270):
        driver.run(until=start)
        fail(driver, ErrorCode.THROTTLED, 1)
        driver.run(until=start + 60)
        driver.api.jobs.clear()
    assert set(texts(driver)) == {"describing tuning jobs fails", "describing tuning jobs still fails"}
    assert len(texts(driver)) <= 6
    driver.run(until=7 * HOUR)
    assert texts(driver)[-1] == "describing tuning jobs works again"


def test_a_list_that_goes_in_a_circle_is_told(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule(), names=("churn",)))
    list_jobs, tokens = account.api.list_jobs, ["a", "b"]
    account.api.list_jobs = lambda request: {  # type: ignore[method-assign]
        **list_jobs({key: value for key, value in request.items() if key != "NextToken"}),
        "NextToken": tokens[request.get("NextToken") == "a"],
    }
    run(driver, 300)
    assert texts(driver) == ["listing tuning jobs fails"]
    assert told(driver)[0].fields["code"] == "malformed_answer"
