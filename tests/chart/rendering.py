"""The chart as the real Helm renders it. A rendering is kept, for several tests look at one."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from helm_chart.values import CHART
from support.processes import PATIENCE
from support.tools import ROOT, require

HELMS = ("helm3", "helm4")
RELEASE, NAMESPACE = "tuning", "watch"
FULLNAME = f"{RELEASE}-sagemaker-tuning-exporter"
VALUES = Path(__file__).with_name("cases")
CASES = sorted(path.stem for path in VALUES.glob("*.yaml"))

Manifest = dict[str, Any]


def helm(program: str, *arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a Helm of .cache/helm, where ``make test`` brings both; what is ``given`` it reads where a file is named -."""
    path = require(str(ROOT / ".cache" / "helm" / program))
    # No cluster is asked, whatever the machine's configuration names.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    return subprocess.run([path, *arguments], input=given, capture_output=True, text=True, check=False, env=environment)


def template(program: str, *arguments: str | Path, chart: Path = CHART) -> subprocess.CompletedProcess[str]:
    """Render the chart as the release is installed; the tests have no cluster to ask for its abilities."""
    return helm(program, "template", RELEASE, chart, "--namespace", NAMESPACE, *arguments)


def values(case: str) -> dict[str, Any]:
    """Return the values of a case."""
    return yaml.safe_load((VALUES / f"{case}.yaml").read_text(encoding="utf-8"))


@cache
def text(case: str, program: str = HELMS[0]) -> str:
    """Return the manifests of a case as one YAML text."""
    done = template(program, "--values", VALUES / f"{case}.yaml")
    assert done.returncode == 0, done.stderr
    assert not done.stderr
    return done.stdout


@cache
def manifests(case: str, program: str = HELMS[0]) -> tuple[Manifest, ...]:
    """Return the manifests of a case. They are shared: change none."""
    return tuple(each for each in yaml.load_all(text(case, program), Loader=yaml.CSafeLoader) if each)


@cache
def _given(given: str, program: str, release: str) -> subprocess.CompletedProcess[str]:
    return helm(program, "template", release, CHART, "--namespace", NAMESPACE, "--values", "-", given=given)


def rendered(given: str, program: str = HELMS[1], release: str = RELEASE) -> tuple[Manifest, ...]:
    """Return the manifests of values written as YAML."""
    done = _given(given, program, release)
    assert done.returncode == 0, done.stderr
    return tuple(each for each in yaml.load_all(done.stdout, Loader=yaml.CSafeLoader) if each)


def one(given: str, kind: str, program: str = HELMS[1], release: str = RELEASE) -> Manifest:
    """Return the only manifest of a kind of values written as YAML."""
    [found] = [each for each in rendered(given, program, release) if each["kind"] == kind]
    return found


def refusal(given: str, program: str = HELMS[1], release: str = RELEASE) -> str:
    """Return what Helm says of values, written as YAML, that it must refuse."""
    done = _given(given, program, release)
    assert done.returncode != 0, given
    assert not done.stdout
    return done.stderr


def find(case: str, kind: str, program: str = HELMS[0]) -> list[Manifest]:
    """Return a case's manifests of a kind."""
    return [each for each in manifests(case, program) if each["kind"] == kind]


def the(case: str, kind: str) -> Manifest:
    """Return a case's only manifest of a kind."""
    [found] = find(case, kind)
    return found


def workload(case: str) -> Manifest:
    """Return the Deployment or StatefulSet of a case."""
    [found] = [*find(case, "Deployment"), *find(case, "StatefulSet")]
    return found


def pod(case: str) -> dict[str, Any]:
    """Return the spec of a case's pods."""
    return workload(case)["spec"]["template"]["spec"]


def container(case: str) -> dict[str, Any]:
    """Return the exporter's container."""
    [found] = [each for each in pod(case)["containers"] if each["name"] == "exporter"]
    return found


def environment(case: str) -> dict[str, Any]:
    """Return the variables that the exporter's container is given by value."""
    return {each["name"]: each.get("value") for each in container(case).get("env", [])}


def notes(case: str, *more: str) -> str:
    """Return what Helm says after an installation with a case's values."""
    # Helm 3 asks a cluster even for this.
    values = VALUES / f"{case}.yaml"
    done = helm(
        HELMS[1], "install", RELEASE, CHART, "--namespace", NAMESPACE, "--values", values, "--dry-run=client", *more
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:\n")[2]


def helm_test(url: str, seconds: float = PATIENCE, *more: str) -> subprocess.CompletedProcess[str]:
    """Run what the pod of helm test runs, on another address and with another time to wait for the first answers."""
    python, option, script, address, patience = the("demo", "Pod")["spec"]["containers"][0]["command"]
    assert float(patience) + 10 < the("demo", "Pod")["spec"]["activeDeadlineSeconds"]
    service = the("demo", "Service")
    assert python == "python"
    assert address == (
        f"http://{service['metadata']['name']}.{service['metadata']['namespace']}.svc:{service['spec']['ports'][0]['port']}/metrics"
    )
    return subprocess.run(
        [sys.executable, option, script, url, str(seconds), *more], capture_output=True, text=True, check=False
    )
