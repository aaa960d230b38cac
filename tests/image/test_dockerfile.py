"""The Dockerfile says what the project says, and nothing is copied that is not there."""

from __future__ import annotations

import re
import subprocess
import tomllib
from fnmatch import fnmatch

import image_engine
import image_run
import yaml
from support.tools import ROOT, require

import exporter
from exporter.telemetry import REVISION_VARIABLE

DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CHART = ROOT / "helm" / "sagemaker-tuning-exporter"


def instructions(name: str) -> list[str]:
    joined = re.sub(r"\\\n\s*", "", DOCKERFILE)
    return re.findall(rf"^{name} +(.*)$", joined, re.MULTILINE)


def labels() -> dict[str, str]:
    return dict(re.findall(r'org\.opencontainers\.image\.([\w.]+)="([^"]*)"', "".join(instructions("LABEL"))))


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run([require("hadolint"), ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_the_version_is_the_packages() -> None:
    assert f"VERSION={exporter.__version__}" in instructions("ARG")
    assert labels()["version"] == "$VERSION"


def test_the_exporter_is_told_its_commit() -> None:
    assert labels()["revision"] == "$REVISION"
    assert f'{REVISION_VARIABLE}="$REVISION"' in " ".join(instructions("ENV"))


def test_the_version_is_the_charts() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert chart["appVersion"] == exporter.__version__


def test_the_base_is_pinned_and_a_python_that_the_package_runs_on() -> None:
    base = image_engine.base()
    assert instructions("FROM") == [f"{base.image} AS python", "python AS build", "python"]
    assert labels()["base.name"] == base.image
    least = re.fullmatch(r">=3\.(\d+)", PROJECT["requires-python"])
    assert least
    assert int(base.python.removeprefix("3.")) >= int(least[1])


def test_the_labels_are_the_projects() -> None:
    assert labels()["title"] == PROJECT["name"]
    assert labels()["description"] == PROJECT["description"]
    assert labels()["licenses"] == PROJECT["license"]


def test_only_what_is_locked_is_installed() -> None:
    installs = [step for text in instructions("RUN") for step in text.split(";") if re.search(r"pip .*install", step)]
    locked = [step for step in installs if "--require-hashes" in step]
    assert {lock for step in locked for lock in re.findall(r"-r (\S+)", step)} == {
        "locks/build.txt",
        "locks/runtime.txt",
    }
    (own,) = (step for step in installs if step not in locked)
    assert "--no-deps" in own


def test_whatever_is_copied_is_there_and_let_through() -> None:
    sources = {name for text in instructions("COPY") if not text.startswith("--from") for name in text.split()[:-1]}
    assert sources
    ignore = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert ignore[0] == "*"
    let_through = [line.removeprefix("!") for line in ignore if line.startswith("!")]
    assert all((ROOT / name).exists() for name in let_through)
    for name in sources:
        assert any(fnmatch(name, rule) or rule.startswith(f"{name}/") for rule in let_through), name
    for rule in let_through:
        assert any(rule == name or rule.startswith(f"{name}/") for name in sources), f"{rule} is not copied"


def test_what_runs_is_the_program_itself() -> None:
    (entry,) = instructions("ENTRYPOINT")
    assert entry == '["sagemaker-tuning-exporter"]'
    assert "sagemaker-tuning-exporter" in PROJECT["scripts"]
    assert instructions("CMD") == []


def test_it_runs_as_nobody() -> None:
    assert instructions("USER") == ["65532:65532"]


def test_the_chart_runs_it_as_it_is_tried() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert values["podSecurityContext"]["runAsUser"] == values["podSecurityContext"]["runAsGroup"] == image_run.USER
    assert values["podSecurityContext"]["runAsNonRoot"] is True
    assert values["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    requested = values["resources"]["requests"]["memory"]
    assert int(requested.removesuffix("Mi")) * 2**20 == image_run.MEMORY
    (environment,) = instructions("ENV")[-1:]
    assert f"SAGEMAKER_TUNING_EXPORTER_CONFIG_FILE={image_run.CONFIG}/config.yaml" in environment
