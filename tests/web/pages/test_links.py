"""Addresses of our own pages and of the console."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.pages.links import console_url, job_path


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("eu-west-1", "eu-west-1.console.aws.amazon.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_the_console_is_that_of_the_partition(region: str, host: str) -> None:
    assert console_url(region, "churn") == f"https://{host}/sagemaker/home?region={region}#/hyper-tuning-jobs/churn"


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_no_region_and_no_name_leads_elsewhere(region: str, name: str) -> None:
    url = console_url(region, name)
    if url is not None:
        parts = urlsplit(url)
        assert parts.scheme == "https"
        assert parts.netloc.startswith(f"{region}.console.a")
        assert unquote(parts.fragment) == f"/hyper-tuning-jobs/{name}"
        assert not set(url) & set("\"'<> \n")


def test_a_job_has_a_path_of_account_region_and_name() -> None:
    assert job_path("123456789012", "eu-west-1", "churn") == "jobs/123456789012/eu-west-1/churn"


@pytest.mark.parametrize("account", [None, ""])
def test_an_account_that_nobody_knows_is_a_dash(account: str | None) -> None:
    assert job_path(account, "eu-west-1", "churn") == "jobs/-/eu-west-1/churn"


def test_nothing_in_a_name_ends_the_path() -> None:
    assert job_path("1", "r", 'a/b?c#d"e%') == "jobs/1/r/a%2Fb%3Fc%23d%22e%25"
