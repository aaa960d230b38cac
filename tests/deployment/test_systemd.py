"""deploy/systemd's unit is one that systemd takes, and lets the exporter do no more than it must."""

from __future__ import annotations

import subprocess
import sys
from configparser import RawConfigParser
from pathlib import Path

from deployment.guide import starting
from support.tools import ROOT, require

UNIT = ROOT / "deploy" / "systemd" / "sagemaker-tuning-exporter.service"
PROGRAM = "/opt/sagemaker-tuning-exporter/bin/sagemaker-tuning-exporter"
MOST_EXPOSED = 1.5
"""On the scale of systemd-analyze, from 0 to 10; it calls up to 2 safe."""


def analyze(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [require("systemd-analyze"), *arguments], capture_output=True, text=True, check=False, env={"PATH": "/usr/bin"}
    )


def unit() -> dict[str, str]:
    """Return the settings of the service; of those that stand several times the last."""
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string(UNIT.read_text(encoding="utf-8"))
    return dict(parser["Service"])


def test_systemd_takes_it(tmp_path: Path) -> None:
    copy = tmp_path / UNIT.name
    text = UNIT.read_text(encoding="utf-8")
    assert text.count(PROGRAM) == 1
    copy.write_text(text.replace(PROGRAM, sys.executable), encoding="utf-8")
    done = analyze("verify", copy)
    assert (done.returncode, done.stderr) == (0, "")
    copy.write_text(copy.read_text(encoding="utf-8") + "NoSuchSetting=yes\n", encoding="utf-8")
    assert "NoSuchSetting" in analyze("verify", copy).stderr


def test_it_exposes_little() -> None:
    done = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSED * 10:.0f}", UNIT)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_runs_what_the_guide_installs() -> None:
    commands = starting("python3 -m venv")
    settings = unit()
    program, configuration = settings["ExecStart"].split()
    assert program == PROGRAM
    assert f"python3 -m venv {Path(program).parents[1]}\n" in commands
    assert f"config.yaml {configuration.removeprefix('--config.file=')}\n" in commands
    assert f"install -m 644 deploy/systemd/{UNIT.name} /etc/systemd/system/" in commands


def test_the_metrics_of_the_process_can_be_read() -> None:
    """They need /proc/stat, which is not there with ProcSubset=pid."""
    assert "ProcSubset" not in unit()
