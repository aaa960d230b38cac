"""A simulated account and region, and targets that watch it by rules."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from fleet.driver import ACCOUNT, REGION, Driver, known, target_spec
from support.clock import ManualClock
from support.simulated import SimulatedApi

from exporter.config.specs import ExclusionSpec, RuleSpec, TargetSpec
from exporter.config.tag_condition import TagCondition, parse_tag_condition
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Mapping

NOW = float(2**30)
HOUR = 3_600.0
DAY = 24 * HOUR
DESCRIBE = "DescribeHyperParameterTuningJob"
LIST = "ListHyperParameterTuningJobs"


def rule(name: str = "all", **conditions: Any) -> RuleSpec:
    defaults: dict[str, Any] = {
        "name_contains": None,
        "name_regex": None,
        "statuses": frozenset(),
        "created_within": None,
        "tags": {},
        "max_jobs": 200,
        "labels": {},
    }
    settings = defaults | conditions
    return RuleSpec(name, **(settings | {"tags": asked(settings["tags"])}))


def exclusion(tags: Mapping[str, Any] = MappingProxyType({}), **conditions: Any) -> ExclusionSpec:
    return ExclusionSpec(tags=asked(tags), **conditions)


def asked(tags: Mapping[str, Any]) -> Mapping[str, TagCondition]:
    """Return conditions about tags that are written as in a file."""
    return {key: parse_tag_condition(value) for key, value in tags.items()}


def rules(*given: RuleSpec, names: tuple[str, ...] = (), **changes: Any) -> TargetSpec:
    return target_spec(*names, rules=given, **changes)


class Account:
    """A simulated account and region, and a target that watches it.

    Its lists are of the moment, so that tests can name the call that must find a thing; ``list_lag`` of the simulator
    makes them as late as they really are.
    """

    def __init__(self) -> None:
        self.clock = ManualClock(NOW)
        self.simulator = Simulator(self.clock)
        self.simulator.list_lag = 0.0
        self.api = SimulatedApi(self.simulator, REGION, ACCOUNT)

    def create(self, name: str, scenario: str = "healthy", *, age: float = 0.0, **settings: Any) -> Any:
        return self.simulator.create(
            scenario, name, region=REGION, account_id=ACCOUNT, created=self.clock.time() - age, **settings
        )

    def delete(self, name: str) -> None:
        self.simulator.delete(name, region=REGION, account_id=ACCOUNT)

    def watch(self, spec: TargetSpec) -> Driver:
        return Driver(spec, api=self.api, clock=self.clock)


def run(driver: Driver, seconds: float) -> None:
    driver.run(until=driver.now.monotonic + seconds)


def ended_ago(account: Account, name: str, ago: float, ran: float = 5 * HOUR, **settings: Any) -> None:
    """Create a tuning job that ran for so long and ended so long ago."""
    life = Simulator(ManualClock(NOW)).create("completed", name)
    account.create(name, "completed", age=ago + ran, speed=(known(life.ended) - life.created) / ran, **settings)
