"""What the documentation asks to find a trouble finds none where there is none, and neither do the alerts.

Two fleets are watched by the exporter's own targets on a clock set by hand, and a real Prometheus is asked.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, get_args

import promql_parser as promql
import pytest
from render_rules import alerts, load
from replay.drive import Scrape
from replay.firing import record
from replay.fleet import Fleet
from replay.rules import Rules
from replay.samples import backfill
from support.clock import ManualClock
from support.prometheus import Prometheus
from support.promql import vocabulary
from support.simulated import SimulatedApi
from support.tools import ROOT
from test_contract import fenced, questions

from exporter.config import parse
from exporter.config.values import FamilyName
from exporter.exposition import Format, TargetCollector, families_in_force
from exporter.exposition.publish import EMPTY, publish
from exporter.fleet import Target, perform
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("queries")  # one worker watches the fleets

METRICS = vocabulary()
REGION, ACCOUNT = "us-east-1", "123456789012"
START = 1_764_000_000.0
INTERVAL = 60.0
HOURS = 8

Created = dict[str, tuple[str, float]]
"""Scenario, and hours before the first scrape, of each tuning job."""
ENDED: Created = {
    "ended-yesterday": ("hyperband", 30),
    "ended-with-parents": ("warm-start", 12),
    "ended-long-ago": ("healthy", 14),
    "ended-in-the-morning": ("healthy", 9),
}
LISTED = list(ENDED)[::2]
"""The others are found by a rule."""
FLEETS: dict[str, Created] = {
    "all ended": ENDED,
    "nothing wrong": ENDED
    | {
        "begun-before": ("healthy", 0.5),
        "begun-now": ("healthy", -HOURS + 0.02),
        "begun-lately": ("warm-start", -HOURS + 0.5),
    },
}

_ON = "on (aws_account_id, aws_region, tuning_job)"
_RUNNING = f'{_ON} sagemaker_tuning_job_status{{status="InProgress"}} == 1'
_ENDED = f'{_ON} sagemaker_tuning_job_status{{status=~"Completed|Failed|Stopped"}} == 1'
STATES = {
    f"sagemaker_tuning_job_best_objective_value and {_RUNNING}",
    f"(time() - sagemaker_tuning_job_best_training_job_end_timestamp_seconds) / 3600 and {_RUNNING}",
    f"sum by (aws_account_id) (sagemaker_tuning_job_runtime_seconds and {_ENDED})",
    f"sagemaker_tuning_job_last_modified_timestamp_seconds and {_ENDED}",
    "count by (status) (sagemaker_tuning_job_status == 1)",
    "sagemaker_tuning_job_warm_start_parents > 0",
    "sagemaker_tuning_job_end_timestamp_seconds > time() - 86400",
}
"""What compares and yet only shows how things are."""
TROUBLES = {"sagemaker_tuning_job_error_info", "sagemaker_tuning_exporter_target_error_info"}
"""Metrics that are there only while something is wrong."""


class Asked(NamedTuple):
    """A question of the documentation in one line, and where it stands."""

    place: str
    text: str

    def __str__(self) -> str:
        return self.place

    @property
    def about_a_trouble(self) -> bool:
        """Tell whether an answer means that something is wrong: it keeps some series and drops others, or such are its metrics."""
        return self.text not in STATES and (
            _keeps_some(promql.parse(self.text)) or any(t in self.text for t in TROUBLES)
        )


def _keeps_some(node: object) -> bool:
    if isinstance(node, promql.BinaryExpr):
        comparing = str(node.op) in {"==", "!=", "<", ">", "<=", ">=", "unless"}
        return comparing or _keeps_some(node.lhs) or _keeps_some(node.rhs)
    if isinstance(node, promql.Call):
        return any(map(_keeps_some, node.args))
    inside = getattr(node, "expr", None)
    return inside is not None and _keeps_some(inside)


def documented() -> list[Asked]:
    asked = [each for pattern in ("README.md", "docs/*.md") for each in questions(ROOT, pattern, fenced)]
    return [Asked(f"{each.file}:{each.line}", _one_line(each.text)) for each in asked]


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"(?m)^\s*#.*$", "", text).split()).replace('tuning_job="NAME"', 'tuning_job=~".+"')


DOCUMENTED = documented()
SHIPPED = Rules.shipped()
ASKED = replace(SHIPPED, by_name={**SHIPPED.by_name, **{str(each): {"expr": each.text} for each in DOCUMENTED}})
"""The alerts, and as if they were some what the documentation asks."""
ABOUT_TROUBLES = [each for each in DOCUMENTED if each.about_a_trouble]


def scrapes(created: Created) -> Iterator[Scrape]:
    """Yield what is scraped of a fleet that is listed in part and found by a rule in part, once in each interval."""
    clock = ManualClock(START)
    simulator = Simulator(clock)
    waiting = dict(created)
    configuration = "discover: [{region: us-east-1}]\ncollect: [training_jobs]\ntuning_jobs:\n" + "".join(
        f"  - {{name: {name}, region: us-east-1, labels: {{team: search}}}}\n" for name in LISTED
    )
    types = {one for each in SCENARIOS.values() for made in each.definitions for one, _ in made.instances}
    prices = "".join(f"    {one}: 0.5\n" for one in sorted(types))
    [spec] = parse(f"{configuration}spend:\n  prices:\n{prices}", "healthy.yaml").targets
    telemetry, published = Telemetry(), EMPTY
    telemetry.reload_successful.set(1)
    telemetry.reload_success_time.set(START)
    telemetry.show(TargetCollector(lambda: published))
    api = SimulatedApi(simulator, REGION, ACCOUNT)
    families = families_in_force(frozenset(get_args(FamilyName)))
    target = None
    for number in range(int(HOURS * 3600 / INTERVAL) + 1):
        at = START + number * INTERVAL
        clock.set_time(at)
        for name, (scenario, hours) in list(waiting.items()):
            if START - hours * 3600 <= at:
                simulator.create(scenario, name, region=REGION, account_id=ACCOUNT, created=START - hours * 3600)
                del waiting[name]
        target = target or Target(spec, telemetry, clock.now())
        while clock.time() < at + INTERVAL / 2:
            while (work := target.next(clock.now())) is not None:
                target.apply(work, perform(api, work), clock.now())
            clock.advance(1)
        target.expire(clock.now())
        published = publish(number + 1, [target.view(clock.now())], families)
        jobs = b"".join(published.bodies[Format.TEXT].inflated()).decode()
        yield Scrape(clock.time(), "pod-0", jobs, telemetry.render_text().decode())


@pytest.fixture(scope="module", params=FLEETS)
def watched(
    request: pytest.FixtureRequest, promtool: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Prometheus, float]]:
    """Return a Prometheus that has scraped one of the fleets, and the time of the last scrape."""
    directory = tmp_path_factory.mktemp("healthy")
    (directory / "data").mkdir()
    told = list(scrapes(FLEETS[request.param]))
    backfill(told, METRICS, promtool, directory / "data")
    fleet = Fleet(1, INTERVAL, START, told[-1].at + INTERVAL, (), (), (), ())
    binary = promtool.with_name("prometheus")
    record(ASKED, fleet, promtool, binary, directory)
    with Prometheus(binary, directory, [], flags=["--storage.tsdb.retention.time=100y"]) as prometheus:
        yield prometheus, told[-1].at


def test_the_fleets_are_what_they_are_called(watched: tuple[Prometheus, float], request: pytest.FixtureRequest) -> None:
    prometheus, at = watched
    asked = "count by (status) (sagemaker_tuning_job_status == 1)"
    points = {
        series.labels["status"]: series.points
        for series in prometheus.query_range(asked, start=at - HOURS * 3600 + INTERVAL, end=at, step=INTERVAL)
    }
    assert points.keys() == ({"Completed"} if "all ended" in request.node.name else {"Completed", "InProgress"})
    assert all(value >= len(ENDED) for _, value in points["Completed"])
    running = prometheus.query("tuning_job:sagemaker_tuning_job_slots:used", at=at - INTERVAL)
    assert bool(running) == ("InProgress" in points)
    assert prometheus.query("sagemaker_tuning_exporter_last_poll_timestamp_seconds", at=at)


@pytest.mark.parametrize("asked", ABOUT_TROUBLES, ids=str)
def test_no_trouble_is_found_where_there_is_none(watched: tuple[Prometheus, float], asked: Asked) -> None:
    prometheus, at = watched
    assert prometheus.query_range(asked.text, start=at - HOURS * 3600 + INTERVAL, end=at, step=INTERVAL) == [], (
        asked.text
    )


@pytest.mark.parametrize("rule", list(alerts(load())), ids=lambda rule: rule["alert"])
def test_no_alert_begins(watched: tuple[Prometheus, float], rule: dict[str, str]) -> None:
    prometheus, at = watched
    assert prometheus.query_range(rule["expr"], start=at - HOURS * 3600 + INTERVAL, end=at, step=INTERVAL) == []


def test_the_time_of_the_last_answer_moves_though_no_answer_is_new(watched: tuple[Prometheus, float]) -> None:
    prometheus, at = watched
    age = "time() - sagemaker_tuning_exporter_target_last_success_timestamp_seconds"
    [series] = prometheus.query_range(age, start=at - HOURS * 3600 + INTERVAL, end=at, step=INTERVAL)
    # A list in each interval.
    assert max(value for _, value in series.points) <= 2 * INTERVAL


def test_all_that_is_excepted_is_asked() -> None:
    assert {each.text for each in DOCUMENTED} >= STATES
    assert len(ABOUT_TROUBLES) > 20
