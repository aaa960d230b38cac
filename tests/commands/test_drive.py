"""One round, most in one thread on a clock that skips every wait."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fleet.driver import FakeApi, target_spec
from support.processes import PATIENCE
from support.simulated import SimulatedApi

from exporter.cli.causes import causes
from exporter.cli.drive import Round
from exporter.cli.online import Reached, Trouble
from exporter.cli.online_text import lines
from exporter.clock import SkippingClock, SystemClock
from exporter.config import parse
from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import JobState
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.service import Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec

START = float(2**30)
ACCOUNT = "123456789012"
SEARCHES = 5


class Timed(SimulatedApi):
    """Remembers when each call was made."""

    def __init__(self, simulator: Simulator, region: str, clock: SkippingClock) -> None:
        super().__init__(simulator, region, ACCOUNT)
        self.at: list[float] = []
        self._clock = clock

    def _call(self, *arguments: Any) -> Any:
        self.at.append(self._clock.monotonic())
        return super()._call(*arguments)


class Fleet:
    """Five tuning jobs in each of two regions, and the round that reads them."""

    def __init__(self, **settings: Any) -> None:
        self.clock = SkippingClock(START)
        self.simulator = Simulator(self.clock)
        for region in ("eu-west-1", "us-east-1"):
            for number in range(SEARCHES):
                self.simulator.create(
                    "healthy",
                    f"search-{number}",
                    region=region,
                    created=START - 7_200.0 - number,
                    tags={"env": "prod" if number else "dev"},
                )
        configuration = {
            "discover": [
                {"name": region, "region": region, "name_contains": "search-", "tags": {"env": "prod"}}
                for region in ("eu-west-1", "us-east-1")
            ],
            "tuning_jobs": [{"name": "search-0", "region": "eu-west-1"}],
            "tag_labels": ["env"],
            "collect": ["training_jobs"],
        } | settings
        self.apis: dict[str, Timed] = {}
        self.settings = parse(json.dumps(configuration), "test.yaml")
        self.round = Round(self.settings.targets, self._api, Telemetry(lasts=False), self.clock)

    def _api(self, spec: TargetSpec) -> Timed:
        self.apis[spec.name] = Timed(self.simulator, spec.key.region, self.clock)
        return self.apis[spec.name]

    def run(self, seconds: float = 600.0) -> list[str]:
        self.round.run(seconds, lambda: None)
        return [*causes(self.round, seconds)]


def test_a_round_has_all_that_is_listed_and_found_with_tags_and_training_jobs() -> None:
    fleet = Fleet(spend={"billable": "search"})
    assert fleet.run() == []
    views = fleet.round.views()
    assert [len(view.jobs) for view in views] == [SEARCHES, SEARCHES - 1]
    for job in (job for view in views for job in view.jobs):
        assert job.facts is not None
        assert job.tags == {"env": "dev" if job.name == "search-0" else "prod"}
        assert job.spend is not None
        assert job.spend.billed_seconds
        assert not job.spend.incomplete.billable_unknown
        assert job.next_describe != job.next_describe  # there is none
    # The bills did not wait for others: all of it came at once.
    assert fleet.clock.monotonic() < 60.0
    named = [name for api in fleet.apis.values() for name in api.inputs("DescribeHyperParameterTuningJob")]
    assert len(named) == 2 * SEARCHES - 1


def test_no_call_comes_before_the_budget_has_it() -> None:
    fleet = Fleet(aws={"requests_per_second": 0.5})
    assert fleet.run() == []
    for api in fleet.apis.values():
        gaps = [later - earlier for earlier, later in zip(api.at, api.at[1:], strict=False)]
        assert min(gaps) >= 2.0 - 1e-6
    # One after the other, the targets do not wait for each other.
    assert fleet.clock.monotonic() == pytest.approx(2.0 * (max(len(api.at) for api in fleet.apis.values()) - 1))


def test_what_may_soon_succeed_is_tried_again() -> None:
    fleet = Fleet()
    fault = fleet.simulator.faults.add(Fault(Kind.THROTTLED, region="eu-west-1", name="search-1"))

    def lift_once_struck() -> None:
        if any(tried.failing for each in fleet.round.targets for tried in each.tried.values()):
            fleet.simulator.faults.clear()

    fleet.round.run(600.0, lift_once_struck)
    assert fault not in fleet.simulator.faults
    assert [*causes(fleet.round, 600.0)] == []
    assert fleet.apis["eu-west-1"].inputs("DescribeHyperParameterTuningJob").count("search-1") == 2


def test_what_keeps_failing_is_told_once_with_what_to_do() -> None:
    fleet = Fleet()
    fleet.simulator.faults.add(Fault(Kind.ACCESS_DENIED, "DescribeHyperParameterTuningJob", region="eu-west-1"))
    fleet.simulator.faults.add(Fault(Kind.THROTTLED, "ListHyperParameterTuningJobs", region="us-east-1"))
    lines = fleet.run()
    assert len(lines) == 2
    assert lines[0].startswith(
        "error: DescribeHyperParameterTuningJob fails with access_denied for 5 tuning jobs (such as search-0) in eu-west-1: "
    )
    assert lines[0].endswith("Allow sagemaker:DescribeHyperParameterTuningJob to the exporter's identity.")
    assert lines[1].startswith("error: ListHyperParameterTuningJobs fails with throttled in us-east-1: ")
    eu = fleet.round.views()[0]
    assert eu.states[JobState.FAILING] == SEARCHES


def test_a_round_that_takes_too_long_ends_with_what_it_had() -> None:
    fleet = Fleet(aws={"requests_per_second": 0.1})
    lines = fleet.run(30.0)
    assert lines == [
        "error: the round did not end within 30s for eu-west-1, us-east-1: raise --timeout or requests_per_second"
    ]
    assert fleet.clock.monotonic() == 30.0
    assert any(view.jobs for view in fleet.round.views())


def test_what_others_said_does_nothing_to_a_terminal() -> None:
    api = FakeApi()
    api.jobs["a"] = CallFailed(ErrorCode.ACCESS_DENIED, "not \x1b[31mallowed\x9b")
    made = Round([target_spec("a")], lambda _: api, Telemetry(lasts=False), SkippingClock(START))
    made.run(3.0, lambda: None)
    (line,) = causes(made, 3.0)
    assert r"not \x1b[31mallowed\x9b" in line
    trouble = Trouble("access_denied", "\x07", "Allow it to \x1b[0m.")
    reached = Reached("t", "r", None, "na\x1bme", None, "arn\x1b]0;", None, trouble, (), (), (), complete=True)
    assert "".join(lines(reached)).isprintable()


def test_no_call_begins_once_time_is_up() -> None:
    clock = SkippingClock(START)

    class Hanging(FakeApi):
        def describe(self, name: str) -> Any:
            clock.skip_to(clock.monotonic() + 15.0)
            return super().describe(name)

    specs = [replace(target_spec("a"), name=name) for name in ("first", "second", "third")]
    made = Round(specs, lambda _: Hanging(), Telemetry(lasts=False), clock)
    made.run(3.0, lambda: None)
    assert clock.monotonic() == 15.0
    assert [bool(each.tried) for each in made.targets] == [True, False, False]
    assert [each.over for each in made.targets][1:] == [False, False]


def test_a_target_that_hangs_keeps_no_other_waiting() -> None:
    answered = threading.Event()

    class Hanging(FakeApi):
        def describe(self, name: str) -> Any:
            assert answered.wait(PATIENCE)
            return super().describe(name)

    class Answering(FakeApi):
        def describe(self, name: str) -> Any:
            answered.set()
            return super().describe(name)

    specs = [replace(target_spec("a"), name=name) for name in ("first", "second")]
    made = Round(
        specs,
        lambda spec: Hanging() if spec.name == "first" else Answering(),
        Telemetry(lasts=False),
        SystemClock(),
        threads=2,
    )
    made.run(PATIENCE, lambda: None)
    assert [each.given_up for each in made.targets] == [False, False]
    assert all(view.states[JobState.RUNNING] == 1 for view in made.views())


def test_a_target_without_credentials_is_given_up_and_the_others_go_on() -> None:
    clock, api, deaf = SkippingClock(START), FakeApi(), FakeApi()
    names = [f"job-{number}" for number in range(50)]
    for name in names:
        deaf.jobs[name] = CallFailed(ErrorCode.NO_CREDENTIALS, "there are none")
    specs = [target_spec(*names), replace(target_spec(*names), name="other")]
    by_name = {"eu": deaf, "other": api}
    made = Round(specs, lambda spec: by_name[spec.name], Telemetry(lasts=False), clock)
    made.run(600.0, lambda: None)
    first, second = made.targets
    assert (first.given_up, second.given_up) == (True, False)
    assert sum(tried.calls for tried in first.tried.values()) == 3
    assert second.view.states[JobState.RUNNING] == len(names)
    lines = [*causes(made, 600.0)]
    assert lines[0].startswith("error: DescribeHyperParameterTuningJob fails with no_credentials for 3 tuning jobs ")
    assert lines[1] == "error: 47 tuning jobs of eu were not tried, because calls there fail: see above"


def test_a_job_that_was_deleted_meanwhile_is_no_failure() -> None:
    fleet = Fleet(tuning_jobs=[], collect=[], tag_labels=[])
    created, tags = START - 3_600.0, {"env": "prod"}
    fleet.simulator.create("failed-at-once", "search-ended", region="eu-west-1", created=created, tags=tags)
    missing = fleet.apis["eu-west-1"].describe

    def describe(name: str) -> Any:
        if name == "search-ended":
            fleet.simulator.delete(name, region="eu-west-1")
        return missing(name)

    fleet.apis["eu-west-1"].describe = describe  # type: ignore[method-assign]
    assert fleet.run() == []


def test_without_targets_there_is_nothing_to_do() -> None:
    made = Round((), lambda _: FakeApi(), Telemetry(lasts=False), SkippingClock(START))
    made.run(10.0, lambda: None)
    assert made.views() == ()
    assert [*causes(made, 10.0)] == []


def test_an_endless_wait_on_a_clock_that_skips_is_an_error() -> None:
    clock = SkippingClock(START)
    with pytest.raises(RuntimeError):
        clock.wait(None, None)  # type: ignore[arg-type]
