from __future__ import annotations

import html
import re

import pytest
from support.views import DESCRIBED_AT, facts, target, view

from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobView, Operation, TargetView
from exporter.web.pages import Link, Overview, landing
from exporter.web.troubles import troubles


def test_the_page_tells_what_runs_and_where_to_look() -> None:
    page = landing(
        Overview("1.2.3", 1_700_000_000.9, 2, {"InProgress": 7, "Failed": 1}, [Link("/metrics", "for Prometheus")])
    )
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Version 1.2.3, running since 2023-11-14 22:13:20 UTC." in words
    assert "Targets 2 Jobs InProgress 7 Jobs Failed 1" in words
    assert "/metrics for Prometheus" in words
    assert '<a href="/metrics">' in page


def test_nothing_in_it_is_taken_for_html() -> None:
    page = landing(Overview("<b>", 0.0, 0, {'"<script>': 1}, [Link('"><script>', "<i>")]))
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;" in page


ACCOUNT = "123456789012"
LIST, DESCRIBE = Operation.LIST, Operation.DESCRIBE


def words_of(*targets: TargetView) -> str:
    page = landing(Overview("1", 0.0, len(targets), {}, [Link("/metrics", "Metrics")], troubles(targets)))
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<body>")[2])))


def failing(code: ErrorCode, name: str) -> JobView:
    return view(None, name=name, attempted=True, failure=Failure(code, ""))


def test_a_target_without_any_answer_comes_first_with_what_to_do() -> None:
    blind = target(
        [failing(ErrorCode.TIMEOUT, "a"), failing(ErrorCode.NO_CREDENTIALS, "b"), failing(ErrorCode.TIMEOUT, "c")],
        name="prod",
        errors=((LIST, ErrorCode.ACCESS_DENIED),),
    )
    words = words_of(target([failing(ErrorCode.NOT_FOUND, "d")], name="a-first", last_answered=DESCRIBED_AT), blind)
    told = [
        "AWS has not answered for target prod",
        f"no list and no describe in eu-west-1 of account {ACCOUNT}.",
        f"{LIST} fails with access_denied Allow sagemaker:{LIST} to the exporter's identity.",
        f"{DESCRIBE} fails with no_credentials for 1 tuning job Give the exporter usable AWS credentials",
        f"{DESCRIBE} fails with timeout for 2 tuning jobs Check the network path",
        "Some calls fail for target a-first",
        f"{DESCRIBE} fails with not_found for 1 tuning job Check the tuning job's name",
        "Pages /metrics",
    ]
    places = [words.index(each) for each in told]
    assert places == sorted(places)


def test_a_target_that_waits_for_its_first_answer_is_told_of() -> None:
    words = words_of(target([], name="prod", account_id=""))
    assert "no describe in eu-west-1. None of the tuning jobs there is watched. No call has come back yet." in words


def test_nothing_is_told_of_a_target_without_troubles() -> None:
    words = words_of(target([view(facts())], name="prod", last_answered=DESCRIBED_AT))
    assert not re.search("prod|fail|answer", words)


@pytest.mark.parametrize("code", ErrorCode)
def test_each_code_comes_with_what_to_do(code: ErrorCode) -> None:
    of_job = words_of(target([failing(code, "a")], last_answered=DESCRIBED_AT))
    of_target = words_of(target([], errors=((Operation.SEARCH, code),), last_answered=DESCRIBED_AT))
    assert code.remedy(DESCRIBE) in of_job
    assert code.remedy(Operation.SEARCH) in of_target


def test_names_in_it_are_not_taken_for_html() -> None:
    page = landing(Overview("1", 0.0, 1, {}, [], troubles([target([], name="<b>", region="<i>", account_id="<u>")])))
    assert not re.search("<[biu]>", page)


def test_the_page_loads_nothing() -> None:
    page = landing(Overview("1", 0.0, 0, {}, []))
    assert not re.search(r"(?i)\bsrc=|<link|<script|@import|url\(|https?:", page)
