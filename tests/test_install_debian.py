"""tools/install-debian in a folder of its own, with an apt-get that only notes how it is called, and fails."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.tools import ROOT

PROGRAMS = ("prometheus", "promtool", "prometheus-alertmanager", "chromium", "curl", "jq", "systemd-analyze")
NEWER = ("promtool", "prometheus-alertmanager")
FONT = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")

# It keeps what had been said by the time of the first call, and fails, so that nothing after it is done.
APT_GET = """#!/bin/sh
[ -e {folder}/calls ] || cp {folder}/out {folder}/said-before
echo "$@" >>{folder}/calls
exit 1
"""


class Machine:
    """A machine on which all that the tests need is there, but for what is ``missing``."""

    def __init__(self, folder: Path, *missing: str) -> None:
        self.folder = folder
        (folder / "tools").mkdir()
        shutil.copy(ROOT / "tools" / "install-debian", folder / "tools")
        for name in ("sh", "dirname", "mkdir", "rm", "cp", "tail", "head"):
            (self.place("bin") / name).symlink_to(shutil.which(name) or name)
        for name in set(PROGRAMS) - {*missing}:
            self.program("bin", name)
        for name in NEWER:
            self.program(".cache/prometheus3/usr/bin", name)
        self.program("bin", "apt-get", APT_GET.format(folder=folder))
        self.program("bin", "id", "#!/bin/sh\necho 0\n")

    def place(self, name: str) -> Path:
        (self.folder / name).mkdir(parents=True, exist_ok=True)
        return self.folder / name

    def program(self, place: str, name: str, text: str = "#!/bin/sh\n") -> None:
        (self.place(place) / name).write_text(text)
        (self.place(place) / name).chmod(0o755)

    def install(self, **environment: str) -> str:
        """Run the script and return what it said."""
        with (self.folder / "out").open("wb") as out:
            subprocess.run(
                [self.folder / "tools" / "install-debian"],
                env={"PATH": str(self.folder / "bin"), **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                check=False,
            )
        return (self.folder / "out").read_text()

    @property
    def calls(self) -> str:
        calls = self.folder / "calls"
        return calls.read_text() if calls.exists() else ""


@pytest.mark.skipif(not FONT.exists(), reason="the font of the pictures is missing here")
def test_where_nothing_is_missing_it_says_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    assert machine.install() == ""
    assert machine.calls == ""


def test_what_it_will_install_is_said_before_anything_is_touched(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "curl", "prometheus-alertmanager")
    machine.install()
    assert "download -q" in machine.calls
    said = (tmp_path / "said-before").read_text()
    assert "To install: curl" in said
    assert "To unpack into .cache: prometheus-alertmanager." in said
    assert "make test INSTALL=no" in said
    assert said.count("\n") == 1


def test_it_leaves_the_system_alone_where_it_shall(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "chromium")
    said = machine.install(INSTALL="no")
    assert "skipped" in said
    assert "chromium" in said
    assert machine.calls == ""
