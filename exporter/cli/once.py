"""``sagemaker-tuning-exporter once``: make one round of the whole configuration and print the metrics, for example from cron."""

from __future__ import annotations

import argparse
import errno
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.cli.failures import say
from exporter.cli.timeout import add_timeout
from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.cli.drive import Round
    from exporter.config import Settings
    from exporter.telemetry import Telemetry

_FORMATS = ("text", "openmetrics", "json")

# Left out, because there is no next describe.
_LEFT_OUT = "next_describe_timestamp_seconds"


def parser() -> options.Parser:
    """Return the parser of ``once``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} once",
        description="Read everything that the configuration asks for once, print the metrics, and exit. Failures are printed on standard error.",
        examples=("once config.yaml", "once config.yaml --output=/var/lib/node_exporter/tuning.prom"),
    )
    options.add_config_file(made, alone=True)
    made.add_argument(
        "--format",
        choices=_FORMATS,
        default=_FORMATS[0],
        help="text: the format of Prometheus, also for the textfile collector of node_exporter;"
        " json: what /api/v1/jobs returns [default %(default)s].",
    )
    made.add_argument(
        "--output",
        type=_output,
        metavar=options.FILE,
        help="Write to a file, which is replaced as a whole, instead of standard output.",
    )
    add_timeout(made)
    options.add_log_options(made, default_level="error")
    return made


def run(argv: Sequence[str]) -> int:
    """Make one round and print it. Return 0, or 1 if something failed. Everything that was read is printed in any case."""
    given = parser().parse_args(argv)
    # These import the SDK, which takes half a second.
    from exporter import logs
    from exporter.cli.causes import causes
    from exporter.cli.drive import read_all
    from exporter.config import environment_region, read
    from exporter.log_format import LogFormat
    from exporter.telemetry import Telemetry

    logs.configure(given.log_level, LogFormat(given.log_format))
    settings = read(Path(given.config_file), environment_region(os.environ))
    if given.output is not None and not given.output.parent.is_dir():  # check this before a round that may take minutes
        raise UserError(_unwritable(given.output, os.strerror(errno.ENOENT)))
    telemetry = Telemetry(lasts=False)
    outcome = read_all(settings, telemetry, given.timeout)
    settings = outcome.settings
    if given.format == "json":
        text = _as_json(outcome.round, settings, given.config_file)
    else:
        text = _exposed(outcome.round, settings, telemetry, given.format)
    failed = [*causes(outcome.round, given.timeout, outcome.organizations)]
    for each in failed:
        say(each)
    if not settings.targets and not failed:
        say(f"warning: {given.config_file} watches nothing: add tuning_jobs or discover rules")
    written = _write(text, given.output)
    return 0 if written and not failed else 1


def _write(text: bytes, output: Path | None) -> bool:
    """Print the text or write it to a file. Return whether this succeeded."""
    from exporter.cli.output import print_bytes, replace_file

    if output is None:
        print_bytes(text)
        return True
    try:
        replace_file(output, text)
    except OSError as error:
        say(_unwritable(output, str(error.strerror)))
        return False
    return True


def _unwritable(output: Path, why: str) -> str:
    return f"{output} cannot be written ({why}): name a file in a directory that you may write to"


def _exposed(round_: Round, settings: Settings, telemetry: Telemetry, format_: str) -> bytes:
    from exporter.exposition import Format, TargetCollector, families_in_force, scrape
    from exporter.exposition.publish import publish

    telemetry.reload_successful.set(1)
    telemetry.reload_success_time.set(time.time())
    families = [family for family in families_in_force(settings.collect) if family.name != _LEFT_OUT]
    published = publish(1, round_.views(), families)
    telemetry.show(TargetCollector(lambda: published))
    return b"".join(scrape(published, telemetry, Format[format_.upper()], gzip=False))


def _as_json(round_: Round, settings: Settings, config_file: str) -> bytes:
    from exporter import __version__
    from exporter.web.pages import Configuration, Origin, Snapshot, as_json
    from exporter.web.pages.fleet import jobs
    from exporter.web.pages.query import Query

    views, now = round_.views(), time.time()
    snapshot = Snapshot(
        version=__version__,
        started=now,
        now=now,
        generation=1,
        targets=views,
        left_out={},
        states={},
        configuration=Configuration(Origin(config_file), settings, now, "start"),
    )
    everyone = max(1, sum(len(view.jobs) for view in views))
    return as_json.encoded(jobs(snapshot, Query(), everyone))


def _output(text: str) -> Path:
    path = Path(text)
    if not text or path.name in {"", ".."} or (path.exists() and not path.is_file()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a file: write the path of one, or leave --output out")
    return path
