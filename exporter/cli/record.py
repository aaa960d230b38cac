"""``sagemaker-tuning-exporter record``: run the exporter, and write all answers of AWS to a file."""

from __future__ import annotations

import argparse
import contextlib
import math
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from exporter.clock import Clock
    from exporter.config import Settings
    from exporter.config.specs import TargetSpec
    from exporter.recording import Recorder
    from exporter.sagemaker import Api


def parser() -> options.Parser:
    """Return the parser of ``record``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} record",
        description="Run the exporter and write what AWS answers to a file, without anything that may identify people or resources.",
        epilog="docs/recording.md says what is in the file. The configuration, and the accounts of an organization, are read once, when"
        " it starts.",
        examples=("record fleet.rec --config.file=config.yaml --duration=24h",),
    )
    made.add_argument("file", metavar=options.FILE, type=Path, help="The file to write; it must not exist.")
    made.add_argument(
        "--duration", type=_duration, metavar="DURATION", help="How long, as 30m or 24h [default: until Ctrl-C]."
    )
    made.add_argument(
        "--no-redact", dest="redacts", action="store_false", help="Write everything as it is: only for your own use."
    )
    options.add_config_file(made)
    options.add_listen_address(made, default="")
    options.add_web_config_file(made)
    options.add_log_options(made, default_level="warning")
    return made


def run(argv: Sequence[str]) -> int:
    """Record until SIGTERM, SIGINT or the end of the duration, then return 0.

    Raises UserError if a configuration, a file or an address cannot be used.
    """
    made = parser()
    given = made.parse_args(argv)
    addresses = options.listen_addresses(made, given) if given.listen_addresses else []

    from exporter import logs
    from exporter.cli.listening import open_sockets
    from exporter.cli.signals import handle_signals
    from exporter.clock import SystemClock
    from exporter.config import environment_region, read
    from exporter.daemon import Daemon
    from exporter.log_format import LogFormat
    from exporter.recording import Recorder, Writer
    from exporter.web.listen import Address
    from exporter.web.pages import Origin

    logs.configure(given.log_level, LogFormat(given.log_format))
    clock = SystemClock()
    settings = _with_accounts(read(Path(given.config_file), environment_region(os.environ)), clock)
    web_config = options.web_config(given, clock)
    if not settings.targets:
        raise UserError(f"{given.config_file} watches nothing: add tuning_jobs or discover rules to it")
    sockets = open_sockets(addresses)
    failures: list[OSError] = []

    def failed(error: OSError) -> None:
        failures.append(error)
        daemon.request_stop()

    try:
        recorder = Recorder(
            settings, clock, lambda header: Writer(given.file, header), redacts=given.redacts, on_failure=failed
        )
    except FileExistsError as error:
        raise UserError(f"{given.file} exists already: name another file, or remove it") from error
    except OSError as error:
        raise UserError(f"cannot write {given.file}: {error.strerror}") from error
    numbers = {spec.key: number for number, spec in enumerate(settings.targets)}

    def around(spec: TargetSpec, api: Api) -> Api:
        return recorder.around(api, numbers[spec.key])

    daemon = Daemon(
        lambda: settings,
        settings,
        sockets,
        clock,
        web_config=web_config,
        around=around,
        origin=Origin(given.config_file, options.in_force(made, given)),
    )
    handle_signals(daemon)
    daemon.start()
    scheme = "http" if web_config is None else web_config.settings.scheme
    for listener in sockets:
        print(f"Metrics:   {scheme}://{Address(*listener.getsockname()[:2])}/metrics")
    whose = "" if given.redacts else "; not redacted, so for your own use only"
    print(f"Recording: {given.file}  (Ctrl-C ends it{whose})", flush=True)
    began = clock.monotonic()
    if given.duration is not None:
        timer = threading.Timer(given.duration, daemon.request_stop)
        timer.daemon = True
        timer.start()
    with _tended(recorder, given.duration):
        daemon.run()
    return _end(recorder, settings, given.file, clock.monotonic() - began, failures)


def _with_accounts(settings: Settings, clock: Clock) -> Settings:
    """Return the settings with the targets in the present accounts of organizations. Later changes are not followed."""
    if not settings.organizations:
        return settings
    from exporter.cli.organizations import read_organizations, unread, with_accounts
    from exporter.cli.progress import progress
    from exporter.sagemaker import Sessions
    from exporter.telemetry import Telemetry

    with progress("Reading accounts") as advance:
        views = read_organizations(settings, Sessions(), Telemetry(lasts=False), clock, math.inf, advance)
    if failed := [*unread(views)]:
        raise UserError("\n".join(failed))
    return replace(with_accounts(settings, views), organizations=(), expand=None)


def _end(recorder: Recorder, settings: Settings, file: Path, seconds: float, failures: Sequence[OSError]) -> int:
    try:
        recorder.close()
        if failures:
            raise failures[0]
    except OSError as error:
        raise UserError(f"cannot write {file} any more: {error.strerror}; what was written can be replayed") from error
    from exporter.config.duration import format_duration

    calls = "call" if recorder.calls == 1 else "calls"
    targets = "target" if len(settings.targets) == 1 else "targets"
    print(
        f"{file}: {recorder.calls:,} {calls} to {len(settings.targets)} {targets} in {format_duration(round(seconds))},"
        f" {recorder.bytes / 1000:,.1f} kB. Watch it with: sagemaker-tuning-exporter replay {file}"
    )
    return 0


@contextlib.contextmanager
def _tended(recorder: Recorder, duration: float | None) -> Iterator[None]:
    """Flush the file regularly, and show the progress if stderr is a terminal."""
    from exporter.config.duration import format_duration

    began, ended = time.monotonic(), threading.Event()
    of = "" if duration is None else f" of {format_duration(duration)}"

    def tend(show: Callable[[str], object]) -> None:
        while not ended.wait(1.0):
            recorder.flush()
            gone = format_duration(round(time.monotonic() - began))
            show(f"recording: {gone}{of}, {recorder.calls:,} calls, {recorder.bytes / 1000:,.1f} kB")

    with contextlib.ExitStack() as stack:
        show: Callable[[str], object] = lambda _: None  # noqa: E731 - like the other one
        if sys.stderr.isatty():
            from rich.console import Console

            show = stack.enter_context(Console(stderr=True).status("recording")).update
        threading.Thread(target=tend, args=(show,), name="recorder", daemon=True).start()
        stack.callback(ended.set)
        yield


def _duration(text: str) -> float:
    from exporter.config.duration import parse_duration

    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise argparse.ArgumentTypeError(f"{text} is no time to record for: write for example 30m or 24h")
    return seconds
