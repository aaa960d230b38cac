"""Statements of policies, and the maximum length of a policy."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from exporter.permissions.text import Text

LONGEST = 6_144
"""The most characters of a managed policy, without white space."""

VERSION = "2012-10-17"

Policy = tuple["Statement", ...]


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition: the key has one of the values. The only operator that is needed is StringEquals."""

    key: Text
    values: tuple[Text, ...]


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement. In a trust policy it has a ``principal``, of a kind such as AWS or Federated, and no resources."""

    sid: str
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    principal: tuple[str, Text] | None = None
    conditions: tuple[Condition, ...] = ()

    @property
    def texts(self) -> Iterator[Text]:
        """All texts in it that may have blanks."""
        if self.principal is not None:
            yield self.principal[1]
        for condition in self.conditions:
            yield condition.key
            yield from condition.values


def document(policy: Iterable[Statement], write: Callable[[Text], Any]) -> dict[str, Any]:
    """Return a policy in the form of IAM. ``write`` converts a text for the format."""
    return {"Version": VERSION, "Statement": [_statement(each, write) for each in policy]}


def _statement(statement: Statement, write: Callable[[Text], Any]) -> dict[str, Any]:
    written: dict[str, Any] = {"Sid": statement.sid, "Effect": "Allow"}
    if statement.principal is not None:
        kind, principal = statement.principal
        written["Principal"] = {kind: write(principal)}
    written["Action"] = _one_or_all(statement.actions)
    if statement.resources:
        written["Resource"] = _one_or_all(statement.resources)
    if statement.conditions:
        written["Condition"] = {
            "StringEquals": {
                write(each.key): _one_or_all([write(value) for value in each.values]) for each in statement.conditions
            }
        }
    return written


def _one_or_all(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def split(statements: Iterable[Statement]) -> tuple[Policy, ...]:
    """Return the statements as policies within IAM's maximum length. The resources of a long statement are split."""
    policies: list[list[Statement]] = [[]]
    left = LONGEST - _length(())
    for statement in statements:
        head = _length((replace(statement, resources=("",)),))
        taken: list[str] = []
        left -= head
        for resource in statement.resources:
            if len(resource) + 3 > left:
                if taken:
                    policies[-1].append(replace(statement, resources=tuple(taken)))
                policies.append([])
                taken, left = [], LONGEST - _length(()) - head
            taken.append(resource)
            left -= len(resource) + 3  # quotes and a comma
        policies[-1].append(replace(statement, resources=tuple(taken)))
    return tuple(tuple(each) for each in policies if each)


def _length(policy: Policy) -> int:
    return len(json.dumps(document(policy, lambda text: text.written(lambda blank: blank.name)), separators=(",", ":")))
