"""The attack on each way in: what it once found, some cases of each target, and that it finds what it is there to find."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from fuzz import watch
from fuzz.configuration import Configuration
from fuzz.engine import FOUND, TARGETS, Budget, Report, Run
from fuzz.mutate import another_tree, gathered, is_large, other_bytes
from fuzz.target import Defect, Outcome, Target
from hypothesis import given
from hypothesis import strategies as st
from support.tools import ROOT

from exporter.config import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CASES = 250
"""Of each target here, beside what was found: that it still works is seen with these, not what else there is to find."""

LEAST_DEEP = 0.3
"""The share of cases that must come past the first parser, lest the rest is never reached."""

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda members: st.lists(members) | st.dictionaries(st.text(), members),
)


@pytest.mark.long
@pytest.mark.parametrize("name", TARGETS)
def test_nothing_breaks(name: str, tmp_path: Path) -> None:
    result = tmp_path / "result"
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz", name, "--blind", f"--cases={CASES}", "--keep", tmp_path, "--result", result],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    report = Report(**json.loads(result.read_text()))
    assert report.findings == {}
    assert report.cases == CASES + len([*(FOUND / name).glob("*")])
    assert report.deep >= LEAST_DEEP * report.cases
    assert len(report.outcomes) > 3


def test_a_target_that_there_is_not_is_refused() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fuzz", "answer"], cwd=ROOT / "tests", capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "there is no target answer: choose from answers," in ended.stderr


class Toy(Target):
    """A target whose cases do what a test says."""

    def __init__(self, does: Callable[[bytes], object]) -> None:
        self._does = does

    def seeds(self) -> Sequence[bytes]:
        return [b"seed"]

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        return other_bytes(rng, case)

    def run(self, case: bytes) -> Outcome:
        self._does(case)
        return Outcome("good", deep=True)

    def seconds(self, case: bytes) -> float:
        return 0.2


def spin() -> None:
    while True:
        pass


def swallowing() -> None:
    try:
        spin()
    except Exception:  # noqa: BLE001 - as the exporter has it where nothing may end a thread
        pytest.fail("what watches was caught")


@pytest.mark.long
@pytest.mark.parametrize(
    ("does", "place"),
    [
        (lambda _: json.loads("{"), "JSONDecodeError at elsewhere"),
        (lambda _: spin(), "TooLong at elsewhere"),
        (lambda _: swallowing(), "TooLong at elsewhere"),
        (lambda _: sys.exit(3), "SystemExit at elsewhere"),
    ],
    ids=["an error", "a case that does not end", "one that catches all", "an end"],
)
def test_what_breaks_a_promise_is_found(does: Callable[[bytes], object], place: str) -> None:
    watched = watch.Watch(Toy(does))
    watched.take(b"case")
    assert {found: finding.case for found, finding in watched.findings.items()} == {place: b"case"}
    assert (watched.cases, watched.deep, watched.outcomes) == (1, 0, {"DEFECT": 1})


def test_a_good_case_is_counted() -> None:
    watched = watch.Watch(Toy(lambda _: None))
    watched.take(b"")
    assert (watched.cases, watched.deep, watched.outcomes, watched.findings) == (1, 1, {"good": 1}, {})


def test_a_defect_of_the_exporter_is_found_once_and_its_case_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("name")

    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path)  # and back at the end: the target goes elsewhere
    target = Configuration(tmp_path / "work")
    monkeypatch.setattr(validate, "validate", broken)
    run = Run("configuration", target, Budget(2, 60.0), tmp_path / "found")
    for case in target.seeds()[:2]:
        assert not run.over
        run.take(case)
    report = run.report()
    assert run.over
    [(place, told)] = report.findings.items()
    assert place.startswith("KeyError at config/__init__.py:_resolved:")
    [file] = (tmp_path / "found" / "configuration").iterdir()
    assert file.read_bytes() == target.seeds()[0]
    assert told.startswith(f"{file}\nTraceback")
    assert report.outcomes == {"DEFECT": 2}


@pytest.mark.parametrize(
    ("peaks", "what"),
    [([0, 0, 65], "one case took more than 64 MiB"), ([0, 200, 257, 257], "the cases so far took more than 256 MiB")],
)
def test_memory_is_bounded(peaks: list[int], what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    known = iter([peak << 20 for peak in peaks])
    monkeypatch.setattr(watch, "peak_memory", lambda: next(known))
    watched = watch.Watch(Toy(lambda _: None))
    watched.take(b"")
    assert [*watched.findings] == [f"Defect: {what} of memory at elsewhere"]


def test_errors_of_the_checks_are_told_apart_by_what_they_say() -> None:
    def refuse(case: bytes) -> None:
        raise Defect(case.decode())

    watched = watch.Watch(Toy(refuse))
    for case in (b"one", b"two", b"one"):
        watched.take(case)
    assert {*watched.findings} == {"Defect: one at elsewhere", "Defect: two at elsewhere"}


def test_a_tree_that_shares_its_parts_is_changed_without_being_unfolded() -> None:
    tree: Any = ["a"]
    for _ in range(40):
        tree = [tree, tree]  # 2 ** 40 places
    assert another_tree(random.Random(1), tree, [], {}) != []
    assert is_large(tree)
    assert not is_large(tree[0:0])


@given(JSON, st.randoms(use_true_random=False))
def test_a_tree_changes_and_the_one_it_was_stays(tree: Any, rng: random.Random) -> None:
    before = json.dumps(tree)
    known = gathered([tree])
    for _ in range(5):
        another_tree(rng, tree, [*known], known)
    assert json.dumps(tree) == before


@given(st.binary(max_size=200), st.randoms(use_true_random=False))
def test_bytes_change_within_bounds(case: bytes, rng: random.Random) -> None:
    changed = case
    for _ in range(20):
        changed = other_bytes(rng, changed, [b"token"], [case])
    assert len(changed) <= 256 * 1024
