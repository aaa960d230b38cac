"""The regular expressions in a configuration. They use RE2, whose searches take linear time.

With the standard library, some expressions take minutes for a short name, and block everything else.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from exporter.config.names import JOB_NAME_LENGTH
from exporter.config.problem import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

PATTERN_LENGTH = 1000
"""The most characters of a pattern."""

_MEMORY = 2**20  # bytes for a compiled pattern and the cache of its searches: a search takes 1 ms at most
_MOST_REPEATS = 1000
_WANTED = "write what is to be found instead of what is not, each case as an alternative, (?:…|…)"

# Parts that RE2 silently reads in another way than the standard library, outside of character classes and escapes.
_QUIET = re.compile(
    r"\\Q(?:(?!\\E).)*+(?:\\E)?+|\[\^?+\]?+(?:\\.|\[:\^?+[a-z]++:\]|[^\]\\])*+\]?+"
    r"|(?P<reference>\\(?![0-7]{3})[1-9][0-9]?+)|\\."
    r"|(?P<repeat>\{(?P<least>[0-9]*+)(?P<range>,(?P<most>[0-9]*+))?+\})",
    re.DOTALL,
)

_NAMED = re.compile(r"\(\?P?<([^>(]*)>")

# What RE2 reports, what it is, and what to write instead.
_LACKS: tuple[tuple[str, str, str], ...] = (
    (r"\(\?=", "a lookahead", "write the parts in the order they come in, each order as an alternative, (?:…|…)"),
    (r"\(\?!", "a negative lookahead", _WANTED),
    (r"\(\?<=", "a lookbehind", "write what comes before as a part of the expression"),
    (r"\(\?<!", "a negative lookbehind", _WANTED),
    (r"\\[1-9][0-9]?|\(\?P=?", "a backreference", "write the text itself a second time"),
    (r"\\Z", "the end of the text as Python writes it", r"write \z or $"),
    (r"\(\?>", "an atomic group", "write (?: instead, nothing is slow in RE2"),
    (r"([*+?]|\{[0-9,]+\})\+", "a possessive repeat", "leave the last + out, nothing is slow in RE2"),
    (r"\(\?\(", "a conditional group", "write each case as an alternative, (?:…|…)"),
    (r"\(\?#", "a comment", "leave it out, and write it behind a # of the file"),
    (
        r"\(\?[A-Za-z-]*x",
        "the flag for white space and comments",
        "leave out the flag, the white space and the comments",
    ),
    (r"\(\?[A-Za-z-]*[aLu]", "a flag for alphabets", "leave it out; write the letters you want, such as [a-z]"),
    (r"\\[uUN]", "a character by its number or name", "write the character itself"),
)

# RE2's messages about mistakes in any kind of regular expression, and ours.
_MISTAKES = {
    "missing )": "a ( is never closed; write ) where it ends",
    "unexpected )": "a ) closes nothing; remove it, or write the ( before it",
    "missing ]": "a [ is never closed; write ] where it ends",
    "trailing \\": "it ends in the middle of an escape; remove the last backslash",
    "no argument for repetition operator": "{0} repeats nothing; write what it repeats before it, for example .*",
    "bad repetition operator": "{0} repeats a repeat; write one of the two",
    "invalid character class range": "{0} is not a range or class of characters; write for example [a-z0-9]",
    "invalid character class": "{0} is not a class of characters; write for example [a-z0-9]",
    "invalid escape sequence": "RE2 has no {0}; write the character without the backslash",
    "invalid perl operator": "RE2 has no {0}; write (?: for a group, or (?i) to ignore case",
    "invalid named capture group": "{0} does not begin a group with a name; write (?P<name>…)",
    "pattern too large": "it needs too much memory; write fewer or smaller repeats, or * instead",
}


def parse_pattern(text: str) -> str:
    """Return a pattern that RE2 supports. Raises ValueError, which says what RE2 lacks and what to write instead."""
    if len(text) > PATTERN_LENGTH:
        raise ValueError(
            f"the expression is {len(text) - PATTERN_LENGTH} characters too long: write at most {PATTERN_LENGTH} characters"
        )
    wrong = next(filter(None, map(_misread, _QUIET.finditer(text))), None) or _refused(text)
    if wrong is not None:
        raise ValueError(f"{quote(text)} is not a regular expression that RE2 accepts: {wrong}")
    return text


def found(pattern: str, name: str) -> bool:
    """Return whether a parsed pattern matches a tuning job's name."""
    # Do not cache longer texts, which are not names from AWS, to limit memory.
    return (_found if len(name) <= JOB_NAME_LENGTH else _found.__wrapped__)(pattern, name)


def named_groups(pattern: str) -> list[str]:
    """Return the names of the groups of a parsed pattern. A name that is used twice is there twice."""
    return _NAMED.findall(_QUIET.sub("", pattern))


def groups(pattern: str, name: str) -> Mapping[str, str]:
    """Return the values of the named groups of a pattern in a tuning job's name. Groups that match nothing are left out."""
    compiled = _compiled(pattern)
    matched = compiled.search(name) if compiled.groupindex else None
    return {} if matched is None else {group: text for group, text in matched.groupdict().items() if text}


@lru_cache(maxsize=16_384)  # lists have the same names again and again
def _found(pattern: str, name: str) -> bool:
    return _compiled(pattern).search(name) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Any:
    """Return the compiled pattern. Raises ValueError with RE2's message."""
    import re2  # noqa: PLC0415 - it needs 3.5 MB, and many configurations have no pattern

    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MEMORY
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        raise ValueError(error.args[0].decode("utf-8", "replace")) from None


def _misread(part: re.Match[str]) -> str | None:
    """Return the message for a part that RE2 would silently read in another way."""
    if part["reference"]:
        return _lack(part["reference"])
    numbers = [number.lstrip("0") or "0" for number in (part["least"], part["most"]) if number]
    if not part["repeat"] or not (numbers or part["range"]):
        return None
    if any(len(number) > 4 or int(number) > _MOST_REPEATS for number in numbers):
        return _too_often(part["repeat"])
    least, most = int(part["least"] or 0), int(part["most"]) if part["most"] else ""
    plain = f"{{{least},{most}}}" if part["range"] else f"{{{least}}}"
    if part["repeat"] == plain:
        return None
    return f"RE2 reads {quote(part['repeat'])} as plain characters; write {plain}"


def _refused(pattern: str) -> str | None:
    """Return why RE2 cannot use a pattern, and what to write instead. None if it can."""
    try:
        _compiled(pattern)
    except ValueError as error:
        return _explain(str(error))
    return None


def _explain(said: str) -> str:
    """Return our message for RE2's message, which has the form "what is wrong: the part"."""
    kind, _, part = said.partition(": ")
    if kind == "invalid repetition size":
        least, _, most = part.strip("{}").partition(",")
        if most and int(least) > int(most):
            return f"{quote(part)} has the larger number first; write the smaller one first"
        return _too_often(part)
    known = next((ours for theirs, ours in _MISTAKES.items() if kind.startswith(theirs)), None)
    return _lack(part) or (
        f"{said}; write the text itself, and .* where there may be anything"
        if known is None
        else known.format(quote(part))
    )


def _too_often(part: str) -> str:
    most = f"the {_MOST_REPEATS} repeats that RE2 allows, nested repeats multiplied"
    return f"{quote(part)} is more than {most}; write smaller numbers, or * instead"


def _lack(part: str) -> str | None:
    """Return what RE2 lacks and what to write instead. None if the part is not known."""
    for pattern, what, instead in _LACKS:
        if re.fullmatch(pattern, part):
            return f"{quote(part)} is {what}, which RE2 does not have; {instead}"
    return None
