"""``sagemaker-tuning-exporter check``: say whether configuration files can be used, and everything that is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.clock import SystemClock
from exporter.config import ConfigError, environment_region, read

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def run(argv: Sequence[str]) -> int:
    """Check a configuration file, a web configuration file, or both, whichever are named; without either the default one.

    Return 0 when they can be used, 1 after printing every problem to stderr. What is without effect is printed there too.
    """
    parser = options.Parser(
        prog="sagemaker-tuning-exporter check",
        description="Check a configuration file without calling AWS, or a web configuration file, or both.",
        epilog=f"If neither is named, {options.DEFAULT_CONFIG_FILE} is checked.",
    )
    options.add_config_file(parser, default=None)
    options.add_web_config_file(parser)
    given = parser.parse_args(argv)
    sound = True
    if given.config_file or not given.web_config_file:
        sound = _check(Path(given.config_file or options.DEFAULT_CONFIG_FILE))
    return 0 if _check_web(given) and sound else 1


def _check(file: Path) -> bool:
    try:
        settings = read(file, environment_region(os.environ))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return False
    for each in settings.ineffective:
        print(f"warning: {each}", file=sys.stderr)
    jobs = sum(len(target.jobs) for target in settings.targets)
    rules = sum(len(target.rules) for target in settings.targets)
    print(f"{file}: ok, {jobs} tuning jobs and {rules} discover rules in {len(settings.targets)} targets")
    return True


def _check_web(given: argparse.Namespace) -> bool:
    try:
        file = options.web_config(given, SystemClock())
    except ConfigError as error:
        print(error, file=sys.stderr)
        return False
    if file is not None:
        print(f"{given.web_config_file}: ok, {file.settings.summary()}")
    return True
