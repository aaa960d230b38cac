"""Converts values of the configuration, or says what to write instead."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator

from exporter.config import bounds, defaults
from exporter.config.duration import DURATION_PATTERN, parse_duration
from exporter.config.names import (
    tag_label,
)
from exporter.config.number import parse_number
from exporter.config.pattern import found, named_groups, parse_pattern
from exporter.config.problem import instead, quote

T = TypeVar("T")

TAG_VALUE_LENGTH = 256
"""The most characters of a tag's value."""

MOST_GROUPS = 10
"""The most named groups in a regular expression for names. Each becomes a label."""

BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
MOST_CLASSES = 10
_LABEL_KEY = re.compile(r"[a-zA-Z0-9_]+")
LONGEST_TAG_KEY = 128
LONGEST_LABEL = 256
_IN_TAG_KEY = frozenset("_.:/=+-@")
# Texts that have nothing in common but letters and a capital first. A pattern that matches all of them matches any text.
_ANY_TEXT = ("Xkqv jwz 1", "Bdfghlm", "Nprs: tuc")
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(value: object) -> str:
    """Return a value that must be a single text. Raises ValueError if it is not."""
    if value is None:
        raise ValueError('there is no value: write one, or remove the key; quote it ("null") if the word is meant')
    if not isinstance(value, str):
        raise ValueError("a single value is expected here, not a list or mapping: write 'key: value'")  # noqa: TRY004 - pydantic expects a ValueError
    if not value.isascii() and _SURROGATE.search(value):
        raise ValueError("this is half a character (a surrogate): write the whole character")
    return value


def from_text(convert: Callable[[str], T], **schema: Any) -> PlainValidator:
    """Return a validator that converts text. In the JSON Schema its type is string."""
    # Cached, because thousands of jobs have the same few regions, roles and flags.
    cached = lru_cache(maxsize=4096)(convert)
    return PlainValidator(lambda value: cached(text(value)), json_schema_input_type=Annotated[str, Field(**schema)])


def matching(pattern: str, longest: int, what: str, *, of: str = r"[^\x00-\x1f\x7f]") -> PlainValidator:
    """Return a validator of text that matches ``pattern``. Its characters are in the class ``of``, in words ``what``."""
    compiled, foreign = re.compile(pattern, re.ASCII), re.compile(f"(?!{of}).", re.ASCII | re.DOTALL)

    def convert(value: str) -> str:
        if not value:
            raise ValueError(f"this is empty: write {what}")
        if len(value) > longest:
            raise ValueError(
                f"this is {len(value) - longest} characters too long: write {what}, at most {longest} characters"
            )
        if not compiled.fullmatch(value):
            odd = " and ".join(map(quote, dict.fromkeys(foreign.findall(value)[:5])))
            # The value is not quoted, because it may be secret.
            raise ValueError(f"this {f'contains {odd}' if odd else 'does not fit'}: write {what}")
        return value

    return from_text(convert, pattern=f"^{pattern}$", min_length=1, max_length=longest)


def duration(shortest: str, longest: str) -> PlainValidator:
    """Return the type of durations from ``shortest`` to ``longest``, in seconds."""
    lower, upper = parse_duration(shortest), parse_duration(longest)

    def convert(value: str) -> float:
        seconds = parse_duration(value)
        if seconds < lower:
            raise ValueError(f"{quote(value)} is too short: write at least {shortest}")
        if seconds > upper:
            raise ValueError(f"{quote(value)} is too long: write at most {longest}")
        return seconds

    return from_text(
        convert,
        pattern=f"^{DURATION_PATTERN}$",
        min_length=1,
        json_schema_extra={"shortest": shortest, "longest": longest},
    )


def one_of(words: tuple[str, ...], renamed: Mapping[str, str] = MappingProxyType({})) -> PlainValidator:
    """Return the type of texts that are one of ``words``. ``renamed`` maps other words to these."""

    def convert(value: str) -> str:
        if value in renamed:
            raise ValueError(f"{quote(value)} has been renamed: write {renamed[value]}")
        return _known(value, words)

    return PlainValidator(lambda value: convert(text(value)), json_schema_input_type=Literal[words])


def _known(value: str, words: tuple[str, ...]) -> str:
    if value in words:
        return value
    raise ValueError(f"{quote(value)} is unknown: {instead(value, words)}")


def billable(value: str) -> str:
    """Return how billed time is read. Raises ValueError for other words."""
    # Helm, like all readers of YAML 1.1, reads off as false and passes that on.
    return "off" if BOOLEANS.get(value) is False else _known(value, get_args(defaults.Billable))


def boolean(value: object) -> bool:
    """Return the value of ``true`` or ``false``. Raises ValueError for any other word."""
    word = text(value)
    if word in BOOLEANS:
        return BOOLEANS[word]
    raise ValueError(f"{quote(word)} is neither true nor false: write true or false")


def rate(value: str) -> float:
    """Return requests per second. Raises ValueError for anything else, and if they are out of bounds."""
    rate, (least, most) = parse_number(value), bounds.REQUESTS_PER_SECOND
    if rate is not None and least <= rate <= most:
        return rate
    raise ValueError(f"{quote(value)} is not a number from {least:g} to {most:g}: write for example 5 or 0.5")


def count(value: object) -> int:
    """Return a number of jobs. Raises ValueError for anything but a whole number, and if it is out of bounds."""
    word, (least, most) = text(value), bounds.COUNT
    if re.fullmatch(r"[0-9]{1,5}", word) and least <= int(word) <= most:
        return int(word)
    raise ValueError(f"{quote(word)} is not a whole number from {least} to {most}: write for example 200")


def url(value: str) -> str:
    """Return the URL of an endpoint. Raises ValueError, without the value, if it is not a URL or has credentials."""
    example = "write for example https://vpce-0123.api.sagemaker.eu-west-1.vpce.amazonaws.com"
    if "@" in value or "%40" in value:
        # An @ anywhere, because a password may have a '/'. The message does not repeat it, because it may be logged.
        raise ValueError("credentials do not belong in a URL: remove the part before the '@'")
    before, *after = re.split("[?#]", value, maxsplit=1)  # there may be a token after it
    try:
        parts = urlsplit(before)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"this is not a URL: {example}") from None
    if parts.scheme not in {"http", "https"} or not host or not re.fullmatch(r"[!-~]+", value) or port == 0:
        if "://" not in before and re.fullmatch(r"[\w.-]+(:[0-9]+)?(/[!-~]*)?", before):
            raise ValueError(f"{quote(before)} is not an http or https URL: write http:// or https:// before it")
        raise ValueError(f"{quote(before)} is not an http or https URL: {example}")
    if after:
        raise ValueError("a URL here ends with its path: remove the '?…' or '#…'")
    return value


def label_key(value: str) -> str:
    """Return the name of a label. Raises ValueError if it is not valid."""
    if not value:
        raise ValueError("the label's name is empty: write letters, digits and underscores before the ':'")
    if len(value) > 128:
        raise ValueError(f"the label's name is {len(value) - 128} characters too long: write at most 128 characters")
    if not _LABEL_KEY.fullmatch(value):
        fitting = re.sub(r"[^a-zA-Z0-9_]+", "_", value)
        raise ValueError(
            f"{quote(value)} cannot be a label: it has only letters, digits and underscores; write {fitting}"
        )
    return value


def tag_key(value: str) -> str:
    """Return the key of an AWS tag. Raises ValueError if AWS does not allow it."""
    if not value:
        raise ValueError("the tag's key is empty: write the key of an AWS tag")
    if len(value) > LONGEST_TAG_KEY:
        excess = len(value) - LONGEST_TAG_KEY
        raise ValueError(f"the tag's key is {excess} characters too long: write at most {LONGEST_TAG_KEY} characters")
    # The API's [\p{L}\p{Z}\p{N}_.:/=+\-@].
    odd = [each for each in value if each not in _IN_TAG_KEY and unicodedata.category(each)[0] not in "LZN"]
    if odd:
        shown = " ".join(map(quote, dict.fromkeys(odd[:5])))
        raise ValueError(
            f"{quote(value)} contains {shown}, which no AWS tag key can contain: write letters, digits, spaces"
            " and any of _ . : / = + - @"
        )
    return value


def name_pattern(value: str) -> str:
    """Return a regular expression for names. Raises ValueError if it is not valid or its named groups cannot be labels."""
    pattern = parse_pattern(value)
    names = named_groups(pattern)
    if len(names) > MOST_GROUPS:
        raise ValueError(
            f"{quote(value)} has {len(names)} groups with a name: write at most {MOST_GROUPS}, and (?:…) for the others"
        )
    for name in names:
        if not _LABEL_KEY.fullmatch(name):
            fitting = re.sub(r"[^a-zA-Z0-9_]+", "_", name)
            raise ValueError(
                f"the group {quote(name)} cannot be a label: its name has only letters, digits and underscores;"
                f" write (?P<{fitting}>…)"
            )
        if names.count(name) > 1:
            raise ValueError(
                f"two groups are called {quote(name)}: write one group of the name, with its cases as (?P<{name}>…|…)"
            )
    return pattern


def failure_pattern(value: str) -> str:
    """Return a regular expression for failures. Raises ValueError if it is not valid or matches every text."""
    pattern = parse_pattern(value)
    if found(pattern, "") or all(found(pattern, each) for each in _ANY_TEXT):
        raise ValueError(f"{quote(value)} matches any text: write what only texts of this class contain")
    return pattern


def role_name(value: str) -> str:
    """Return the name of a role, with its path if it has one. Raises ValueError for an ARN, which has an account."""
    if value.startswith("arn:"):
        name = value.partition(":role/")[2] or "tuning-metrics"
        raise ValueError(
            f"this is an ARN, and the role is assumed in every account: write its name only, {quote(name)}"
        )
    return value


def told_apart(keys: list[str]) -> list[str]:
    """Return keys of tags that become different labels. Raises ValueError if two become the same label."""
    by_label: dict[str, str] = {}
    for key in keys:
        label = tag_label(key)
        first = by_label.get(label)
        if first is not None:
            both = f"{quote(first)} and {quote(key)} become the same label, tag_{label}"
            raise ValueError(f"{quote(key) + ' is listed twice' if first == key else both}: remove one of them")
        by_label[label] = key
    return keys


def each_once(items: list[T]) -> list[T]:
    """Return a list. Raises ValueError if it is empty or has an item twice."""
    if not items:
        raise ValueError("the list is empty: write an item, or remove the key")
    twice = next((each for place, each in enumerate(items) if each in items[:place]), None)
    if twice is not None:
        raise ValueError(f"{twice} is listed twice: remove one of them")
    return items


def few(classes: list[T]) -> list[T]:
    """Return the failure classes. Raises ValueError if there are too many."""
    if len(classes) > MOST_CLASSES:
        raise ValueError(
            f"there are {len(classes)} classes: write at most {MOST_CLASSES}, and (a|b) for several texts of one class"
        )
    return classes


def text_up_to(longest: int, value: object) -> str:
    """Return a single text of at most ``longest`` characters. Raises ValueError if it is not one."""
    word = text(value)
    if len(word) > longest:
        raise ValueError(f"the text is {len(word) - longest} characters too long: write at most {longest} characters")
    return word
