"""Masks personal data and secrets in the FailureReason of a training job.

It has the output of a training container: hyperparameters, which are arguments of its command, and names of resources.
Everything that looks like one of these is masked. Names without a special form, such as that of a bucket or a person alone,
cannot be recognized.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from exporter.sagemaker.redact import LONGEST_READ, MOST_ESCAPES, unescaped, without_secrets
from exporter.tuning_job import plain, without_commands

_LONGEST_TOLD = 300

_BACKSLASH = re.compile(r"\\(?=[\\\"'/])")
_TO_ITS_END = r"[^\s\"'<>()\[\]{}]*"
_NAMED = (
    # Quoted values may have spaces.
    (re.compile(r"(?<=\")arn:[^\"]*", re.IGNORECASE), "arn:***"),
    (re.compile(r"(?<=')arn:[^']*", re.IGNORECASE), "arn:***"),
    (re.compile(r"(?<=\")s3[an]?://[^\"]*", re.IGNORECASE), "s3://***"),
    (re.compile(r"(?<=')s3[an]?://[^']*", re.IGNORECASE), "s3://***"),
    (re.compile(rf"(?:\barn:|arn:aws){_TO_ITS_END}", re.IGNORECASE), "arn:***"),
    (re.compile(rf"s3[an]?://{_TO_ITS_END}", re.IGNORECASE), "s3://***"),
    # The ids of access keys, users, roles and so on.
    (re.compile(r"(?<![A-Za-z0-9])A(?:KIA|SIA|BIA|CCA|GPA|IDA|IPA|NPA|NVA|PKA|ROA|SCA)[A-Z0-9]{12,}"), "***"),
    (re.compile(r"\bip(?:-[0-9]+){4}", re.IGNORECASE), "ip-***"),
)
_NUMBERS = re.compile(r"\d[\d -]*")
_BETWEEN_NUMBERS = re.compile(r"([ -]+)")
_MAYBE_MAIL = re.compile(r"[^\s\"'<>()\[\]{},:;=|/]+")
_MAYBE_IPV6 = re.compile(r"[\w:.%]+")
_MAYBE_IPV4 = re.compile(r"[0-9.]+")


def impersonal(text: str) -> str:
    """Return a text about a training job for the log: one line of limited length, without personal data and secrets.

    Replaced by ``***`` is everything that looks like an account, an ARN, an S3 path, the URL of a bucket, the query of a URL, a
    token, key or password, a command or its argument, an e-mail address or an IP address.
    """
    told = _spelled_out(text[:LONGEST_READ])
    if told is None or (told := without_secrets(told, ())) is None:
        return "***"
    for pattern, replacement in _NAMED:
        told = pattern.sub(replacement, told)
    told = _NUMBERS.sub(lambda found: _without_account(found[0]), told)
    told = " ".join(map(_without_query, told.split()))
    told = _MAYBE_MAIL.sub(lambda found: "***" if _is_mail(found[0]) else found[0], told)
    told = _MAYBE_IPV6.sub(lambda found: "***" if _is_ip(found[0], colons=2) else found[0], told)
    told = _MAYBE_IPV4.sub(lambda found: "***" if _is_ip(found[0]) else found[0], told)
    # Keep both ends: the class of the error is at the beginning, and the cause at the end, after a traceback.
    half = _LONGEST_TOLD // 2
    return told if len(told) <= _LONGEST_TOLD else f"{told[:half]}…{told[1 - half :]}"


def _spelled_out(text: str) -> str | None:
    """Return a text without commands and escapes. None if it is escaped too often. Quotes mark commands."""
    *spellings, text = unescaped(without_commands(plain(text)))
    return None if len(spellings) >= MOST_ESCAPES else without_commands(plain(_BACKSLASH.sub("", text)))


def _without_account(numbers: str) -> str:
    """Return numbers without account ids, which may be written as three groups of four digits."""
    parts = _BETWEEN_NUMBERS.split(numbers)
    digits = [len(part) for part in parts[::2]]
    for at, length in enumerate(digits):
        if length == 12:
            parts[2 * at] = "***"
        elif digits[at : at + 3] == [4, 4, 4]:
            digits[at : at + 3] = [0, 0, 0]
            parts[2 * at : 2 * at + 5] = ["***", "", "", "", ""]
    return "".join(parts)


def _without_query(word: str) -> str:
    """Return a word without URLs of buckets, and without path and query of other URLs that have a query."""
    if "amazonaws.com" in word and ("s3." in word or "s3-" in word):
        return "https://***"
    before, slashes, rest = word.partition("://")
    return f"{before}://{rest.partition('/')[0].partition('?')[0]}/***" if slashes and "?" in rest else word


def _is_mail(word: str) -> bool:
    name, _, host = word.strip(".").rpartition("@")
    return bool(name) and "." in host and host.rpartition(".")[2].isalpha()


def _is_ip(word: str, colons: int = 0) -> bool:
    """Return whether a word is an IP address with at least ``colons`` colons."""
    word = word.strip(".")
    for each in (word, word.rstrip(":")):
        try:
            ip_address(each)
        except ValueError:
            continue
        return each.count(":") >= colons and any(map(str.isalnum, each))  # "::" is also an address
    return False
