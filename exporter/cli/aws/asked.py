"""Converts the options of the command line to the exporter's own types."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.cli.aws import inputs
from exporter.cli.aws.arguments import NAME_OPTION
from exporter.config import environment_region
from exporter.config.names import ARN_START, parse_job_arn
from exporter.config.regions import partition_of
from exporter.config.specs import Connection, Credentials, Endpoint, TargetKey

if TYPE_CHECKING:
    import argparse

    from exporter.config.names import JobArn

_URL = re.compile("[!-~]+")


def tuning_job(given: argparse.Namespace) -> tuple[str | None, JobArn | None]:
    """Return the tuning job's name, None if there is none, and its ARN if one is given.

    Options take precedence over ``--cli-input-json`` and ``--cli-input-yaml``. Raises ValueError if a value cannot be used.
    """
    name = None
    if given.cli_input_json is not None:
        name = inputs.name_in_json(*inputs.argument(given.cli_input_json, "--cli-input-json"))
    elif given.cli_input_yaml is not None:
        name = inputs.name_in_yaml(*inputs.argument(given.cli_input_yaml, "--cli-input-yaml"))
    if given.name is not None:
        if given.job is not None:
            raise ValueError("name the tuning job once: NAME|ARN and --hyper-parameter-tuning-job-name say the same")
        return inputs.checked_name(inputs.argument(given.name, NAME_OPTION)[0], NAME_OPTION), None
    if given.job is None:
        return name, None
    if not given.job.startswith(ARN_START):
        return inputs.checked_name(given.job, "NAME|ARN"), None
    arn = parse_job_arn(given.job)
    if given.region not in {None, arn.region}:
        raise ValueError(f"--region {given.region} is not that of the ARN: leave it out, or write {arn.region}")
    return arn.name, arn


def check(given: argparse.Namespace) -> None:
    """Raise ValueError for options with which the SDK would fail with a message of its own."""
    if given.metrics and (given.query is not None or given.output is not None or given.skeleton is not None):
        raise ValueError("--metrics prints series: leave out --output, --query and --generate-cli-skeleton")
    if given.region is not None and not is_region(given.region):
        raise ValueError("--region is not a region: write its code, for example eu-west-1")
    if given.endpoint_url is not None and not _is_url(given.endpoint_url):
        raise ValueError("--endpoint-url is not a URL: write http://HOST:PORT or https://HOST:PORT")
    if given.ca_bundle is not None and not os.access(given.ca_bundle, os.R_OK):
        raise ValueError(f"--ca-bundle: {given.ca_bundle} cannot be read: write the path of a file with certificates")


def is_region(text: str) -> bool:
    """Return whether a text can be part of a host name. Your own endpoint may have other regions than AWS."""
    return text.isascii() and text.replace("-", "").isalnum()


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - raises an error if it is not a number
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and bool(_URL.fullmatch(text))


def key(given: argparse.Namespace, arn: JobArn | None, default_region: str | None) -> TargetKey | None:
    """Return the endpoint and credentials for the call. None if no region is given."""
    region = given.region or (arn and arn.region) or environment_region(os.environ) or default_region
    if not region:
        return None
    credentials = Credentials(given.profile, sign_requests=given.sign_request)
    return TargetKey(partition_of(region), region, credentials, Endpoint(given.endpoint_url))


def connection(given: argparse.Namespace) -> Connection:
    """Return how to connect to the endpoint."""
    bundle = None if given.ca_bundle is None else str(Path(given.ca_bundle))
    return Connection(
        verify_ssl=given.verify_ssl,
        ca_bundle=bundle,
        connect_timeout=given.connect_timeout,
        read_timeout=given.read_timeout,
    )
