"""``sagemaker-tuning-exporter plan``: estimate the series, memory and calls of a configuration before it runs."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.cli.failures import say
from exporter.cli.timeout import add_timeout

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.cli.stand_in import Expected
    from exporter.config import Settings
    from exporter.fleet import TargetView

_MOST_JOBS = 10_000
_MOST_ACCOUNTS = 10_000
_MOST_RUNNING = 100
_MOST_CHANGES = 10_000.0


class _Whole:
    """Parses a whole number from ``least`` to ``most``."""

    def __init__(self, least: int, most: int) -> None:
        self._least = least
        self._most = most

    def __call__(self, text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 10 and self._least <= int(text) <= self._most:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {self._least} to {self._most:,}")


def parser() -> options.Parser:
    """Return the parser of ``plan``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} plan",
        description="Estimate what a configuration will cost: series, memory, and API calls an hour against the budgets. It"
        " simulates a day of the exporter in a few seconds, with invented tuning jobs.",
        examples=("plan config.yaml", "plan config.yaml --jobs=500 --running=80", "plan config.yaml --online"),
    )
    options.add_config_file(made, alone=True)
    made.add_argument(
        "--jobs",
        type=_Whole(0, _MOST_JOBS),
        metavar="N",
        help="Tuning jobs that rules find in each account and region; they watch max_jobs of them at most [default: all that max_jobs allows].",
    )
    made.add_argument(
        "--running",
        type=_Whole(0, _MOST_RUNNING),
        metavar="N",
        help=f"How many of them run, in each [default: all, at most {_MOST_RUNNING}, AWS's own limit].",
    )
    made.add_argument(
        "--changes-per-minute",
        dest="changes",
        type=_changes,
        metavar="N",
        help="How many of those change in a minute, because a training job begins or ends, in each [default: 2 %% of them].",
    )
    made.add_argument(
        "--accounts",
        type=_Whole(1, _MOST_ACCOUNTS),
        metavar="N",
        help="How many accounts each organization has. Only AWS knows, and it is not called without --online.",
    )
    made.add_argument(
        "--online",
        action="store_true",
        help="Read from AWS which accounts an organization has, how many tuning jobs there are, how many run, and what series they"
        " have.",
    )
    made.add_argument(
        "--format", choices=("text", "json"), default="text", help="How the result is printed [default %(default)s]."
    )
    add_timeout(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Print the cost of a configuration. Return 0. With ``--online``, return 1 if something could not be read."""
    made = parser()
    given = made.parse_args(argv)
    if given.online and any(each is not None for each in (given.accounts, given.jobs, given.running)):
        made.error(
            "argument --online: AWS tells how many accounts and tuning jobs there are; leave --accounts, --jobs and --running out"
        )
    if given.jobs is not None and given.running is not None and given.running > given.jobs:
        made.error(f"argument --running: {given.running} is more than --jobs {given.jobs}: write at most that")
    from exporter.cli.cost import cost, expected
    from exporter.cli.progress import progress
    from exporter.config import environment_region, read

    settings = read(Path(given.config_file), environment_region(os.environ))
    if not given.online:
        settings = _with_accounts(settings, given.accounts, made)
    if given.jobs is not None and not any(spec.rules for spec in settings.targets):
        made.error(
            "argument --jobs: the configuration has no discover rules, which would find these tuning jobs: leave it out"
        )
    views: Mapping[str, TargetView] = {}
    failed = False
    if given.online:
        settings, views, failed = _read(settings, given.timeout)
    wanted = {
        spec.name: _found(views[spec.name], given.changes)
        if spec.name in views
        else expected(spec, given.jobs, given.running, given.changes)
        for spec in settings.targets
    }
    with progress("Planning a day") as advance:
        found = cost(settings, wanted, advance, tuple(views.values()))
    if given.format == "json":
        from exporter.cli.output import print_bytes
        from exporter.web.pages.as_json import encoded

        print_bytes(encoded(found))
    else:
        from exporter.cli.cost_text import lines

        print("\n".join(lines(found, given.config_file)))
        if not given.online and given.jobs is None and any(spec.rules for spec in settings.targets):
            print(
                "This assumes as many tuning jobs as max_jobs allows. Give your own numbers with --jobs and --running, or use --online."
            )
    return 1 if failed else 0


def _with_accounts(settings: Settings, count: int | None, made: options.Parser) -> Settings:
    """Return the settings with ``count`` accounts in each organization. Exits with a usage error if there is no count."""
    from exporter.config.specs import Account

    if count is None and settings.organizations:
        made.error(
            "argument --accounts: only AWS knows the accounts of the organization: give their number, or use --online"
        )
    if count is not None and not settings.organizations:
        made.error(
            "argument --accounts: it says what an organization has, and the configuration has none: leave it out"
        )
    accounts = tuple(Account(f"{number:012}", "") for number in range(1, 1 + (count or 0)))
    return settings.with_accounts(dict.fromkeys(settings.organizations, accounts))


def _read(settings: Settings, timeout: float) -> tuple[Settings, Mapping[str, TargetView], bool]:
    """Return the settings with all accounts, the views of targets by name, and whether something could not be read.

    Failures are printed.
    """
    from exporter import logs
    from exporter.cli.causes import causes
    from exporter.cli.drive import read_all
    from exporter.log_format import LogFormat
    from exporter.telemetry import Telemetry

    logs.configure("error", LogFormat.LOGFMT)
    outcome = read_all(settings, Telemetry(lasts=False), timeout)
    told = [*causes(outcome.round, timeout, outcome.organizations)]
    for each in told:
        say(each)
    return outcome.settings, {each.spec.name: each.view for each in outcome.round.targets}, bool(told)


def _found(view: TargetView, changes: float | None) -> Expected:
    """Return what to expect of a target, from its view."""
    from exporter.cli.cost import usual_changes
    from exporter.cli.stand_in import Expected
    from exporter.fleet import JobState

    running = view.states[JobState.RUNNING]
    return Expected(len(view.jobs), running, usual_changes(running) if changes is None else changes)


def _changes(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0.0 <= number <= _MOST_CHANGES:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a number from 0 to {_MOST_CHANGES:,g}: write for example 2.5"
        )
    return number
