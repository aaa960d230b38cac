"""What can be said of the workflows and of the hooks before a commit without running them."""

from __future__ import annotations

import os
import re
import subprocess
from typing import Any

import pytest
import yaml
from support.tools import ROOT, make_would_run, require

CHART = "helm/sagemaker-tuning-exporter"

WORKFLOWS = {path.stem: path.read_text() for path in sorted((ROOT / ".github" / "workflows").glob("*.yml"))}
every_workflow = pytest.mark.parametrize("text", WORKFLOWS.values(), ids=WORKFLOWS)


def test_actionlint_has_nothing_to_say() -> None:
    done = subprocess.run([require("actionlint")], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@every_workflow
def test_it_says_that_it_is_untested(text: str) -> None:
    assert text.startswith("# UNTESTED")


@every_workflow
def test_it_may_write_only_where_a_job_says_so(text: str) -> None:
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


@every_workflow
def test_a_job_waits_for_jobs_that_there_are(text: str) -> None:
    jobs = yaml.safe_load(text)["jobs"]
    for job in jobs.values():
        needs = job.get("needs", [])
        assert {needs} if isinstance(needs, str) else set(needs) <= jobs.keys()


@every_workflow
def test_what_it_calls_exists(text: str) -> None:
    called = re.findall(r"^ +(?:- run: )?make (\S+)$", text, re.MULTILINE)
    assert called
    assert make_would_run(*called)
    scripts = re.findall(r"^ +- run: (\.\S+)$", text, re.MULTILINE)
    assert all(os.access(ROOT / script, os.X_OK) for script in scripts)


def test_a_pull_request_is_tested_as_a_release_is() -> None:
    pull_request, release = (yaml.safe_load(WORKFLOWS[name])["jobs"]["test"] for name in ("pull-request", "release"))
    assert pull_request["container"] == release["container"]
    assert {"run": ".ci/run"} in pull_request["steps"]
    assert {"run": ".ci/run"} in release["steps"]


def test_a_release_waits_for_the_audit_of_every_lock() -> None:
    jobs = yaml.safe_load(WORKFLOWS["release"])["jobs"]
    assert "audit" in jobs["package"]["needs"]
    told = [step["run"] for step in jobs["audit"]["steps"] if "run" in step]
    assert "pip-audit==" in told[0]
    # Where the data is missing, pip-audit prints that all is well.
    assert re.search(r'^echo "jinja2==2.10" > (\S+)\n! pip-audit .*-r \1$', told[1], re.MULTILINE)
    assert re.search(r'for lock in locks/\*\.txt; do\n +pip-audit .*-r "\$lock"', told[2])


def test_each_night_every_input_is_attacked_and_a_month_is_played() -> None:
    jobs = yaml.safe_load(WORKFLOWS["nightly"])["jobs"]
    assert {"run": "make fuzz"} in jobs["fuzz"]["steps"]
    assert {"run": "make soak ARGS=fast"} in jobs["soak"]["steps"]
    [command] = make_would_run("soak", "--assume-old=.venv/.dev", "ARGS=fast")
    assert command.rstrip().endswith("-m soak fast")
    [command] = make_would_run("fuzz", "--assume-old=.venv/.fuzz")
    assert command.rstrip().endswith("-m fuzz")
    [command] = make_would_run(
        "fuzz", "--assume-old=.venv/.fuzz", "SECONDS=5", "CASES=9", "TARGETS=requests", "ARGS=--seed=2"
    )
    assert re.search(r"-m fuzz --seconds 5 --cases 9 --seed=2 requests$", command)


def test_a_commit_is_checked_as_make_lint_does() -> None:
    config: dict[str, Any] = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    [repository] = config["repos"]
    assert repository["repo"] == "local"
    assert [hook["entry"] for hook in repository["hooks"]] == make_would_run("lint")
    for hook in repository["hooks"]:
        assert (hook["language"], hook["pass_filenames"]) == ("system", False)


def test_every_placeholder_is_in_the_list() -> None:
    page = (ROOT / "docs/releasing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `((?:https://)?\w+\.\w+/[^`]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert len(rows) == 2
    for placeholder, files in rows:
        found = {
            path
            for path in tracked()
            if placeholder in (ROOT / path).read_text(encoding="utf-8", errors="ignore")
            and not path.startswith(("tests/", "docs/releasing.md"))
            # Made from the others.
            and path not in {f"{CHART}/README.md", f"{CHART}/files/facts.json"}
        }
        assert set(re.findall(r"`([^`]+)`", files)) == found


def tracked() -> list[str]:
    listed = subprocess.run([require("git"), "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return listed.splitlines()
