from __future__ import annotations

from dataclasses import replace

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.views import facts, target, view

from exporter.errors import ErrorCode, Failure
from exporter.exposition import Published, TargetCollector
from exporter.exposition.publish import EMPTY, publish
from exporter.telemetry import PREFIX, Telemetry
from exporter.tuning_job import Quotas


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


PLACE = ("aws_account_id", "aws_region")
SPOT = ("ml.m5.xlarge", "true")


def test_quotas_of_an_account_stand_there_once_however_many_targets_it_has(site: Site) -> None:
    shared = Quotas({SPOT: 4.0, ("ml.g5.xlarge", "false"): 0.0}, 100.0)
    site.published = publish(
        1,
        [
            target([], name="prod", quotas=shared),
            target([], name="test", quotas=Quotas({SPOT: 4.0, ("ml.c5.large", "true"): 2.0})),
            target([], name="us", region="us-east-1", quotas=Quotas({SPOT: 9.0})),
            target([], name="unread"),
            target([], name="whose", account_id="", quotas=shared),
        ],
    )
    here = ("123456789012", "eu-west-1")
    assert site.samples("quota_training_instances", *PLACE, "instance_type", "spot") == {
        (*here, *SPOT): 4,
        (*here, "ml.g5.xlarge", "false"): 0,
        (*here, "ml.c5.large", "true"): 2,
        ("123456789012", "us-east-1", *SPOT): 9,
    }
    assert site.samples("quota_tuning_jobs", *PLACE) == {here: 100}
    text = site.telemetry.render_text().decode()
    assert text.count(f"{PREFIX}_quota_training_instances{{") == 4, "no series comes twice"


def test_quotas_that_were_not_read_have_no_series(site: Site) -> None:
    site.published = publish(1, [target([], name="prod"), target([], name="test", quotas=Quotas())])
    assert "quota" not in site.telemetry.render_text().decode()
