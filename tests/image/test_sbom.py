from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError
from typing import Any

import pytest
import sbom
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import exporter

LOCK = sbom.LOCK.read_text()


@pytest.fixture(scope="module")
def text() -> str:
    return sbom.render(sbom.bill(sbom.pins(LOCK)))


@pytest.fixture(scope="module")
def bill(text: str) -> dict[str, Any]:
    bill: dict[str, Any] = json.loads(text)
    return bill


def test_reads_a_lock() -> None:
    assert sbom.pins(
        "one==1.0 \\\n    --hash=sha256:aa \\\n    --hash=sha256:bb\ntwo-x==2 ; python_version < '4'\n"
    ) == [
        sbom.Pin("one", "1.0", ("aa", "bb")),
        sbom.Pin("two-x", "2", ()),
    ]


def test_it_is_valid(text: str) -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None


def test_it_tells_of_the_exporter(bill: dict[str, Any]) -> None:
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("sagemaker-tuning-exporter", exporter.__version__)
    assert root["licenses"] == [{"license": {"id": "Apache-2.0"}}]


def test_it_lists_whatever_is_locked(bill: dict[str, Any]) -> None:
    listed = {component["purl"]: component for component in bill["components"]}
    assert set(listed) == {
        f"pkg:pypi/{name}@{version}" for name, version in re.findall(r"^(\S+)==(\S+)", LOCK, re.MULTILINE)
    }
    hashes = {digest["content"] for one in listed.values() for digest in one["externalReferences"][0]["hashes"]}
    assert hashes == set(re.findall(r"sha256:(\w+)", LOCK))
    assert all(component["licenses"] for component in listed.values())


def test_everything_is_needed_by_something(bill: dict[str, Any]) -> None:
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in bill["dependencies"]}
    reached, waiting = set(), ["sagemaker-tuning-exporter"]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += needs[name]
    assert reached == set(needs)
    assert "botocore" in needs["boto3"]


def test_what_is_installed_must_be_what_is_locked() -> None:
    with pytest.raises(ValueError, match=r"boto3 \S+ is installed, 0.1 is locked"):
        sbom.bill([sbom.Pin("boto3", "0.1", ())])
    with pytest.raises(PackageNotFoundError):
        sbom.bill([sbom.Pin("no-such-package", "0.1", ())])
