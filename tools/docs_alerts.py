"""Makes the tables in docs/alerts.md from the rules. The rest of the page is written by hand."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from render_rules import RULES, alerts, load, thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PAGE = Path(__file__).resolve().parents[1] / "docs" / "alerts.md"


def render() -> str:
    """Return the whole page with new tables. Raises ValueError if the comments around one are missing."""
    page = PAGE.read_text(encoding="utf-8")
    page = placed(page, "alerts", _alerts())
    return placed(page, "records", _records())


def placed(page: str, name: str, table: str) -> str:
    """Return the page with the text between the comments ``name`` replaced. Raises ValueError if they are missing."""
    place = rf"(<!-- {name}: made by [^>]+ -->\n).*?(<!-- /{name} -->\n)"
    page, places = re.subn(place, lambda found: found[1] + table + found[2], page, flags=re.DOTALL)
    if places != 1:
        raise ValueError(f"{PAGE.name} has {places} places for {name}")
    return page


def _alerts() -> str:
    head = ("alert", "severity", "for", "keeps firing", "thresholds")
    # The tuning jobs' come before the exporter's own.
    rules = alerts({"groups": reversed(load()["groups"])})
    return _table(head, map(_alert, rules))


def _alert(rule: Mapping[str, Any]) -> tuple[str, ...]:
    name = rule["alert"]
    numbers = (f"`{one.name}` {one.value}{' s' if one.seconds else ''}" for one in thresholds(rule).values())
    return (
        f"[`{name}`](runbooks.md#{name.lower()})",
        rule["labels"]["severity"],
        rule["for"],
        rule["keep_firing_for"],
        ", ".join(numbers),
    )


def _records() -> str:
    return _table(("series", "meaning"), ((f"`{name}`", text) for name, text in meanings(RULES).items()))


def meanings(folder: Path) -> dict[str, str]:
    """Return the meaning of each recorded series by name: the comment above it. Raises ValueError if there is none."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")):
        above: list[str] = []
        for line in path.read_text(encoding="utf-8").splitlines():
            if (comment := re.fullmatch(r" +# (.+)", line)) is not None:
                above.append(comment[1])
                continue
            if (record := re.fullmatch(r" +- record: (\S+)", line)) is not None:
                if not above:
                    raise ValueError(f"{path.name}: there is no comment above {record[1]} that tells what it is")
                found[record[1]] = " ".join(above)
            above = []
    return found


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)
