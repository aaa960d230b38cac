"""``sagemaker-tuning-exporter simulate``: a SageMaker endpoint with simulated tuning jobs, for any client."""

from __future__ import annotations

import argparse
import signal
import threading
from typing import TYPE_CHECKING

from exporter.cli import numbers, options
from exporter.cli.listening import refusal
from exporter.clock import SystemClock
from exporter.simulator import fault_text, listing
from exporter.simulator.creation import DEFAULT_SCENARIO, SCENARIO_TAG, SPEED_TAG
from exporter.simulator.faults import Kind
from exporter.simulator.fleet import SECOND_REGION, mixed_fleet, old_jobs
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator
from exporter.web.listen import cannot_listen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.simulator.faults import Fault
    from exporter.simulator.fleet import Member

_LISTEN_ADDRESS = "127.0.0.1:10981"
_MOST_OLD_JOBS = 99_999


def parser() -> options.Parser:
    """Return the parser of ``simulate``."""
    operations = Simulator(SystemClock()).operations
    made = options.Parser(
        prog=f"{options.PROGRAM} simulate",
        description="Serve a simulated SageMaker endpoint with a fleet of tuning jobs; calls no AWS.",
        epilog=f"Kinds of faults: {', '.join(Kind)}. Operations: {', '.join(operations)}. Tuning jobs can be created, "
        "stopped and deleted through the API, with the AWS CLI or boto3: the tag "
        f"{SCENARIO_TAG} of a new one names its scenario ({', '.join(SCENARIOS)}; default {DEFAULT_SCENARIO}), the tag "
        f"{SPEED_TAG} its speed.",
        examples=("simulate > config.yaml", "simulate --speed=1 --fault=throttled:0.5 > config.yaml"),
    )
    options.add_listen_address(made, default=_LISTEN_ADDRESS, several=False)
    made.add_argument(
        "--speed",
        type=numbers.positive,
        default=60.0,
        metavar="N",
        help="How much faster than real jobs [default %(default)g].",
    )
    made.add_argument(
        "--seed", type=int, default=0, metavar="N", help="Decides how the jobs turn out [default %(default)s]."
    )
    made.add_argument(
        "--fault",
        dest="faults",
        metavar=fault_text.FORM,
        action="append",
        default=[],
        type=_fault(operations),
        help="Make requests fail, as in throttled:0.5, access-denied@Search or slow=3/churn-xgboost. RATE is the share of "
        "requests affected, NAME a tuning job. May be repeated; if several match, the first one applies.",
    )
    made.add_argument(
        "--requests-per-second",
        metavar="N",
        type=numbers.positive,
        help="Throttle requests above this rate, for each account and region.",
    )
    made.add_argument(
        "--search-requests-per-second",
        metavar="N",
        type=numbers.positive,
        help="Throttle Search at this lower rate.",
    )
    made.add_argument(
        "--list-lag",
        metavar="SECONDS",
        type=numbers.not_negative,
        default=listing.LAG,
        help="How far lists lag behind, at most [default %(default)g].",
    )
    made.add_argument(
        "--describe-lag",
        metavar="SECONDS",
        type=numbers.not_negative,
        default=0.0,
        help="How far describes lag behind [default %(default)g].",
    )
    made.add_argument(
        "--search-lag",
        metavar="SECONDS",
        type=numbers.not_negative,
        default=0.0,
        help="How far Search lags behind [default %(default)g].",
    )
    made.add_argument(
        "--filter-after-paging",
        action="store_true",
        help="Filter lists by name and status only after paging, so that pages are short or empty.",
    )
    made.add_argument(
        "--stopping",
        metavar="SECONDS",
        type=numbers.not_negative,
        help="How long a job that you stop stays Stopping [default: a minute, divided by the job's speed].",
    )
    made.add_argument(
        "--old-jobs",
        metavar="N",
        type=numbers.count_up_to(_MOST_OLD_JOBS),
        default=0,
        help="How many old tuning jobs to add to each region [default %(default)s].",
    )
    return made


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, then return 0. Raises UserError if it cannot listen on the address."""
    made = parser()
    given = made.parse_args(argv)
    addresses = options.listen_addresses(made, given)
    if len(addresses) > 1:
        made.error("argument --web.listen-address: the simulator has one address")
    [address] = addresses

    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    simulator = _simulator(given)
    jobs = mixed_fleet(simulator, given.speed)
    for region in (simulator.default_region, SECOND_REGION):
        old_jobs(simulator, given.old_jobs, region=region)
    from exporter.simulator.server import Server

    try:
        server = Server(simulator, address.host, address.port)
    except OSError as error:
        raise refusal(cannot_listen(address, error)) from error
    with server:
        print(f"# Simulated SageMaker endpoint: {server.url}  ({len(jobs)} tuning jobs at {given.speed:g}x)")
        print("# Any credentials work: AWS_ACCESS_KEY_ID=simulated AWS_SECRET_ACCESS_KEY=simulated")
        print("# A configuration of the exporter for it:")
        print(_configuration(jobs, server.url), end="", flush=True)
        ended.wait()
    return 0


def _fault(operations: Sequence[str]) -> Callable[[str], Fault]:
    def parse(text: str) -> Fault:
        try:
            return fault_text.parse(text, operations)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return parse


def _simulator(given: argparse.Namespace) -> Simulator:
    simulator = Simulator(SystemClock(), seed=given.seed)
    simulator.speed = given.speed
    simulator.stopping = given.stopping
    simulator.requests_per_second = given.requests_per_second
    simulator.search_requests_per_second = given.search_requests_per_second
    simulator.list_lag = given.list_lag
    simulator.describe_lag = given.describe_lag
    simulator.search_lag = given.search_lag
    simulator.filters_after_paging = given.filter_after_paging
    for fault in given.faults:
        simulator.faults.add(fault)
    return simulator


def _configuration(jobs: Sequence[Member], endpoint_url: str) -> str:
    import yaml

    return yaml.safe_dump(
        {
            "interval": "10s",
            "aws": dict.fromkeys(("endpoint_url", "sts_endpoint_url", "quotas_endpoint_url"), endpoint_url),
            "tuning_jobs": [
                {"name": job.name, "region": job.region, "labels": {"scenario": job.scenario}} for job in jobs
            ],
        },
        sort_keys=False,
    )
