"""The image's reduced SDK does all that the whole one does for the exporter."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import botocore.credentials
import botocore.tokens
import image_slim
import pytest
from environment.process import REGION, Exporter, command, configuration
from support.processes import PATIENCE
from support.tools import ROOT

from exporter.clock import SystemClock
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

SITE_PACKAGES = Path(botocore.__file__).parents[1]

# Prints where the SDK is, and every address that it would call, in all partitions and variants.
ADDRESSES = """
import itertools, json, sys
import boto3, botocore, botocore.config
session = boto3.Session(aws_access_key_id="x", aws_secret_access_key="x")
addresses = {}
for service, partition in itertools.product(("sagemaker", "sts"), session.get_available_partitions()):
    for region in session.get_available_regions(service, partition):
        for fips in (False, True):
            client = session.client(service, region, config=botocore.config.Config(use_fips_endpoint=fips))
            addresses[f"{service} {region} {fips}"] = client.meta.endpoint_url
json.dump({"at": botocore.__file__, "addresses": addresses}, sys.stdout)
"""


@pytest.fixture(scope="module")
def reduced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a copy of the SDK, reduced as in the image."""
    folder = tmp_path_factory.mktemp("reduced")
    for package in ("boto3", "botocore"):
        shutil.copytree(
            SITE_PACKAGES / package,
            folder / package,
            copy_function=os.link if SITE_PACKAGES.stat().st_dev == folder.stat().st_dev else shutil.copy2,
        )
    image_slim.slim(folder)
    return folder


def run(*arguments: str | Path, path: Path | None = None) -> str:
    """Run Python, with a folder in front of what is installed, and return what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix != ".pyc")


def test_most_of_the_sdk_is_left_out(reduced: Path) -> None:
    services = {file.name for file in (reduced / "botocore" / "data").iterdir() if file.is_dir()}
    assert services == image_slim.SERVICES
    assert size(reduced / "botocore") < size(SITE_PACKAGES / "botocore") / 4
    assert not (reduced / "boto3" / "data").exists()


def test_what_the_search_for_credentials_calls_is_kept() -> None:
    named = set()
    for module in (botocore.credentials, botocore.tokens):
        source = Path(module.__file__).read_text()
        named |= set(re.findall(r"""client_creator\(\s*['"]([\w-]+)['"]""", source))
        named |= set(re.findall(r"""create_nested_client\([\w.]+,\s*['"]([\w-]+)['"]""", source))
    assert named | {"sagemaker"} == image_slim.SERVICES


def test_every_provider_works(reduced: Path) -> None:
    probe = "import pathlib, botocore; print(pathlib.Path(botocore.__file__).parents[1])"
    assert run("-c", probe, path=reduced).strip() == str(reduced)
    printed = run("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/image/test_providers.py", path=reduced)
    passed = re.search(r"(\d+) passed", printed)
    assert passed, printed
    assert int(passed[1]) > 10


def test_the_addresses_are_the_same(reduced: Path) -> None:
    whole, other = (json.loads(run("-c", ADDRESSES, path=path)) for path in (None, reduced))
    assert whole["at"] != other["at"]
    assert len(whole["addresses"]) > 100
    assert other["addresses"] == whole["addresses"]


def test_the_exporter_works(reduced: Path, tmp_path: Path) -> None:
    simulator = Simulator(SystemClock())
    simulator.create("healthy", "churn", region=REGION, created=time.time() - 7200)
    file = tmp_path / "config.yaml"
    with Server(simulator) as server:
        file.write_text(configuration(server.url, "churn").replace("tuning_jobs:", "tag_labels: [team]\ntuning_jobs:"))
        environment: dict[str, Any] = {"PYTHONPATH": str(reduced)}
        with Exporter(command(file), log=tmp_path / "log", environment=environment) as exporter:
            exporter.wait_for_up("churn")


def test_a_changed_layout_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "botocore" / "data" / "sagemaker").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="signin, sso, sso-oidc, sts"):
        image_slim.slim(tmp_path)
