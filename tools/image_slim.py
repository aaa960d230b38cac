"""Leave out of an environment what the exporter never reads: the AWS SDK's descriptions of other services."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

SERVICES = frozenset({"sagemaker", "signin", "sso", "sso-oidc", "sts"})
"""The services called: SageMaker and STS by the exporter, all but SageMaker by the SDK's search for credentials."""


def slim(site_packages: Path) -> None:
    """Remove the other services' descriptions; raise FileNotFoundError where the SDK is laid out in another way."""
    data = site_packages / "botocore" / "data"
    if missing := [name for name in sorted(SERVICES) if not (data / name).is_dir()]:
        raise FileNotFoundError(f"no {', '.join(missing)} in {data}")
    for service in data.iterdir():
        # The files beside the folders tell of regions, endpoints and retries of every service.
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    # boto3's object-oriented interface, which neither SageMaker nor STS has, and pieces of its manual.
    for name in ("data", "examples"):
        shutil.rmtree(site_packages / "boto3" / name)


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
