"""The named types of configuration values: each converts text and says what to write when it cannot."""

# Pydantic reads these annotations at run time, hence no "from __future__ import annotations".
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, PlainValidator

from exporter.config import defaults
from exporter.config.duration import DURATION_PATTERN, parse_duration
from exporter.config.money import (
    INSTANCE_TYPE_PATTERN,
    LARGEST_AMOUNT,
    parse_amount,
    parse_currency,
    parse_instance_type,
)
from exporter.config.names import (
    ACCOUNT_PATTERN,
    JOB_ARN_PATTERN,
    JOB_NAME_LENGTH,
    JOB_NAME_PATTERN,
    ROLE_ARN_PATTERN,
    ROLE_NAME_PATTERN,
    JobArn,
    RoleArn,
    parse_account_id,
    parse_job_arn,
    parse_job_name,
    parse_role_arn,
    tag_label,
)
from exporter.config.number import parse_number
from exporter.config.pattern import PATTERN_LENGTH, found, named_groups, parse_pattern
from exporter.config.problem import instead, quote
from exporter.config.regions import REGION_PATTERN, parse_region
from exporter.statuses import TUNING_JOB_STATUSES, TuningJobStatus

T = TypeVar("T")

TAG_VALUE_LENGTH = 256
"""The most characters of a tag's value."""

MOST_GROUPS = 10
"""The most groups with a name in the regular expression for names: each becomes a label."""

FamilyName = Literal["definitions", "best_training_job", "hyperparameters", "warm_start_parents", "training_jobs"]

_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MOST_CLASSES = 10
_LABEL_KEY = re.compile(r"[a-zA-Z0-9_]+")
_LONGEST_TAG_KEY = 128
_LONGEST_LABEL = 256
_IN_TAG_KEY = frozenset("_.:/=+-@")
# What all texts have, letters and a capital first, and nothing else in common.
_ANY_TEXT = ("Xkqv jwz 1", "Bdfghlm", "Nprs: tuc")
_SURROGATE = re.compile("[\ud800-\udfff]")


def text(value: object) -> str:
    """Return a value that must be a single text; raise ValueError when it is not."""
    if value is None:
        raise ValueError('there is no value: write one, or remove the key; quote it ("null") if the word is meant')
    if not isinstance(value, str):
        raise ValueError("a single value is expected here, not a list or mapping: write 'key: value'")  # noqa: TRY004 - pydantic's
    if not value.isascii() and _SURROGATE.search(value):
        raise ValueError("this is half a character (a surrogate): write the whole character")
    return value


def _from_text(convert: Callable[[str], T], **schema: Any) -> PlainValidator:
    """Return a validator that converts text, described in the JSON Schema as a string."""
    # The same few regions, roles and flags come back with every one of thousands of jobs.
    cached = lru_cache(maxsize=4096)(convert)
    return PlainValidator(lambda value: cached(text(value)), json_schema_input_type=Annotated[str, Field(**schema)])


def _matching(pattern: str, longest: int, what: str, *, of: str = r"[^\x00-\x1f\x7f]") -> PlainValidator:
    """Return a validator of text that fits a pattern, whose characters are ``of`` a class; ``what`` names them in words."""
    compiled, foreign = re.compile(pattern, re.ASCII), re.compile(f"(?!{of}).", re.ASCII | re.DOTALL)

    def convert(value: str) -> str:
        if not value:
            raise ValueError(f"this is empty: write {what}")
        if len(value) > longest:
            raise ValueError(f"this is too long by {len(value) - longest}: write {what}, at most {longest} characters")
        if not compiled.fullmatch(value):
            odd = " and ".join(map(quote, dict.fromkeys(foreign.findall(value)[:5])))
            raise ValueError(f"this {f'contains {odd}' if odd else 'does not fit'}: write {what}")  # it may be secret
        return value

    return _from_text(convert, pattern=f"^{pattern}$", min_length=1, max_length=longest)


def _duration(shortest: str, longest: str) -> PlainValidator:
    lower, upper = parse_duration(shortest), parse_duration(longest)

    def convert(value: str) -> float:
        seconds = parse_duration(value)
        if seconds < lower:
            raise ValueError(f"{quote(value)} is too short: write at least {shortest}")
        if seconds > upper:
            raise ValueError(f"{quote(value)} is too long: write at most {longest}")
        return seconds

    return _from_text(
        convert,
        pattern=f"^{DURATION_PATTERN}$",
        min_length=1,
        json_schema_extra={"shortest": shortest, "longest": longest},
    )


def _one_of(words: tuple[str, ...], renamed: Mapping[str, str] = MappingProxyType({})) -> PlainValidator:
    def convert(value: str) -> str:
        if value in renamed:
            raise ValueError(f"{quote(value)} has another name now: write {renamed[value]}")
        return _known(value, words)

    return PlainValidator(lambda value: convert(text(value)), json_schema_input_type=Literal[words])


def _known(value: str, words: tuple[str, ...]) -> str:
    if value in words:
        return value
    raise ValueError(f"{quote(value)} is unknown: {instead(value, words)}")


def _billable(value: str) -> str:
    # Helm, as any reader of YAML 1.1, takes off for false and hands that on.
    return "off" if _BOOLEANS.get(value) is False else _known(value, get_args(defaults.Billable))


def boolean(value: object) -> bool:
    """Return what ``true`` or ``false`` says; raise ValueError for any other word."""
    word = text(value)
    if word in _BOOLEANS:
        return _BOOLEANS[word]
    raise ValueError(f"{quote(word)} is neither true nor false: write true or false")


def _rate(value: str) -> float:
    rate = parse_number(value)
    if rate is not None and 0.01 <= rate <= 1000:
        return rate
    raise ValueError(f"{quote(value)} is not a number from 0.01 to 1000: write for example 5 or 0.5")


def _count(value: object) -> int:
    word = text(value)
    if re.fullmatch(r"[0-9]{1,5}", word) and 1 <= int(word) <= 10_000:
        return int(word)
    raise ValueError(f"{quote(word)} is not a whole number from 1 to 10000: write for example 200")


def _url(value: str) -> str:
    example = "write for example https://vpce-0123.api.sagemaker.eu-west-1.vpce.amazonaws.com"
    if "@" in value or "%40" in value:
        # Wherever it is: a password may hold a '/'. Not repeated in the message, which may end in a log.
        raise ValueError("credentials do not belong in a URL: remove the part before the '@'")
    before, *after = re.split("[?#]", value, maxsplit=1)  # and after it, there may be a token
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
        raise ValueError("this has more than host, port and path: remove the '?…' or '#…'")
    return value


def _label_key(value: str) -> str:
    if not value:
        raise ValueError("the label's name is empty: write letters, digits and underscores before the ':'")
    if len(value) > 128:
        raise ValueError(f"the label's name is too long by {len(value) - 128}: write at most 128 characters")
    if not _LABEL_KEY.fullmatch(value):
        fitting = re.sub(r"[^a-zA-Z0-9_]+", "_", value)
        raise ValueError(
            f"{quote(value)} cannot be a label: it has only letters, digits and underscores; write {fitting}"
        )
    return value


def _tag_key(value: str) -> str:
    if not value:
        raise ValueError("the tag's key is empty: write the key of an AWS tag")
    if len(value) > _LONGEST_TAG_KEY:
        excess = len(value) - _LONGEST_TAG_KEY
        raise ValueError(
            f"the tag's key is too long by {excess}: an AWS tag's has at most {_LONGEST_TAG_KEY} characters"
        )
    # The API's [\p{L}\p{Z}\p{N}_.:/=+\-@].
    odd = [each for each in value if each not in _IN_TAG_KEY and unicodedata.category(each)[0] not in "LZN"]
    if odd:
        shown = " ".join(map(quote, dict.fromkeys(odd[:5])))
        raise ValueError(
            f"{quote(value)} contains {shown}, which no AWS tag's key does: write letters, digits, spaces"
            " and any of _ . : / = + - @"
        )
    return value


def _name_pattern(value: str) -> str:
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


def _failure_pattern(value: str) -> str:
    pattern = parse_pattern(value)
    if found(pattern, "") or all(found(pattern, each) for each in _ANY_TEXT):
        raise ValueError(f"{quote(value)} fits any text: write what only the texts of this class have")
    return pattern


def _told_apart(keys: list[str]) -> list[str]:
    by_label: dict[str, str] = {}
    for key in keys:
        label = tag_label(key)
        first = by_label.get(label)
        if first is not None:
            both = f"{quote(first)} and {quote(key)} are one label, tag_{label}"
            raise ValueError(f"{quote(key) + ' is listed twice' if first == key else both}: remove one of them")
        by_label[label] = key
    return keys


def _each_once(items: list[T]) -> list[T]:
    if not items:
        raise ValueError("the list is empty: write an item, or remove the key")
    twice = next((each for place, each in enumerate(items) if each in items[:place]), None)
    if twice is not None:
        raise ValueError(f"{twice} is listed twice: remove one of them")
    return items


def _few(classes: list[T]) -> list[T]:
    if len(classes) > _MOST_CLASSES:
        raise ValueError(
            f"there are {len(classes)} classes: write at most {_MOST_CLASSES}, (a|b) for several texts of one"
        )
    return classes


def text_up_to(longest: int, value: object) -> str:
    """Return a single text of at most so many characters; raise ValueError when it is not one."""
    word = text(value)
    if len(word) > longest:
        raise ValueError(f"the text is too long by {len(word) - longest}: write at most {longest} characters")
    return word


Interval = Annotated[float, _duration("1s", "24h")]
Timeout = Annotated[float, _duration("1ms", "5m")]
StaleAfter = Annotated[float, _duration("1s", "30d")]
Retention = Annotated[float, _duration("0s", "365d")]
MaxAge = Annotated[float, _duration("0s", "24h")]
Age = Annotated[float, _duration("1m", "3650d")]
SpendInterval = Annotated[float, _duration("1m", "24h")]
Rate = Annotated[float, PlainValidator(
    lambda value: _rate(text(value)), json_schema_input_type=Annotated[float, Field(ge=0.01, le=1000)]
)]  # fmt: skip
Count = Annotated[int, PlainValidator(_count, json_schema_input_type=Annotated[int, Field(ge=1, le=10_000)])]
Flag = Annotated[bool, PlainValidator(boolean, json_schema_input_type=bool)]
Region = Annotated[str, _from_text(parse_region, pattern=f"^{REGION_PATTERN}$", examples=["eu-west-1"])]
AccountId = Annotated[str, _from_text(parse_account_id, pattern=f"^{ACCOUNT_PATTERN}$")]
Regions = Annotated[list[Region], AfterValidator(_each_once), Field(json_schema_extra={"minItems": 1})]
Accounts = Annotated[list[AccountId], AfterValidator(_each_once), Field(json_schema_extra={"minItems": 1})]
OrganizationalUnits = Annotated[
    list[
        Annotated[
            str,
            _matching("(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})", 68, "an id such as ou-ab12-34cd56ef"),
        ]
    ],
    AfterValidator(_each_once),
    Field(json_schema_extra={"minItems": 1}),
]
AssumedRole = Annotated[str, _matching(ROLE_NAME_PATTERN, 512, "the name of a role, such as tuning-metrics")]
JobName = Annotated[str, _from_text(parse_job_name, pattern=f"^{JOB_NAME_PATTERN}$", max_length=JOB_NAME_LENGTH)]
TuningJobArn = Annotated[JobArn, _from_text(parse_job_arn, pattern=f"^{JOB_ARN_PATTERN}$")]
Role = Annotated[RoleArn, _from_text(parse_role_arn, pattern=f"^{ROLE_ARN_PATTERN}$")]
Profile = Annotated[
    str, _matching(r"[^\x00-\x1f\x7f]+", 128, "a profile's name of ~/.aws/config, without control characters")
]
ExternalId = Annotated[
    str,
    _matching(r"[\w+=,.@:/-]{2,}", 1224, "2 or more letters, digits or any of _ + = , . @ : / -", of=r"[\w+=,.@:/-]"),
]
Url = Annotated[str, _from_text(_url, pattern="^https?://")]
FilePath = Annotated[str, _matching(r"[^\x00-\x1f\x7f]+", 4096, "the path of a file, without control characters")]
NamePart = Annotated[
    str, _matching(r"[a-zA-Z0-9-]+", 63, "a part of a name: letters, digits and hyphens", of="[a-zA-Z0-9-]")
]
FailureRegex = Annotated[
    str, _from_text(_failure_pattern, min_length=1, max_length=PATTERN_LENGTH, json_schema_extra={"format": "regex"})
]
NameRegex = Annotated[str, _from_text(_name_pattern, max_length=PATTERN_LENGTH, json_schema_extra={"format": "regex"})]
Amount = Annotated[float, PlainValidator(
    lambda value: parse_amount(text(value)), json_schema_input_type=Annotated[float, Field(gt=0, le=LARGEST_AMOUNT)]
)]  # fmt: skip
Billable = Annotated[defaults.Billable, PlainValidator(
    lambda value: _billable(text(value)), json_schema_input_type=Literal[*get_args(defaults.Billable), False]
)]  # fmt: skip
Currency = Annotated[str, _from_text(parse_currency, pattern="^[A-Z]{3}$")]
InstanceType = Annotated[str, _from_text(parse_instance_type, pattern=f"^{INSTANCE_TYPE_PATTERN}$")]
FailureReason = Annotated[
    str, _matching("[a-z][a-z0-9_]*", 40, "small letters, digits and '_', a letter first", of="[a-z0-9_]")
]
RuleName = Annotated[
    str,
    _matching(
        r"[a-zA-Z0-9][a-zA-Z0-9_.-]*",
        64,
        "letters, digits, '_', '.' and '-', a letter or digit first",
        of="[a-zA-Z0-9_.-]",
    ),
]
Status = Annotated[TuningJobStatus, _one_of(TUNING_JOB_STATUSES)]
Family = Annotated[FamilyName, _one_of(get_args(FamilyName), {"parents": "warm_start_parents"})]
LabelKey = Annotated[str, _from_text(_label_key, pattern="^[a-zA-Z0-9_]{1,128}$")]
LabelValue = Annotated[str, PlainValidator(
    partial(text_up_to, _LONGEST_LABEL), json_schema_input_type=Annotated[str, Field(max_length=_LONGEST_LABEL)]
)]  # fmt: skip
TagKey = Annotated[str, _from_text(_tag_key, pattern=rf"^[\p{{L}}\p{{Z}}\p{{N}}_.:/=+@-]{{1,{_LONGEST_TAG_KEY}}}$")]
TagLabels = Annotated[list[TagKey], AfterValidator(_told_apart)]
FewClasses = Annotated[list[T], AfterValidator(_few), Field(json_schema_extra={"maxItems": _MOST_CLASSES})]
