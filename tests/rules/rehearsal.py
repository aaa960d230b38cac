"""Rules played by a real promtool."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from render_rules import dump, load
from rules.world import STEP
from support.processes import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENT = load()


def records(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the records of all groups, each behind those that it reads."""
    # Those of tuning jobs, in the last file, read no others.
    return [rule for each in reversed(document["groups"]) for rule in each["rules"] if "record" in rule]


def _read(rule: dict[str, Any]) -> str:
    """Return all that a rule asks: texts ask, too."""
    return "".join((rule["expr"], *rule.get("annotations", {}).values()))


def with_records(rules: list[dict[str, Any]], document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return alerts behind the records that they read, and those that these read."""
    needed = list(rules)
    for rule in reversed(records(document)):
        name = re.compile(rf"{rule['record']}\b")
        if rule not in needed and any(name.search(_read(each)) for each in needed):
            needed.insert(0, rule)
    return needed


def rehearse(
    promtool: Path,
    folder: Path,
    rules: list[dict[str, Any]],
    tests: list[dict[str, Any]],
    seconds: int = 60 * STEP,
    document: dict[str, Any] = DOCUMENT,
) -> None:
    """Fail with what promtool says when rules, evaluated each so many seconds, do not pass these tests."""
    (folder / "rules.yaml").write_text(dump({"groups": [{"name": "tested", "rules": with_records(rules, document)}]}))
    # JSON is YAML.
    (folder / "tests.yaml").write_text(
        json.dumps({"rule_files": ["rules.yaml"], "evaluation_interval": f"{seconds}s", "tests": tests})
    )
    run = subprocess.run(
        [promtool, "test", "rules", "tests.yaml"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=5 * PATIENCE,  # it waits for nothing: how long it takes is the machine's speed
        env={**os.environ, "GOGC": "400"},  # it lives for seconds: a quarter of its time went into collecting garbage
        check=False,
    )
    if run.returncode:
        pytest.fail(run.stdout + run.stderr, pytrace=False)
