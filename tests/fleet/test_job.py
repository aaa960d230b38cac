"""One tuning job: its verbs keep what is due, owed and shown in step, and nobody else writes its fields."""

from __future__ import annotations

import ast
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fleet.driver import START, Driver, FakeApi, answer, job_specs, target_spec

import exporter.fleet
from exporter.clock import Instant
from exporter.config.specs import LISTED, JobSpec
from exporter.errors import ErrorCode, Failure
from exporter.fleet import Operation, past_calls, perform
from exporter.fleet.job import Job
from exporter.fleet.schedule import DESCRIBES_AT_END
from exporter.tuning_job import Summary, reduce

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = Instant(START, 0.0)
LATER = Instant(START + 60, 60.0)
FACTS = reduce(answer("churn"))


def job(source: str = LISTED) -> Job:
    return Job.begun(JobSpec("churn", {}, source=source), NOW)


def _writes(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each attribute that is written to of something that is not ``self``."""
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign | ast.Delete):
            targets = list(node.targets)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            for each in ast.walk(target):
                if isinstance(each, ast.Attribute) and not (
                    isinstance(each.value, ast.Name) and each.value.id == "self"
                ):
                    yield each.attr, each.lineno


def test_nobody_else_writes_its_fields() -> None:
    # Fields of the same name that other classes of the package write of others than themselves.
    others = {"tags.py": {"due"}, "lists.py": {"due"}, "training_jobs.py": {"due"}}
    names = {field.name for field in fields(Job)}
    found = [
        (path.name, name, line)
        for path in sorted(Path(exporter.fleet.__file__).parent.glob("*.py"))
        if path.name != "job.py"
        for name, line in _writes(ast.parse(path.read_text()))
        if name in names - others.get(path.name, set())
    ]
    assert found == []
    assert {("due", 1)} <= set(_writes(ast.parse("job.due, other = 1.0, 2"))), "the test would see it"


def test_a_call_is_shown_with_it() -> None:
    each = job()
    before = each.view("eu-west-1", None)
    each.called(Operation.DESCRIBE, ErrorCode.TLS, 0.5, LATER)
    after = each.view("eu-west-1", None)
    assert before.history == b""
    assert past_calls(after.history) == ((Operation.DESCRIBE, ErrorCode.TLS, int(LATER.wall), 500),)


@pytest.mark.parametrize(
    "change",
    [
        lambda each: each.configure(JobSpec("churn", {"team": "search"})),
        lambda each: each.plan(90.0, LATER),
        lambda each: each.retry(70.0, LATER),
        lambda each: each.settle(120.0, 120.0, LATER),
        lambda each: each.note_listed(Summary.of(reduce(answer("churn", LastModifiedTime=2_000_000.0)))),
        lambda each: each.tag({"team": "search"}),
    ],
    ids=["configure", "plan", "retry", "settle", "note_listed", "tag"],
)
def test_each_verb_that_changes_what_is_shown_shows_it(change: Callable[[Job], object]) -> None:
    each = job()
    each.succeed(FACTS, 0.0, NOW)
    each.settle(60.0, 60.0, NOW)
    before = each.view("eu-west-1", None)
    assert each.view("eu-west-1", None) is before, "made once"
    change(each)
    assert each.view("eu-west-1", None) != before


def test_what_is_due_and_what_is_shown_of_it_agree() -> None:
    each = job()
    each.fail(Failure(ErrorCode.TIMEOUT, "late"))
    each.retry(5.0, NOW)
    assert (each.due, each.view("eu-west-1", None).next_describe) == (5.0, START + 5)
    each.plan(60.0, NOW)
    assert (each.due, each.view("eu-west-1", None).next_describe) == (60.0, START + 60)
    assert each.owed == 0.0, "what is owed for longer stays so"


def test_it_rests_once_its_last_describes_are_over() -> None:
    each = job()
    ended = reduce(answer("churn", "Completed"))
    rests = []
    for _ in range(DESCRIBES_AT_END + 1):
        rests.append(each.succeed(ended, 0.0, NOW))
        assert each.resting == rests[-1]
        each.settle(60.0, 60.0, NOW)
    assert rests == [False] * (DESCRIBES_AT_END - 1) + [True] * 2
    assert each.resting
    assert not each.succeed(FACTS, 0.0, NOW), "it runs again, under the same name"
    assert not each.resting


def test_a_late_answer_makes_it_due_and_says_so() -> None:
    driver = Driver(target_spec("churn"))
    work = driver.target.next(driver.now)
    assert work is not None
    driver.clock.advance(41.0)
    driver.target.expire(driver.now)
    driver.target.take_changed()
    planned = driver.views()["churn"].next_describe
    driver.clock.advance(2.0)
    driver.target.apply(work, perform(driver.api, work), driver.now)
    assert driver.target.take_changed(), "so that it is published"
    assert driver.views()["churn"].next_describe == driver.now.wall != planned
    assert driver.target.wakes_at(driver.now) == driver.now.monotonic


def test_looking_changes_nothing() -> None:
    api = FakeApi()
    api.jobs["churn"] = answer("churn", "Completed", HyperParameterTuningEndTime=START)
    spec = target_spec(jobs=job_specs("churn", source="a rule"), retention=3_600.0)
    driver = Driver(spec, api=api)
    driver.run(until=600.0)
    assert list(driver.views(after=7_200.0)) == [], "it would be gone by then"
    assert list(driver.views()) == ["churn"], "but nobody forgot it for having looked"
