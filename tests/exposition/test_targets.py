from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.views import facts, target, view

from exporter.errors import ErrorCode, Failure
from exporter.exposition import Published, TargetCollector
from exporter.exposition.publish import EMPTY, publish
from exporter.telemetry import PREFIX, Telemetry


class Site:
    """Holds what is published, as the daemon does, beside its telemetry."""

    def __init__(self) -> None:
        self.published: Published = EMPTY
        self.telemetry = Telemetry()
        self.telemetry.show(TargetCollector(lambda: self.published))

    def samples(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """Return the values of a family by those of the labels."""
        return {
            tuple(sample.labels[label] for label in labels): sample.value
            for family in text_string_to_metric_families(self.telemetry.render_text().decode())
            for sample in family.samples
            if sample.name == f"{PREFIX}_{name}"
        }


@pytest.fixture
def site() -> Site:
    return Site()


def info(site: Site) -> dict[tuple[str, ...], float]:
    return site.samples("target_info", "target", "aws_region", "aws_account_id")


def tracked(site: Site) -> dict[tuple[str, ...], float]:
    return site.samples("tracked_jobs", "target", "state")


def test_before_the_first_rendering_there_is_nothing(site: Site) -> None:
    assert (info(site), tracked(site)) == ({}, {})


def test_each_target_is_told(site: Site) -> None:
    site.published = publish(1, [target([], name="prod"), target([], name="test", region="us-east-1", account_id="")])
    assert info(site) == {("prod", "eu-west-1", "123456789012"): 1, ("test", "us-east-1", ""): 1}


def test_every_state_is_counted_even_at_0(site: Site) -> None:
    failure = Failure(ErrorCode.TIMEOUT, "")
    running = replace(facts(), status="InProgress")
    jobs = [
        view(None, name="pending"),
        view(running, name="running-1"),
        view(running, name="running-2"),
        view(facts(), name="finished"),
        view(None, name="missing", attempted=True, failure=replace(failure, code=ErrorCode.NOT_FOUND)),
        view(running, name="failing-with-facts", failure=failure),
        view(None, name="failing-without", attempted=True, failure=failure),
        view(running, name="stale", facts=None),
    ]
    site.published = publish(1, [target(jobs, name="prod"), target([], name="idle")])
    assert tracked(site) == {
        ("prod", "pending"): 1,
        ("prod", "running"): 2,
        ("prod", "finished"): 1,
        ("prod", "missing"): 1,
        ("prod", "failing"): 3,
        ("idle", "pending"): 0,
        ("idle", "running"): 0,
        ("idle", "finished"): 0,
        ("idle", "missing"): 0,
        ("idle", "failing"): 0,
    }


def test_a_target_that_left_leaves_nothing(site: Site) -> None:
    site.published = publish(1, [target([], name="prod"), target([], name="gone")])
    site.published = publish(2, [target([], name="prod")])
    assert {name for name, *_ in info(site)} == {"prod"}
    assert {name for name, _ in tracked(site)} == {"prod"}
