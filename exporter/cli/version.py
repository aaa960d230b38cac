"""``sagemaker-tuning-exporter version``: print the versions of the exporter, Python and the SDK."""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from exporter import __version__
from exporter.cli import options

if TYPE_CHECKING:
    from collections.abc import Sequence

_SDK = ("boto3", "botocore")


def parser() -> options.Parser:
    """Return the parser of ``version``."""
    return options.Parser(
        prog=f"{options.PROGRAM} version",
        description="Print the version, the commit that the image was built from, and the versions of Python and the AWS SDK.",
    )


def run(argv: Sequence[str]) -> int:
    """Print the versions. Return 0."""
    parser().parse_args(argv)
    from importlib import metadata

    from exporter.telemetry import REVISION_VARIABLE

    print(f"{options.PROGRAM} {__version__}")
    if revision := os.environ.get(REVISION_VARIABLE):
        print(f"revision {revision}")
    print(f"python {platform.python_version()}")
    for name in _SDK:
        print(f"{name} {metadata.version(name)}")
    return 0
