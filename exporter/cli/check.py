"""``sagemaker-tuning-exporter check``: say whether configuration files can be used, and everything that is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from exporter.config import ConfigError


def parser() -> options.Parser:
    """Return the parser of ``check``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} check",
        description="Check a configuration file without calling AWS, or a web configuration file, or both.",
        epilog=f"If neither is named, {options.DEFAULT_CONFIG_FILE} is checked.",
    )
    options.add_config_file(made, default=None)
    options.add_web_config_file(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Check a configuration file, a web configuration file, or both, whichever are named; without either the default one.

    Return 0 when they can be used, 1 after printing every problem to stderr. What is without effect is printed there too.
    """
    given = parser().parse_args(argv)
    sound = True
    if given.config_file or not given.web_config_file:
        sound = _check(Path(given.config_file or options.DEFAULT_CONFIG_FILE))
    return 0 if _check_web(given) and sound else 1


def _check(file: Path) -> bool:
    from exporter.config import ConfigError, environment_region, read
    from exporter.config.problem import counted

    try:
        settings = read(file, environment_region(os.environ))
    except ConfigError as error:
        _tell(file, error)
        return False
    for each in settings.ineffective:
        print(f"warning: {each}", file=sys.stderr)
    jobs = sum(len(target.jobs) for target in settings.targets)
    rules = sum(len(target.rules) for target in settings.targets)
    watched = f"{counted(jobs, 'tuning job')} and {counted(rules, 'discover rule')}"
    print(f"{file}: ok, {watched} in {counted(len(settings.targets), 'target')}")
    return True


def _check_web(given: argparse.Namespace) -> bool:
    from exporter.clock import SystemClock
    from exporter.config import ConfigError

    try:
        file = options.web_config(given, SystemClock())
    except ConfigError as error:
        _tell(given.web_config_file, error)
        return False
    if file is not None:
        print(f"{given.web_config_file}: ok, {file.settings.summary()}")
    return True


def _tell(file: Path | str, error: ConfigError) -> None:
    from exporter.config.problem import counted

    print(f"{error}\n{file}: {counted(len(error.problems), 'mistake')}", file=sys.stderr)
