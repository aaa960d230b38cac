"""docs/architecture.md describes the code that there is."""

from __future__ import annotations

import importlib
import re
import tomllib
from operator import attrgetter

import pytest
from support.tools import ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w[^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]["contracts"]
CODE = {path.relative_to(ROOT / "exporter"): path.read_text() for path in (ROOT / "exporter").rglob("*.py")}


def place(file: str, name: str) -> object:
    """Return what has a name in a file of the exporter."""
    module = importlib.import_module("exporter." + file.removesuffix(".py").replace("/", "."))
    found: object = attrgetter(name)(module)
    return found


def test_the_picture_shows_the_layers_in_their_order() -> None:
    [layers] = [contract["layers"] for contract in CONTRACTS if contract["type"] == "layers"]
    [picture] = re.findall(r"```text\n(.*?)```", SECTIONS["The layers"], re.DOTALL)
    shown = [re.split(" {2,}", line.strip())[0] for line in picture.splitlines() if line]
    assert shown == [*(layer.replace("exporter.", "") for layer in layers), "simulator"]


def test_every_contract_is_named() -> None:
    assert re.findall(r"^- \*(.+?)\*", SECTIONS["The layers"], re.MULTILINE) == [each["name"] for each in CONTRACTS]


def test_every_file_of_the_fleet_has_a_row() -> None:
    rows = re.findall(r"^\| `(fleet/\w+\.py)` \|", SECTIONS["What each file of fleet owns"], re.MULTILINE)
    files = {str(file) for file in CODE if file.parts[0] == "fleet" and file.name != "__init__.py"}
    assert sorted(rows) == sorted(files)


def test_every_file_exists() -> None:
    files = set(re.findall(r"`([\w/]+\.py)`", PAGE))
    assert files
    assert files <= {str(file) for file in CODE}


@pytest.mark.parametrize(("file", "name"), dict.fromkeys(re.findall(r"`([\w/]+\.py)` `([\w.]+)`", PAGE)))
def test_every_place_exists(file: str, name: str) -> None:
    place(file, name)


def test_five_files_tell_how_a_describe_is_scheduled() -> None:
    files = re.findall(r"^\d\. `([\w/]+\.py)`", SECTIONS["How a describe is scheduled"], re.MULTILINE)
    assert len(set(files)) == 5


def test_the_limits_are_those_of_the_code() -> None:
    rows = re.findall(r"^\| .+ \| (\d+) \| `(.+)` `(.+)` \|$", SECTIONS["Threads and locks"], re.MULTILINE)
    assert len(rows) == 8
    assert [(file, name, place(file, name)) for _, file, name in rows] == [
        (file, name, int(number)) for number, file, name in rows
    ]


def test_every_thread_has_a_row() -> None:
    rows = re.findall(r"^\| `([\w-]+)…?` \|", SECTIONS["Threads and locks"], re.MULTILINE)
    kept = [text for file, text in CODE.items() if file.parts[0] not in {"cli", "simulator"}]
    names = re.findall(r'(?:Thread\([^)]*name=|Worker\(self, f)"([\w-]+)', "".join(kept))
    assert sorted(rows) == sorted(names)


def test_every_word_is_one_of_the_code() -> None:
    words = re.findall(r"^\| (\w+) \|", SECTIONS["The words"], re.MULTILINE)[1:]
    told = "".join(text for file, text in CODE.items() if file.parts[0] in {"fleet", "exposition"}).lower()
    assert len(words) > 12
    assert [word for word in words if word not in told] == []


def test_links_within_lead_somewhere() -> None:
    links = re.findall(r"\]\(#([^)]+)\)", PAGE)
    assert links == [re.sub("[^a-z -]", "", title.lower()).replace(" ", "-") for title in SECTIONS]
