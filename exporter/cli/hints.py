"""Suggestions for unknown words on the command line."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

# Names in other programs, for words whose spelling is not similar.
_FLAGS = {
    "-c": "--config.file",
    "-f": "--config.file",
    "-o": "--output",
    "-v": "--version",
    "-V": "--version",
    "--address": "--web.listen-address",
    "--debug": "--log.level",
    "--format": "--output",
    "--listen": "--web.listen-address",
    "--port": "--web.listen-address",
    "--verbose": "--log.level",
}
_COMMANDS = {"lint": "check", "policy": "iam-policy", "scrape": "once", "validate": "check"}
_SERVING = frozenset({"serve", "server", "start"})
_CONFIGURATIONS = (".yaml", ".yml")
_NEAR = 0.7


def meant(word: str, known: Iterable[str]) -> str:
    """Return ``: did you mean …?`` with the most similar known word. Empty if none is similar."""
    known = list(known)
    usual = _FLAGS.get(word)
    near = [usual] if usual in known else difflib.get_close_matches(word, known, n=1, cutoff=_NEAR)
    return f": did you mean {near[0]}?" if near else ""


def no_command(word: str, commands: Collection[str]) -> str:
    """Return what to write instead of an unknown command."""
    said = f"there is no command {word!r}"
    if word.endswith(_CONFIGURATIONS):
        return f"{said}: if that is the configuration, write --config.file={word}"
    if word in _SERVING:
        return f"{said}: leave it out, serving needs no command"
    if word == "help":
        return f"{said}: write --help"
    usual = _COMMANDS.get(word)
    near = f": did you mean {usual}?" if usual else meant(word, commands)
    return f"{said}{near or ':'} {'The' if near else 'the'} commands are {', '.join(commands)}"
