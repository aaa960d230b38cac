"""Print the software bill of materials of the image, without its base, as CycloneDX JSON.

Names, versions and hashes are from the lock file. Licenses and dependencies are from the installed packages.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_expression, is_supported_id
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from exporter import __version__

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "locks" / "runtime.txt"

_PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)((?:[^\n]*\\\n)*[^\n]*)", re.MULTILINE)


@dataclass(frozen=True)
class Pin:
    """One package of a lock file. ``hashes`` has the SHA-256 of its files in hexadecimal."""

    name: str
    version: str
    hashes: tuple[str, ...]


def pins(lock: str) -> list[Pin]:
    """Return the packages in a lock file."""
    return [Pin(name, version, tuple(re.findall(r"sha256:(\w+)", rest))) for name, version, rest in _PIN.findall(lock)]


def bill(locked: list[Pin]) -> Bom:
    """Return the bill of the exporter and these packages.

    Raises PackageNotFoundError or ValueError if one of them is not installed in the pinned version.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    root = Component(
        type=ComponentType.APPLICATION,
        name=project["name"],
        version=__version__,
        description=project["description"],
        licenses=[LicenseFactory().make_with_id(project["license"])],
        purl=PackageURL("pypi", name=project["name"], version=__version__),
        bom_ref=project["name"],
    )
    installed = {pin.name: distribution(pin.name) for pin in locked}
    components = {pin.name: _component(pin, installed[pin.name]) for pin in locked}
    bom = Bom(components=components.values())
    bom.metadata.component = root
    needed = {name: _needs(package.requires or []) for name, package in installed.items()}
    bom.register_dependency(root, [components[name] for name in _needs(project["dependencies"])])
    for name, component in components.items():
        bom.register_dependency(component, [components[other] for other in needed[name] if other in components])
    return bom


def render(bom: Bom) -> str:
    """Return a bill as CycloneDX JSON."""
    return JsonV1Dot6(bom).output_as_string(indent=2)


def _component(pin: Pin, package: Distribution) -> Component:
    if package.version != pin.version:
        raise ValueError(f"{pin.name} {package.version} is installed, {pin.version} is locked")
    purl = PackageURL("pypi", name=pin.name, version=pin.version)
    return Component(
        type=ComponentType.LIBRARY,
        name=pin.name,
        version=pin.version,
        description=package.metadata["Summary"],
        licenses=_licenses(package),
        purl=purl,
        bom_ref=pin.name,
        external_references=[
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION,
                url=XsUri(purl.to_string()),
                hashes=[HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in pin.hashes],
            )
        ],
    )


def _licenses(package: Distribution) -> list[License]:
    """Return the license of a package, as an SPDX expression if the package has one."""
    metadata = package.metadata.json
    for key in ("license_expression", "license"):
        text = str(metadata.get(key, ""))
        if text and (is_supported_id(text) or is_expression(text)):
            return [LicenseFactory().make_from_string(text)]
    names = [line.rpartition(" :: ")[2] for line in metadata.get("classifier", []) if line.startswith("License ::")]
    return [DisjunctiveLicense(name=name) for name in names]


def _needs(requirements: list[str]) -> list[str]:
    """Return the required names on this platform, without extras."""
    parsed = [Requirement(text) for text in requirements]
    return [canonicalize_name(one.name) for one in parsed if one.marker is None or one.marker.evaluate({"extra": ""})]


if __name__ == "__main__":
    print(render(bill(pins(LOCK.read_text(encoding="utf-8")))))
