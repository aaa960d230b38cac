"""Makes docs/cli.md from the parsers of the commands, independent of terminal, environment and Python version."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING

from exporter.cli import COMMANDS, module, options
from exporter.cli import run as daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_HEAD = """# The command line

<!-- Made by tools/make_docs.py from the parsers of exporter/cli; change them and run `make docs`. -->

Without a command, `sagemaker-tuning-exporter` serves metrics. These are its commands:

{commands}

A variable of the environment sets its option; the option on the command line wins. `COMMAND --help` shows the same as this page.
Errors are one sentence on standard error, with what to do.

| exit code | |
|---|---|
| 0 | success |
| 1 | failure: a mistake in a file, an address in use, a call that failed |
| 2 | an unknown option or command |
| 130, 141 | Ctrl-C; the reader of the output has closed it |

With `SAGEMAKER_TUNING_EXPORTER_LOG_LEVEL=debug`, a bug is shown with its traceback. Progress and colours appear only at a terminal;
`NO_COLOR=1` turns colours off.

To complete commands and options with the Tab key, in bash: `eval "$(sagemaker-tuning-exporter completion bash)"`.
"""
_VARIABLE = re.compile(r" \[([A-Z_]+); default (.*)\]$")
_DEFAULT = re.compile(r" \[default:? (.+)\]\.?$")


def render() -> str:
    commands = "\n".join(f"- [`{name}`](#{_anchor(name)}): {_told(text)}" for name, text in COMMANDS.items())
    parts = [_HEAD.format(commands=commands), *_part("serving", daemon.parser())]
    for name in COMMANDS:
        parts += _part(name, module(name).parser())
    return "\n".join(parts)


def _part(title: str, parser: options.Parser) -> Iterator[str]:
    yield f"## {title}\n"
    yield f"{parser.description}\n" if parser.description else ""
    yield f"```text\n{_usage(parser)}\n```\n"
    rows = [_row(action, parser.prog) for action in _actions(parser)]
    if rows:
        variables = any(variable for _, variable, _, _ in rows)
        heads = ("option", "variable", "default", "") if variables else ("option", "default", "")
        yield f"{_line(heads)}\n|{'---|' * len(heads)}"
        for option, variable, default, told in rows:
            yield _line((option, variable, default, told) if variables else (option, default, told))
        yield ""
    if parser.epilog and parser.prog != options.PROGRAM:
        yield f"{parser.epilog}\n"
    if parser.examples:
        yield "```sh\n" + "\n".join(parser.examples) + "\n```\n"


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:  # noqa: SLF001 - argparse has no public list of them
        hidden = action.help == argparse.SUPPRESS or isinstance(action, argparse._SubParsersAction)  # noqa: SLF001
        if not hidden and "--help" not in action.option_strings:
            yield action


def _usage(parser: argparse.ArgumentParser) -> str:
    words = [parser.prog]
    for action in _actions(parser):
        if not action.option_strings:
            name = _value(action)
            words.append(f"[{name}]" if action.nargs in {"?", "*"} else name)
        elif action.required:
            words.append(f"{action.option_strings[0]} {_value(action)}")
    return " ".join([*words, "[OPTION ...]"])


def _row(action: argparse.Action, prog: str) -> tuple[str, str, str, str]:
    """Return an option, its variable, its default and its meaning."""
    told, variable, default = (action.help or "") % {**vars(action), "prog": prog}, "", ""
    if found := _VARIABLE.search(told):
        variable, default = f"`{found[1]}`", "" if found[2] == "none" else f"`{found[2]}`"
        told = told[: found.start()]
    elif found := _DEFAULT.search(told):
        told, default = told[: found.start()], found[1] if " " in found[1] else f"`{found[1]}`"
    flags = ", ".join(f"`{flag}`" for flag in action.option_strings[:-1])
    last = action.option_strings[-1] if action.option_strings else ""
    value = "" if action.nargs == 0 else _value(action)
    option = ", ".join(filter(None, [flags, f"`{' '.join(filter(None, [last, value]))}`"]))
    return option.replace("|", r"\|"), variable, default, _told(told).replace("|", r"\|")


def _line(cells: Sequence[str]) -> str:
    return f"|{'|'.join(f' {cell} ' if cell else ' ' for cell in cells)}|"


def _value(action: argparse.Action) -> str:
    """Return the placeholder for an option's value, as in argparse."""
    if isinstance(action.metavar, str):
        return action.metavar
    if action.choices is not None:
        return "{" + ",".join(map(str, action.choices)) + "}"
    return action.dest.upper() if action.option_strings else action.dest


def _told(text: str) -> str:
    """Return a sentence as a cell of a table: with a lower-case first letter and without full stop."""
    first = text.split(" ", maxsplit=1)[0]
    small = text if len(first) > 1 and first.isupper() else text[:1].lower() + text[1:]
    return small.removesuffix(".")


def _anchor(title: str) -> str:
    return title.lower().replace(" ", "-")
