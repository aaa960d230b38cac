"""``sagemaker-tuning-exporter replay``: an endpoint that answers from a recording, and the exporter on it, in one process."""

from __future__ import annotations

import argparse
import contextlib
import math
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from exporter import logs
from exporter.cli import early, options
from exporter.cli.recorded_service import RecordedService
from exporter.cli.run import open_sockets
from exporter.clock import SystemClock
from exporter.config import ConfigError
from exporter.config.duration import format_duration
from exporter.daemon import Daemon
from exporter.recording import Pace, RecordedApi, Recording, RecordingError, World, configuration, number_of
from exporter.simulator.server import Server
from exporter.web.listen import Address
from exporter.web.pages import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.clock import Clock
    from exporter.config import Settings
    from exporter.recording import Survey

_LISTEN_ADDRESS = "127.0.0.1:10980"
_MOST_SPEED = 3600.0
_FREE_PORT = Address("127.0.0.1", 0)


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT. Return 0 then, 1 when the file or an address cannot be used."""
    parser = options.Parser(
        prog="sagemaker-tuning-exporter replay",
        description="Answer from a recording as AWS did, and watch it with the exporter; needs no AWS account and calls none.",
        epilog="Moments in answers are moved as if the recording had begun now. docs/recording.md says more.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="What `record` has written.")
    parser.add_argument(
        "--speed", type=_speed, default=1.0, metavar="N", help="How many times as fast [default %(default)g]."
    )
    parser.add_argument(
        "--endpoint-only",
        action="store_true",
        help="Serve only the endpoint, at the address, and print a configuration for an exporter of your own.",
    )
    options.add_listen_address(parser, default=_LISTEN_ADDRESS)
    options.add_web_config_file(parser)
    options.add_log_options(parser, default_level="warning")
    given = parser.parse_args(argv)
    addresses = options.listen_addresses(parser, given)
    if given.endpoint_only and len(addresses) > 1:
        parser.error("argument --web.listen-address: with --endpoint-only there is one address")
    logs.configure(given.log_level, logs.LogFormat(given.log_format))
    try:
        recording = Recording(given.file)
        with _progress(given.file):
            survey = recording.survey()
        if not survey.calls:
            raise RecordingError(f"{given.file} has no calls yet: record for longer")  # noqa: TRY301 - told with the others
        replay = _Replay.of(recording, survey, SystemClock(), given.speed)
        replay.settings("http://127.0.0.1:1")
    except (RecordingError, ConfigError) as error:
        print(error, file=sys.stderr)
        return 1
    if not survey.whole:
        readable = format_duration(round(survey.seconds))
        print(
            f"{given.file} ends early, as when `record` is killed: its first {readable} are replayed", file=sys.stderr
        )
    return _serve_endpoint(replay, addresses) if given.endpoint_only else _watch(parser, given, replay, addresses)


class _Replay(NamedTuple):
    """A recording that is being replayed."""

    recording: Recording
    survey: Survey
    world: World
    clock: Clock
    speed: float

    @classmethod
    def of(cls, recording: Recording, survey: Survey, clock: Clock, speed: float) -> _Replay:
        """Return one that begins now."""
        pace = Pace(recording.began, clock.time(), speed)
        # Two exporters start their calls within about a second of each other.
        return cls(recording, survey, World(recording, survey, pace, slack=1.0 + speed), clock, speed)

    def settings(self, url: str) -> Settings:
        """Return the settings that watch it at an endpoint. Raise ConfigError where the recording has none of use."""
        return configuration.settings(self.recording.configuration, self.recording.prices, url, self.speed)

    def service(self) -> RecordedService:
        """Return what answers from it."""
        regions: dict[str, int] = {}
        for target in self.settings("http://127.0.0.1:1").targets:
            regions.setdefault(target.key.region, number_of(target))
        return RecordedService(self.world, self.clock, regions, self.speed)

    def told(self) -> str:
        """Return what it is, in a few words."""
        survey, length = self.survey, format_duration(round(self.survey.seconds))
        return f"{survey.jobs:,} tuning jobs in {length}, {survey.calls:,} calls, at {self.speed:g}x"

    def tell_end(self) -> None:
        """Say when the recording has ended, in a thread of its own."""
        text = "The recording has ended. Its last answers stay until you press Ctrl-C."
        timer = threading.Timer(self.survey.seconds / self.speed, print, (text,), {"flush": True})
        timer.daemon = True
        timer.start()


def _serve_endpoint(replay: _Replay, addresses: Sequence[Address]) -> int:
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    early.hand_over()
    address = addresses[0]
    try:
        server = Server(replay.service(), address.host, address.port)
    except OSError as error:
        print(f"cannot listen on {address}: {error.strerror}; choose another --web.listen-address", file=sys.stderr)
        return 1
    with server:
        print(f"# Recorded SageMaker endpoint: {server.url}  ({replay.told()})")
        print("# Any credentials do: AWS_ACCESS_KEY_ID=recorded AWS_SECRET_ACCESS_KEY=recorded")
        print("# A configuration of the exporter for it:")
        found = dict(replay.recording.configuration)
        if prices := configuration.all_prices(replay.recording.prices):
            found["spend"] = {**found["spend"], "prices": prices}
        print(configuration.text(found, server.url, replay.speed), end="", flush=True)
        replay.tell_end()
        ended.wait()
    return 0


def _watch(parser: options.Parser, given: argparse.Namespace, replay: _Replay, addresses: Sequence[Address]) -> int:
    try:
        web_config = options.web_config(given, replay.clock)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    sockets = open_sockets(addresses)
    if sockets is None:
        return 1
    with Server(replay.service(), _FREE_PORT.host, _FREE_PORT.port) as server:
        settings = replay.settings(server.url)
        ended = threading.Event()
        daemon = Daemon(
            lambda: settings,
            settings,
            sockets,
            replay.clock,
            web_config=web_config,
            make_api=lambda spec: RecordedApi(
                replay.world, number_of(spec), replay.clock, lambda took: ended.wait(took / replay.speed)
            ),
            origin=Origin("the recording's configuration", options.in_force(parser, given)),
        )
        daemon.handle_signals()
        daemon.start()
        scheme = "http" if web_config is None else web_config.settings.scheme
        url = f"{scheme}://{Address(*sockets[0].getsockname()[:2])}"
        print(f"Recorded SageMaker endpoint: {server.url}  ({replay.told()})")
        print(f"Metrics:                     {url}/metrics")
        print(f"Status page:                 {url}/", flush=True)
        replay.tell_end()
        daemon.run()
        ended.set()
    return 0


@contextlib.contextmanager
def _progress(file: Path) -> Iterator[None]:
    """Show on a terminal that a file is read; elsewhere show nothing."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 - only where somebody looks

    with Console(stderr=True).status(f"reading {file}"):
        yield


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0 < speed <= _MOST_SPEED:
        raise argparse.ArgumentTypeError(f"write a number above 0 up to {_MOST_SPEED:g}")
    return speed
