"""docs/fields.md tells what the table says."""

from __future__ import annotations

import importlib.util
import re
from dataclasses import fields
from typing import TYPE_CHECKING

import pytest
from support.tools import ROOT

from exporter.tuning_job import model
from exporter.tuning_job.fields import FIELDS
from exporter.tuning_job.training_fields import BILL_FIELDS, TRAINING_FIELDS
from exporter.web.pages import TargetState

if TYPE_CHECKING:
    from types import ModuleType


def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_fields", ROOT / "tools" / "docs_fields.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    page = (ROOT / "docs" / "fields.md").read_text(encoding="utf-8")
    assert page == tool().render(), "run: make docs"


def test_every_field_has_a_row() -> None:
    rendered, _, _ = tool().render().partition("## As JSON")
    rows = {line.split("`")[1] for line in rendered.splitlines() if line.startswith("| `")}
    assert rows == {
        path for path in FIELDS | TRAINING_FIELDS | BILL_FIELDS if not path.startswith("TrainingJobDefinitions[]")
    }


def test_rows_tell_what_becomes_of_a_field() -> None:
    rows = tool().render().splitlines()
    assert "| `CreationTime` | `created_timestamp_seconds` |" in rows
    assert "| `Autotune.Mode` | label `autotune` of `info` |" in rows
    assert "| `HyperParameterTuningJobName` | label `tuning_job` of every metric |" in rows
    assert "| `TrainingJobDefinition.EnableManagedSpotTraining` | label `spot` of *`definition_info`* |" in rows
    [seed] = [row for row in rows if "RandomSeed" in row]
    assert "not exported. A detail" in seed


def test_every_member_of_the_json_has_a_row_and_one_without_a_text_is_refused() -> None:
    _, _, rendered = tool().render().partition("## As JSON")
    for described in (model.TuningJob, model.TrainingJob, model.Definition):
        [table] = re.findall(
            rf"^\| member of `{described.__name__}` \| \|\n\|---\|---\|\n((?:\|.+\n)+)", rendered, re.MULTILINE
        )
        assert re.findall(r"^\| `(\w+)` \| \S", table, re.MULTILINE) == [field.name for field in fields(described)]
    with pytest.raises(SystemExit, match=r"TargetState.spec has no text"):
        tool()._members(TargetState)
