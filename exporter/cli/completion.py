"""``sagemaker-tuning-exporter completion``: print the script with which a shell completes commands and options."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.cli import COMMANDS, module, options
from exporter.cli import run as daemon

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

SHELLS = ("bash", "zsh")


def parser() -> options.Parser:
    """Return the parser of ``completion``."""
    made = options.Parser(
        prog=f"{options.PROGRAM} completion",
        description="Print the script that completes commands, options and files.",
        epilog=f'In bash: eval "$({options.PROGRAM} completion bash)". In zsh, write the output into the file '
        f"_{options.PROGRAM} in a directory of $fpath.",
    )
    made.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"The shell: {' or '.join(SHELLS)}.")
    return made


def run(argv: Sequence[str]) -> int:
    """Print the script. Return 0."""
    given = parser().parse_args(argv)
    import shtab

    commands = {name: module(name).parser() for name in COMMANDS}
    whole = daemon.parser(commands)
    for each in (whole, *commands.values()):
        _say_what_fits(each)
    print(shtab.complete(whole, shell=given.shell))
    return 0


def _say_what_fits(made: argparse.ArgumentParser) -> None:
    """Tell shtab which arguments are files, and the values of the others."""
    import shtab

    for action in made._actions:  # noqa: SLF001 - argparse has no public list of them
        words = getattr(action.type, "words", None)
        if words is not None:
            action.choices = words
        elif action.metavar == options.FILE:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
