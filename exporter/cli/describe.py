"""``sagemaker-tuning-exporter describe``: one DescribeHyperParameterTuningJob, with options and output of the AWS CLI.

Modules that are slow to load are imported only after the arguments were checked.
"""

from __future__ import annotations

import os
import sys
import warnings
from typing import TYPE_CHECKING, Any

from exporter.cli.aws import arguments
from exporter.cli.aws.arguments import ExitCode
from exporter.cli.failures import say
from exporter.errors import CallFailed, ErrorCode

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence

    from exporter.cli.options import Parser
    from exporter.config.names import JobArn

_PROGRAM = "sagemaker-tuning-exporter describe"
_NO_REGION = "there is no region that can be used: write --region, or set AWS_REGION or a profile's region"
_TITLE = "DescribeHyperParameterTuningJob"


class _Ended(Exception):
    """Ends the command with a message and an exit code."""

    def __init__(self, message: str, code: ExitCode) -> None:
        super().__init__(message)
        self.code = code


def parser() -> Parser:
    """Return the parser of ``describe``."""
    return arguments.parser(_PROGRAM)


def run(argv: Sequence[str]) -> int:
    """Print AWS's answer about one tuning job, or the series that the exporter makes of it. Return an ``ExitCode`` or 0."""
    given = parser().parse_args(argv)
    try:
        # Ignore warnings of libraries about options that you chose, such as --no-verify-ssl.
        with warnings.catch_warnings(action="ignore"):
            return _debugged(given) if given.debug else _run(given)
    except _Ended as ended:
        say(f"{_PROGRAM}: {ended}")
        return ended.code
    except BrokenPipeError:  # the output was closed
        return 0
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED


def _debugged(given: argparse.Namespace) -> int:
    from exporter.sagemaker.debug import debugging

    with debugging(sys.stderr):
        return _run(given)


def _run(given: argparse.Namespace) -> int:
    from exporter.cli.aws import asked

    try:
        query = None if given.query is None else _compiled(given.query)
        name, arn = asked.tuning_job(given)
        asked.check(given)
    except ValueError as error:
        raise _Ended(str(error), ExitCode.USAGE) from error
    if given.skeleton in {"input", "yaml-input"}:
        from exporter.cli.aws import skeleton

        return _print(skeleton.json_input() if given.skeleton == "input" else skeleton.yaml_input())
    if name is None:
        raise _Ended("which tuning job? Write its name or its ARN after the command", ExitCode.USAGE)
    from exporter.sagemaker import single

    try:
        found = single.defaults(given.profile)
        output = given.output or os.environ.get("AWS_DEFAULT_OUTPUT") or found.output or "json"
        if output not in arguments.OUTPUTS:
            raise _Ended(
                f"{output!r}, from AWS_DEFAULT_OUTPUT or the profile, is not an output format: write one of {', '.join(arguments.OUTPUTS)}",
                ExitCode.CONFIGURATION,
            )
        if given.skeleton == "output":
            return _print(_formatted(single.sample_answer(), query, output, given.color))
        key = asked.key(given, arn, found.region)
        if key is None or not asked.is_region(key.region):
            raise _Ended(_NO_REGION, ExitCode.CONFIGURATION)
        answer = single.describe(name, key, asked.connection(given), _parse_time(given, found.timestamp_format))
        _check_account(answer, arn)
    except single.ServiceError as error:
        raise _Ended(error.message, ExitCode.SERVICE) from error
    except CallFailed as error:
        unusable = error.code in {ErrorCode.NO_CREDENTIALS, ErrorCode.EXPIRED_CREDENTIALS}
        raise _Ended(error.message, ExitCode.CONFIGURATION if unusable else ExitCode.OTHER) from error
    return _print(_series(answer) if given.metrics else _formatted(answer, query, output, given.color))


def _compiled(query: str) -> Callable[[Any], Any]:
    import jmespath
    from jmespath.exceptions import JMESPathError

    try:
        expression = jmespath.compile(query)
    except JMESPathError as error:
        what = str(error).partition("\n")[0].rstrip(":")  # the next lines mark the position
        raise ValueError(f"--query is not JMESPath: {what}") from error

    def search(answer: Any) -> Any:
        try:
            return expression.search(answer)
        except JMESPathError as error:
            raise _Ended(f"--query cannot be evaluated: {error}", ExitCode.OTHER) from error

    return search


def _parse_time(given: argparse.Namespace, timestamp_format: str | None) -> Callable[[Any], Any]:
    """Return how to convert times: for series as the exporter does, else by the profile's ``cli_timestamp_format``."""
    from exporter.sagemaker import times

    if given.metrics:
        return times.unix_seconds
    return times.as_sent if timestamp_format in {"wire", "none"} else times.local_time


def _check_account(answer: Mapping[str, Any], arn: JobArn | None) -> None:
    """Raise CallFailed if the answer is from another account. This is possible because the API takes only a name."""
    described = str(answer.get("HyperParameterTuningJobArn")).split(":")
    if arn is not None and (len(described) < 5 or described[4] != arn.account_id):
        message = f"the credentials are not for account {arn.account_id}, which is in the ARN"
        raise CallFailed(ErrorCode.WRONG_ACCOUNT, message)


def _series(answer: Mapping[str, Any]) -> str:
    """Return the series that the exporter makes of an answer, without those about the exporter's own work."""
    from exporter.exposition import families_in_force
    from exporter.exposition.families.health import HEALTH
    from exporter.exposition.render import render
    from exporter.fleet import JobView
    from exporter.tuning_job import MalformedAnswer, reduce

    try:
        facts = reduce(answer)
    except MalformedAnswer as error:
        raise _Ended(f"there are no series: {error}", ExitCode.OTHER) from error
    view = JobView(
        facts.account_id,
        facts.region,
        facts.name,
        {},
        facts,
        None,
        attempted=True,
        last_success=None,
        next_describe=0.0,
    )
    families = [family for family in families_in_force(frozenset()) if family not in HEALTH.families]
    return "".join(piece.text for piece in render(families, [view]))


def _formatted(answer: Any, query: Callable[[Any], Any] | None, output: str, color: str) -> str:
    from exporter.cli.aws.documents import as_json, as_yaml, as_yaml_stream
    from exporter.cli.aws.table import NoTable, as_table
    from exporter.cli.aws.text import as_text

    shown = answer if query is None else query(answer)
    if output != "table":
        return {"json": as_json, "yaml": as_yaml, "yaml-stream": as_yaml_stream, "text": as_text}[output](shown)
    wanted = color == "on" or (color == "auto" and sys.stdout.isatty() and not os.environ.get("NO_COLOR"))
    try:
        return as_table(_TITLE, shown, _columns(), color=wanted)
    except NoTable as error:
        raise _Ended(str(error), ExitCode.OTHER) from error


def _columns() -> int:
    """Return the width of the terminal, 80 if there is none."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns
    except (OSError, ValueError):
        return 80


def _print(text: str) -> int:
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal may not support all characters
    try:
        print(text, end="", flush=True)
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # otherwise Python tries again at its end
        if isinstance(error, BrokenPipeError):
            raise
        raise _Ended(f"the output cannot be written: {error.strerror}", ExitCode.OTHER) from error
    return 0
