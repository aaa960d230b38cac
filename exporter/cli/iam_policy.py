"""``sagemaker-tuning-exporter iam-policy``: print the least permissions that a configuration needs in AWS."""

from __future__ import annotations

import importlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.cli.failures import say
from exporter.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.permissions import Identity, Trust

TRUSTS = ("irsa", "pod-identity")
"""The values of ``exporter.permissions.Trust``, which is not imported for ``--help``."""

# Modules by name, because only the requested one is loaded.
_FORMATS = {"json": "as_json", "terraform": "terraform", "cloudformation": "cloudformation"}


def parser() -> options.Parser:
    """Return the parser of ``iam-policy``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} iam-policy",
        description="Print the least IAM policies that a configuration needs, without calling AWS: for the exporter's"
        " own identity, and for each role that it assumes, with the role's trust policy.",
        examples=("iam-policy config.yaml > policy.json", "iam-policy config.yaml --format=terraform --trust=irsa"),
    )
    options.add_config_file(made, alone=True)
    made.add_argument(
        "--format",
        choices=_FORMATS,
        default="json",
        help="How to write them: as JSON for IAM, as a Terraform module, or as a CloudFormation template for all accounts"
        " [default %(default)s].",
    )
    made.add_argument(
        "--trust",
        choices=TRUSTS,
        help="How the exporter's pod on EKS gets its own role, for that role's trust policy [default none, for no trust policy].",
    )
    return made


def run(argv: Sequence[str]) -> int:
    """Print the policies and return 0. Values to fill in are named on stderr. Raises UserError if there are no policies."""
    given = parser().parse_args(argv)

    from exporter.config import environment_region, read
    from exporter.permissions import Trust, identities

    trust = Trust(given.trust) if given.trust else None
    settings = read(Path(given.config_file), environment_region(os.environ))
    if not settings.targets and not settings.organizations:
        raise UserError(
            f"{given.config_file}: it watches nothing, so there is nothing to allow: add tuning_jobs or discover rules"
        )
    found = identities(settings, trust)
    if (problem := _problem(found, trust)) is not None:
        raise UserError(f"{given.config_file}: {problem}")
    try:
        printed = importlib.import_module(f"exporter.permissions.{_FORMATS[given.format]}").render(found)
    except ValueError as error:  # from a format with limits
        raise UserError(f"{given.config_file}: {error}") from error
    print(printed, end="")
    _tell(found, given.format)
    return 0


def _problem(found: Sequence[Identity], trust: Trust | None) -> str | None:
    """Return why no policies can be printed. None if they can."""
    if not found:
        return "no request is signed, so there is no identity to give policies to: remove sign_requests: false"
    if trust is not None and not any(each.is_exporter for each in found):
        return f"every entry has a profile, so the pod's own role is never used: remove --trust={trust}, or a profile"
    return None


def _tell(found: Sequence[Identity], form: str) -> None:
    """Print to stderr which values to fill in, if the format itself does not say so, and what could be narrower."""
    if form == "json":
        for blank in dict.fromkeys(blank for each in found for blank in each.blanks):
            say(f"replace {blank.name}: {blank.description}")
    for each in found:
        if form == "json" and len(each.policies) > 1:
            say(f"{each.name}: these are {len(each.policies)} policies: create and attach each of them")
        for note in each.notes:
            say(f"warning: {each.name}: {note}")
