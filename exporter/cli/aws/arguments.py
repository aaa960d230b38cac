"""The options of ``aws sagemaker describe-hyper-parameter-tuning-job``.

It imports nothing that is slow to load, so that ``--help`` is fast.
"""

from __future__ import annotations

import argparse
from enum import IntEnum
from typing import NoReturn

from exporter import __version__
from exporter.cli import options

OUTPUTS = ("json", "yaml", "yaml-stream", "text", "table")

_SKELETONS = ("input", "yaml-input", "output")
NAME_OPTION = "--hyper-parameter-tuning-job-name"
_LONGEST_WAIT = 86_400.0
"""Seconds that mean no time-out: a day."""


class ExitCode(IntEnum):
    """The exit codes, which are those of version 2 of the AWS CLI."""

    USAGE = 252
    """An option or a parameter is wrong. Nothing was sent."""
    CONFIGURATION = 253
    """There are no usable credentials, no region, or a profile cannot be used."""
    SERVICE = 254
    """The service has returned an error."""
    OTHER = 255
    """Any other error, such as no connection, or an answer that cannot be read."""
    INTERRUPTED = 130


class _Parser(options.Parser):
    def error(self, message: str) -> NoReturn:
        self.exit(ExitCode.USAGE, f"{self.prog}: {message}\n")


def parser(program: str) -> options.Parser:
    """Return the parser of the command line. It exits with ``ExitCode.USAGE`` if the command line is wrong."""
    found = _Parser(
        prog=program,
        usage="%(prog)s NAME|ARN [options]",
        description="Print what SageMaker says of a tuning job now: one DescribeHyperParameterTuningJob, with the "
        "credentials, options and output of `aws sagemaker describe-hyper-parameter-tuning-job`. No configuration file is read.",
        epilog="Exit codes: 0; 252 for a wrong option, 253 for missing credentials, region or profile, 254 for an error "
        "that AWS answers with, 255 for any other.",
        examples=(
            "describe churn-xgboost --region=eu-west-1",
            "describe churn-xgboost --output=table",
            "describe churn-xgboost --metrics",
        ),
    )
    add = found.add_argument
    add("job", nargs="?", metavar="NAME|ARN", help="The tuning job. An ARN tells its region, too.")
    add(NAME_OPTION, dest="name", metavar="NAME", help="The same, as the AWS CLI names it.")
    add("--metrics", action="store_true", help="Print the series that the exporter makes of the answer instead.")
    add("--output", choices=OUTPUTS, help="How it is printed [default: the profile's, or json].")
    add("--query", metavar="JMESPATH", help="Print only what this expression finds.")
    inputs = found.add_mutually_exclusive_group()
    inputs.add_argument(
        "--cli-input-json", metavar="JSON", help="The parameters of the call, as JSON or as file://PATH."
    )
    inputs.add_argument("--cli-input-yaml", metavar="YAML", help="The same as YAML.")
    add(
        "--generate-cli-skeleton",
        dest="skeleton",
        nargs="?",
        const="input",
        choices=_SKELETONS,
        help="Call nothing; print the parameters to fill in, or a sample of the answer.",
    )
    add("--region", type=_given, help="The region [default: the ARN's, AWS_REGION, AWS_DEFAULT_REGION, the profile's].")
    add("--profile", type=_given, help="The profile of the AWS configuration files [default: AWS_PROFILE].")
    add("--endpoint-url", metavar="URL", help="Where SageMaker is, instead of the region's own endpoint.")
    add("--ca-bundle", metavar=options.FILE, help="Certificates to trust.")
    add("--no-verify-ssl", dest="verify_ssl", action="store_false", help="Trust any certificate.")
    add("--no-sign-request", dest="sign_request", action="store_false", help="Send no credentials.")
    for part in ("connect", "read"):
        add(
            f"--cli-{part}-timeout",
            dest=f"{part}_timeout",
            metavar="SECONDS",
            type=_seconds,
            default=60.0,
            help=f"How long to wait for {'a connection' if part == 'connect' else 'the answer'}, 0: a day [default 60].",
        )
    add("--color", choices=("on", "off", "auto"), default="auto", help="Color tables; auto: on a terminal.")
    add(
        "--debug",
        action="store_true",
        help="Tell on standard error what the AWS SDK does, and where an error comes from.",
    )
    add(
        "--version",
        action="version",
        version=f"sagemaker-tuning-exporter {__version__}",
        help="Print the version and exit.",
    )
    without_effect = found.add_argument_group("options of the AWS CLI that change nothing here")
    without_effect.add_argument("--no-cli-pager", action="store_true", help="There is no pager.")
    without_effect.add_argument("--no-paginate", action="store_true", help="The answer has one page.")
    without_effect.add_argument(
        "--cli-binary-format", choices=("base64", "raw-in-base64-out"), help="The call has no binary parameters."
    )
    prompts = without_effect.add_mutually_exclusive_group()
    prompts.add_argument("--cli-auto-prompt", action="store_true", help="Nothing is asked for.")
    prompts.add_argument("--no-cli-auto-prompt", action="store_true", help="The same.")
    return found


def _given(text: str) -> str | None:
    return text or None  # as in --profile "$PROFILE" with an empty variable


def _seconds(text: str) -> float:
    if not text.isascii() or not text.isdigit():
        raise argparse.ArgumentTypeError("write whole seconds")
    return min(float(text) or _LONGEST_WAIT, _LONGEST_WAIT)
