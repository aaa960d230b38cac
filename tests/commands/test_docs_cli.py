"""docs/cli.md is made from the parsers, and is the same wherever it is made."""

from __future__ import annotations

import re

import docs_cli
import pytest
from make_docs import DOCS

from exporter.cli import COMMANDS, module

PAGE = (DOCS / "cli.md").read_text(encoding="utf-8")


def test_neither_the_terminal_nor_the_environment_changes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_CONFIG_FILE", "other.yaml")
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_WEB_LISTEN_ADDRESS", ":1")
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_LOG_LEVEL", "error")
    monkeypatch.setenv("SAGEMAKER_TUNING_EXPORTER_WEB_DISABLE_PAGES", "true")
    assert docs_cli.render() == PAGE


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_every_command_has_a_row(command: str) -> None:
    part = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [rows] = [re.findall(r"^\| (.+?) \|", each, re.MULTILINE) for each in part if each.startswith(f"{command}\n")]
    flags = {flag for row in rows for flag in re.findall(r"`(--?[\w.-]+)", row)}
    actions = module(command).parser()._actions
    assert flags == {flag for each in actions for flag in each.option_strings} - {"-h", "--help"}
