"""``sagemaker-tuning-exporter check``: say whether a configuration file can be used, and everything that is wrong."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.config import ConfigError, environment_region, read

if TYPE_CHECKING:
    from collections.abc import Sequence


def run(argv: Sequence[str]) -> int:
    """Check a configuration file. Return 0 when it can be used, 1 after printing every problem to stderr.

    What is without effect is printed there too.
    """
    parser = options.Parser(
        prog="sagemaker-tuning-exporter check", description="Check a configuration file without calling AWS."
    )
    options.add_config_file(parser)
    file = Path(parser.parse_args(argv).config_file)
    try:
        settings = read(file, environment_region(os.environ))
    except ConfigError as error:
        print(error, file=sys.stderr)
        return 1
    for each in settings.ineffective:
        print(f"warning: {each}", file=sys.stderr)
    jobs = sum(len(target.jobs) for target in settings.targets)
    rules = sum(len(target.rules) for target in settings.targets)
    print(f"{file}: ok, {jobs} tuning jobs and {rules} discover rules in {len(settings.targets)} targets")
    return 0
