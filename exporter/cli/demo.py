"""``sagemaker-tuning-exporter demo``: simulated tuning jobs and an exporter that watches them, without AWS, in one process."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

from exporter.cli import numbers, options

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from exporter.config import Settings
    from exporter.daemon import Daemon
    from exporter.simulator.fleet import Member
    from exporter.web.listen import Address

_LISTEN_ADDRESS = "127.0.0.1:10980"
_INTERVAL = "5s"
_MISSING_JOB = "no-such-job"


def parser() -> options.Parser:
    """Return the parser of ``demo``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} demo",
        description="Watch a simulated fleet of tuning jobs; needs no AWS account and calls none.",
    )
    made.add_argument(
        "--speed",
        type=numbers.positive,
        default=60.0,
        metavar="N",
        help="How much faster than real jobs [default %(default)g].",
    )
    options.add_listen_address(made, default=_LISTEN_ADDRESS)
    options.add_web_config_file(made)
    options.add_web_interface(made)
    options.add_log_options(made, default_level="warning")
    return made


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, then return 0.

    Raises UserError if the web configuration or an address cannot be used. If the default port is in use, the next free one is
    used.
    """
    made = parser()
    given = made.parse_args(argv)
    addresses = options.listen_addresses(made, given)
    web = options.web_interface(made, given)

    from exporter import logs
    from exporter.cli.listening import open_sockets
    from exporter.cli.signals import handle_signals
    from exporter.clock import SystemClock
    from exporter.config import parse
    from exporter.daemon import Daemon
    from exporter.log_format import LogFormat
    from exporter.simulator.fleet import mixed_fleet
    from exporter.simulator.server import Server
    from exporter.simulator.service import Simulator
    from exporter.web.listen import Address
    from exporter.web.pages import Origin

    logs.configure(given.log_level, LogFormat(given.log_format))
    web_config = options.web_config(given, SystemClock())
    chosen = options.is_given("--web.listen-address", given.listen_addresses, _LISTEN_ADDRESS)
    sockets = open_sockets(addresses) if chosen else [_open_next_free(addresses[0])]
    given.listen_addresses = served = [str(Address(*listener.getsockname()[:2])) for listener in sockets]
    _forget_aws()

    simulator = Simulator(SystemClock())
    simulator.speed = given.speed
    jobs = mixed_fleet(simulator, speed=given.speed)
    with Server(simulator) as server:
        configuration = _configuration(jobs, server.url)

        def load() -> Settings:
            return parse(configuration, "the demo's configuration")

        daemon = Daemon(
            load,
            load(),
            sockets,
            SystemClock(),
            web_config=web_config,
            prefix=web.prefix,
            show_pages=web.show_pages,
            origin=Origin("the demo's configuration", options.in_force(made, given)),
        )
        handle_signals(daemon)
        daemon.start()
        scheme = "http" if web_config is None else web_config.settings.scheme
        url = f"{scheme}://{served[0]}{web.prefix}"
        print(f"Simulated SageMaker endpoint: {server.url}  ({len(jobs)} tuning jobs at {given.speed:g}x)")
        print(f"Metrics:                      {url}/metrics", flush=True)
        if web.show_pages:
            print(f"Status page:                  {url}/", flush=True)
        threading.Thread(target=_show_first_series, args=(daemon, url), daemon=True).start()
        daemon.run()
    return 0


def _open_next_free(address: Address) -> socket.socket:
    from exporter.cli.listening import open_next_free

    opened = open_next_free(address)
    port = opened.getsockname()[1]
    if port != address.port:
        print(f"Port {address.port} is in use, so the demo serves on {port}; --web.listen-address chooses another one.")
    return opened


def _forget_aws() -> None:
    """Remove everything from the environment with which a real AWS account could be called."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "DEMO",
        "AWS_SECRET_ACCESS_KEY": "DEMO",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "NO_PROXY": "*",
    }


def _configuration(jobs: Sequence[Member], endpoint_url: str) -> str:
    from typing import get_args

    import yaml

    from exporter.config.values import CollectName

    return yaml.safe_dump(
        {
            "interval": _INTERVAL,
            "describe_max_age": "0s",  # so that you see values change
            "collect": list(get_args(CollectName)),
            "aws": {
                **dict.fromkeys(("endpoint_url", "sts_endpoint_url", "quotas_endpoint_url"), endpoint_url),
                "requests_per_second": "20",
            },
            "tuning_jobs": [
                *(
                    {"name": job.name, "region": job.region, "labels": {"scenario": job.scenario, "team": job.team}}
                    for job in jobs
                ),
                {"name": _MISSING_JOB, "region": jobs[0].region, "labels": {"scenario": "missing"}},
            ],
            "discover": [
                {"name": f"all-{region}", "region": region} for region in sorted({job.region for job in jobs})
            ],
        },
        sort_keys=False,
    )


def _show_first_series(daemon: Daemon, url: str) -> None:
    """After all tuning jobs have been described, print one series of each family, and the address again."""
    from exporter.exposition import Format
    from exporter.exposition.family import PREFIX

    while not _all_described(daemon):
        time.sleep(0.2)
    text = b"".join(daemon.site.scrape(Format.TEXT, gzip=False)).decode()
    print("\nOne series of each family:")
    shown: set[str] = set()
    for line in text.splitlines():
        family = line.split("{", 1)[0]
        if family.startswith(PREFIX) and family not in shown:
            shown.add(family)
            print(f"  {line}")
    print(f"\nLook at {url}/ and {url}/metrics. Press Ctrl-C to end.", flush=True)


def _all_described(daemon: Daemon) -> bool:
    targets = daemon.published.targets
    return bool(targets) and all(job.attempted for target in targets for job in target.jobs)
