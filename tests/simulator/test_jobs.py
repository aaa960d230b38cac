"""Jobs are found by name and in order, whatever came and went in between."""

from __future__ import annotations

import random

import pytest

from exporter.simulator.jobs import Jobs, creation_key, name_key
from exporter.simulator.scenario import SCENARIOS

NOW = 1_764_000_000.25


@pytest.fixture(scope="module")
def lives(make_life):
    rng = random.Random(7)
    return [
        make_life(
            scenario, name=f"{rng.choice('abcXYZ')}-{i}", created=NOW - rng.choice([0, 60, rng.uniform(0, 40_000)])
        )
        for i, scenario in enumerate([*SCENARIOS] * 4)
    ]


@pytest.fixture
def jobs(lives):
    """All of them, put in twice and every third removed again."""
    jobs = Jobs()
    for life in [*lives, *lives[::2]]:
        jobs.put(life)
    for life in lives[::3]:
        assert jobs.remove(life.name)
    return jobs


def test_a_name_holds_one_job(jobs, lives):
    left = [life for i, life in enumerate(lives) if i % 3]
    assert {*jobs} == {*left}
    assert len([*jobs]) == len(left)
    assert jobs.get(lives[1].name) is lives[1]
    assert jobs.get(lives[0].name) is None
    assert not jobs.remove(lives[0].name)


def test_the_later_of_two_jobs_of_a_name_is_in_every_order(make_life):
    jobs = Jobs()
    first, second = (make_life("failed-at-once", name="same", created=NOW - age) for age in (9000, 50))
    jobs.put(first)
    jobs.put(second)
    assert jobs.by_name.between() == jobs.by_creation.between() == [second]
    assert jobs.in_progress(NOW - 9000, NOW - 9000) == []


def test_training_jobs_of_earlier_jobs_of_a_name_are_kept(make_life):
    jobs = Jobs()
    first, second = (make_life("completed", name="Same", created=NOW - age) for age in (90_000, 50_000))
    second.generation = 1
    jobs.put(first)
    jobs.put(first.deleted(NOW - 60_000))
    jobs.put(second)
    assert [*jobs] == [second]
    known = {job.name for job in jobs.training_jobs()}
    assert len(known) == len(first.trials) + len(second.trials) == 18
    for name in known:
        job = jobs.training_job(name.upper())
        assert job is not None
        assert job.name == name
    lost = first.training_jobs[0].name
    assert jobs.forget_training_job(lost, NOW)
    assert not jobs.forget_training_job(lost, NOW)
    gone = jobs.training_job(lost)
    assert gone is not None
    assert gone.exists(NOW - 1)
    assert not gone.exists(NOW)
    assert len([*jobs.training_jobs()]) == 18


@pytest.mark.parametrize(("order", "key"), [("by_name", name_key), ("by_creation", creation_key)])
def test_orders_hold_every_job_in_its_place(jobs, order, key):
    ordered = getattr(jobs, order)
    assert ordered.between() == sorted(jobs, key=key)
    low, high = (key(life) for life in (ordered.between()[5], ordered.between()[-5]))
    assert ordered.between(low, high) == [life for life in sorted(jobs, key=key) if low < key(life) < high]


def test_a_bound_may_be_cut_short(jobs):
    at = jobs.by_creation.between()[7].created
    assert jobs.by_creation.between((at,)) == [life for life in sorted(jobs, key=creation_key) if life.created >= at]
    assert jobs.by_creation.between(before=(at,)) == [
        life for life in sorted(jobs, key=creation_key) if life.created < at
    ]


def test_those_in_progress_are_found_at_every_moment(jobs):
    ends = [life.in_progress_until for life in jobs if life.in_progress_until < float("inf")]
    births = [life.created for life in jobs]
    for moment in [*births, *ends, *(at - 0.001 for at in ends), NOW - 10**6, NOW + 10**9]:
        found = {life for life in jobs if life.exists(moment) and life.state(moment).status == "InProgress"}
        assert {*jobs.in_progress(moment, moment)} == found
    assert jobs.in_progress(NOW + 10**9, NOW + 10**9)  # one is stuck for ever


def test_those_in_progress_for_a_part_of_a_while_are_found(jobs):
    for life in jobs:
        for since, until in ((life.created - 9, life.created), (life.in_progress_until - 0.001, NOW + 10**9)):
            assert (life in jobs.in_progress(since, until)) == (life.in_progress_until > since)
        assert life not in jobs.in_progress(life.created - 9, life.created - 0.001)
        assert life not in jobs.in_progress(life.in_progress_until, NOW + 10**9)


def test_names_have_no_case(make_life):
    jobs = Jobs()
    jobs.put(make_life("healthy", name="Churn-V3"))
    assert jobs.get("churn-v3") is jobs.get("CHURN-V3") is not None
    jobs.put(make_life("healthy", name="churn-V3"))
    assert [life.name for life in jobs] == ["churn-V3"]
    assert jobs.remove("CHURN-v3")
    assert [*jobs] == []
