"""``sagemaker-tuning-exporter check``: say whether a configuration file can be used, and everything that is wrong."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from exporter.config import ConfigError, environment_region, read

CONFIG_FILE_VARIABLE = "SAGEMAKER_TUNING_EXPORTER_CONFIG_FILE"


def run(argv: list[str]) -> int:
    """Check a configuration file. Return 0 when it can be used, 1 after printing every problem to stderr."""
    parser = argparse.ArgumentParser(
        prog="sagemaker-tuning-exporter check",
        description="Check a configuration file without calling AWS.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--config.file",
        dest="file",
        type=Path,
        metavar="FILE",
        default=os.environ.get(CONFIG_FILE_VARIABLE) or None,
        help=f"the configuration file (default: the environment variable {CONFIG_FILE_VARIABLE})",
    )
    file = parser.parse_args(argv).file
    if file is None:
        parser.error(f"no file to check: give --config.file, or set {CONFIG_FILE_VARIABLE}")
    try:
        settings = read(file, environment_region(os.environ))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    jobs = sum(len(target.jobs) for target in settings.targets)
    rules = sum(len(target.rules) for target in settings.targets)
    sys.stdout.write(f"{file}: ok, {jobs} tuning jobs and {rules} discover rules in {len(settings.targets)} targets\n")
    return 0
