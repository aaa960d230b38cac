"""What can be said without running it of the workflow that tries the newest uvicorn."""

from __future__ import annotations

import yaml
from support.tools import ROOT

TEXT = (ROOT / ".github" / "workflows" / "newest.yml").read_text(encoding="utf-8")


def test_it_says_that_it_is_untested() -> None:
    assert TEXT.startswith("# UNTESTED")


def test_it_runs_by_itself_and_only_reads() -> None:
    workflow = yaml.load(TEXT, yaml.BaseLoader)
    assert workflow["on"]["schedule"] == [{"cron": "17 5 * * 1"}]
    assert workflow["permissions"] == {"contents": "read"}


def test_what_it_runs_is_there_and_the_newest_comes_after_the_locks() -> None:
    commands = [step["run"] for step in yaml.safe_load(TEXT)["jobs"]["uvicorn"]["steps"] if "run" in step]
    assert commands[:2] == ["make .venv/.dev", ".venv/bin/python -m pip install --upgrade uvicorn"]
    assert "\n.venv/.dev:" in (ROOT / "Makefile").read_text(encoding="utf-8")
    assert [(ROOT / command.split()[-1]).is_dir() for command in commands if "pytest" in command] == [True]
