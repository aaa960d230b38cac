"""The pages in a real browser: filters and order work, with and without scripts, and nothing of a stranger's text runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

import pytest
from support.devtools import Browser, Page
from support.snapshots import HOSTILE_NAME, hostile_site, settings, snapshot, watched
from support.views import facts, view

from exporter.errors import ErrorCode, Failure
from exporter.web.pages import Snapshot

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

FACTS = facts()
PATHS = ["/", "/targets", "/config", "/jobs/888899990000/cn-northwest-1/tune-zh"]


def fleet() -> Snapshot:
    """Return a few tuning jobs of two teams in two regions, one of which cannot be described."""
    jobs = [
        view(
            replace(FACTS, name=f"search-{number}", status="InProgress"),
            labels={"team": "search" if number % 2 else "risk"},
            region="eu-west-1" if number < 4 else "us-east-1",
        )
        for number in range(6)
    ]
    lost = view(None, name="lost", attempted=True, failure=Failure(ErrorCode.NOT_FOUND, "no such tuning job"))
    return snapshot(
        [watched(*jobs, lost)], settings("aws: {region: eu-west-1}\ntuning_jobs: [a]\ncollect: [hyperparameters]\n")
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with Browser() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.page()


def names(page: Page) -> list[str]:
    found: list[str] = page.run('[...document.querySelectorAll(".fleet .job > a")].map(each => each.textContent)')
    return found


def choose(page: Page, field: str, value: str) -> None:
    """Choose as a person does, which the page is told of."""
    page.run(
        f'(() => {{ const field = document.querySelector("[name={field}]"); field.value = "{value}";'
        " field.dispatchEvent(new Event('change', {bubbles: true})) })()"
    )


def click(page: Page, selector: str) -> None:
    page.run(f"document.querySelector({selector!r}).click()")


def test_a_filter_takes_effect_as_it_is_chosen_and_stands_in_the_address(serve, page: Page) -> None:
    running = serve()
    running.site.shown = fleet()
    page.go(f"{running.url}/")
    assert len(names(page)) == 7
    page.loading(lambda: choose(page, "team", "risk"))
    assert names(page) == ["search-0", "search-2", "search-4"]
    page.loading(lambda: choose(page, "region", "us-east-1"))
    assert names(page) == ["search-4"]
    assert page.run("location.search") == "?team=risk&region=us-east-1"
    page.loading(lambda: page.run("history.back()"))
    assert names(page) == ["search-0", "search-2", "search-4"]
    assert page.run('document.querySelector("[name=q]").disabled') is False
    page.loading(lambda: click(page, ".counts a[href*=missing]"))
    assert names(page) == []
    assert page.complaints == []


def test_columns_sort_both_ways(serve, page: Page) -> None:
    running = serve()
    running.site.shown = fleet()
    page.go(f"{running.url}/")
    page.loading(lambda: click(page, ".fleet thead a[href*='sort=name']"))
    assert names(page)[0] == "lost"
    page.loading(lambda: click(page, ".fleet thead a[href*='sort=-name']"))
    assert names(page)[0] == "search-5"
    assert page.run('document.querySelector("th[aria-sort]").ariaSort') == "descending"
    assert page.complaints == []


def test_all_of_it_works_without_scripts(serve, page: Page) -> None:
    running = serve()
    running.site.shown = fleet()
    page.scripts(on=False)
    page.go(f"{running.url}/")
    page.run('document.querySelector("[name=team]").value = "search"')
    page.loading(lambda: click(page, ".filters button"))
    assert names(page) == ["search-1", "search-3", "search-5"]
    page.loading(lambda: click(page, ".fleet .job > a"))
    assert page.run('document.querySelector("h1").textContent') == "search-1"
    assert page.run('document.querySelector("button.copy").hidden') is True, "which would do nothing"
    assert page.complaints == []


def test_the_text_of_strangers_does_not_run(serve, page: Page) -> None:
    running = serve()
    running.site.shown = hostile_site()
    page.go(f"{running.url}/")
    links = page.run('[...document.querySelectorAll(".fleet .job > a")].map(each => each.href)')
    assert len(links) == 2
    for url in [f"{running.url}/", *links, f"{running.url}/targets", f"{running.url}/config"]:
        page.go(url)
        assert page.run("document.scripts.length") == 1
        assert page.run('document.querySelectorAll("img, iframe").length') == 0
        assert "<script>alert(1)</script>" in page.run("document.body.innerText")
    page.go(links[1])
    assert page.run('document.querySelector("h1").textContent') == HOSTILE_NAME
    assert page.complaints == []
    assert {urlsplit(url).netloc for url in page.asked} == {urlsplit(running.url).netloc}


def test_a_page_asks_nobody_else_and_has_nothing_to_complain_of(serve, page: Page) -> None:
    running = serve()
    for path in PATHS:
        page.go(f"{running.url}{path}")
        assert page.run("document.styleSheets.length") == 1
    assert page.complaints == []
    page.go(f"{running.url}/jobs/-/x/no")  # of which the browser notes that it was not found
    assert page.run("document.styleSheets.length") == 1
    assert {urlsplit(url).netloc for url in page.asked} == {urlsplit(running.url).netloc}


# What of a table can be seen only after scrolling it sideways.
_WIDER = """
[...document.querySelectorAll(".table")].filter(table => table.scrollWidth > table.clientWidth).flatMap(
  table => [...table.querySelectorAll("th, td, td *")]
    .filter(each => each.getBoundingClientRect().right > table.getBoundingClientRect().right)
    .map(each => `${each.tagName} ${each.className} ${each.textContent.slice(0, 30)}`))
"""


def test_a_page_fits_a_phone(serve, page: Page) -> None:
    running = serve()
    page.size(390, 844)
    for shown in (running.site.shown, hostile_site()):
        running.site.shown = shown
        for path in (*PATHS, "/?q=nothing"):
            page.go(f"{running.url}{path}")
            assert page.run("document.documentElement.scrollWidth") <= 390, path
            assert page.run(_WIDER) == [], path


# As WCAG has it, from the colours that are computed; a ground that is not painted is that of what it stands on.
_CONTRASTS = """
(() => {
  const channel = c => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  const parse = text => text.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const ground = each => {
    for (; each; each = each.parentElement) {
      const [r, g, b, a = 1] = parse(getComputedStyle(each).backgroundColor);
      if (a === 1) return [r, g, b];
    }
    return [255, 255, 255];
  };
  const poor = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const each = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || each.closest("svg, .unseen, option, script")) continue;
    const style = getComputedStyle(each);
    const [one, other] = [light(parse(style.color)), light(ground(each))].sort((a, b) => b - a);
    const ratio = (one + 0.05) / (other + 0.05);
    if (ratio < 4.5) poor.push(`${ratio.toFixed(2)} ${each.className} ${walker.currentNode.data.trim().slice(0, 30)}`);
  }
  return poor;
})()
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_told_from_its_ground(serve, page: Page, scheme: str) -> None:
    running = serve()
    running.site.shown = replace(hostile_site(), targets=(watched(*fleet().targets[0].jobs, view(FACTS)),))
    page.scheme(scheme)
    for path in PATHS:
        page.go(f"{running.url}{path}")
        assert page.run(_CONTRASTS) == [], path


def test_the_keyboard_reaches_the_content_first(serve, page: Page) -> None:
    running = serve()
    page.go(f"{running.url}/")
    page.press("Tab")
    assert page.run("document.activeElement.textContent") == "Skip to the content"
    assert page.run("document.activeElement.getBoundingClientRect().left") >= 0
    page.press("Tab")
    assert page.run("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_promql_is_copied_or_selected(serve, page: Page) -> None:
    running = serve()
    page.go(f"{running.url}/jobs/888899990000/cn-northwest-1/tune-zh")
    page.run('document.querySelectorAll("details").forEach(each => { each.open = true })')
    assert page.run('document.querySelector("button.copy").hidden') is False
    page.run('document.querySelector("#its-series").closest(".copyable").querySelector("button").click()')
    told = page.run(
        "new Promise(done => { const look = () => { const text = document.querySelector('#its-series')"
        ".closest('.copyable').querySelector('button').textContent;"
        " if (text === 'Copy') requestAnimationFrame(look); else done(text); }; look(); })"
    )
    assert told in {"Copied", "Selected: press Ctrl+C"}
    if told.startswith("Selected"):
        assert "sagemaker_tuning_job_up{" in page.run("getSelection().toString()")
