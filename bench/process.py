"""Processes of their own for what is measured, and what the kernel says of them. Linux only."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 300.0
_ENVIRONMENT = {
    "PYTHONPATH": str(ROOT),
    "AWS_ACCESS_KEY_ID": "BENCH",
    "AWS_SECRET_ACCESS_KEY": "BENCH",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_DEFAULT_REGION": "us-east-1",
    "NO_PROXY": "*",
}


def environment() -> dict[str, str]:
    """Return the environment of every child: nothing of the caller's that could reach a real account."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AWS_", "SAGEMAKER_TUNING_EXPORTER_")) and not name.lower().endswith("_proxy")
    }
    return kept | _ENVIRONMENT


def python(function: str, *arguments: object) -> list[str]:
    """Return the command that calls ``module:function`` with arguments of JSON in an interpreter that did nothing else."""
    return [sys.executable, "-m", "bench.process", function, json.dumps(arguments)]


def call(function: str, *arguments: object) -> Any:
    """Call ``module:function`` in a process of its own; return its result, of JSON too."""
    done = subprocess.run(
        python(function, *arguments), cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


class Program:
    """A server in a process of its own, from the start of the ``with`` block, when it is ready, to its end.

    It is ready once a line of its output matches ``ready``; ``match`` is that. Its output goes to a file.
    """

    def __init__(self, command: Sequence[str | Path], ready: str) -> None:
        self._command = [str(part) for part in command]
        self._ready = re.compile(ready, re.MULTILINE)

    def __enter__(self) -> Self:
        self._output = tempfile.NamedTemporaryFile("w+", prefix="bench-", suffix=".log")
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            self._command,
            cwd=ROOT,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self.pid = self._process.pid
        try:
            self.match = self._wait()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _wait(self) -> re.Match[str]:
        while time.perf_counter() - self.started < _PATIENCE and self._process.poll() is None:
            if (match := self._ready.search(Path(self._output.name).read_text())) is not None:
                return match
            time.sleep(0.01)
        raise RuntimeError(f"{self._command[0]} is not ready:\n{Path(self._output.name).read_text()[-2000:]}")


def resident(pid: int | str = "self") -> float:
    """Return the memory that a process holds now, in MB."""
    return _status(pid, "VmRSS") * 1024 / 1e6


def peak(pid: int | str = "self") -> float:
    """Return the most memory that a process has held at once, in MB."""
    return _status(pid, "VmHWM") * 1024 / 1e6


def threads(pid: int | str = "self") -> int:
    """Return how many threads a process has now."""
    return _status(pid, "Threads")


def _status(pid: int | str, field: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    print(json.dumps(getattr(importlib.import_module(module), name)(*json.loads(sys.argv[2]))))
