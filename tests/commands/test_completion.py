"""The scripts with which shells complete commands, options, words and files."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support.tools import require

from exporter.cli import COMMANDS, main, module
from exporter.logs import LEVELS

# The last word is the one to be completed.
CASES: dict[str, list[str]] = {
    "''": [*COMMANDS],
    "che": ["check"],
    "--web.listen": ["--web.listen-address"],
    "check --c": ["--config.file"],
    "check --config.file ru": ["rules.yaml"],
    "prices --from ru": ["rules.yaml"],
    "demo --log.level ''": [*LEVELS],
    "simulate --web.": ["--web.listen-address"],
    "completion ''": ["bash", "zsh"],
}


def test_bash_completes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "bash"]) == 0
    script = tmp_path / "script"
    script.write_text(capsys.readouterr().out)
    (tmp_path / "rules.yaml").touch()
    asked = "".join(
        f"COMP_WORDS=(sagemaker-tuning-exporter {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n"
        '_shtab_sagemaker_tuning_exporter; echo "${COMPREPLY[*]}"\n'
        for words in CASES
    )
    code = f"source {script}\n{asked}complete -p sagemaker-tuning-exporter\n"
    told = subprocess.run(
        [require("bash"), "--norc", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    *found, registered = told.stdout.splitlines()
    assert dict(zip(CASES, (line.split() for line in found), strict=True)) == CASES
    assert "-F _shtab_sagemaker_tuning_exporter" in registered


def test_zsh_has_every_command_with_its_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion", "zsh"]) == 0
    script = capsys.readouterr().out
    assert script.startswith("#compdef sagemaker-tuning-exporter")
    for name in COMMANDS:
        assert re.search(rf"^ +{name}:'", script, re.MULTILINE)
        for action in module(name).parser()._actions:
            assert all(flag in script for flag in action.option_strings)


@pytest.mark.parametrize("arguments", [[], ["fish"], ["bash", "zsh"]])
def test_it_takes_one_shell(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["completion", *arguments])
    assert refused.value.code == 2
    assert capsys.readouterr().err.startswith("usage: sagemaker-tuning-exporter completion")
