"""docs/deploying.md as a person follows it: its blocks in order, run by a shell in a folder like the repository."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from support.isolation import AWS_ENVIRONMENT
from support.tools import ROOT, require

PAGE = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
STEPS = PAGE.partition("\n## Network\n")[0]
"""What is done from the first command to the last message; the rest is reference."""


class Block(NamedTuple):
    """A block of the page, and the paragraph before it."""

    language: str
    text: str
    before: str


def blocks(page: str = PAGE) -> list[Block]:
    """Return the blocks that are not within a list, in order."""
    found = []
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL):
        before = re.sub(r"^```.*?^```$", "", page[: match.start()], flags=re.MULTILINE | re.DOTALL)
        found.append(Block(match[1], match[2], before.rstrip().rpartition("\n\n")[2]))
    return found


def starting(words: str) -> str:
    """Return the only block of the page that begins so."""
    [found] = [block.text for block in blocks() if block.text.startswith(words)]
    return found


def files() -> list[tuple[str, str]]:
    """Return name and text of the files that the steps have you save, in order."""
    saved: list[tuple[str, str]] = []
    names: list[str] = []
    for block in blocks(STEPS):
        if block.language == "yaml":
            # One paragraph may name the files of the blocks after it.
            names = names or re.findall(r"(?:as|in) `([\w-]+\.yaml)`", block.before)
            if names:
                saved.append((names.pop(0), block.text))
    return saved


JSON_POLICY = next(block.text for block in blocks(STEPS) if block.language == "json")
"""The policy of the exporter for the configuration that the steps begin with."""

# What is not here is a program that notes how it was called; its own exit code is that of success.
_DOCKER = """
case "$1" in
login) cat >/dev/null ;;
run)
    shift
    while [ $# -gt 0 ]; do
        case "$1" in
        --volume) from="${2%%:*}"; shift 2 ;;
        --env) shift 2 ;;
        --*) shift ;;
        *) shift; break ;;
        esac
    done
    for last in "$@"; do :; done
    [ "$last" = /config.yaml ]
    exec PYTHON -m exporter "$1" "$2" "$from"
    ;;
esac
"""
_HELM = """
case "$1" in
install | upgrade)
    for word in "$@"; do
        shift
        case "$word" in
        install | upgrade | --install | --create-namespace) ;;
        *) set -- "$@" "$word" ;;
        esac
    done
    REAL template "$@" >"rendered-$(ls rendered-* 2>/dev/null | wc -l).yaml"
    ;;
esac
"""
_KUBECTL = """
case "$*" in
*"create secret"*) REAL "$@" --dry-run=client --output=yaml >"secret.yaml" ;;
esac
"""
# moto has no such calls: the AWS CLI itself checks what it is given.
_AWS = """
case "$1 $2" in
"ecr get-login-password") echo password ;;
"eks create-addon" | "eks "*-pod-identity-association*) REAL "$@" --generate-cli-skeleton output ;;
*) REAL "$@" ;;
esac
"""


class Follower:
    """A person with a shell in ``folder``, whose AWS is a moto at ``url``. Helm renders, kubectl makes secrets, docker runs the exporter."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        for name in ("helm", "deploy"):
            (folder / name).symlink_to(ROOT / name)
        for name, text, real in (
            ("docker", _DOCKER, None),
            ("helm", _HELM, ROOT / ".cache" / "helm" / "helm4"),
            ("kubectl", _KUBECTL, ROOT / ".cache" / "helm" / "kubectl"),
            ("aws", _AWS, "aws"),
        ):
            path = "" if real is None else str(require(str(real)))
            (folder / "bin").mkdir(exist_ok=True)
            program = folder / "bin" / name
            said = text.replace("REAL", path).replace("PYTHON", sys.executable)
            program.write_text(f'#!/bin/sh\nset -eu\necho "{name} $*" >>{folder}/calls\n{said}', encoding="utf-8")
            program.chmod(0o755)
        (folder / "aws-config").write_text("[profile pricing]\n", encoding="utf-8")
        keys = "aws_access_key_id = AKIAI44QH8DHBEXAMPLE\naws_secret_access_key = not-a-secret\n"
        (folder / "aws-credentials").write_text(f"[pricing]\n{keys}", encoding="utf-8")
        self._environment = {
            **AWS_ENVIRONMENT,
            "AWS_CONFIG_FILE": str(folder / "aws-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "aws-credentials"),
            "AWS_ENDPOINT_URL": url,
            "AWS_DEFAULT_OUTPUT": "json",
            "HOME": str(folder),
            "KUBECONFIG": os.devnull,
            "NO_PROXY": "*",
            "PATH": f"{folder / 'bin'}:{require('jq').parent}:{os.defpath}",
            "PYTHONPATH": str(ROOT),
        }

    def run(self, *texts: str) -> None:
        """Run blocks, one after the other in one shell. Fail with what they print when a command does."""
        done = subprocess.run(
            ["bash", "-eu", "-o", "pipefail", "-c", "\n".join(texts)],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def save(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, encoding="utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text(encoding="utf-8")

    @property
    def calls(self) -> list[str]:
        """The commands that have been run, as they were given."""
        return self.read("calls").splitlines()
