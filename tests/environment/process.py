"""The exporter as a process in surroundings that a test makes, and what it serves."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Self

from support import web
from support.pace import within
from support.processes import PATIENCE, wait_until
from support.start import start

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from signal import Signals

    import httpx

REGION = "eu-west-1"
QUIT_SECONDS = 5.0
"""How long an exporter may take to end, whatever it is doing."""


def configuration(endpoint: str, *names: str, interval: str = "1s") -> str:
    """Return a configuration of tuning jobs that are described at ``endpoint``."""
    entries = "".join(f"\n  - {name}" for name in names)
    return (
        f"interval: {interval}\nstale_after: 1h\ndescribe_max_age: 0s\n"
        f"aws: {{region: {REGION}, endpoint_url: '{endpoint}', sts_endpoint_url: '{endpoint}',"
        f" requests_per_second: 100}}\n"
        f"tuning_jobs:{entries or ' []'}\n"
    )


def command(file: Path | str, *flags: str) -> list[str]:
    """Return the command line of an exporter on a free port of 127.0.0.1."""
    return [sys.executable, "-m", "exporter", "--config.file", str(file), "--web.listen-address=127.0.0.1:0", *flags]


class Exporter:
    """A running exporter, ended at the end of the ``with`` block.

    Its standard error goes to ``log``, unless ``stderr`` in ``options``, which are those of ``start``, says otherwise.
    ``environment`` is added to the test's; None takes a variable away.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        *,
        log: Path,
        environment: Mapping[str, str | None] | None = None,
        **options: Any,
    ) -> None:
        merged = {**os.environ, **(environment or {})}
        self.log = log
        with log.open("wb") as output:
            self._process = start(
                arguments,
                environment={name: value for name, value in merged.items() if value is not None},
                **({"stdout": output, "stderr": output} | options),
            )
        self.pid = self._process.pid
        self._url: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def port(self) -> int:
        """The port it listens on, from the kernel's tables: its log may be lost."""
        return wait_until(lambda: self._checked() and listening_port(self.pid), what="a listening socket")

    def has_open(self, path: Path) -> bool:
        """Whether it has the file open at the moment."""
        directory = f"/proc/{self.pid}/fd"
        with suppress(FileNotFoundError):  # one is closed meanwhile
            return any(os.readlink(f"{directory}/{descriptor}") == str(path) for descriptor in os.listdir(directory))
        return False

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def get(self, path: str) -> httpx.Response:
        if self._url is None:
            self._url = f"http://127.0.0.1:{self.port}"
        return web.get(self._url + path)

    def series(self, family: str) -> dict[str, float]:
        lines = self.get("/metrics").text.splitlines()
        rows = (line.rsplit(" ", 1) for line in lines if re.match(rf"sagemaker_tuning_{family}[ {{]", line))
        return {name: float(value) for name, value in rows}

    def up(self) -> dict[str, float]:
        return {label(name, "tuning_job"): value for name, value in self.series("job_up").items()}

    def codes(self) -> set[str]:
        return {label(name, "code") for name in self.series("job_error_info")}

    def reload_successful(self) -> float:
        return self.series("exporter_config_last_reload_successful").popitem()[1]

    def rounds(self) -> float:
        return sum(self.series("exporter_polls_total").values())

    def wait_for_up(self, *names: str) -> None:
        wait_until(lambda: self._checked() and self.up() == dict.fromkeys(names, 1.0), what=f"up of {names}")

    def wait_for_code(self, code: str) -> None:
        wait_until(lambda: self._checked() and self.codes() == {code}, what=f"code {code}, log:\n{self.output()}")

    def send(self, number: Signals) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return its exit code, minus the signal's number if one ended it. Raise TimeoutExpired if nothing does."""
        return self._process.wait(PATIENCE)

    def end(self, *numbers: Signals, seconds: float = QUIT_SECONDS) -> None:
        """Send the signals; fail unless it ends cleanly and within so many seconds of a free machine."""
        with within(seconds):
            for number in numbers:
                self.send(number)
            code = self.wait()
        assert code == 0, f"exited with {code}:\n{self.output()}"

    def _checked(self) -> bool:
        assert self._process.poll() is None, f"exited with {self._process.returncode}:\n{self.output()}"
        return True


def label(series: str, name: str) -> str:
    found = re.search(rf'[{{,]{name}="([^"]*)"', series)
    assert found, series
    return found.group(1)


def listening_port(pid: int) -> int | None:
    """Return a port that the process listens on over IPv4, None without one."""
    inodes = set()
    for descriptor in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{descriptor}"))
        except FileNotFoundError:
            continue  # closed meanwhile
    with open(f"/proc/{pid}/net/tcp") as table:
        rows = [line.split() for line in table][1:]
    ports = [int(row[1].split(":")[1], 16) for row in rows if row[3] == "0A" and f"socket:[{row[9]}]" in inodes]
    return ports[0] if ports else None
