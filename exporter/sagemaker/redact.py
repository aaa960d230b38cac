"""What AWS says of a refusal, without what nobody may read.

A text may repeat a secret of the request in any spelling: escaped once or twice, cut, spaced out, in hex. Such a text is
left out as a whole, since there is no end to the ways to write one. What looks like a secret of somebody else is masked.
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

LONGEST_READ = 4_000  # of a text that is then made one line: enough to fill it, and soon read
_LEAST_SECRET = 4  # letters: what is shorter is in any text
_PIECE = 8  # letters of a secret that tell it
MOST_ESCAPES = 8  # one in the other; who nests more has something to hide

# What a secret is called, where it has a name: in a configuration, a header or the arguments of a function.
_QUOTES = r"[\\\"']{0,4}"
_IS = rf"{_QUOTES} ?(?:=>|[:=]) ?"
_KEY_OF = "api|access|secret|private|auth|account|signing|encryption"
_SECRET = (
    rf"(?:token|secrets?|passw(?:or)?d|passphrase|pwd|[_-]pass|(?:{_KEY_OF})[ _.-]?key(?:[_-]?id)?|[0-9a-z][_-]key)"
)
# Behind the bar are usual words as well, so they count only before an equals sign.
_NAMED = rf"(?:{_SECRET}{_IS}|(?:\bpass|signature|credentials?|cookie) ?= ?)"

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2}))")
_UNWANTED = (
    # A signature mismatch is answered with the canonical request, session token included.
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
# A tuning job's name has 32 letters at most; ARNs, whose parts may be longer, are told by their beginning.
_OPAQUE = re.compile(r"[A-Za-z0-9/+=]{33,}")


def without_secrets(text: str, sent: Collection[str]) -> str | None:
    """Return a text in which no password and nothing that looks like a token is left.

    None for a text that repeats any of ``sent``, the secrets that the requests carried, or a piece of one.
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
    """Yield all pieces of a length: who quotes a secret may cut it."""
    return (text[start : start + length] for start in range(len(text) - length + 1))


def _ways(secret: str) -> Iterator[str]:
    """Yield a secret as it may be written: base64 has three ways, by how much comes before it."""
    yield from unescaped(secret)
    content = secret.encode("utf-8", "replace")
    yield content.hex()
    for before in range(3):
        # The letters at both ends depend on what is around the secret as well.
        yield b64encode(b"\0" * before + content).decode().rstrip("=")[2 * (before > 0) + (before > 1) : -1]


def unescaped(text: str) -> Iterator[str]:
    """Yield a text as it is, and without each of the escapes around it."""
    for _ in range(MOST_ESCAPES + 1):
        yield text
        inner = unquote(html.unescape(_ESCAPE.sub(lambda found: chr(int(found[1] or found[2], 16)), text)))
        if inner == text:
            return
        text = inner


def _letters(text: str) -> str:
    """Return the letters and digits of a text, whatever their width, case and accents, and whatever is between them."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKD", text).casefold()))


def _without_password(word: str) -> str:
    """Return a word without what a URL in it says of a user, whose password may hold any letter."""
    before, slashes, rest = word.partition("//")
    return f"{before}//***@{rest.rpartition('@')[2]}" if slashes and "@" in rest else word


def _is_token(word: str) -> bool:
    """Tell whether a word looks like a token, a key or a signature, whosever it is."""
    if word.startswith("arn:"):
        return False
    return _JWT.search(word) is not None or any(
        re.fullmatch("[0-9a-f]{40,}", part) or all(re.search(kind, part) for kind in ("[A-Z]", "[a-z]", "[0-9]"))
        for part in _OPAQUE.findall(word)
    )
