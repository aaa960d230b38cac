"""The hourly list: what it shows of tuning jobs that have ended, and what no list shows."""

from __future__ import annotations

from typing import Any

import pytest
from fleet.account import DAY, HOUR, LIST, Account, ended_ago, rule, rules, run
from fleet.driver import known, target_spec

from exporter.errors import CallFailed, ErrorCode
from exporter.fleet.lists import SWEEP
from exporter.fleet.running import MAX_PAGES


def test_counters_that_aws_corrects_after_the_end_are_seen_within_the_hour(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended_ago(account, "job", HOUR)
    describe = account.api.describe

    def too_early(name: str) -> dict[str, Any]:
        answer = dict(describe(name))
        counters = answer["TrainingJobStatusCounters"]
        return answer | {"TrainingJobStatusCounters": {**counters, "InProgress": 1}}

    monkeypatch.setattr(account.api, "describe", too_early)
    driver = account.watch(target_spec("job"))
    run(driver, HOUR / 2)
    assert known(driver.views()["job"].facts).training_jobs["InProgress"] == 1
    monkeypatch.setattr(account.api, "describe", describe)
    run(driver, HOUR)
    assert known(driver.views()["job"].facts).training_jobs["InProgress"] == 0


def test_a_long_sweep_is_no_longer_than_any_list(account: Account) -> None:
    for number in range(8):
        ended_ago(account, f"job-{number}", HOUR)
    driver = account.watch(target_spec(*(f"job-{number}" for number in range(8))))
    jobs = driver.target._jobs
    run(driver, HOUR / 2)
    resting = list(jobs) * 100
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(jobs), "__iter__", lambda _: iter(resting))
        driver.target._sweep.begin(driver.now._replace(monotonic=driver.now.monotonic + HOUR))
    assert driver.target._lists._lists[SWEEP].max_pages == MAX_PAGES


def test_a_list_whose_later_page_fails_is_told_until_it_is_read(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(120):
        ended_ago(account, f"job-{number:03}", HOUR)
    list_jobs = account.api.list_jobs

    def refuses(request: Any) -> Any:
        if "NextToken" in request:
            raise CallFailed(ErrorCode.SERVER_ERROR, "not the second page")
        return list_jobs(request)

    monkeypatch.setattr(account.api, "list_jobs", refuses)
    driver = account.watch(rules(rule()))
    seen = []
    for _ in range(600):
        run(driver, 1.0)
        seen.append((LIST, ErrorCode.SERVER_ERROR) in driver.target.view(driver.now).errors)
    first = seen.index(True)
    assert all(seen[first:])
    assert 10 < len(driver.times("list first 'all'", LIST)) < 60, "the pause grows"
    monkeypatch.setattr(account.api, "list_jobs", list_jobs)
    run(driver, 120.0)
    assert not driver.target.view(driver.now).errors


def test_what_no_list_shows_is_described_once_a_day_beside_the_sweeps(account: Account) -> None:
    ended_ago(account, "job", HOUR)
    driver = account.watch(target_spec("job"))
    run(driver, HOUR / 2)
    described = len(driver.times("job"))
    run(driver, 3 * DAY)
    assert len(driver.times("job")) == described + 3
    assert len(driver.times("list sweep", LIST)) >= 3 * 24 - 1
    assert driver.views()["job"].facts is not None
