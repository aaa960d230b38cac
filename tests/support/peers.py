"""Other people's ends of the same API: the AWS command line, and a foreign SageMaker endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from typing import TYPE_CHECKING, Any, Self

import httpx

from support.isolation import AWS_ENVIRONMENT
from support.processes import PATIENCE, Child, free_port
from support.tools import require
from support.web import get

if TYPE_CHECKING:
    from pathlib import Path


class AwsCliError(Exception):
    """The AWS command line ended with an error; the message is its own."""


def aws_cli(*arguments: str, endpoint_url: str, region: str = "us-east-1", timeout: float = PATIENCE) -> Any:
    """Run ``aws`` and return its JSON output parsed, None when it printed nothing. Raise AwsCliError."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run(
            [
                require("aws"),
                *arguments,
                f"--endpoint-url={endpoint_url}",
                f"--region={region}",
                "--output=json",
            ],
            capture_output=True,
            text=True,
            env=AWS_ENVIRONMENT | {"HOME": home, "PATH": os.defpath, "NO_PROXY": "*"},
            timeout=timeout,
            check=False,
        )
    if done.returncode:
        raise AwsCliError(done.stderr.strip())
    return json.loads(done.stdout) if done.stdout.strip() else None


class MotoServer:
    """moto's simulation of AWS on a free port of 127.0.0.1, from the start of the ``with`` block to its end."""

    def __init__(self, directory: Path) -> None:
        self._port = free_port()
        self._log = directory / "moto.log"
        self.url = f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Self:
        self._child = Child([require("moto_server"), "-H", "127.0.0.1", "-p", str(self._port)], log=self._log)
        try:
            self._child.wait_until(self._ready, what="moto's server to be ready")
        except BaseException:
            self._child.terminate()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()

    def _ready(self) -> bool:
        try:
            return get(f"{self.url}/moto-api/data.json").is_success
        except httpx.TransportError:
            return False
