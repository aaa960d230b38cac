"""The table: filters, order and pages."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
from support.snapshots import NOW, snapshot, watched
from support.views import SPEND, facts, view

from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobView
from exporter.web.pages.fleet import PER_PAGE, choices, jobs
from exporter.web.pages.query import SORTS, Query

FACTS = facts()


def job(name: str, **changes: Any) -> JobView:
    """Return a tuning job that runs; changes are of its facts, its view or both."""
    of_view = {"account_id", "region", "labels"}
    members = {key: changes.pop(key) for key in [*changes] if key in FACTS.__slots__ and key not in of_view}
    known = {"account_id": "123456789012", "region": "eu-west-1", "labels": {}}
    return view(replace(FACTS, name=name, **({"status": "InProgress"} | members)), **(known | changes))


def valued(name: str, value: float | None) -> JobView:
    assert FACTS.best_training_job is not None
    return job(name, best_training_job=replace(FACTS.best_training_job, objective_value=value))


def names(query: Query, *views: JobView) -> list[str]:
    return [row.name for row in jobs(snapshot([watched(*views)]), query).jobs]


FLEET = (
    job("alpha", labels={"team": "search"}),
    job("Beta", tags={"team": "risk"}, status="Completed"),
    job("gamma", account_id="999988887777", region="us-east-1", status="Failed"),
    view(None, name="lost", account_id="123456789012", attempted=True, failure=Failure(ErrorCode.NOT_FOUND, "")),
    view(None, name="new"),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (Query(q="ALPH"), ["alpha"]),
        (Query(q="risk"), ["Beta"]),
        (Query(q="99998"), ["gamma"]),
        (Query(q="nothing"), []),
        (Query(status="Failed"), ["gamma"]),
        (Query(state="running"), ["alpha"]),
        (Query(state="missing"), ["lost"]),
        (Query(state="pending"), ["new"]),
        (Query(team="search"), ["alpha"]),
        (Query(region="us-east-1"), ["gamma"]),
        (Query(account="999988887777"), ["gamma"]),
        (Query(state="finished", q="b"), ["Beta"]),
    ],
)
def test_a_filter_leaves_what_is_asked_for(query: Query, found: list[str]) -> None:
    assert names(query, *FLEET) == found


def test_what_wants_to_be_looked_at_comes_first() -> None:
    failing = view(None, name="z-denied", attempted=True, failure=Failure(ErrorCode.ACCESS_DENIED, ""))
    assert names(Query(), *FLEET, failing) == ["z-denied", "lost", "gamma", "new", "alpha", "Beta"]
    assert names(Query(sort="-status"), *FLEET)[0] == "Beta"


def test_names_are_sorted_whatever_their_case() -> None:
    assert names(Query(sort="name"), *FLEET) == ["alpha", "Beta", "gamma", "lost", "new"]
    assert names(Query(sort="-name"), *FLEET) == ["new", "lost", "gamma", "Beta", "alpha"]


def test_what_has_no_value_comes_last_either_way() -> None:
    fleet = (valued("b", 0.5), valued("none", None), valued("a", math.nan), valued("c", math.inf), valued("d", -1))
    assert names(Query(sort="best"), *fleet) == ["d", "b", "c", "a", "none"]
    assert names(Query(sort="-best"), *fleet) == ["c", "b", "d", "a", "none"]


def test_costs_are_sorted_by_their_amount() -> None:
    fleet = [job(name, spend=replace(SPEND, cost=(("Completed", cost),))) for name, cost in (("a", 9.0), ("b", 10.0))]
    assert names(Query(sort="-cost"), *fleet, job("free", spend=None)) == ["b", "a", "free"]


@pytest.mark.parametrize("sort", SORTS)
def test_every_order_takes_any_tuning_job(sort: str) -> None:
    assert len(names(Query(sort=sort), *FLEET)) == len(names(Query(sort=f"-{sort}"), *FLEET)) == len(FLEET)


def test_a_page_has_a_hundred() -> None:
    seen = snapshot([watched(*(job(f"job-{number:03}") for number in range(250)))])
    found = [jobs(seen, Query(sort="name", page=page)) for page in (1, 3, 4)]
    assert [(each.total, each.watched, each.pages, each.per_page) for each in found] == [(250, 250, 3, PER_PAGE)] * 3
    assert [len(each.jobs) for each in found] == [100, 50, 0]
    assert found[1].jobs[0].name == "job-200"


def test_no_tuning_jobs_are_one_empty_page() -> None:
    found = jobs(snapshot(), Query())
    assert (found.total, found.pages, found.jobs) == (0, 1, ())
    assert found.at is not None
    assert found.at.timestamp() == NOW


def test_there_is_to_choose_from_what_there_is() -> None:
    found = choices(snapshot([watched(*FLEET)]))
    assert found.state == {"missing": 1, "pending": 1, "running": 1, "finished": 2}
    assert found.status == {"Failed": 1, "InProgress": 1, "Completed": 1}
    assert found.team == {"risk": 1, "search": 1}
    assert found.region == {"eu-west-1": 4, "us-east-1": 1}
    assert found.account == {"123456789012": 3, "999988887777": 1}, "of one nobody knows the account"


def test_a_status_of_tomorrow_can_be_chosen() -> None:
    seen = snapshot([watched(job("a", status="Paused"))])
    assert choices(seen).status == {"Paused": 1}
    assert [row.name for row in jobs(seen, Query(status="Paused")).jobs] == ["a"]
