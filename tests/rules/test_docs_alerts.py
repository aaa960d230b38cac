"""Every alert is in the documentation, with a runbook that can be followed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import docs_alerts
import pytest
from render_rules import alerts, load
from support.tools import ROOT

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [rule["alert"] for rule in alerts(load())]
RUNBOOKS = (ROOT / "docs" / "runbooks.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", RUNBOOKS, re.MULTILINE | re.DOTALL))
PARTS = ["What it means.", "What to look at.", "What to do.", "When it is a false alarm."]


def test_the_tables_are_up_to_date() -> None:
    assert docs_alerts.render() == docs_alerts.PAGE.read_text(encoding="utf-8"), "run `make docs`"


def test_each_record_is_in_the_table_with_what_it_is() -> None:
    page = docs_alerts.PAGE.read_text(encoding="utf-8")
    written = dict(re.findall(r"^\| `([a-z]\S+)` \| ([^`|]+) \|$", page, re.MULTILINE))
    assert written.keys() == {rule["record"] for each in load()["groups"] for rule in each["rules"] if "record" in rule}


def test_a_record_is_what_the_comment_right_above_it_says(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text("      # Not this.\n\n      # What it is,\n      # in two lines.\n      - record: a:b:c\n")
    assert docs_alerts.meanings(tmp_path) == {"a:b:c": "What it is, in two lines."}
    rules.write_text("      # Not this.\n\n      - record: a:b:c\n")
    with pytest.raises(ValueError, match=r"rules\.yaml: there is no comment above a:b:c"):
        docs_alerts.meanings(tmp_path)


def test_a_page_without_a_place_for_a_table_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_alerts, "PAGE", ROOT / "README.md")
    with pytest.raises(ValueError, match="0 places for alerts"):
        docs_alerts.render()


def test_there_is_a_runbook_for_each_alert_and_no_other() -> None:
    assert sorted(SECTIONS) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_is_whole(name: str) -> None:
    section = SECTIONS[name]
    assert re.findall(r"^\*\*(.+?)\*\*", section, re.MULTILINE) == PARTS
    means, look, do, wrong = (part.strip() for part in re.split(r"^\*\*.+?\*\*", section, flags=re.MULTILINE)[1:])
    assert "```promql" in look
    assert re.search("console", look)
    assert all(len(part) > 20 for part in (means, do, wrong))


def test_the_links_of_the_alerts_lead_to_their_runbooks() -> None:
    for rule in alerts(load()):
        assert rule["annotations"]["runbook_url"].endswith(f"docs/runbooks.md#{rule['alert'].lower()}")
    assert len({rule["annotations"]["runbook_url"].partition("#")[0] for rule in alerts(load())}) == 1
