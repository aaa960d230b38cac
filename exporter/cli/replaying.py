"""Replays a recording: only its endpoint, or also an exporter that watches it."""

from __future__ import annotations

import signal
import threading
from typing import TYPE_CHECKING, NamedTuple

from exporter.cli import early, options
from exporter.cli.listening import open_sockets, refusal
from exporter.cli.recorded_service import RecordedService
from exporter.cli.signals import handle_signals
from exporter.config.duration import format_duration
from exporter.daemon import Daemon
from exporter.recording import Pace, RecordedApi, World, configuration, number_of
from exporter.simulator.server import Server
from exporter.web.listen import Address, cannot_listen
from exporter.web.pages import Origin

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from exporter.clock import Clock
    from exporter.recording import Recording, Survey

_FREE_PORT = Address("127.0.0.1", 0)
_NOWHERE = "http://127.0.0.1:1"


class Replay(NamedTuple):
    """A recording and the state of its replay."""

    recording: Recording
    survey: Survey
    world: World
    clock: Clock
    speed: float

    @classmethod
    def of(cls, recording: Recording, survey: Survey, clock: Clock, speed: float) -> Replay:
        """Return a replay that begins now."""
        pace = Pace(recording.began, clock.time(), speed)
        # Two exporters make their first calls within about a second.
        return cls(recording, survey, World(recording, survey, pace, slack=1.0 + speed), clock, speed)

    def service(self) -> RecordedService:
        """Return a service that answers from it."""
        regions: dict[str, int] = {}
        for target in self.recording.settings(_NOWHERE).targets:
            regions.setdefault(target.key.region, number_of(target))
        return RecordedService(self.world, self.clock, regions, self.speed)

    def told(self) -> str:
        """Return a short description of it."""
        survey, length = self.survey, format_duration(round(self.survey.seconds))
        return f"{survey.jobs:,} tuning jobs in {length}, {survey.calls:,} calls, at {self.speed:g}x"

    def tell_end(self) -> None:
        """Start a thread that prints a message when the recording has ended."""
        text = "The recording has ended. Its last answers stay until you press Ctrl-C."
        timer = threading.Timer(self.survey.seconds / self.speed, print, (text,), {"flush": True})
        timer.daemon = True
        timer.start()


def serve_endpoint(replay: Replay, addresses: Sequence[Address]) -> int:
    """Serve only the endpoint until SIGTERM or SIGINT, and print a configuration for it. Return the exit code."""
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    early.hand_over()
    address = addresses[0]
    try:
        server = Server(replay.service(), address.host, address.port)
    except OSError as error:
        raise refusal(cannot_listen(address, error)) from error
    with server:
        print(f"# Recorded SageMaker endpoint: {server.url}  ({replay.told()})")
        print("# Any credentials work: AWS_ACCESS_KEY_ID=recorded AWS_SECRET_ACCESS_KEY=recorded")
        print("# A configuration of the exporter for it:")
        found = dict(replay.recording.configuration)
        if prices := configuration.all_prices(replay.recording.prices):
            found["spend"] = {**found["spend"], "prices": prices}
        print(configuration.text(found, server.url, replay.speed), end="", flush=True)
        replay.tell_end()
        ended.wait()
    return 0


def watch(parser: options.Parser, given: argparse.Namespace, replay: Replay, addresses: Sequence[Address]) -> int:
    """Watch it with an exporter until SIGTERM or SIGINT. Return the exit code."""
    web_config = options.web_config(given, replay.clock)
    sockets = open_sockets(addresses)
    with Server(replay.service(), _FREE_PORT.host, _FREE_PORT.port) as server:
        settings = replay.recording.settings(server.url, replay.speed)
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
        handle_signals(daemon)
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
