"""CONTRIBUTING.md names files, tests and goals that there are."""

from __future__ import annotations

import re

import pytest
from support.tools import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (\w[^\n]+)\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
PLACES = dict.fromkeys(re.findall(r"`([\w./-]+\.py)` `([\w.]+)`", PAGE))


def test_every_file_exists() -> None:
    files = set(re.findall(r"`([\w.-]+/[\w./-]+)`", PAGE))
    assert files
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []


@pytest.mark.parametrize(("file", "name"), PLACES)
def test_every_name_is_in_its_file(file: str, name: str) -> None:
    code = (ROOT / file).read_text(encoding="utf-8")
    assert re.search(rf"^ *(def |class |)(?:{name})\b", code, re.MULTILINE)


def test_every_goal_is_one_of_make() -> None:
    goals = set(re.findall(r"\bmake ([a-z-]+)", " ".join(re.findall(r"`([^`]+)`", PAGE))))
    assert goals
    assert goals <= set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize(
    ("example", "number", "word"), [("Adding a metric", 11, "eleven"), ("Adding a configuration key", 17, "seventeen")]
)
def test_it_takes_as_many_files_as_it_says(example: str, number: int, word: str) -> None:
    files = re.findall(r"^\| `([\w./-]+)` \|", SECTIONS[example], re.MULTILINE)
    assert f"takes {word} files" in re.sub(r"\s+", " ", SECTIONS[example])
    assert len(files) == len(set(files)) == number
