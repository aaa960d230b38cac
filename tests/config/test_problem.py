from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config.problem import ConfigError, Problem, instead, nearest, quote, show_path


def test_a_problem_is_one_line_with_file_line_and_path() -> None:
    assert (
        str(Problem("c.yaml", 12, "tuning_jobs[2].labels.team", "wrong"))
        == "c.yaml:12: tuning_jobs[2].labels.team: wrong"
    )
    assert str(Problem("c.yaml", None, "", "wrong")) == "c.yaml: wrong"


def test_an_error_lists_its_problems_by_line() -> None:
    late, early, whole = Problem("c", 9, "b", "x"), Problem("c", 2, "a", "x"), Problem("c", None, "", "x")
    error = ConfigError([late, early, whole])
    assert error.problems == (whole, early, late)
    assert str(error).splitlines() == ["c: x", "c:2: a: x", "c:9: b: x"]


def test_of_very_many_problems_the_first_are_told() -> None:
    error = ConfigError(Problem("c", line, "", "x") for line in range(5_000, 0, -1))
    assert len(error.problems) == 5_000
    lines = str(error).splitlines()
    assert lines[:2] == ["c:1: x", "c:2: x"]
    assert lines[99:] == ["c:100: x", "c: 4,900 more mistakes are not shown: fix these first"]
    assert len(str(ConfigError(error.problems[:100])).splitlines()) == 100
    assert str(ConfigError(error.problems[:101])).endswith("c: 1 more mistake is not shown: fix these first")


def test_paths_read_like_code() -> None:
    assert show_path(("tuning_jobs", 2, "labels", "team")) == "tuning_jobs[2].labels.team"
    assert show_path(("labels", "a b")) == 'labels["a b"]'


@given(st.text())
def test_quoted_text_stays_on_one_short_line(text: str) -> None:
    quoted = quote(text)
    assert len(quoted.splitlines()) == 1
    assert quoted.isprintable()
    assert len(quoted) <= 1000


@pytest.mark.parametrize(
    ("word", "meant"),
    [("inprogress", "InProgress"), ("in-progress", "InProgress"), ("Complete", "Completed"), ("zzz", None)],
)
def test_the_nearest_word_is_found_whatever_its_case(word: str, meant: str | None) -> None:
    assert nearest(word, ["InProgress", "Completed"]) == meant


def test_without_a_near_word_all_are_named() -> None:
    assert instead("zzz", ["one", "two"]) == "write one of one, two"
