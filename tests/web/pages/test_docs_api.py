"""docs/api.md names every member of the JSON, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from support.snapshots import (
    NAME,
    NOW,
    QUIET,
    organization,
    organization_state,
    settings,
    snapshot,
    state,
    watched,
)
from support.tools import ROOT
from support.views import DESCRIBED_AT, view

from exporter.config import Problem
from exporter.errors import ErrorCode, Failure
from exporter.fleet import Incomplete, LastFailure, OrganizationView
from exporter.web.pages import Refused, configuration, fleet, job, query, ranges, rows, targets, troubles
from exporter.web.pages.alerts import Question
from exporter.web.pages.as_json import plain
from exporter.web.pages.routes import page_routes

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
MODELS = (
    *(troubles.Status, troubles.Cause, troubles.Example),
    *(fleet.Jobs, rows.Row, rows.Trouble, rows.Best),
    *(job.Job, ranges.Placed, job.Spent, job.Call, Question),
    *(
        targets.Targets,
        targets.Target,
        targets.Caller,
        targets.Budget,
        targets.Operation,
        targets.LastError,
        targets.Organization,
        targets.Rule,
    ),
    configuration.Config,
)


def table(title: str) -> list[str]:
    """Return the names in the first column of a table."""
    [rows_] = re.findall(rf"^\| {re.escape(title)} \| \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    return [name for row in rows_.splitlines() for name in re.findall(r"`(\w+)`", row.split("|")[1])]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_member_has_its_place(model: type) -> None:
    assert sorted(table(f"member of `{model.__name__}`")) == sorted(field.name for field in fields(model))


def empty_texts(model: Any, path: str = "") -> Iterator[str]:
    """Yield the members of JSON that are an empty text."""
    if model == "":
        yield path
    for name, value in model.items() if isinstance(model, dict) else ():
        yield from empty_texts(value, f"{path}.{name}")
    for value in model if isinstance(model, list) else ():
        yield from empty_texts(value, path)


def test_what_is_not_known_is_null_and_never_an_empty_text() -> None:
    unknown = view(None, name="new")
    silent = replace(unknown, name="late", attempted=True, failure=Failure(ErrorCode.TIMEOUT, ""))
    last = LastFailure("ListTags", "", Failure(ErrorCode.OTHER, ""), DESCRIBED_AT)
    found = state(settings(), standing=replace(QUIET, failures=(last,)))
    seen = snapshot([watched(unknown, silent, replace(silent, name="stale", failure=None))], states={NAME: found})
    refused = Refused(NOW, "file", (Problem("config.yaml", None, "", "no"),))
    seen = replace(seen, configuration=replace(seen.configuration, refused=refused))
    failed = OrganizationView(organization(), failure=Failure(ErrorCode.OTHER, ""))
    seen = replace(seen, organizations=(organization_state(), organization_state(failed)))
    told = [troubles.status(seen), fleet.jobs(seen, query.Query()), targets.targets(seen), configuration.config(seen)]
    assert {path for model in told for path in empty_texts(plain(model))} <= {".flags.--config.file"}
    assert plain(told[0])["causes"][-1]["example"]["account_id"] is None


def test_no_other_model_is_described() -> None:
    described = re.findall(r"^\| member of `(\w+)`", PAGE, re.MULTILINE)
    assert sorted(described) == sorted(model.__name__ for model in MODELS)


@pytest.mark.parametrize(
    ("row", "model"),
    [
        ("`incomplete`", Incomplete),
        ("`ended` | those", job.Trained),
        ("`instances` | `seconds`", job.InstanceTime),
        ("`failing` | what fails now", targets.Failing),
        ("`error` | why the last reading", targets.Unread),
        ("`organizations` | the organizations of rules", configuration.Organization),
        ("`refused` | one", configuration.Refusal),
        ("`web`", configuration.Web),
    ],
)
def test_small_models_are_described_where_they_stand(row: str, model: type) -> None:
    [line] = [line for line in PAGE.splitlines() if line.startswith(f"| {row}")]
    assert {field.name for field in fields(model)} <= set(re.findall(r"`(\w+)`", line))


def test_every_parameter_is_described() -> None:
    assert sorted(table("parameter")) == sorted(query.Query.__slots__)
    [sorts] = [line for line in PAGE.splitlines() if line.startswith("| `sort` |")]
    assert re.findall(r"`(\w+)`", sorts.split("|")[2]) == [*query.SORTS]


def test_every_path_is_described() -> None:
    paths = {re.sub(r":path\}", "}", route.path) for route in page_routes(None)}  # type: ignore[arg-type]
    described = {path for path in re.findall(r"`(/[^`? ]*)`", PAGE) if "…" not in path}
    not_pages = {"/metrics", "/-/healthy", "/-/ready", "/-/reload"}
    assert described - not_pages == {path for path in paths if not path.startswith("/static/")}
    assert described > not_pages
