"""``sagemaker-tuning-exporter replay``: an endpoint that answers from a recording, and an exporter that watches it."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.cli.failures import say
from exporter.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Sequence

_LISTEN_ADDRESS = "127.0.0.1:10980"
_LEAST_SPEED, _MOST_SPEED = 0.01, 3600.0


def parser() -> options.Parser:
    """Return the parser of ``replay``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} replay",
        description="Answer from a recording as AWS did, and watch it with the exporter; needs no AWS account and calls none.",
        epilog="Times in answers are shifted as if the recording had begun now. docs/recording.md says more.",
        examples=("replay fleet.rec --speed=60",),
    )
    made.add_argument("file", metavar=options.FILE, type=Path, help="The file that `record` has written.")
    made.add_argument(
        "--speed",
        type=_speed,
        default=1.0,
        metavar="N",
        help="How much faster than the recording [default %(default)g].",
    )
    made.add_argument(
        "--endpoint-only",
        action="store_true",
        help="Serve only the endpoint, at the address, and print a configuration for an exporter of your own.",
    )
    options.add_listen_address(made, default=_LISTEN_ADDRESS)
    options.add_web_config_file(made)
    options.add_log_options(made, default_level="warning")
    return made


def run(argv: Sequence[str]) -> int:
    """Serve until SIGTERM or SIGINT, then return 0. Raises UserError if the file or an address cannot be used."""
    made = parser()
    given = made.parse_args(argv)
    addresses = options.listen_addresses(made, given)
    if given.endpoint_only and len(addresses) > 1:
        made.error("argument --web.listen-address: with --endpoint-only there is one address")

    from exporter import logs
    from exporter.cli.replaying import Replay, serve_endpoint, watch
    from exporter.clock import SystemClock
    from exporter.config.duration import format_duration
    from exporter.log_format import LogFormat
    from exporter.recording import Recording, RecordingError

    logs.configure(given.log_level, LogFormat(given.log_format))
    recording = Recording(given.file)
    with progress(f"Reading {given.file}"):
        survey = recording.survey()
    if not survey.calls:
        raise RecordingError(f"{given.file} has no calls yet: record for longer")
    recording.settings("http://127.0.0.1:1", given.speed)  # report mistakes in it before anything is served
    replay = Replay.of(recording, survey, SystemClock(), given.speed)
    if not survey.whole:
        readable = format_duration(round(survey.seconds))
        say(f"{given.file} ends early, as when `record` is killed: its first {readable} are replayed")
    return serve_endpoint(replay, addresses) if given.endpoint_only else watch(made, given, replay, addresses)


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not _LEAST_SPEED <= speed <= _MOST_SPEED:
        raise argparse.ArgumentTypeError(f"write a number from {_LEAST_SPEED:g} to {_MOST_SPEED:g}")
    return speed
