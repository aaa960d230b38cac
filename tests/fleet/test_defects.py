"""A defect of our own, met by one answer or at one moment: everything else goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

import pytest
import structlog
from fleet.account import HOUR, Account, ended_ago, rule, rules, run
from fleet.driver import DESCRIBE, Driver, FakeApi, answer, job_specs, target_spec
from fleet.test_pool import PATIENCE, Crew
from support.processes import wait_until

from exporter.clock import Instant
from exporter.errors import ErrorCode
from exporter.fleet import JobState, Work
from exporter.fleet.finder import Finder
from exporter.fleet.tags import TagListings
from exporter.fleet.target import Target
from exporter.tuning_job import TuningJob

SECRET = "wJalrXUtnFEMI"


@pytest.fixture
def lines() -> Iterator[list[MutableMapping[str, Any]]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


# One answer


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have us fail at the answers about one job."""
    described = TagListings.described

    def fails(self: TagListings, name: str, facts: TuningJob, now: Instant) -> None:
        if name == "odd":
            raise OverflowError(SECRET)
        described(self, name, facts, now)

    monkeypatch.setattr(TagListings, "described", fails)


@pytest.mark.usefixtures("odd")
def test_a_describe_that_we_fail_at_is_that_jobs_malformed_answer() -> None:
    driver = Driver(target_spec("odd", "good"))
    driver.run(until=10 * 60)
    views = driver.views()
    assert (views["good"].state, views["odd"].state) == (JobState.RUNNING, JobState.FAILING)
    assert views["odd"].failure is not None
    assert views["odd"].failure.code is ErrorCode.MALFORMED_ANSWER
    assert len(driver.times("odd")) > 10, "it is tried again as after any failure"
    assert len(driver.times("good")) == 11
    (event, *_) = [event for event in driver.events if event.level == "error"]
    assert event.fields.items() >= {"about": "odd", "operation": DESCRIBE, "error": "OverflowError"}.items()
    assert str(event.fields["where"]).startswith("test_defects.py:")
    assert SECRET not in str(driver.events)


def test_a_list_that_we_fail_at_is_read_again(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    consider, failures = Finder._consider, iter(range(2))

    def fails(self: Finder, *given: Any) -> Any:
        if next(failures, None) is not None:
            raise OverflowError(SECRET)
        return consider(self, *given)

    monkeypatch.setattr(Finder, "_consider", fails)
    account.create("churn", "stuck")
    account.create("listed", "stuck")
    driver = account.watch(rules(rule(), names=("listed",)))
    run(driver, 10)
    assert driver.views()["listed"].state is JobState.RUNNING
    run(driver, 600)
    assert set(driver.views()) == {"churn", "listed"}


@pytest.mark.parametrize("count", [1, 3])
def test_tags_that_we_fail_at_are_read_again(monkeypatch: pytest.MonkeyPatch, account: Account, count: int) -> None:
    learn, failures = TagListings._learn, iter(range(1))

    def fails(self: TagListings, *given: Any) -> None:
        if next(failures, None) is not None:
            raise OverflowError(SECRET)
        learn(self, *given)

    monkeypatch.setattr(TagListings, "_learn", fails)
    names = [f"job-{i}" for i in range(count)]
    for name in names:
        account.create(name, "stuck", tags={"team": "search"})
    driver = account.watch(target_spec(jobs=job_specs(*names, tag_labels={"team": "team"})))
    run(driver, HOUR)
    assert {view.tags["team"] for view in driver.views().values()} == {"search"}


# One moment


@pytest.mark.long
def test_threads_outlive_a_moment_at_which_the_next_call_cannot_be_chosen(
    monkeypatch: pytest.MonkeyPatch, lines: list[MutableMapping[str, Any]]
) -> None:
    chosen, failures = Target.next, iter(range(3))

    def fails(self: Target, now: Instant) -> Work | None:
        if next(failures, None) is not None:
            raise OverflowError(SECRET)
        return chosen(self, now)

    monkeypatch.setattr(Target, "next", fails)
    crew = Crew(target_spec("churn", interval=0.1), FakeApi())
    crew.start()
    crew.await_view(lambda views: views["churn"].state is JobState.RUNNING)
    assert not crew.pool.dead
    crew.end()
    errors = [line for line in lines if line["log_level"] == "error" and line.get("target") == "eu"]
    assert [line["event"] for line in errors] == [
        "internal error: the exporter makes no calls for this target until the error stops; please report this"
    ], "once, not each second"
    assert SECRET not in str(lines)


def test_a_target_that_makes_no_calls_for_longer_is_not_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(self: Target, now: Instant) -> Work | None:
        raise OverflowError(SECRET)

    monkeypatch.setattr(Target, "next", fails)
    crew = Crew(target_spec("churn"), FakeApi())
    crew.start()
    (driven,) = crew.pool._driven.values()
    wait_until(lambda: driven.failing_since is not None, what="the first failure")
    assert not crew.pool.dead, "a moment is survived"
    started = crew.clock.monotonic()
    with monkeypatch.context() as later:
        later.setattr(crew.clock, "monotonic", lambda: started + 31)
        assert crew.pool.dead == ["eu"]
    crew.end()


@pytest.mark.long
def test_a_target_lives_again_when_the_machine_gives_threads_again(
    monkeypatch: pytest.MonkeyPatch, lines: list[MutableMapping[str, Any]]
) -> None:
    start, refused = threading.Thread.start, threading.Event()
    refused.set()
    tries = threading.Semaphore(0)

    def limited(self: threading.Thread) -> None:
        if refused.is_set() and self.name.startswith("call-"):
            tries.release()
            raise RuntimeError("can't start new thread")
        start(self)

    monkeypatch.setattr(threading.Thread, "start", limited)
    crew = Crew(target_spec("churn", interval=0.1), FakeApi())
    crew.start()
    for _ in range(3):
        assert tries.acquire(timeout=PATIENCE), "it is tried again and again"
    assert not crew.views()["churn"].attempted
    refused.clear()
    crew.await_view(lambda views: views["churn"].state is JobState.RUNNING)
    refused.set()
    described = crew.views()["churn"].last_success
    wait_until(lambda: crew.views()["churn"].last_success != described, what="a describe by the thread that is left")
    assert not crew.pool.dead
    crew.end()
    assert [line["event"] for line in lines if line["log_level"] == "error" and line.get("target", "eu") == "eu"] == [
        "cannot start another thread; calls wait for the threads that run"
    ]


# Answers that are odd enough


@pytest.mark.parametrize(
    "members",
    [
        {"CreationTime": 1_718_000_101_502},
        {"CreationTime": 253_402_300_800.0},
        {"HyperParameterTuningJobName": "chu\ud800rn"},
        {"LastModifiedTime": 1e300, "HyperParameterTuningEndTime": 1e300},
        {
            "TrainingJobDefinition": {
                "ResourceConfig": {"InstanceGroups": [{"InstanceType": "m", "InstanceCount": 10**308}] * 9}
            }
        },
    ],
)
@pytest.mark.parametrize("through", ["describe", "list"])
def test_odd_answers_hold_up_nobody(account: Account, members: Mapping[str, Any], through: str) -> None:
    account.create("churn", "stuck", tags={"env": "prod"})
    account.create("other", "stuck", tags={"env": "prod"})
    ended_ago(account, "ended", HOUR, tags={"env": "prod"})
    describe, list_jobs = account.api.describe, account.api.list_jobs
    if through == "describe":
        account.api.describe = lambda name: {**describe(name), **(members if name == "churn" else {})}  # type: ignore[method-assign]
    else:

        def odd_list(request: Mapping[str, Any]) -> Mapping[str, Any]:
            told = list_jobs(request)
            return {
                **told,
                "HyperParameterTuningJobSummaries": [
                    entry | (members if entry["HyperParameterTuningJobName"] == "churn" else {})
                    for entry in told["HyperParameterTuningJobSummaries"]
                ],
            }

        account.api.list_jobs = odd_list  # type: ignore[method-assign]
    driver = account.watch(
        rules(rule(tags={"env": "prod"}, tag_labels={"env": "env"}), names=("other",), describe_max_age=600.0)
    )
    run(driver, 2 * HOUR)
    assert driver.views()["other"].state is JobState.RUNNING
    assert driver.views()["ended"].state is JobState.FINISHED
    assert not [event for event in driver.events if event.level == "error"]
    assert answer("churn")["HyperParameterTuningJobName"] == "churn"
