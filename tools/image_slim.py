"""Remove the AWS SDK's descriptions of services that the exporter never calls from an environment."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

SERVICES = frozenset({"sagemaker", "signin", "sso", "sso-oidc", "sts"})
"""The services that are called, by the exporter or by the SDK's search for credentials."""


def slim(site_packages: Path) -> None:
    """Remove the descriptions of other services. Raises FileNotFoundError if the SDK has another layout."""
    data = site_packages / "botocore" / "data"
    if missing := [name for name in sorted(SERVICES) if not (data / name).is_dir()]:
        raise FileNotFoundError(f"no {', '.join(missing)} in {data}")
    for service in data.iterdir():
        # The files next to the folders have regions, endpoints and retries of all services.
        if service.is_dir() and service.name not in SERVICES:
            shutil.rmtree(service)
    # boto3's resource interface, which neither SageMaker nor STS has, and parts of its documentation.
    for name in ("data", "examples"):
        shutil.rmtree(site_packages / "boto3" / name)


if __name__ == "__main__":
    slim(Path(sys.argv[1]))
