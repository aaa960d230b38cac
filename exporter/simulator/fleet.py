"""A fleet with one tuning job of each scenario, at different stages of their lives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from exporter.simulator.configuration import configuration
from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS

if TYPE_CHECKING:
    from exporter.simulator.service import Simulator


SECOND_REGION = "eu-west-1"

_DAY = 86_400.0
_OLDEST, _YOUNGEST = 730 * _DAY, 31 * _DAY


class Member(NamedTuple):
    """One job of a fleet."""

    name: str
    region: str
    account_id: str
    scenario: str
    team: str


class _Entry(NamedTuple):
    """A job to create. ``age`` is the simulated hours since its creation, ``pace`` its share of the fleet's speed."""

    scenario: str
    name: str
    team: str
    second_region: bool
    age: float
    pace: float


FLEET = (
    _Entry("healthy", "churn-xgboost-251125", "growth", second_region=False, age=1.2, pace=0.1),
    _Entry("converged-running", "fraud-network-251124", "risk", second_region=False, age=5.5, pace=0.1),
    _Entry("failing-training-jobs", "basket-embedding-251125", "search", second_region=False, age=0.8, pace=0.05),
    _Entry("failing-from-the-start", "Speech-Network-First-Try", "search", second_region=False, age=3.0, pace=1.0),
    _Entry("objective-never-emitted", "in-house-trainer-test", "platform", second_region=True, age=1.0, pace=0.1),
    _Entry("stuck", "demand-forecast-weekly", "supply", second_region=True, age=6.0, pace=1.0),
    _Entry("near-time-limit", "demand-forecast-hourly", "supply", second_region=True, age=3.4, pace=0.01),
    _Entry("failed-at-once", "Uplift-Model-First-Try", "growth", second_region=False, age=2.0, pace=1.0),
    _Entry("stopped", "pricing-random-search", "supply", second_region=True, age=4.0, pace=1.0),
    _Entry("stopped", "pricing-random-search-2", "supply", second_region=True, age=2.05, pace=0.005),
    _Entry("deleting", "scratch-network-delete-me", "platform", second_region=True, age=3.05, pace=0.02),
    _Entry("warm-start", "churn-xgboost-251125-warm", "growth", second_region=False, age=1.0, pace=0.08),
    _Entry("several-definitions", "credit-risk-two-algorithms", "risk", second_region=False, age=0.6, pace=0.1),
    _Entry("hyperband", "vision-hyperband-251125", "search", second_region=True, age=0.4, pace=0.02),
    _Entry("grid", "text-encoder-grid", "search", second_region=False, age=0.5, pace=0.1),
    _Entry("just-created", "churn-xgboost-251126", "growth", second_region=False, age=0.05, pace=0.1),
    _Entry("edge-of-range", "search-ranker-251125", "search", second_region=True, age=2.0, pace=0.05),
    _Entry("vintage-2020", "housing-xgboost-2020-03-26", "risk", second_region=False, age=5.0, pace=1.0),
    _Entry("completed", "energy-load-251120", "supply", second_region=True, age=20.0, pace=1.0),
)
"""The entries of the mixed fleet. Running jobs have a fraction of its speed, so that you can watch them."""


def mixed_fleet(simulator: Simulator, speed: float) -> list[Member]:
    """Create jobs of all scenarios, some in the simulator's default region and some in ``SECOND_REGION``.

    At speed 60 several keep changing for more than half an hour. Raises ApiError if one of the names is in use.
    """
    members = []
    now = simulator.clock.time()
    for entry in FLEET:
        pace = speed * entry.pace
        life = simulator.create(
            entry.scenario,
            entry.name,
            region=SECOND_REGION if entry.second_region else None,
            created=now - entry.age * 3600 / pace,
            speed=pace,
            tags={"scenario": entry.scenario, "team": entry.team},
        )
        members.append(Member(life.name, life.region, life.account_id, entry.scenario, entry.team))
    return members


def old_jobs(simulator: Simulator, count: int, *, region: str | None = None, account_id: str | None = None) -> None:
    """Create ``count`` tuning jobs that ended between a month and two years ago. Their lives are short, so this is fast.

    Their names are old-00000 and so on. Raises ApiError if one of the names is in use.
    """
    where = {"region": region or simulator.default_region, "account_id": account_id or simulator.default_account_id}
    kinds = [(scenario, configuration(scenario, **where, speed=1.0)) for scenario in _OLD]
    now = simulator.clock.time()
    for number in range(count):
        scenario, constant = kinds[number % len(kinds)]
        age = _OLDEST - (_OLDEST - _YOUNGEST) * number / count
        simulator.add(
            Life(
                f"old-{number:05}",
                scenario,
                **where,
                created=now - age,
                speed=1.0,
                seed=0,
                tags={},
                constant=constant,
            )
        )


_OLD = (
    replace(SCENARIOS["completed"], max_jobs=2, parallel=2),
    SCENARIOS["failed-at-once"],
    replace(SCENARIOS["stopped"], stops_at=30.0, stopping=60.0),
)
