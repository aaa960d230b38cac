"""The configuration that a recording carries watches what was watched."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import yaml
from support.tools import ROOT

from exporter.config import parse
from exporter.config.specs import Connection, Credentials, Endpoint
from exporter.recording import configuration, number_of
from exporter.recording.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from exporter.config import Settings
    from exporter.config.specs import TargetSpec

URL = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def settings() -> Settings:
    """Return the settings of a configuration with every key."""
    values = yaml.safe_load((ROOT / "tests" / "chart" / "cases" / "everything.yaml").read_text(encoding="utf-8"))
    return parse(yaml.safe_dump(values["config"]), "everything.yaml")


def plain(target: TargetSpec) -> TargetSpec:
    """Return a target without who calls which endpoint, and without who says in which account a listed job is.

    Quotas are not recorded.
    """
    key = replace(target.key, credentials=Credentials(), endpoint=Endpoint())
    jobs = tuple(replace(job, account_id=job.account_id or target.account_id) for job in target.jobs)
    # The rule that looks in several places is called by their numbers too.
    rules = tuple(replace(rule, name=re.sub("^everywhere-[0-9]+$", "everywhere", rule.name)) for rule in target.rules)
    return replace(target, key=key, name="", connection=Connection(), jobs=jobs, rules=rules, quotas=False)


def test_nothing_that_is_watched_is_forgotten(settings: Settings) -> None:
    document = configuration.document(settings, None)
    again = configuration.settings(document, configuration.prices(settings), URL)
    assert again.collect == settings.collect - {"quotas"}
    recorded = sorted(again.targets, key=number_of)
    assert [plain(target) for target in recorded] == [plain(target) for target in settings.targets]


def test_redacted_it_watches_as_much(settings: Settings) -> None:
    document = configuration.document(settings, Pseudonyms(settings))
    for secret in (
        "churn",
        "prod",
        "ranker",
        "0815",
        "123456789012",
        "012345670123",
        "tuning-4711",
        "monitoring",
        "batch",
        "smoke",
        "staging",
        "^search",
        "everywhere",
    ):
        assert secret not in str(document)
    again = sorted(configuration.settings(document, configuration.prices(settings), URL).targets, key=number_of)
    for target, before in zip(again, settings.targets, strict=True):
        assert len(target.jobs) == len(before.jobs)
        assert len(target.rules) == len(before.rules)
        assert (target.account_id is None) == (before.account_id is None)
        assert (target.interval, target.spend and target.spend.prices) == (
            before.interval,
            before.spend and before.spend.prices,
        )


def test_faster_it_asks_more_often_within_what_may_be_configured(settings: Settings) -> None:
    document = configuration.document(settings, None)
    fast = configuration.settings(document, configuration.prices(settings), URL, 20.0)
    [first, *_] = fast.targets
    assert (first.interval, first.stale_after, first.retention, first.requests_per_second) == (1.5, 30.0, 2_160.0, 10.0)
    fastest = configuration.settings(document, configuration.prices(settings), URL, 3_600.0)
    assert all(target.interval == 1.0 and target.requests_per_second == 1_000.0 for target in fastest.targets)


def test_slower_it_asks_more_seldom_within_what_may_be_configured(settings: Settings) -> None:
    document = configuration.document(settings, None)
    slow = configuration.settings(document, configuration.prices(settings), URL, 0.01)
    [first, *_] = slow.targets
    assert (first.interval, first.requests_per_second, first.retention) == (3_000.0, 0.01, 4_320_000.0)
    document["interval"] = document["stale_after"] = 86_400.0
    [first, *_] = configuration.settings(document, configuration.prices(settings), URL, 0.01).targets
    assert first.stale_after >= first.interval


def test_it_names_no_file_to_read(settings: Settings) -> None:
    document = configuration.document(settings, None)
    document["spend"]["prices_file"] = "/etc/hostname"
    assert "prices_file" not in configuration.text(document, URL)
