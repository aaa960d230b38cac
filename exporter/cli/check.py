"""``sagemaker-tuning-exporter check``: check configuration files, and print all mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.cli.failures import say
from exporter.cli.timeout import add_timeout

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.cli.findings import Findings
    from exporter.config import Problem


def parser() -> options.Parser:
    """Return the parser of ``check``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} check",
        description="Check a configuration file, or a web configuration file, or both. AWS is called only with --online.",
        epilog=f"If neither is named, {options.DEFAULT_CONFIG_FILE} is checked. A target is an account and region, called with"
        " one set of credentials.",
        examples=("check config.yaml", "check config.yaml --online"),
    )
    options.add_config_file(made, default=None, alone=True, more="; - is standard input")
    options.add_web_config_file(made)
    made.add_argument(
        "--online",
        action="store_true",
        help="Also call AWS, once for each account and region: who calls, what is permitted, what rules find.",
    )
    made.add_argument(
        "--format", choices=("text", "json"), default="text", help="How the result is printed [default %(default)s]."
    )
    add_timeout(made)
    return made


def run(argv: Sequence[str]) -> int:
    """Check a configuration file, a web configuration file, or both. Without either, check the default configuration file.

    Return 0 if they can be used and, with ``--online``, no call failed; else 1. In text format, mistakes and warnings are
    printed to stderr.
    """
    given = parser().parse_args(argv)
    config_file = given.config_file
    if not config_file and (given.online or not given.web_config_file):
        config_file = options.DEFAULT_CONFIG_FILE
    from exporter.cli.findings import Findings

    found = Findings()
    as_text = given.format == "text"
    if config_file:
        found.check(config_file)
    if as_text:
        _print_file(found, online=given.online)
    if given.web_config_file:
        of_web = found.check_web(given)
        if as_text:
            _print_web(given.web_config_file, *of_web)
    if given.online:
        before = len(found.errors)
        doubts = found.try_targets(given.timeout)
        if as_text:
            _print_online(found, doubts, found.errors[before:])
    if not as_text:
        from exporter.cli.output import print_bytes
        from exporter.web.pages.as_json import encoded

        print_bytes(encoded(found.report))
    return 0 if found.report.ok else 1


def _print_file(found: Findings, *, online: bool) -> None:
    from exporter.config.problem import counted

    _warn(found.warnings)
    if found.settings is None:
        if found.file is not None:
            _refuse(found.file, found.errors)
        return
    report = found.report
    watched = f"{counted(report.tuning_jobs or 0, 'tuning job')} and {counted(report.rules or 0, 'discover rule')}"
    where = counted(report.targets or 0, "target")
    if organizations := len(found.settings.organizations):
        where += f", and in the accounts of {counted(organizations, 'organization')}"
        where += ", shown below" if online else ", read when the exporter runs"
    print(f"{found.file}: ok, {watched} in {where}")


def _print_web(file: str, errors: Sequence[Problem], summary: str) -> None:
    if errors:
        _refuse(file, errors)
    else:
        print(f"{file}: ok, {summary}")


def _print_online(found: Findings, warnings: Sequence[Problem], errors: Sequence[Problem]) -> None:
    from exporter.cli.online_text import lines, organization_lines

    for organization in found.organizations or ():
        print("\n".join(organization_lines(organization)))
    for each in found.online or ():
        print("\n".join(lines(each)))
    _warn(warnings)
    if errors and found.file is not None:
        _refuse(found.file, errors)


def _refuse(file: str, errors: Sequence[Problem]) -> None:
    from exporter.config import ConfigError
    from exporter.config.problem import counted

    say(f"{ConfigError(errors)}\n{file}: {counted(len(errors), 'mistake')}")


def _warn(warnings: Sequence[Problem]) -> None:
    for each in warnings:
        say(f"warning: {each}")
