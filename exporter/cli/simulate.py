"""``sagemaker-tuning-exporter simulate``: a SageMaker endpoint with a fleet of tuning jobs, for any client."""

from __future__ import annotations

import signal
import sys
import threading
from typing import TYPE_CHECKING

import yaml

from exporter.cli import options
from exporter.clock import SystemClock
from exporter.simulator.fleet import mixed_fleet
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.simulator.fleet import Member


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. Return 0 then, 1 when the address is of no use."""
    parser = options.Parser(
        prog="sagemaker-tuning-exporter simulate",
        description="Serve a simulated SageMaker endpoint with a fleet of tuning jobs; calls no AWS.",
    )
    parser.add_argument(
        "--listen-address", default="127.0.0.1:10981", help="Where to serve, as host:port [default 127.0.0.1:10981]."
    )
    parser.add_argument("--speed", type=float, default=60.0, help="How much faster than real jobs [default 60].")
    parser.add_argument("--seed", type=int, default=0, help="Decides what becomes of the jobs [default 0].")
    given = parser.parse_args(argv)
    if given.speed <= 0:
        parser.error("argument --speed: write a number above 0")
    try:
        address = parse_address(given.listen_address)
    except ValueError as error:
        parser.error(f"argument --listen-address: {error}")

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    simulator = Simulator(SystemClock(), seed=given.seed)
    jobs = mixed_fleet(simulator, given.speed)
    try:
        server = Server(simulator, address.host, address.port)
    except OSError as error:
        print(f"cannot listen on {address}: {error.strerror}", file=sys.stderr)
        return 1
    with server:
        print(f"# Simulated SageMaker endpoint: {server.url}  ({len(jobs)} tuning jobs at {given.speed:g}x)")
        print("# Any credentials do: AWS_ACCESS_KEY_ID=simulated AWS_SECRET_ACCESS_KEY=simulated")
        print("# A configuration of the exporter for it:")
        print(_configuration(jobs, server.url), end="", flush=True)
        ended.wait()
    return 0


def _configuration(jobs: Sequence[Member], endpoint_url: str) -> str:
    return yaml.safe_dump(
        {
            "interval": "10s",
            "aws": {"endpoint_url": endpoint_url, "sts_endpoint_url": endpoint_url},
            "tuning_jobs": [
                {"name": job.name, "region": job.region, "labels": {"scenario": job.scenario}} for job in jobs
            ],
        },
        sort_keys=False,
    )
