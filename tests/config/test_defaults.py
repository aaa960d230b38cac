"""The defaults stand in one module; whatever the pages say of them is held against it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.config import defaults, parse
from exporter.config.model import AWS_KEYS, Config, Rule
from exporter.config.specs import Settings

ROOT = Path(__file__).parents[2]
PAGES = {
    path.relative_to(ROOT): path.read_text(encoding="utf-8") for path in (ROOT / "README.md", *ROOT.glob("docs/*.md"))
}
STATED = [
    pytest.param(key, value, id=f"{path}-{key}")
    for path, text in PAGES.items()
    for key, value in re.findall(r"`([a-z_]+)` \((\d\w*)\)", text)
]


def settings(**given: str) -> Settings:
    """Return what a configuration with a job and a rule comes to, these keys being given."""
    written = {
        name: "".join(f"{key}: {given[key]}, " for key in given if key in keys) for name, keys in SECTIONS.items()
    }
    assert sum(map(bool, written.values())) == len(given)
    return parse(
        f"{{{written['']} aws: {{region: eu-west-1, {written['aws']}}},"
        f" tuning_jobs: [churn], discover: [{{{written['discover']}}}]}}",
        "config.yaml",
    )


SECTIONS = {
    "": tuple(Config.model_fields),
    "aws": AWS_KEYS,
    "discover": tuple(Rule.model_fields.keys() - set(AWS_KEYS)),
}


@pytest.mark.parametrize(("key", "value"), STATED)
def test_what_a_page_states_is_the_default(key: str, value: str) -> None:
    assert settings(**{key: value}) == settings()


def test_pages_state_some() -> None:
    stated = {key for key, _ in (param.values for param in STATED)}
    assert stated == {"retention", "describe_max_age", "requests_per_second", "connect_timeout", "read_timeout"}


def test_another_value_is_told_apart() -> None:
    assert settings(retention="25h") != settings()
    assert settings(max_jobs="201") != settings()


@pytest.mark.parametrize(("interval", "seconds"), [(1.0, 300.0), (100.0, 300.0), (101.0, 303.0), (3_600.0, 10_800.0)])
def test_values_outlive_a_describe_that_failed(interval: float, seconds: float) -> None:
    assert defaults.stale_after(interval) == seconds
