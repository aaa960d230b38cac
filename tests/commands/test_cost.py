"""What plan says of calls and series, against what the simulator counts and a scrape of it shows over a simulated day."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fleet.driver import START, Driver
from support.clock import ManualClock
from support.simulated import SimulatedApi
from support.text import found as found_in

from exporter.cli import cost as cost_module
from exporter.cli.cost import HOURS, cost, count_series, expected, memory
from exporter.cli.stand_in import Expected
from exporter.config import parse
from exporter.config.specs import Account
from exporter.exposition import Format, families_in_force
from exporter.exposition.publish import publish
from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.config import Settings
    from exporter.fleet import TargetView

ACCOUNT, REGION = "123456789012", "us-east-1"
DAY = 86_400.0
LASTING = replace(SCENARIOS["healthy"], trial=(50 * 60.0, 250 * 60.0))
"""Those that run do so for more than a day."""


@dataclass(frozen=True)
class Case:
    """A configuration and the tuning jobs that it watches."""

    settings: dict[str, Any]
    running: int
    ended: int


CASES = {
    "listed": Case({"tuning_jobs": [f"search-{n}" for n in range(12)]}, 10, 2),
    "one by one": Case({"tuning_jobs": [f"search-{n}" for n in range(4)], "interval": "5m", "describe_max_age": "0s"}, 3, 1),
    "found": Case({"discover": [{"name_contains": "search", "max_jobs": 30}], "retention": "7d"}, 12, 12),
    "training jobs": Case({"tuning_jobs": [f"search-{n}" for n in range(6)], "collect": ["training_jobs"]}, 6, 0),
    "tags and bills": Case(
        {
            "discover": [{"tags": {"env": "prod"}}],
            "tag_labels": ["env"],
            "retention": "7d",
            "interval": "2m",
            "collect": ["training_jobs"],
            "spend": {"billable": "search"},
        },
        8,
        4,
    ),
}  # fmt: skip


class Watched:
    """A day of a simulated account: its exporter, and how often what a list tells of a tuning job changes in a minute."""

    def __init__(self, case: Case, settings: Any) -> None:
        clock = ManualClock(START)
        self.simulator = simulator = Simulator(clock, default_region=REGION, default_account_id=ACCOUNT)
        tags = {"env": "prod"}
        for number in range(case.running):
            where: dict[str, Any] = {"region": REGION, "account_id": ACCOUNT}
            created = START - 10_000.0 - number
            simulator.add(Life(f"search-{number}", LASTING, **where, created=created, speed=1.0, seed=0, tags=tags))
        for number in range(case.running, case.running + case.ended):
            simulator.create("healthy", f"search-{number}", created=START - 40_000.0 - number, speed=2.0, tags=tags)
        self.spec = settings.targets[0]
        self.driver = Driver(self.spec, api=SimulatedApi(simulator, REGION, ACCOUNT), clock=clock)
        self.changes = 0
        before: dict[str, Any] = {}
        minutes = int(DAY / 60)
        for minute in range(1, minutes + 1):
            self.driver.run(minute * 60.0)
            page = simulator.list(StatusEquals="InProgress", MaxResults=100)["HyperParameterTuningJobSummaries"]
            told = {each["HyperParameterTuningJobName"]: each["TrainingJobStatusCounters"] for each in page}
            self.changes += sum(told[name] != before.get(name, told[name]) for name in told)
            before = told
        self.calls = {operation: count for (operation, _), count in simulator.requests.items()}
        self.calls["ListHyperParameterTuningJobs"] -= minutes
        assert len(before) == case.running  # none has ended


def unforeseen(settings: Settings, views: Sequence[TargetView]) -> int:
    """Return how many series tell of the training jobs that failed or were stopped, by status or reason."""
    body = publish(1, tuple(views), families_in_force(settings.collect)).bodies[Format.TEXT]
    lines = b"".join(body.inflated()).decode().splitlines()
    fates = re.compile(r'sagemaker_tuning_job_(training|billable|estimated)_.*[{,](reason="|status="(?!Completed"))')
    return sum(fates.match(line) is not None for line in lines)


def planned_views(settings: Settings, wanted: Expected) -> list[TargetView]:
    """Return what the stand-in of each target shows after an hour."""
    days = [cost_module._Day(spec, wanted, Telemetry(lasts=False)) for spec in settings.targets]
    for day in days:
        day.run(3_600.0)
    return [day.view for day in days]


@pytest.mark.long
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_calls_are_within_a_tenth_of_the_simulators_and_series_are_exact(case: Case) -> None:
    settings = parse(json.dumps({"aws": {"region": REGION}} | case.settings), "test.yaml")
    watched = Watched(case, settings)
    jobs = case.running + case.ended
    wanted = Expected(jobs, case.running, watched.changes / (HOURS * 60))
    found = cost(settings, {watched.spec.name: wanted}, lambda: None)
    (target,) = found.targets
    assert (target.tuning_jobs, target.running) == (jobs, case.running)
    counted = {operation: count / HOURS for operation, count in watched.calls.items() if count}
    planned = dict(target.an_hour)
    assert sum(planned.values()) == pytest.approx(sum(counted.values()), rel=0.1)
    for operation in counted.keys() | planned.keys():
        assert planned.get(operation, 0.0) == pytest.approx(counted.get(operation, 0.0), rel=0.1, abs=0.1), operation
    view = watched.driver.target.view(watched.driver.now)
    series, own = count_series(settings, [view], watched.driver.telemetry)
    assert found.own_series == own
    # Nobody knows beforehand how training jobs will end beside those that complete.
    fates = unforeseen(settings, [view])
    assert found.series - unforeseen(settings, planned_views(settings, wanted)) == series - fates
    if fates:
        assert found.series == pytest.approx(series, rel=0.15)
    else:
        assert found.series == series


def test_a_load_that_fills_the_budget_is_told_as_such_without_playing_the_whole_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cost_module, "_ENOUGH_CALLS", 1_000)
    configuration = {
        "aws": {"region": REGION, "requests_per_second": 0.5},
        "interval": "10s",
        "describe_max_age": "0s",
        "tuning_jobs": [f"search-{n}" for n in range(20)],
    }
    settings = parse(json.dumps(configuration), "test.yaml")
    steps: list[None] = []
    (target,) = cost(settings, {REGION: Expected(20, 20, 1.0)}, lambda: steps.append(None)).targets
    assert target.budget_an_hour == 1_800.0
    assert sum(target.an_hour.values()) == pytest.approx(1_800.0, rel=0.01)
    assert target.most_in_an_hour == pytest.approx(1_800.0, rel=0.01)
    assert target.waited > 0.9
    assert len(steps) * 300 < DAY / 2


@pytest.mark.long
def test_a_day_that_goes_on_as_it_went_takes_what_the_whole_day_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    configuration = {
        "aws": {"region": REGION},
        "discover": [{"max_jobs": 100}],
        "collect": ["training_jobs"],
        "tag_labels": ["a"],
    }
    settings = parse(json.dumps(configuration), "test.yaml")
    wanted = {REGION: Expected(60, 30, 1.5)}
    (whole,) = cost(settings, wanted, lambda: None).targets
    monkeypatch.setattr(cost_module, "_ENOUGH_CALLS", 1_000)
    (short,) = cost(settings, wanted, lambda: None).targets
    # Of the tags nothing comes before the end of the day.
    assert short.an_hour.keys() == whole.an_hour.keys() - {"ListTags"}
    for operation, calls in short.an_hour.items():
        assert calls == pytest.approx(whole.an_hour[operation], rel=0.1, abs=0.5), operation
    assert short.most_in_an_hour == pytest.approx(whole.most_in_an_hour, rel=0.1)
    assert sum(short.an_hour.values()) == pytest.approx(sum(whole.an_hour.values()), rel=0.1)


def test_the_daily_reading_of_quotas_is_counted_page_by_page() -> None:
    configuration = {"aws": {"region": REGION}, "tuning_jobs": ["a"], "interval": "1h"}
    found = {}
    for collect in ([], ["quotas"]):
        settings = parse(json.dumps({**configuration, "collect": collect}), "test.yaml")
        found[len(collect)] = cost(settings, {REGION: Expected(1, 1, 0.0)}, lambda: None)
    (without,), (target,) = found[0].targets, found[1].targets
    # About a day after the first reading comes the next one, or before.
    assert round(target.an_hour["ListServiceQuotas"] * HOURS) in {20, 40}
    assert target.an_hour.keys() - without.an_hour.keys() == {"ListServiceQuotas"}
    # Of the one instance type, on demand and on spot; and the counters of the operation.
    assert found[1].series == found[0].series
    assert found[1].own_series - found[0].own_series >= 2


def test_targets_that_are_alike_take_the_same() -> None:
    regions = ("eu-west-1", "us-east-1")
    rules = [{"region": region, "max_jobs": 5} for region in regions]
    settings = parse(json.dumps({"interval": "30m", "discover": rules}), "test.yaml")
    wanted = {region: expected(settings.targets[0], None, None, None) for region in regions}
    steps: list[float] = []
    found = cost(settings, wanted, lambda: steps.append(0.0))
    first, second = found.targets
    one = cost(replace(settings, targets=settings.targets[:1]), wanted, lambda: steps.append(1.0))
    assert steps.count(0.0) == steps.count(1.0) + 1  # the second one has no day of its own
    assert found.series == 2 * one.series
    assert (first.target, second.target) == regions
    assert first.an_hour == second.an_hour
    assert (found.tuning_jobs, found.running) == (10, 10)


def test_accounts_are_alike_whatever_they_are_called() -> None:
    text = json.dumps(
        {
            "interval": "30m",
            "aws": {"region": REGION, "organization": {"role_name": "r"}},
            "discover": [{"max_jobs": 5}],
        }
    )
    settings = parse(text, "test.yaml")
    accounts = [Account(f"{number:012}", f"team-{number}") for number in range(2)]
    settings = settings.with_accounts({settings.organizations[0]: accounts})
    wanted = {spec.name: expected(spec, None, None, None) for spec in settings.targets}
    steps: list[float] = []
    cost(settings, wanted, lambda: steps.append(0.0))
    cost(replace(settings, targets=settings.targets[:1]), wanted, lambda: steps.append(1.0))
    assert steps.count(0.0) == steps.count(1.0) + 1  # the second one has no day of its own


@pytest.mark.parametrize(
    ("given", "jobs", "running", "changes"),
    [
        ((None, None, None), 12, 12, 0.24),
        ((500, None, None), 500, 100, 2.0),
        ((1, 7, 3.0), 2, 2, 3.0),
        ((50, 0, None), 50, 0, 0.0),
    ],
)
def test_what_nobody_says_is_the_most_that_there_may_be(
    given: tuple[int | None, int | None, float | None], jobs: int, running: int, changes: float
) -> None:
    text = json.dumps({"aws": {"region": REGION}, "tuning_jobs": ["a", "b"], "discover": [{"max_jobs": 10}]})
    (spec,) = parse(text, "test.yaml").targets
    found = expected(spec, *given)
    assert (found.jobs, found.running) == (jobs, running)
    assert found.changes_per_minute == pytest.approx(changes)


PERFORMANCE = Path(__file__, "../../../docs/performance.md").resolve().read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("row", "jobs", "targets"),
    [
        ("memory at rest, 10 jobs", 10, 1),
        ("memory in all, 10,000 jobs", 10_000, 1),
        ("memory, 20 accounts", 20, 20),
        ("memory, 200 accounts", 200, 200),
        ("memory, 1,000 accounts", 1_000, 1_000),
    ],
)
def test_memory_is_within_a_quarter_of_what_was_measured(row: str, jobs: int, targets: int) -> None:
    measured = float(found_in(rf"(?m)^\| {row} \| ([\d.]+) MB", PERFORMANCE)[1])
    assert memory(jobs, targets, 0, 0) == pytest.approx(measured, rel=0.25)


def test_memory_for_training_jobs_is_within_a_quarter_too() -> None:
    row = r"(?m)^\| memory for training jobs, 1,000 tuning jobs of 500 training jobs \| ([\d.]+) MB"
    measured = float(found_in(row, PERFORMANCE)[1])
    more = memory(1_000, 1, 0, 500_000) - memory(1_000, 1, 0, 0)
    assert more == pytest.approx(measured, rel=0.25)
