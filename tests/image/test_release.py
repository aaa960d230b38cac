"""What can be said of the release without making one; tests/test_workflows.py says what holds for each workflow."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from support.tools import ROOT

TEXT = (ROOT / ".github" / "workflows" / "release.yml").read_text()
JOBS: dict[str, Any] = yaml.safe_load(TEXT)["jobs"]


@pytest.mark.parametrize("name", JOBS)
def test_a_job_comes_after_the_tests(name: str) -> None:
    needs = JOBS[name].get("needs", [])
    for other in [needs] if isinstance(needs, str) else needs:
        assert other in JOBS
    assert name == "test" or "test" in needs


def test_a_job_uses_outputs_of_jobs_that_it_waits_for() -> None:
    for name, job in JOBS.items():
        needs = job.get("needs", [])
        for other, output in re.findall(r"needs\.(\w+)\.outputs\.(\w+)", yaml.safe_dump(job)):
            assert other in needs, name
            assert output in JOBS[other]["outputs"]


def test_the_image_is_built_with_the_arguments_that_it_takes() -> None:
    arguments = set(re.findall(r"^ARG (\w+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^ +([A-Z]+)=\$", TEXT, re.MULTILINE)) == arguments
