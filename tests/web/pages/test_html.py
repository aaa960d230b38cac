"""The pages as HTML: what they say, and that the text of strangers stays text."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from urllib.parse import urlencode

import pytest
from starlette.datastructures import QueryParams
from support.snapshots import ACCOUNT, HOSTILE, NOW, hostile_site, organization, organization_state, snapshot, watched
from support.views import DESCRIBED_AT, answer, facts, target, view

from exporter.config.specs import Account
from exporter.errors import ErrorCode, Failure
from exporter.fleet import OrganizationView
from exporter.tuning_job import reduce
from exporter.web.pages import Snapshot, routes
from exporter.web.pages.html import bar

GOOD = view(facts())
VOID = {"meta", "link", "input", "rect", "br", "hr", "img"}


class Page(HTMLParser):
    """A page taken apart: its elements, its visible text, and what is open at its end."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} has an attribute twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> ends nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


class Asked:
    """What a route reads of a request."""

    def __init__(self, query: str = "", **path: str) -> None:
        self.query_params = QueryParams(query)
        self.path_params = path


def read(answer: routes.Answer) -> Page:
    page = Page(answer.body.decode())
    assert page.open == [], "every element ends"
    return page


def status_page(seen: Snapshot, query: str = "") -> Page:
    return read(routes._status_page(seen, Asked(query)))  # type: ignore[arg-type]


def job_page(seen: Snapshot, account: str, region: str, name: str) -> Page:
    return read(routes._job_page(seen, Asked(account=account, region=region, name=name)))  # type: ignore[arg-type]


def pages(seen: Snapshot) -> dict[str, Page]:
    """Return every page there is."""
    found = {
        "status": status_page(seen),
        "targets": read(routes._targets_page(seen, Asked())),  # type: ignore[arg-type]
        "config": read(routes._config_page(seen, Asked())),  # type: ignore[arg-type]
        "wrong": read(routes._wrong_page(404, HOSTILE, HOSTILE, "./", {HOSTILE: "jobs/-/a/b"})),
    }
    for place, job in enumerate(seen.targets[0].jobs if seen.targets else ()):
        found[f"job {place}"] = job_page(seen, job.account_id or "-", job.region, job.name)
    return found


SITES = {
    "hostile": hostile_site(),
    "empty": snapshot([], generation=0),
    "well": snapshot([watched(GOOD)]),
    "pending": snapshot([watched(view(None), replace(GOOD, facts=None))]),
    "nothing known": snapshot([target([], name="eu-west-1", last_answered=None)], states={}),
}
EVERY = [pytest.param(page, id=f"{site}, {name}") for site, seen in SITES.items() for name, page in pages(seen).items()]


@pytest.mark.parametrize("page", EVERY)
def test_nothing_in_a_page_runs_or_comes_from_elsewhere(page: Page) -> None:
    for tag, attributes in page.elements:
        assert tag not in {"iframe", "object", "embed", "base", "img", "style"}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        for name in ("src", "action"):
            assert not re.match(r"(?i)[a-z]+:|//", attributes.get(name) or "")
    [script] = page.all("script")
    assert re.fullmatch(r"(\./|(\.\./)+)static/pages\.js", script["src"] or "")
    for link in page.all("link"):
        assert re.fullmatch(r"(\./|(\.\./)+)static/(pages\.css|icon\.svg)", link["href"] or "")
    for link in page.all("a"):
        href = link["href"] or ""
        assert re.match(r"(\./|\.\./|\?|#|https://[a-z0-9-]+\.console\.)", href), href
        assert not set(href) & set("\"'<> \u202e")


@pytest.mark.parametrize("page", EVERY)
def test_a_page_can_be_read_without_seeing_it(page: Page) -> None:
    assert page.all("html")[0]["lang"] == "en"
    assert [tag for tag, _ in page.elements if tag in {"main", "h1", "title", "header", "footer"}].count("main") == 1
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    identities = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    for _, attributes in page.elements:
        for name in ("aria-labelledby", "data-copy"):
            if name in attributes:
                assert attributes[name] in identities
    assert len(page.all("table")) == len(page.all("caption"))
    for header in page.all("th"):
        assert header["scope"] in {"row", "col"}
    for image in page.all("svg"):
        assert image.get("aria-label") or image.get("class") == "key"
    [skip] = [link for link in page.all("a") if link.get("class") == "skip"]
    assert (skip["href"] or "").removeprefix("#") in identities


def test_hostile_texts_are_shown_as_they_are() -> None:
    shown = HOSTILE.replace("\u202e", "")
    for name, page in pages(hostile_site()).items():
        assert re.sub(r"\s+", " ", shown) in page.text.replace("\u202e", ""), name


def test_the_worst_comes_first_with_how_much_it_reaches_and_what_to_do() -> None:
    failing = [view(None, name=f"j{n}", attempted=True, failure=Failure(ErrorCode.TIMEOUT, "late")) for n in range(3)]
    seen = snapshot([watched(*failing, name="one"), watched(GOOD, name="two")])
    text = status_page(seen).text
    told = [
        "What is wrong",
        "DescribeHyperParameterTuningJob fails with timeout",
        "3 tuning jobs in target one",
        ErrorCode.TIMEOUT.remedy("DescribeHyperParameterTuningJob"),
        "j0",
        "late",
        "Tuning jobs",
    ]
    places = [text.index(each) for each in told]
    assert places == sorted(places)


def test_nothing_is_wrong_only_where_that_is_known() -> None:
    assert "Nothing is wrong" in status_page(SITES["well"]).text
    for name in ("empty", "pending", "nothing known", "hostile"):
        assert "Nothing is wrong" not in status_page(SITES[name]).text, name


def test_a_line_of_the_table_says_what_the_search_has_come_to() -> None:
    text = status_page(snapshot([watched(view(facts(), labels={"team": "search"}))])).text
    for told in (
        "tune-zh",
        "888899990000 cn-northwest-1",
        "Stopped",
        "70 of 250 launched, 25 % done",
        "0.8125",
        "maximize eval_f1; target 0.875",
        "5 h 59 min",
        "of 2 d",
        "12 s ago",
        "44.50 CNY",
        "of 500.00 CNY",
        "search",
    ):
        assert told in text, told


@pytest.mark.parametrize("number", [10**308, -(10**308), 1e308, 0, -1])
def test_a_page_comes_whatever_numbers_aws_tells(number: float) -> None:
    def told(found: Any) -> Any:
        if isinstance(found, dict):
            return {name: told(value) for name, value in found.items()}
        if isinstance(found, list):
            return [told(value) for value in found]
        return number if isinstance(found, int | float) and not isinstance(found, bool) else found

    job = view(reduce(told(answer("everything"))))
    seen = snapshot([watched(job)])
    assert job.name in status_page(seen).text
    assert job.name in job_page(seen, job.account_id, job.region, job.name).text


def test_columns_without_any_value_are_left_out() -> None:
    def labels(**changes: Any) -> set[str | None]:
        cells = status_page(snapshot([watched(view(facts(), **changes))])).all("td")
        return {cell["data-label"] for cell in cells}

    assert labels(labels={"team": "a"}) - labels(spend=None, budget=None) == {"Spend", "Team"}


def test_the_table_tells_how_it_is_sorted_and_how_else_it_can_be() -> None:
    page = status_page(SITES["well"], "sort=-name")
    sorted_by = [header["aria-sort"] for header in page.all("th") if "aria-sort" in header]
    assert sorted_by == ["descending"]
    hrefs = {link["href"] for link in page.all("a")}
    assert {"?sort=name", "?sort=best", "?"} <= hrefs


def test_what_was_asked_for_stands_in_the_form() -> None:
    seen = snapshot([watched(view(facts(), labels={"team": "search"}))])
    page = status_page(seen, "q=tune&team=search&region=nowhere-1&sort=-best")
    fields = {field["name"]: field.get("value") for field in page.all("input")}
    assert fields["q"] == "tune"
    assert page.text.count("nowhere-1") == 1, "though there is none"
    assert sum("selected" in option for option in page.all("option")) == 3
    assert "No tuning job matches these filters; 1 is watched." in page.text


@pytest.mark.parametrize("team", ["a  b", " a", "a\u00a0", "a\tb"])
def test_a_team_can_be_chosen_whatever_spaces_are_in_its_name(team: str) -> None:
    seen = snapshot([watched(view(facts(), labels={"team": team}), replace(GOOD, name="another"))])
    # Without a value, a browser would send the text with its spaces put right.
    [value] = {option["value"] for option in status_page(seen).all("option")} & {team}
    assert "1 of 2 tuning jobs" in status_page(seen, urlencode({"team": value or ""})).text


def test_many_tuning_jobs_come_a_page_at_a_time() -> None:
    job = facts()
    seen = snapshot([watched(*(view(replace(job, name=f"job-{n:03}")) for n in range(250)))])
    page = status_page(seen, "page=2&sort=name")
    assert "250 tuning jobs, page 2 of 3" in page.text
    hrefs = {link.get("rel"): link["href"] for link in page.all("a") if "rel" in link}
    assert (hrefs["prev"], hrefs["next"]) == ("?sort=name", "?sort=name&page=3")
    assert "There is no page 9: the last one is page 3" in status_page(seen, "page=9").text


def test_an_address_that_cannot_be_understood_is_told() -> None:
    answer = routes._status_page(snapshot(), Asked("sort=size"))  # type: ignore[arg-type]
    assert answer.status == 400
    assert "cannot sort by" in read(answer).text


def test_the_page_of_a_job_is_reached_from_the_table_and_leads_back() -> None:
    name = 'a/b?c#d"e%'
    seen = snapshot([watched(view(None, name=name, region="eu-west-1"))])
    [link] = [each["href"] for each in status_page(seen).all("a") if (each["href"] or "").startswith("./jobs/")]
    assert link == "./jobs/-/eu-west-1/a%2Fb%3Fc%23d%22e%25"
    back = {each["href"] for each in job_page(seen, "-", "eu-west-1", name).all("a")}
    assert "../../../../targets" in back, "as deep as the slash in the name makes it"


def test_a_job_that_is_not_watched_is_not_found() -> None:
    answer = routes._job_page(snapshot(), Asked(account="-", region="eu-west-1", name="no"))  # type: ignore[arg-type]
    assert answer.status == 404
    assert "There is no tuning job no in eu-west-1" in read(answer).text


def test_a_name_that_several_accounts_have_is_to_be_chosen_from() -> None:
    one, other = (view(None, account_id=account, name="churn") for account in (ACCOUNT, "999988887777"))
    seen = snapshot([watched(one, other)])
    answer = routes._job_page(seen, Asked(account="-", region="eu-west-1", name="churn"))  # type: ignore[arg-type]
    assert answer.status == 404
    hrefs = {link["href"] for link in read(answer).all("a")}
    assert f"../../../jobs/{ACCOUNT}/eu-west-1/churn" in hrefs


@pytest.mark.parametrize(
    ("job", "told"),
    [
        (view(None, name="x"), "The tuning job has not been described yet."),
        (
            view(None, name="x", attempted=True, failure=Failure(ErrorCode.NOT_FOUND, "")),
            "AWS has no tuning job of this",
        ),
        (view(None, name="x", attempted=True, failure=Failure(ErrorCode.TLS, "")), "No describe has succeeded yet."),
        (
            view(None, name="x", attempted=True, last_success=DESCRIBED_AT, failure=Failure(ErrorCode.TLS, "")),
            "no describe has succeeded since 2025-06-15 15:06:40 UTC",
        ),
    ],
)
def test_why_there_are_no_values_is_said(job, told: str) -> None:
    assert told in job_page(snapshot([watched(job)]), "-", "eu-west-1", "x").text


def test_a_bar_says_in_words_what_it_shows() -> None:
    found = bar({"Completed": 30, "InProgress": 10, "NonRetryableError": 5, "RetryableError": 0}, 100)
    assert found is not None
    assert found.text == "30 completed, 10 in progress, 5 failed of 100 that may be launched"
    assert [(part.status, part.start, part.width) for part in found.segments] == [
        ("Completed", 0.0, 30.0),
        ("InProgress", 30.0, 10.0),
        ("NonRetryableError", 40.0, 5.0),
    ]


@pytest.mark.parametrize("most", [None, 0, 10])
def test_more_than_may_be_launched_fill_the_bar(most: int | None) -> None:
    found = bar({"Completed": 30, "Stopped": 10}, most)
    assert found is not None
    assert sum(part.width for part in found.segments) == pytest.approx(100.0)


def test_no_counters_are_no_bar() -> None:
    assert bar({}, 100) is None
    none = bar({"Completed": 0}, 100)
    assert none is not None
    assert (none.segments, none.text) == ((), "none launched of 100 that may be launched")


def test_the_accounts_of_an_organization_are_on_the_page_of_targets() -> None:
    denied = Failure(ErrorCode.ACCESS_DENIED, "not authorized")
    known = OrganizationView(organization(), (Account(ACCOUNT, ""),), NOW - 900, denied, NOW + 60)
    page = read(routes._targets_page(snapshot([watched(GOOD)], organizations=(organization_state(known),)), Asked()))  # type: ignore[arg-type]
    assert "the accounts cannot be read Accounts known so far 1 Last read 15 min ago" in page.text
    assert (
        "The last reading failed with access_denied : not authorized Allow organizations:ListAccounts to" in page.text
    )
    page = read(routes._targets_page(snapshot([], organizations=(organization_state(),)), Asked()))  # type: ignore[arg-type]
    assert "organization not read yet Last read — Next read — Units all Credentials from the environment" in page.text
