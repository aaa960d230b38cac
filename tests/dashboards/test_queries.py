"""Everything that the dashboards ask is answered by a real Prometheus that watches the demo fleet."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from grafana import render
from grafana.page import FLEET, TUNING_JOB
from support.processes import wait_until
from support.simulated import search_of

from exporter.simulator.fleet import SECOND_REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.xdist_group("dashboards")

REPLICAS = ("replica-a", "replica-b")
ALL = {"account": ".*", "region": ".*", "team": ".*", "job": ".*", "search": "churn-xgboost"}
TELLING = {
    "converged-running",
    "warm-start",
    "several-definitions",
    "hyperband",
    "failed-at-once",
    "just-created",
    "missing",
}
"""Scenarios that between them have everything that can be shown of a tuning job, and lack everything."""

SERVED = re.compile(r"(sagemaker_tuning_\w+\{)")

# A digit after the sign refers to a group of a regular expression instead.
_REFERENCE = re.compile(r"\$(?:([a-zA-Z_]\w*)|\{(\w+)(?::\w+)?\})")


class Query(NamedTuple):
    """One expression of a panel or an annotation."""

    dashboard: str
    title: str
    ref: str
    expression: str
    instant: bool

    def __str__(self) -> str:
        return f"{self.dashboard}: {self.title} {self.ref}"


def read(dashboard: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(render(f"{dashboard}.json"))
    return content


def queries(dashboard: str) -> list[Query]:
    return list(_queries(dashboard))


def _queries(dashboard: str) -> Iterator[Query]:
    content = read(dashboard)
    for panel in content["panels"]:
        for target in panel.get("targets", ()):
            yield Query(dashboard, panel["title"], target["refId"], target["expr"], target["instant"])
    for annotation in content["annotations"]["list"]:
        yield Query(dashboard, annotation["name"], "annotation", annotation["target"]["expr"], instant=False)


def of_jobs(dashboard: str) -> list[Query]:
    """Return those about tuning jobs alone: what the replicas do themselves adds up, and alerts name no replica."""
    return [
        query for query in queries(dashboard) if not re.search("ALERTS|sagemaker_tuning_exporter", query.expression)
    ]


def of_replicas(dashboard: str) -> list[Query]:
    """Return those that read what each replica serves: what is recorded has no labels of the scrape."""
    return [query for query in of_jobs(dashboard) if SERVED.search(query.expression)]


def variables(dashboard: str) -> list[dict[str, Any]]:
    return [variable for variable in read(dashboard)["templating"]["list"] if variable["type"] == "query"]


def filled(text: str, values: Mapping[str, str]) -> str:
    """Put in what Grafana does for its variables; raise KeyError for one that is not known."""
    return _REFERENCE.sub(lambda found: {"__rate_interval": "1m", **values}[found[1] or found[2]], text)


def chosen(job: Any) -> dict[str, str]:
    place = {"account": job.account_id, "region": job.region}
    return {**place, "team": ".*", "job": job.name, "search": search_of(job.name)}


def ask(demo: Any, query: Query, values: Mapping[str, str], moment: float | None = None) -> list[Any]:
    """Return the series of the answer, over some seconds as for a graph, or at their end as for a table."""
    expression, end = filled(query.expression, values), moment or demo.moment()
    if query.instant:
        return demo.prometheus.query(expression, at=end)
    return demo.prometheus.query_range(expression, start=end - 2, end=end, step=1)


def values_of(demo: Any, variable: Mapping[str, Any], values: Mapping[str, str]) -> set[str]:
    """Return what Grafana would offer."""
    query = filled(variable["query"]["query"], values)
    if plain := re.fullmatch(r"label_values\((.*), (\w+)\)", query):
        return {series[plain[2]] for series in demo.prometheus.series(plain[1]) if plain[2] in series}
    answer = re.fullmatch(r"query_result\((.*)\)", query)
    assert answer
    lines = [
        "{" + ",".join(f'{name}="{value}"' for name, value in sample.labels.items()) + f"}} {sample.value}"
        for sample in demo.prometheus.query(answer[1], at=demo.moment())
    ]
    regex = re.compile(variable["regex"].strip("/"))
    return {found[1] for line in lines if (found := regex.search(line))}


@pytest.mark.parametrize("query", queries(FLEET), ids=str)
def test_the_fleet_is_shown(demo, query):
    wait_until(lambda: ask(demo, query, ALL), what=query.expression)


@pytest.mark.parametrize("query", queries(TUNING_JOB), ids=str)
def test_a_job_is_shown(demo, query):
    """No tuning job has everything, but none makes a query fail, and each query tells something of one."""
    moment = demo.moment()
    answers = {job.name: ask(demo, query, chosen(job), moment) for job in demo.jobs if job.scenario in TELLING}
    assert any(answers.values())


def test_a_search_with_every_limit_fills_the_dashboard(demo):
    job = next(job for job in demo.jobs if job.scenario == "hyperband")
    moment = demo.moment()
    empty = Counter(
        query.title
        for query in queries(TUNING_JOB)
        if query.title != "Alerts" and not ask(demo, query, chosen(job), moment)
    )
    assert empty == {
        "Configuration": 2,  # neither converged
        "Converged": 1,
        "Ended": 1,  # nor ended
        "Warm start parents": 1,
        "Why it cannot be described": 1,
        "Best objective over time": 1,  # no parents that could have a better one
        "Cost and best value": 1,  # no training job failed
        "Training jobs failed, by reason": 1,
    }


@pytest.mark.parametrize("dashboard", [FLEET, TUNING_JOB])
def test_every_variable_offers_something(demo, dashboard):
    values = dict(ALL)
    for variable in variables(dashboard):
        offered = values_of(demo, variable, values)
        assert offered
        values.setdefault(variable["name"], min(offered))
        if not variable.get("includeAll"):
            values[variable["name"]] = min(offered)


def test_variables_offer_what_those_before_leave(demo):
    offered = {
        variable["name"]: values_of(demo, variable, {**ALL, "region": "us-east-1", "team": "search"})
        for variable in variables(FLEET)
    }
    assert offered["region"] == {job.region for job in demo.jobs}
    assert offered["team"] == set(demo.teams.values())
    assert offered["job"] == {name for name, team in demo.teams.items() if team == "search"}


def test_where_nobody_has_a_team_everything_is_shown(demo):
    values = {**ALL, "region": SECOND_REGION}
    team = next(variable for variable in variables(FLEET) if variable["name"] == "team")
    assert values_of(demo, team, values) == set()
    running = next(query for query in queries(FLEET) if query.title == "Running tuning jobs")
    shown = {sample.labels["tuning_job"] for sample in ask(demo, running, values)}
    assert shown
    assert shown <= {job.name for job in demo.jobs} - demo.teams.keys()
    by_team = next(query for query in queries(FLEET) if query.title == "Training jobs running, by team")
    assert [series.labels for series in ask(demo, by_team, values)] == [{"label_team": "no team"}]


@pytest.mark.parametrize("query", of_jobs(FLEET), ids=str)
def test_a_team_sees_only_its_own(demo, query):
    answer = ask(demo, query, {**ALL, "team": "search"})
    others = {job.name for job in demo.jobs if demo.teams.get(job.name) != "search"}
    assert {found.labels.get("tuning_job") for found in answer}.isdisjoint(others)


@pytest.mark.parametrize("query", of_replicas(FLEET) + of_replicas(TUNING_JOB), ids=str)
def test_a_second_replica_changes_nothing(demo, query):
    values = {**ALL, "job": "[a-m].*"}
    expression = filled(query.expression, values)
    alone = SERVED.sub(rf'\1job="{REPLICAS[0]}",', expression)

    def the_same() -> bool:
        moment = demo.moment()
        both, one = (
            {tuple(sorted(sample.labels.items())): sample.value for sample in demo.prometheus.query(asked, at=moment)}
            for asked in (expression, alone)
        )
        return both == pytest.approx(one, rel=0.01, nan_ok=True)

    wait_until(the_same, what=alone)


def test_the_runs_of_a_search_are_compared(demo):
    """Of the chosen tuning job's account and region, and none where nothing tells the search."""
    runs = [job for job in demo.jobs if search_of(job.name) == "churn-xgboost"]
    assert len(runs) == 3
    began, best, cost, *_ = (query for query in queries(TUNING_JOB) if query.title == "Last 10 runs")
    for query in (began, best, cost):
        of_first, of_last = (ask(demo, query, chosen(job)) for job in (runs[0], runs[-1]))
        told = {sample.labels["tuning_job"] for sample in of_first}
        assert told == {sample.labels["tuning_job"] for sample in of_last}
        assert told <= {job.name for job in runs}
        assert ask(demo, query, chosen(runs[0]) | {"search": ""}) == []
    assert {sample.labels["tuning_job"] for sample in ask(demo, began, chosen(runs[0]))} == {job.name for job in runs}
