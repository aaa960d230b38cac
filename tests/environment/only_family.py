"""Run inside a network namespace of its own: leave it one address family and try the exporter at its default address.

Arguments: ``4`` or ``6``, and a folder for the configuration. Prints what it found; ends with 0 if all is well.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
from environment.process import REGION, configuration
from support.processes import PATIENCE, wait_until
from support.web import get

from exporter.clock import SystemClock
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator


def main(family: str, folder: Path) -> int:
    if family == "4":
        Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    if family == "6":
        subprocess.run(["ip", "-4", "address", "flush", "dev", "lo"], check=True)
    here, other = ("127.0.0.1", "::1") if family == "4" else ("::1", "127.0.0.1")
    assert not reachable(other)
    simulator = Simulator(SystemClock())
    simulator.create("healthy", "one", region=REGION, created=time.time() - 7200)
    with Server(simulator, here) as server:
        file = folder / "config.yaml"
        file.write_text(configuration(server.url, "one"))
        exporter = subprocess.Popen([sys.executable, "-m", "exporter", "--config.file", str(file)])
        try:
            wait_until(lambda: described(here), what="the tuning job's series")
            exporter.send_signal(signal.SIGTERM)
            return exporter.wait(PATIENCE)
        finally:
            exporter.kill()


def reachable(host: str) -> bool:
    try:
        with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET):
            return True
    except OSError:
        return False


def described(host: str) -> bool:
    place = f"[{host}]" if ":" in host else host
    try:
        text = get(f"http://{place}:10980/metrics").text
    except httpx.TransportError:
        return False
    return f'sagemaker_tuning_job_up{{aws_account_id="123456789012",aws_region="{REGION}",tuning_job="one"}} 1' in text


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "*"
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
