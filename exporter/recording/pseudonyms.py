"""Pseudonyms for names, accounts and texts in a recording. Equal names get equal pseudonyms, and there is no way back.

Pseudonyms are numbered in the order in which names first appear. So they reveal nothing, even to somebody who guesses a name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.config.names import JOB_NAME_LENGTH
from exporter.config.pattern import found
from exporter.tuning_job import OTHER, failure_class, name_key

if TYPE_CHECKING:
    from exporter.config.specs import ExclusionSpec, RuleSpec, Settings

_ARN = re.compile(
    r"arn:(aws(?:-[a-z]{2,8}){0,3}):sagemaker:([a-z]{2,4}(?:-[a-z]{2,12}){1,3}-[0-9]{1,2}):([0-9]{12})"
    r":hyper-parameter-tuning-job/(.+)",
    re.DOTALL,
)
_NO_ARN = "arn:redacted"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwyz"  # without x, with which the mark of a pattern begins
_KEPT_LABELS = frozenset({"team"})
"""The exporter's alerts and dashboards use this label."""

PLACEHOLDERS = {
    "out_of_memory": "AlgorithmError: out of memory (redacted)",
    "capacity": "CapacityError: insufficient capacity (redacted)",
    "quota": "ResourceLimitExceeded: service quota (redacted)",
    "internal_error": "InternalServerError: an internal error occurred (redacted)",
    "image": "ClientError: cannot pull the image (redacted)",
    "data": "ClientError: no such key (redacted)",
    "access": "ClientError: access denied (redacted)",
    "crashed": "AlgorithmError: segmentation fault (redacted)",
    "algorithm_error": "AlgorithmError: redacted",
    "client_error": "ClientError: redacted",
    OTHER: "redacted",
}
"""A text for each class of failures."""


class Pseudonyms:
    """The pseudonyms of one recording. Used by one thread at a time.

    The pseudonym of a tuning job has a mark for each pattern of a rule that its name matches. It begins with a capital letter
    if the name has one, because names in ARNs are in lower case.
    """

    def __init__(self, settings: Settings) -> None:
        self._numbers: dict[str, dict[str, int]] = {}
        self._jobs: dict[str, str] = {}
        rules = [rule for target in settings.targets for rule in target.rules]
        asked: list[RuleSpec | ExclusionSpec] = [*rules, *(each for rule in rules for each in rule.exclude)]
        contains = dict.fromkeys(each.name_contains for each in asked if each.name_contains is not None)
        regexes = dict.fromkeys(each.name_regex for each in asked if each.name_regex is not None)
        conditions = [condition for each in asked for condition in each.tags.values()]
        of_values = dict.fromkeys(condition.regex for condition in conditions if condition.regex is not None)
        self._value_marks = {regex: f"-fits{place}-" for place, regex in enumerate(of_values)}
        marks = [*(("contains", each) for each in contains), *(("regex", each) for each in regexes)]
        width = 1 if len(marks) <= len(_DIGITS) else 2
        self._marks = {mark: f"x{_number(place, width)}" for place, mark in enumerate(marks)}
        classes = (each for target in settings.targets if target.spend for each in target.spend.failure_classes)
        self._classes = dict.fromkeys((each.reason, each.regex) for each in classes)

    def numbered(self, kind: str, text: str) -> str:
        """Return the pseudonym of a text of any kind, such as ``metric-3``."""
        return f"{kind}-{self._number(kind, text)}"

    def job(self, name: str) -> str:
        """Return the pseudonym of a tuning job, independent of case.

        Its marks depend on the first spelling of the name that appears, because a later ARN has only lower case.
        """
        key = name_key(name)
        if (plain := self._jobs.get(key)) is None:
            plain = f"job{len(self._jobs) + 1:04}"
            for (kind, pattern), mark in self._marks.items():
                fits = pattern in name if kind == "contains" else found(pattern, name)
                if fits and len(plain) + len(mark) <= JOB_NAME_LENGTH:
                    plain += mark
            self._jobs[key] = plain
        return plain if name == name.lower() else plain.capitalize()

    def pattern(self, kind: str, pattern: str) -> str:
        """Return the replacement for a pattern of a rule. ``kind`` is ``contains`` or ``regex``."""
        return self._marks[kind, pattern]

    def value(self, text: str) -> str:
        """Return the pseudonym of a tag's value, with the marks of the patterns that match it. An empty value stays empty."""
        marks = "".join(mark for regex, mark in self._value_marks.items() if found(regex, text))
        return f"{self.numbered('value', text) if text else ''}{marks}"

    def value_pattern(self, regex: str) -> str:
        """Return the replacement for a pattern of a tag's value."""
        return self._value_marks[regex]

    def part(self, text: str) -> str:
        """Return the replacement for a list's filter by a part of a name, which is from a rule or a whole name."""
        return self._marks.get(("contains", text)) or self.job(text)

    def account(self, account_id: str) -> str:
        """Return the pseudonym of an account."""
        return f"{self._number('account', account_id):012}"

    def arn(self, arn: str) -> str:
        """Return the ARN of a tuning job with pseudonyms. Partition and region stay."""
        parts = _ARN.fullmatch(arn)
        if parts is None:
            return _NO_ARN
        partition, region, account_id, name = parts.groups()
        resource = f"hyper-parameter-tuning-job/{self.job(name)}"
        return f"arn:{partition}:sagemaker:{region}:{self.account(account_id)}:{resource}"

    def label(self, key: str) -> str:
        """Return the pseudonym of the name of a configured label."""
        return key if key in _KEPT_LABELS else f"label_{self._number('label', key)}"

    def failure_class(self, reason: str, regex: str) -> tuple[str, str]:
        """Return the pseudonyms of name and pattern of a configured class of failures."""
        number = [*self._classes].index((reason, regex)) + 1
        return f"class_{number}", rf"\bconfigured class {number}\b"

    def reason(self, text: str) -> str:
        """Return a text of the same class of failures. Configured classes are tried first."""
        for number, (_, regex) in enumerate(self._classes, start=1):
            if found(regex, text):
                return f"configured class {number} (redacted)"
        return PLACEHOLDERS[failure_class(text)]

    def _number(self, kind: str, text: str) -> int:
        numbers = self._numbers.setdefault(kind, {})
        return numbers.setdefault(text, len(numbers) + 1)


def _number(number: int, width: int) -> str:
    """Return a number as digits and letters."""
    text = ""
    for _ in range(width):
        number, last = divmod(number, len(_DIGITS))
        text = _DIGITS[last] + text
    return text
