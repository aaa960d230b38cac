"""Every member of an entry of the list is accounted for, and what the table claims of it is so."""

from __future__ import annotations

import copy
import json
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from support.answers import leaves, output_of
from support.uses import assert_says_something
from support.views import ANSWERS, facts, spend_of, view

from exporter.exposition.families.training_jobs import TRAINING_JOBS
from exporter.exposition.render import render
from exporter.tuning_job import Definition, Instances, Objective
from exporter.tuning_job.fields import Label, Metric
from exporter.tuning_job.training_fields import BILL_FIELDS, TRAINING_FIELDS
from exporter.tuning_job.trainings import reduce_bills

SHAPES = dict(leaves(output_of("ListTrainingJobsForHyperParameterTuningJob")))
LIST = "TrainingJobSummaries"
ENTRIES = json.loads((ANSWERS / "training_jobs" / "everything.json").read_text(encoding="utf-8"))[LIST]


def used_by(path: str) -> set[str]:
    return {use.family for use in TRAINING_FIELDS[path] if isinstance(use, Metric | Label)}


def test_has_every_leaf_of_the_api_and_no_other() -> None:
    assert set(TRAINING_FIELDS) == set(SHAPES)
    assert len(SHAPES) > 12


@pytest.mark.parametrize("path", TRAINING_FIELDS)
def test_says_something_of_each(path: str) -> None:
    assert_says_something(TRAINING_FIELDS[path])


@pytest.mark.parametrize("family", TRAINING_JOBS.families, ids=lambda family: family.name)
def test_every_family_comes_from_a_leaf_but_what_is_configured_or_searched_for(family: Any) -> None:
    assert family.name in {"budget", "billable_instance_seconds_total"} or any(
        family.name in used_by(path) for path in TRAINING_FIELDS
    )


# With a second definition, and with counters that agree with the list.
JOB = replace(
    facts(),
    definitions=(
        *facts().definitions,
        Definition(
            "other", Objective(None, None), spot=False, instances=(Instances("m", 3), Instances("ml.p3.2xlarge", 1))
        ),
    ),
    training_jobs={"Completed": 2, "InProgress": 1, "NonRetryableError": 2, "Stopped": 1},
)


def shown(entries: list[dict[str, Any]]) -> dict[str, str]:
    spent = view(JOB, spend=spend_of(entries, JOB))
    return {each.name: "".join(piece.text for piece in render([each], [spent])) for each in TRAINING_JOBS.families}


OTHERS: dict[str, list[Any]] = {
    "TrainingJobDefinitionName": ["other"],
    "TrainingJobArn": ["arn:x"],
    "TuningJobName": ["other"],
    "CreationTime": [1.0],
    "TrainingStartTime": [1_764_550_000.0],
    "TrainingEndTime": [1_764_561_700.0],
    "TrainingJobStatus": ["Completed", "Failed", "Stopped", "InProgress"],
    "TunedHyperParameters": [{"layers": "1"}],
    "FailureReason": ["AlgorithmError: Segmentation fault"],
    "FinalHyperParameterTuningJobObjectiveMetric": [{"MetricName": "x", "Value": 1.0}],
    "ObjectiveStatus": ["Pending"],
}


def test_leaves_change_the_families_that_the_table_names_and_no_others() -> None:
    before = shown(ENTRIES)
    found: dict[str, set[str]] = defaultdict(set)
    for place in range(len(ENTRIES)):
        for member, values in OTHERS.items():
            for value in [*values, None]:
                entries = copy.deepcopy(ENTRIES)
                entries[place][member] = value
                found[member] |= {name for name, text in shown(entries).items() if text != before[name]}
    named = {member: set[str]() for member in OTHERS}
    for path in TRAINING_FIELDS:
        member = path.removeprefix(f"{LIST}[].").split("{")[0].split(".")[0]
        if member in named:
            named[member] |= used_by(path)
    assert {member: names for member, names in found.items() if names} == {
        member: names for member, names in named.items() if names
    }


# Search


RECORD = "Results[].TrainingJob."
SEARCHED = {
    path: shape for path, shape in leaves(output_of("Search")) if path.startswith(RECORD) or path == "NextToken"
}
VALUES = {"string": ("a", "b"), "boolean": (True, False)}


def value_of(shape: Any, *, changed: bool) -> Any:
    return VALUES.get(shape.type_name, (1, 2))[changed]


def searched(other: str = "", *without: str) -> dict[str, Any]:
    """Return an answer with every leaf, but those without; another value is at the ``other`` path."""
    answer: dict[str, Any] = {}
    for path, shape in SEARCHED.items():
        if path not in without:
            put(answer, path, value_of(shape, changed=path == other))
    return answer


def put(here: Any, path: str, value: Any) -> None:
    """Put a value at a path, in lists and maps of one."""
    *steps, last = path.replace("{key}", ".{key}").replace("{value}", ".{value}").split(".")
    for step in steps:
        listed = step.endswith("[]")
        here = here.setdefault(step.removesuffix("[]"), [{}] if listed else {})
        here = here[0] if listed else here
    if last == "{value}":
        here[next(iter(here))] = value
    else:
        name = str(value) if last == "{key}" else last.removesuffix("[]")
        here[name] = [value] if last.endswith("[]") else value


SELECTED = tuple(f"{RECORD}ResourceConfig.SelectedInstance{what}" for what in ("Type", "Count"))


@pytest.mark.parametrize("path", BILL_FIELDS)
def test_says_something_of_what_is_read_of_a_bill(path: str) -> None:
    assert_says_something(BILL_FIELDS[path])


def test_what_is_read_of_a_bill_is_what_the_table_names_and_nothing_else() -> None:
    read = set()
    for without in ((), SELECTED):
        before = reduce_bills(searched("", *without))
        assert before.bills[0].instances
        read |= {path for path in SEARCHED if reduce_bills(searched(path, *without)) != before}
    assert read == BILL_FIELDS.keys()
    assert len(SEARCHED) > 100
