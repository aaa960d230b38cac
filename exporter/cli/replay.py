"""``sagemaker-tuning-exporter replay``: an endpoint that answers from a recording, and the exporter on it, in one process."""

from __future__ import annotations

import argparse
import contextlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter import logs
from exporter.cli import options
from exporter.clock import SystemClock
from exporter.config.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LISTEN_ADDRESS = "127.0.0.1:10980"
_MOST_SPEED = 3600.0


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
    # --help need not wait for these.
    from exporter.cli.replaying import Replay, serve_endpoint, watch  # noqa: PLC0415
    from exporter.recording import Recording, RecordingError  # noqa: PLC0415

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
        recording.settings("http://127.0.0.1:1", given.speed)  # what is wrong with it is told before anything is served
        replay = Replay.of(recording, survey, SystemClock(), given.speed)
    except RecordingError as error:
        print(error, file=sys.stderr)
        return 1
    if not survey.whole:
        readable = format_duration(round(survey.seconds))
        print(
            f"{given.file} ends early, as when `record` is killed: its first {readable} are replayed", file=sys.stderr
        )
    return serve_endpoint(replay, addresses) if given.endpoint_only else watch(parser, given, replay, addresses)


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
