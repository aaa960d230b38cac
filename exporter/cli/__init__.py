"""The command line. Each command has a module with its name, with ``_`` instead of ``-``.

Each module has two functions:

- ``parser()`` returns the parser of its options. Help, completion and ``docs/cli.md`` are made from it. At its top, the module
  imports only what this needs.
- ``run(argv)`` parses the options, does the work and returns the exit code. It imports modules that are slow to load itself.

A command raises ``exporter.errors.UserError``, such as ``ConfigError``, for problems that you can fix. ``main`` prints its text
and returns 1. It also handles Ctrl-C, a closed pipe and bugs, so commands need not.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Protocol, cast

from exporter.cli import early, failures

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.cli.options import Parser

# Modules by name. They are not imported here, because a daemon does not need the simulator.
COMMANDS = {
    "check": "Check a configuration file, and with --online what AWS permits.",
    "completion": "Print the script that completes commands and options in bash or zsh.",
    "demo": "Watch a simulated fleet: simulator and exporter in one process, no AWS account needed.",
    "describe": "Print what SageMaker says about a tuning job, as the AWS CLI does, or its series.",
    "iam-policy": "Print the least IAM policies that a configuration needs.",
    "once": "Read everything once, print it, and exit; for cron and the textfile collector.",
    "plan": "Estimate what a configuration will cost before it runs: series, memory, API calls.",
    "prices": "Print a file of instance prices, made from AWS's own price list (an offer file).",
    "record": "Record what AWS answers about your tuning jobs, redacted, in a file for bug reports, tests and demos.",
    "replay": "Watch a recording: an endpoint that answers as AWS did, and the exporter on it.",
    "schema": "Print the JSON Schema of a configuration file, for editors.",
    "simulate": "Serve a simulated SageMaker endpoint.",
    "version": "Print the versions of the exporter, Python and the AWS SDK.",
}
_DAEMON = "run"
_LASTING = frozenset({_DAEMON, "record", "replay"})
"""Commands that a signal ends with exit code 0, from their first moment on."""


class Command(Protocol):
    """The module of a command."""

    def parser(self) -> Parser:
        """Return the parser of its options."""

    def run(self, argv: Sequence[str]) -> int:
        """Run it and return its exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command, or the daemon if none is named. Return the exit code of the process."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return failures.guarded(lambda: _run(arguments), arguments)


def module(command: str) -> Command:
    """Return the module of a command."""
    found: Any = importlib.import_module(f"exporter.cli.{command.replace('-', '_')}")
    return cast("Command", found)


def _run(arguments: list[str]) -> int:
    early.ignore_others()
    early.open_standard_streams()
    command, *others = [_DAEMON, *arguments] if not arguments or arguments[0].startswith("-") else arguments
    if command == _DAEMON:
        early.leave_out_rich()
    elif command not in COMMANDS:
        module(_DAEMON).parser().refuse(command, COMMANDS)
    if command in _LASTING:
        early.share_arenas()
        early.mind_signals()
    return module(command).run(others)
