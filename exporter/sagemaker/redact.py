"""Removes secrets from messages of AWS.

A message may repeat a secret of the request in any form: escaped, cut, with spaces, in hex. Such a message is left out as a
whole, because there are too many forms. Words that look like other secrets are masked.
"""

from __future__ import annotations

import html
import re
import unicodedata
from base64 import b64encode
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

LONGEST_READ = 4_000  # characters of a text that becomes one line: enough for a line, and fast to read
_LEAST_SECRET = 4  # characters: shorter texts appear anywhere
_PIECE = 8  # characters of a secret that identify it
MOST_ESCAPES = 8  # nested escapes; a text with more is left out

# Names of secrets in configurations, headers and function arguments.
_QUOTES = r"[\\\"']{0,4}"
_IS = rf"{_QUOTES} ?(?:=>|[:=]) ?"
_KEY_OF = "api|access|secret|private|auth|account|signing|encryption"
_SECRET = (
    rf"(?:token|secrets?|passw(?:or)?d|passphrase|pwd|[_-]pass|(?:{_KEY_OF})[ _.-]?key(?:[_-]?id)?|[0-9a-z][_-]key)"
)
# The names after the bar are also usual words, so they count only before an equals sign.
_NAMED = rf"(?:{_SECRET}{_IS}|(?:\bpass|signature|credentials?|cookie) ?= ?)"

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_UNWANTED = (
    # The answer to a wrong signature has the canonical request with the session token.
    (re.compile(r" ?The Canonical String.*", re.DOTALL), ""),
    (re.compile(r"(x-amz-security-token ?[:=] ?)\S+", re.IGNORECASE), r"\1***"),
    (re.compile(r"\b(basic|bearer) (?=[^\s\d=]{0,100}[\d=])\S+", re.IGNORECASE), r"\1 ***"),
    (
        re.compile(
            rf"(authorization{_IS}{_QUOTES}(?:(?:basic|bearer|digest|token) )?)[^\s\"'\\]+",
            re.IGNORECASE,
        ),
        r"\1***",
    ),
    (re.compile(rf"({_NAMED}\\{{0,2}}\")[^\"]+", re.IGNORECASE), r"\1***"),
    (re.compile(rf"({_NAMED}\\{{0,2}}')[^']+", re.IGNORECASE), r"\1***"),
    (re.compile(rf"({_NAMED})[^\s\"'\\&,;)}}\]]+", re.IGNORECASE), r"\1***"),
    (
        re.compile(
            r"\b(?:(?:glpat-|xox[a-z]-)[\w-]{8,}|(?:gh[a-z]_|hf_)[0-9A-Za-z]{16,}|(?:github_pat|[prs]k_live|[prs]k_test)_\w{8,}"
            r"|sk-[\w-]{16,})"
        ),
        "***",
    ),
)
_WORD = re.compile(r"arn:[\w:/+=,.@-]+|[\w/+=%~.-]{6,}", re.ASCII)
_JWT = re.compile(r"eyJ[\w-]{10,}", re.ASCII)
# Longer than names of tuning jobs, which have 32 characters at most. ARNs may have longer parts, and are recognized by their
# prefix.
_OPAQUE = re.compile(r"[A-Za-z0-9/+=]{33,}")


def without_secrets(text: str, sent: Collection[str]) -> str | None:
    """Return a text without passwords and anything that looks like a token.

    None if the text repeats one of ``sent``, the secrets in the requests, or a part of one.
    """
    text = " ".join(map(_without_password, text[:LONGEST_READ].split()))
    for pattern, replacement in _UNWANTED:
        text = pattern.sub(replacement, text)
    if _repeats(text, sent):
        return None
    return _WORD.sub(lambda word: "***" if _is_token(unquote(word[0])) else word[0], text)


def _repeats(text: str, sent: Collection[str]) -> bool:
    pieces: dict[int, set[str]] = {}
    for written in {_letters(way) for secret in sent for way in _ways(secret)}:
        length = min(_PIECE, len(written))
        if length >= _LEAST_SECRET:
            pieces.setdefault(length, set()).update(_pieces(written, length))
    spellings = [*unescaped(text)]
    return len(spellings) > MOST_ESCAPES or any(
        not found.isdisjoint(_pieces(_letters(each), length)) for each in spellings for length, found in pieces.items()
    )


def _pieces(text: str, length: int) -> Iterator[str]:
    """Yield all parts of this length, because a quoted secret may be cut."""
    return (text[start : start + length] for start in range(len(text) - length + 1))


def _ways(secret: str) -> Iterator[str]:
    """Yield a secret in the forms in which it may be written. In base64 there are three, depending on what comes before it."""
    yield from unescaped(secret)
    content = secret.encode("utf-8", "replace")
    yield content.hex()
    for before in range(3):
        # The first and last characters also depend on the text around the secret.
        yield b64encode(b"\0" * before + content).decode().rstrip("=")[2 * (before > 0) + (before > 1) : -1]


def unescaped(text: str) -> Iterator[str]:
    """Yield a text, and the text with each level of escapes removed."""
    for _ in range(MOST_ESCAPES + 1):
        yield text
        inner = unquote(html.unescape(_ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)))
        if inner == text:
            return
        text = inner


def _letters(text: str) -> str:
    """Return only the letters and digits of a text, independent of width, case and accents."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def _without_password(word: str) -> str:
    """Return a word without user and password of a URL in it. The password may have any character."""
    before, slashes, rest = word.partition("//")
    return f"{before}//***@{rest.rpartition('@')[2]}" if slashes and "@" in rest else word


def _is_token(word: str) -> bool:
    """Return whether a word looks like a token, a key or a signature."""
    if word.startswith("arn:"):
        return False
    return _JWT.search(word) is not None or any(
        re.fullmatch("[0-9a-f]{40,}", part) or all(re.search(kind, part) for kind in ("[A-Z]", "[a-z]", "[0-9]"))
        for part in _OPAQUE.findall(word)
    )
