"""The pages that are made from the code are up to date, and say of each metric what is so."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from docs_metrics import most_series
from make_docs import DOCS, PAGES
from own_metrics import own_metrics
from support.views import facts, view

from exporter.errors import ErrorCode, Failure
from exporter.exposition.families import FAMILIES
from exporter.exposition.render import render

METRICS = (DOCS / "metrics.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES)
def test_is_up_to_date(page: str) -> None:
    assert PAGES[page]() == (DOCS / page).read_text(encoding="utf-8"), "run `make docs`"


def test_every_family_has_a_part_of_its_own() -> None:
    assert sorted(re.findall(r"^### (.+)$", METRICS, re.MULTILINE)) == sorted(family.full_name for family in FAMILIES)


def test_every_own_metric_and_error_code_has_a_row() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \|", METRICS, re.MULTILINE)
    assert rows == [
        *sorted((metric.name for metric in own_metrics()), key=lambda name: name.startswith("process_")),
        *ErrorCode,
    ]


def test_links_within_lead_somewhere() -> None:
    titles = re.findall(r"^#+ (.+)$", METRICS, re.MULTILINE)
    links = re.findall(r"\]\(#([^)]+)\)", METRICS)
    assert links
    assert set(links) <= {title.lower().replace(" ", "-") for title in titles}


def test_a_tuning_job_has_no_more_series_than_is_said() -> None:
    fullest = view(facts(), labels={"team": "search"}, failure=Failure(ErrorCode.TLS, ""))
    always = [family for family in FAMILIES if family.collect is None]
    found = Counter(re.findall(r"^(\w+)\{", "".join(piece.text for piece in render(always, [fullest])), re.MULTILINE))
    assert found == {family.full_name: most_series(family) for family in always}
    assert f"at most {found.total()} series" in METRICS
