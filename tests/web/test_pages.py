from __future__ import annotations

import re

from exporter.web.pages import Link, Overview, landing


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


def test_the_page_loads_nothing() -> None:
    page = landing(Overview("1", 0.0, 0, {}, []))
    assert not re.search(r"(?i)\bsrc=|<link|<script|@import|url\(|https?:", page)
