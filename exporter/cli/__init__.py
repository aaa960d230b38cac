"""The command line: one module for each subcommand, each of which parses, calls one thing and returns an exit code."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

from exporter.cli import early

if TYPE_CHECKING:
    from collections.abc import Sequence

# Modules by name, not imported: a daemon need not carry the simulator's code.
COMMANDS = {
    "check": "Check a configuration file and exit.",
    "demo": "Watch a simulated fleet: simulator and exporter in one process, no AWS account needed.",
    "describe": "Print what SageMaker says of a tuning job, as the AWS CLI does, or its series.",
    "iam-policy": "Print the least IAM policies that a configuration needs.",
    "prices": "Print a file of prices, out of an offer file of AWS.",
    "record": "Record what AWS answers of your tuning jobs, redacted, into a file for bug reports, tests and demos.",
    "replay": "Watch a recording: an endpoint that answers as AWS did, and the exporter on it.",
    "simulate": "Serve a simulated SageMaker endpoint.",
}

_LASTING = frozenset({"run", "record", "replay"})
"""Commands that signals end from their first moment on, and end well."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a subcommand, or the daemon when none is named; return the process's exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = arguments.pop(0) if arguments and arguments[0] in COMMANDS else "run"
    early.ignore_others()
    if command == "run":
        early.leave_out_rich()
    if command in _LASTING:
        early.prepare()
    exit_code: int = importlib.import_module(f"exporter.cli.{command.replace('-', '_')}").run(arguments)
    return exit_code
