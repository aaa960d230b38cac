"""The AWS CLI in a process that runs one command after the other."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from support.isolation import AWS_ENVIRONMENT
from support.tools import ROOT, require

if TYPE_CHECKING:
    from collections.abc import Mapping


class Done(NamedTuple):
    """How a command has ended, and what it printed."""

    code: int
    output: str
    errors: str


class AwsCli:
    """The process, from the start of the ``with`` block to its end. ``environment`` comes on top of the tests' own."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = (
            AWS_ENVIRONMENT
            | {"PATH": os.defpath, "NO_PROXY": "*", "PYTHONPATH": str(ROOT / "tests"), "HOME": os.devnull}
            | dict(environment)
        )

    def __enter__(self) -> Self:
        python = require("aws").resolve().parent / "python"
        loop = Path(__file__).with_name("aws_cli_loop.py")
        self._process = subprocess.Popen(
            [python, loop], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self._environment, text=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()

    def run(self, *arguments: str, columns: int | None = None) -> Done:
        """Run ``aws`` with these arguments, on a terminal if it is so many columns wide."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps({"arguments": arguments, "columns": columns}), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "the AWS CLI has ended"
        return Done(*json.loads(answer))
