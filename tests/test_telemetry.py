from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.clock import ManualClock
from support.simulated import SimulatedApi

from exporter import __version__
from exporter.config import parse
from exporter.errors import ErrorCode
from exporter.exposition import TargetCollector
from exporter.exposition.publish import EMPTY, publish
from exporter.fleet import Target, perform
from exporter.simulator.service import Simulator
from exporter.telemetry import PREFIX, REVISION_VARIABLE, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterable

    from prometheus_client import Metric

OPERATIONS = ("Describe", "Identify")
Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def series(telemetry: Telemetry) -> Series:
    """Return every sample that only the exporter changes, and see to it that both formats tell the same."""
    text, openmetrics = (
        {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
            if sample.name.startswith(PREFIX)
        }
        for families in (
            parse_text(telemetry.render_text().decode()),
            parse_openmetrics(telemetry.render_openmetrics().decode()),
        )
    )
    assert text == openmetrics
    return text


def value(telemetry: Telemetry, name: str, **labels: str) -> float | None:
    return series(telemetry).get((f"{PREFIX}_{name}", frozenset(labels.items())))


def of_target(telemetry: Telemetry, target: str) -> Series:
    return {key: number for key, number in series(telemetry).items() if ("target", target) in key[1]}


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


@pytest.mark.parametrize("environment", [{}, {REVISION_VARIABLE: ""}])
def test_the_build_is_named(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str]) -> None:
    monkeypatch.delenv(REVISION_VARIABLE, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    assert value(Telemetry(), "build_info", version=__version__, revision="") == 1


def test_the_build_has_its_commit_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(REVISION_VARIABLE, "7cf68a4-dirty")
    assert value(Telemetry(), "build_info", version=__version__, revision="7cf68a4-dirty") == 1


def test_the_counters_of_a_known_target_start_at_0(telemetry: Telemetry) -> None:
    telemetry.add_target("prod", OPERATIONS, ("all",))
    started = of_target(telemetry, "prod")
    assert value(telemetry, "discovered_jobs_left_out_total", target="prod", rule="all") == 0
    for name in ("polls_total", "poll_overruns_total", "rate_limit_wait_seconds_total"):
        assert value(telemetry, name, target="prod") == 0
    for operation in OPERATIONS:
        assert value(telemetry, "api_requests_total", target="prod", operation=operation) == 0
        assert value(telemetry, "api_connection_retries_total", target="prod", operation=operation) == 0
        assert value(telemetry, "api_errors_total", target="prod", operation=operation, code="throttled") == 0
    assert len(started) == 3 + 1 + 3 * len(OPERATIONS), "other errors begin with the first of them"


RULE = "  - {name: RULE, region: eu-west-1, name_contains: ranker, tags: {env: prod}}\n"


def watched(rules: int) -> list[str]:
    """Return the own series about a target with so many rules that has run for some hours, tags and all."""
    text = "tag_labels: [team]\ntuning_jobs: [{name: churn, region: eu-west-1}]\n"
    text += ("discover:\n" if rules else "") + "".join(RULE.replace("RULE", f"rule-{n}") for n in range(rules))
    [spec] = parse(text, "c.yaml").targets
    clock = ManualClock(1_764_000_000.0)
    simulator = Simulator(clock)
    for name in ("churn", "ranker"):
        simulator.create("healthy", name, region="eu-west-1", account_id="123456789012", tags={"env": "prod"})
    api = SimulatedApi(simulator, "eu-west-1", "123456789012")
    telemetry, published = Telemetry(), EMPTY
    telemetry.show(TargetCollector(lambda: published))
    target = Target(spec, telemetry, clock.now())
    for _ in range(240):
        while (work := target.next(clock.now())) is not None:
            target.apply(work, perform(api, work), clock.now())
        clock.advance(60)
    published = publish(1, [target.view(clock.now())])
    return re.findall(rf'^{PREFIX}_.*target="eu-west-1".*', telemetry.render_text().decode(), re.MULTILINE)


def test_a_healthy_target_has_few_series() -> None:
    none, one, two = (watched(rules) for rules in range(3))
    assert sum("tags" in line.lower() for line in one) >= 2, "tags are read"
    assert 20 < len(none) <= 30
    assert len(one) <= 30 + 2
    assert len(two) <= len(one) + 2


def test_nothing_that_has_not_happened_has_a_time(telemetry: Telemetry) -> None:
    telemetry.add_target("prod", OPERATIONS)
    assert value(telemetry, "last_poll_timestamp_seconds", target="prod") is None
    assert value(telemetry, "poll_duration_seconds", target="prod") is None
    assert value(telemetry, "target_last_success_timestamp_seconds", target="prod") is None


def test_counting_goes_where_it_belongs(telemetry: Telemetry) -> None:
    telemetry.add_target("prod", OPERATIONS)
    telemetry.add_target("test", OPERATIONS)
    telemetry.api_requests.labels("prod", "Describe").inc()
    telemetry.api_errors.labels("prod", "Describe", ErrorCode.THROTTLED).inc(2)
    telemetry.rate_limit_wait.labels("prod").inc(1.5)
    assert value(telemetry, "api_requests_total", target="prod", operation="Describe") == 1
    assert value(telemetry, "api_errors_total", target="prod", operation="Describe", code="throttled") == 2
    assert value(telemetry, "rate_limit_wait_seconds_total", target="prod") == 1.5
    assert set(of_target(telemetry, "test").values()) == {0}


def test_a_target_that_left_leaves_nothing(telemetry: Telemetry) -> None:
    telemetry.add_target("prod", OPERATIONS)
    before = series(telemetry)
    telemetry.add_target("gone", OPERATIONS)
    for counter in (telemetry.polls, telemetry.poll_overruns, telemetry.rate_limit_wait):
        counter.labels("gone").inc()
    telemetry.poll_duration.labels("gone").set(2)
    telemetry.last_poll.labels("gone").set(3)
    telemetry.last_answer.labels("gone").set(4)
    telemetry.api_requests.labels("gone", "Describe").inc()
    telemetry.api_errors.labels("gone", "Describe", ErrorCode.OTHER).inc()
    telemetry.jobs_left_out.labels("gone", "rule").inc()
    telemetry.keep_only_targets({"prod", "never"})
    assert series(telemetry) == before
    telemetry.api_requests.labels("gone", "Describe").inc()
    telemetry.last_poll.labels("gone").set(3)
    assert series(telemetry) == before, "nor does a call that ends later"
    telemetry.add_target("gone", OPERATIONS)
    assert value(telemetry, "api_requests_total", target="gone", operation="Describe") == 0


def test_a_rule_that_left_leaves_nothing(telemetry: Telemetry) -> None:
    telemetry.add_target("prod", OPERATIONS)
    telemetry.jobs_left_out.labels("prod", "stays")
    before = series(telemetry)
    telemetry.jobs_left_out.labels("prod", "goes").inc()
    telemetry.forget_rule("prod", "goes")
    assert series(telemetry) == before


def test_no_series_tells_when_it_was_created(telemetry: Telemetry) -> None:
    telemetry.add_target("prod", OPERATIONS)
    telemetry.api_request_duration.labels("Describe").observe(0.3)
    assert [name for name, _ in series(telemetry) if name.endswith("_created")] == []


def test_durations_are_sorted_into_buckets(telemetry: Telemetry) -> None:
    telemetry.api_request_duration.labels("Describe").observe(0.3)
    telemetry.api_request_duration.labels("Describe").observe(200)
    duration = "api_request_duration_seconds"
    assert value(telemetry, f"{duration}_count", operation="Describe") == 2
    assert value(telemetry, f"{duration}_bucket", operation="Describe", le="0.2") == 0
    assert value(telemetry, f"{duration}_bucket", operation="Describe", le="0.4") == 1
    assert value(telemetry, f"{duration}_bucket", operation="Describe", le="30.0") == 1
    assert value(telemetry, f"{duration}_bucket", operation="Describe", le="+Inf") == 2


def test_odd_target_names_come_through(telemetry: Telemetry) -> None:
    name = 'a"b\\c\nd=ü,{}'
    telemetry.add_target(name, OPERATIONS)
    assert value(telemetry, "polls_total", target=name) == 0
    telemetry.keep_only_targets(())
    assert of_target(telemetry, name) == {}


def test_openmetrics_ends_with_its_mark_and_text_has_none(telemetry: Telemetry) -> None:
    assert telemetry.render_openmetrics().endswith(b"\n# EOF\n")
    assert b"# EOF" not in telemetry.render_text()


class Published:
    """Targets whose accounts and regions are told when they are asked for."""

    def __init__(self, **places: tuple[str, str]) -> None:
        self.places = places

    def collect(self) -> Iterable[Metric]:
        yield GaugeMetricFamily(f"{PREFIX}_reading", "Read anew each time.", value=7)

    def labels(self) -> dict[str, dict[str, str]]:
        return {
            name: {"aws_account_id": account, "aws_region": region} for name, (account, region) in self.places.items()
        }


def test_families_of_what_is_published_are_read(telemetry: Telemetry) -> None:
    telemetry.show(Published())
    assert value(telemetry, "reading") == 7


def test_a_counter_goes_on_under_the_account_that_becomes_known_and_never_stands_twice(telemetry: Telemetry) -> None:
    published = Published(prod=("", "eu-west-1"))
    telemetry.show(published)
    telemetry.add_target("prod", OPERATIONS)
    telemetry.polls.labels("prod").inc()
    seen = []
    for account in ("", "111111111111", "222222222222", ""):
        published.places = {"prod": (account, "eu-west-1")}
        telemetry.polls.labels("prod").inc()
        [polls] = [(labels, n) for (name, labels), n in series(telemetry).items() if name == f"{PREFIX}_polls_total"]
        seen.append((dict(polls[0]), polls[1]))
    place = {"target": "prod", "aws_region": "eu-west-1"}
    assert seen == [
        ({**place, "aws_account_id": ""}, 2),
        ({**place, "aws_account_id": "111111111111"}, 3),
        ({**place, "aws_account_id": "222222222222"}, 4),
        ({**place, "aws_account_id": ""}, 5),
    ]


def test_every_series_of_a_target_says_where_it_is_and_no_other_does(telemetry: Telemetry) -> None:
    telemetry.show(Published(prod=("111111111111", "eu-west-1"), test=("", "us-east-1")))
    telemetry.series_capped.labels("family")
    telemetry.api_request_duration.labels("Describe").observe(0.3)
    for target in ("prod", "test"):
        telemetry.add_target(target, OPERATIONS)
        telemetry.poll_duration.labels(target).set(2)
        telemetry.jobs_left_out.labels(target, "rule")
    places = {"prod": ("111111111111", "eu-west-1"), "test": ("", "us-east-1"), None: (None, None)}
    for _, labels in series(telemetry):
        told = dict(labels)
        assert (told.get("aws_account_id"), told.get("aws_region")) == places[told.get("target")]


def test_a_target_that_is_not_published_yet_has_no_series(telemetry: Telemetry) -> None:
    telemetry.show(published := Published())
    telemetry.add_target("prod", OPERATIONS)
    telemetry.polls.labels("prod").inc()
    assert of_target(telemetry, "prod") == {}
    published.places = {"prod": ("", "eu-west-1")}
    assert value(telemetry, "polls_total", target="prod", aws_account_id="", aws_region="eu-west-1") == 1


def test_a_web_configuration_file_is_told_of_where_there_is_one(telemetry: Telemetry) -> None:
    names = ("web_config_last_reload_successful", "web_config_last_reload_success_timestamp_seconds")
    assert [value(telemetry, name) for name in names] == [None, None]
    state = {"good": 1.0, "since": 1_764_000_000.0}
    telemetry.show_web_config(lambda: bool(state["good"]), lambda: state["since"])
    assert [value(telemetry, name) for name in names] == [1, 1_764_000_000]
    state |= {"good": 0.0, "since": 1_764_000_060.0}
    assert [value(telemetry, name) for name in names] == [0, 1_764_000_060]


def test_the_process_is_measured(telemetry: Telemetry) -> None:
    [memory] = [f for f in parse_text(telemetry.render_text().decode()) if f.name == "process_resident_memory_bytes"]
    assert memory.samples[0].value > 1_000_000


def test_two_daemons_do_not_mix(telemetry: Telemetry) -> None:
    other = Telemetry()
    telemetry.add_target("prod", OPERATIONS)
    assert of_target(other, "prod") == {}
    assert not any(family.name.startswith(PREFIX) for family in REGISTRY.collect())


def test_every_family_is_described_and_named_as_prometheus_asks(telemetry: Telemetry) -> None:
    for family in parse_openmetrics(telemetry.render_openmetrics().decode()):
        assert family.name.startswith((f"{PREFIX}_", "process_"))
        assert family.documentation.endswith(".")
        assert family.type in {"counter", "gauge", "histogram", "info"}


def test_totals_are_what_was_counted_of_each_target(telemetry: Telemetry) -> None:
    for target in ("prod", "test"):
        telemetry.add_target(target, OPERATIONS)
    telemetry.api_requests.labels("prod", OPERATIONS[0]).inc(7)
    telemetry.api_errors.labels("prod", OPERATIONS[0], "tls").inc(2)
    totals = telemetry.totals()
    assert totals["prod"].requests == dict.fromkeys(OPERATIONS, 0) | {OPERATIONS[0]: 7}
    assert totals["prod"].errors[OPERATIONS[0], "tls"] == 2
    assert totals["test"].requests == dict.fromkeys(OPERATIONS, 0)
    telemetry.keep_only_targets({"test"})
    assert telemetry.totals().keys() == {"test"}


def test_the_calls_of_an_organization_are_counted_beside_those_of_targets(telemetry: Telemetry) -> None:
    telemetry.show(Published(prod=("111111111111", "eu-west-1")))
    telemetry.add_target("prod", OPERATIONS)
    telemetry.add_organization("organization", "222222222222", ("ListAccounts",))
    telemetry.api_errors.labels("organization", "ListAccounts", "tls").inc()
    telemetry.organization_errors.labels("organization", "tls").inc()
    telemetry.keep_only_targets({"prod"})
    of = {"aws_account_id": "222222222222", "aws_region": "", "target": "organization"}
    found = of_target(telemetry, "organization")
    assert {
        (name.removeprefix(f"{PREFIX}_"), *sorted(dict(labels).items() - of.items())): n
        for (name, labels), n in found.items()
    } == {
        ("api_requests_total", ("operation", "ListAccounts")): 0,
        ("api_connection_retries_total", ("operation", "ListAccounts")): 0,
        ("api_errors_total", ("code", "throttled"), ("operation", "ListAccounts")): 0,
        ("api_errors_total", ("code", "tls"), ("operation", "ListAccounts")): 1,
    }
    assert telemetry.totals()["organization"].errors["ListAccounts", "tls"] == 1
    telemetry.forget_organization("organization")
    telemetry.api_requests.labels("organization", "ListAccounts").inc()
    assert of_target(telemetry, "organization") == {}
    assert telemetry.totals().keys() == {"prod"}
    assert 'organization="' not in telemetry.render_text().decode()
