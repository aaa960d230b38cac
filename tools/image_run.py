"""Run the image as the chart would, measure it, stop it, and print the figures as JSON.

The simulator that it watches runs from the same image. All connections use loopback.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from image_engine import CACHE, base, image, podman, require_tools, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

T = TypeVar("T")

USER = 65532
MEMORY = 128 * 2**20
CONFIG = "/etc/sagemaker-tuning-exporter"

AS_THE_CHART = (
    f"--user={USER}:{USER}",
    "--read-only",
    "--read-only-tmpfs=false",
    "--cap-drop=ALL",
    "--security-opt=no-new-privileges",
    f"--memory={MEMORY}",
)
"""The chart's security contexts, and as memory limit the memory that the chart requests. Its own limit is higher."""

# Podman would raise these two limits, which some machines do not allow.
_HERE = ("--rm", "--replace", "--network=host", "--pull=never", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024")
_REST_SECONDS = 6.0
_POLL_SECONDS = 0.01
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class Figures:
    """The figures. Sizes are bytes, times are seconds."""

    compressed_over_base: int
    ready_seconds: float  # from the container's start to the first 200 of /-/ready
    ready_cpu_seconds: float  # CPU time of the exporter until then
    resident_at_rest: int
    resident_peak: int
    stop_seconds: float
    exit_code: int
    user_ids: list[int]  # real, effective, saved, of the file system
    capabilities: int  # the bounding set
    no_new_privileges: bool
    root_read_only: bool
    memory_limit: int
    up: int  # tuning jobs that were described
    down: int
    version: str  # from build_info
    revision: str  # likewise
    labels: dict[str, str]
    log: str


def look() -> Figures:
    """Run the built image and return the figures. Raises TimeoutError if something does not happen in time."""
    labels = json.loads(run(podman("image", "inspect", "--format={{json .Labels}}", image())))
    with tempfile.TemporaryDirectory(dir=CACHE) as directory, _simulator(Path(directory)) as configuration:
        folder = Path(directory)
        (folder / "config.yaml").write_text(configuration.replace("interval: 10s", "interval: 1s"), encoding="utf-8")
        folder.chmod(0o755)
        name, log = "exporter", folder / "log"
        options = [f"--name={name}", f"--volume={folder}:{CONFIG}:ro", *_credentials()]
        started = time.monotonic()
        with _container(options, ["--web.listen-address=127.0.0.1:0"], log) as process:
            url = "http://" + _wait(process, log, lambda: re.search(r"addresses=\"?([^\s,\"]+)", log.read_text()))[1]
            _wait(process, log, lambda: _get(f"{url}/-/ready") is not None)
            ready = time.monotonic() - started
            pid = run(podman("inspect", "--format={{.State.Pid}}", name)).strip()
            used = _cpu_seconds(pid)
            time.sleep(_REST_SECONDS)  # wait until memory is stable after the start
            metrics = _get(f"{url}/metrics") or ""
            status = _status(pid)
            mounts = Path("/proc", pid, "mountinfo").read_text(encoding="utf-8")
            limit = _memory_limit(pid)
            ending = time.monotonic()
            run(podman("stop", "--time=20", name))
            exit_code = process.wait(_TIMEOUT_SECONDS)
            stopping = time.monotonic() - ending
            return Figures(
                compressed_over_base=_compressed_over_base(),
                ready_seconds=round(ready, 2),
                ready_cpu_seconds=round(used, 2),
                resident_at_rest=_kilobytes(status["VmRSS"]),
                resident_peak=_kilobytes(status["VmHWM"]),
                stop_seconds=round(stopping, 2),
                exit_code=exit_code,
                user_ids=[int(number) for number in status["Uid"].split()],
                capabilities=int(status["CapBnd"], 16),
                no_new_privileges=status["NoNewPrivs"] == "1",
                root_read_only=any(re.match(r"(\S+ ){4}/ ro[ ,]", line) for line in mounts.splitlines()),
                memory_limit=limit,
                up=len(re.findall(r"^sagemaker_tuning_job_up\{.*\} 1", metrics, re.MULTILINE)),
                down=len(re.findall(r"^sagemaker_tuning_job_up\{.*\} 0", metrics, re.MULTILINE)),
                version=_first(r'^sagemaker_tuning_exporter_build_info\{.*version="([^"]*)".*\} 1', metrics),
                revision=_first(r'^sagemaker_tuning_exporter_build_info\{.*revision="([^"]*)".*\} 1', metrics),
                labels=labels,
                log=log.read_text(encoding="utf-8"),
            )


@contextmanager
def _simulator(folder: Path) -> Iterator[str]:
    """Run the simulator and yield the configuration for it."""
    log = folder / "simulator"
    with _container(["--name=simulator"], ["simulate", "--web.listen-address=127.0.0.1:0"], log) as process:
        last = "scenario: "
        _wait(process, log, lambda: log.read_text().rpartition("\n")[0].rpartition("\n")[2].strip().startswith(last))
        yield log.read_text(encoding="utf-8")


def _credentials() -> list[str]:
    values = {"AWS_ACCESS_KEY_ID": "simulated", "AWS_SECRET_ACCESS_KEY": "simulated"}
    return [f"--env={name}={value}" for name, value in values.items()]


@contextmanager
def _container(options: list[str], arguments: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run the image. It is stopped at the end of the block."""
    command = podman("run", *_HERE, *AS_THE_CHART, *options, image(), *arguments)
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.terminate()


def _wait(process: subprocess.Popen[bytes], log: Path, condition: Callable[[], T | None]) -> T:
    """Return the first true value of a condition. Raises TimeoutError if there is none in time or the container ends."""
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not (value := condition()):
        if process.poll() is not None or time.monotonic() > deadline:
            raise TimeoutError(f"exit code {process.poll()}, printed:\n{log.read_text(encoding='utf-8')}")
        time.sleep(_POLL_SECONDS)
    return value


def _get(url: str) -> str | None:
    """Return the answer of an address. None unless its status is 200."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return str(answer.read(), "utf-8")
    except urllib.error.HTTPError:
        return None


def _cpu_seconds(pid: str) -> float:
    """Return the processor time that a process has used."""
    fields = Path("/proc", pid, "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _status(pid: str) -> dict[str, str]:
    """Return the kernel's status of a process."""
    lines = Path("/proc", pid, "status").read_text(encoding="utf-8").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _kilobytes(text: str) -> int:
    return int(text.removesuffix(" kB")) * 1024


def _memory_limit(pid: str) -> int:
    """Return the memory limit of a process's cgroup, of either version."""
    groups = Path("/proc", pid, "cgroup").read_text(encoding="utf-8")
    if old := re.search(r"^\d+:memory:(.*)$", groups, re.MULTILINE):
        file = Path(f"/sys/fs/cgroup/memory{old[1]}/memory.limit_in_bytes")
    else:
        file = Path(f"/sys/fs/cgroup{_first(r'^0::(.*)$', groups)}/memory.max")
    return int(file.read_text(encoding="utf-8"))


def _compressed_over_base() -> int:
    """Return the bytes that a node must pull if it already has the base."""
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        sizes = [
            _layer_sizes(name, Path(directory, str(number))) for number, name in enumerate([base().image, image()])
        ]
    return sum(sizes[1]) - sum(sizes[0])


def _layer_sizes(name: str, folder: Path) -> list[int]:
    run(podman("push", "--quiet", name, f"oci:{folder}"))
    blobs = folder / "blobs" / "sha256"
    index = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    manifest = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_text(encoding="utf-8"))
    return [layer["size"] for layer in manifest["layers"]]


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    return found[1] if found else ""


if __name__ == "__main__":
    require_tools()
    json.dump(asdict(look()), sys.stdout, indent=2)
    print()
