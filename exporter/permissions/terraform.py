"""Policies as a Terraform module: a policy for each identity, and each role that is assumed, in its account."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

from exporter.permissions.naming import path_of, policy_name, short_names
from exporter.permissions.text import Blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exporter.permissions.identities import Identity
    from exporter.permissions.statements import Policy, Statement
    from exporter.permissions.text import Text

_HEAD = "# What sagemaker-tuning-exporter may do in AWS, for one configuration. Made by its subcommand iam-policy.\n"


def render(identities: Sequence[Identity]) -> str:
    """Return a module.

    The first identity is in the account of the provider ``aws``. For each other account the module needs a provider. Values to
    fill in are variables. Raises ValueError for a role in all accounts of an organization.
    """
    if any(each.is_everywhere for each in identities):
        raise ValueError(
            "Terraform has to be given the accounts, and only AWS knows those of an organization:"
            " use --format=cloudformation, as a stack set"
        )
    return "\n".join((_HEAD, *_Module(identities).blocks()))


class _Module:
    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = identities
        self._names = short_names(identities)
        # Values to fill in that the module knows itself.
        self._known = {
            each.account_id: f"data.aws_caller_identity.{self._names[each.name]}.account_id"
            for each in identities
            if isinstance(each.account_id, Blank)
        }
        for each in identities:
            if each.trust and isinstance(
                each.role, Blank
            ):  # a reference to the role, because IAM requires that it exists before it is trusted
                self._known[each.role] = f"aws_iam_role.{self._names[each.name]}.name"

    def blocks(self) -> Iterator[str]:
        """Yield the blocks of the module."""
        used = dict.fromkeys(blank for each in self._identities for blank in each.blanks)
        aliases = dict.fromkeys(alias for each in self._identities if (alias := self._alias(each)))
        if aliases:
            yield _providers(aliases)
        named = [each.role for each in self._identities if each.trust and isinstance(each.role, Blank)]
        for blank in dict.fromkeys((*named, *(blank for blank in used if blank not in self._known))):
            yield _variable(blank)
        for identity in self._identities:
            if identity.account_id in used:
                yield _block(f'data "aws_caller_identity" "{self._names[identity.name]}"', self._given(identity))
            yield from self._of(identity)
        for identity in self._identities:
            if identity.trust and identity.role_arn is None:  # its service account or association needs it
                short = self._names[identity.name]
                yield _block(f'output "{short}_role_arn"', {"value": f"aws_iam_role.{short}.arn"})

    def _of(self, identity: Identity) -> Iterator[str]:
        short, given = self._names[identity.name], self._given(identity)
        if identity.trust:
            yield self._document(f"{short}__trust", identity.trust, given)
            name = _variable_name(identity.role) if isinstance(identity.role, Blank) else _quoted(identity.role)
            path = {"path": _quoted(path_of(identity.role_arn))} if identity.role_arn else {}
            assume = {"assume_role_policy": f"data.aws_iam_policy_document.{short}__trust.json"}
            yield _block(f'resource "aws_iam_role" "{short}"', given | {"name": name} | path | assume)
        for place, policy in enumerate(identity.policies):
            here = f"{short}__{place + 1}" if place else short
            yield self._document(here, policy, given)
            made = {
                "name": _quoted(policy_name(identity) + (f"-{place + 1}" if place else "")),
                "policy": f"data.aws_iam_policy_document.{here}.json",
            }
            yield _block(f'resource "aws_iam_policy" "{here}"', given | made)
            if identity.trust:
                attached = {"role": f"aws_iam_role.{short}.name", "policy_arn": f"aws_iam_policy.{here}.arn"}
                yield _block(f'resource "aws_iam_role_policy_attachment" "{here}"', given | attached)

    def _alias(self, identity: Identity) -> str | None:
        """Return the alias of the provider for an identity's account. None for the default provider."""
        first = self._identities[0]
        if identity is first or identity.account_id == first.account_id:
            return None
        known = identity.account_id
        return self._names[identity.name] if isinstance(known, Blank) else f"account_{known}"

    def _given(self, identity: Identity) -> dict[str, str]:
        alias = self._alias(identity)
        return {} if alias is None else {"provider": f"aws.{alias}"}

    def _document(self, name: str, policy: Policy, given: Mapping[str, str]) -> str:
        statements = "\n".join(self._statement(each) for each in policy)
        return _block(f'data "aws_iam_policy_document" "{name}"', given, statements)

    def _statement(self, statement: Statement) -> str:
        members = {"sid": _quoted(statement.sid), "actions": _list(map(_quoted, statement.actions))}
        if statement.resources:
            members["resources"] = _list(map(_quoted, statement.resources))
        inner: list[str] = []
        if statement.principal is not None:
            kind, principal = statement.principal
            inner.append(
                _block("principals", {"type": _quoted(kind), "identifiers": _list([self._written(principal)])})
            )
        for condition in statement.conditions:
            values = _list(map(self._written, condition.values))
            inner.append(
                _block(
                    "condition",
                    {"test": '"StringEquals"', "variable": self._written(condition.key), "values": values},
                )
            )
        return _block("statement", members, "\n".join(inner))

    def _written(self, text: Text) -> str:
        if isinstance(blank := text.parts[0], Blank) and len(text.parts) == 1:
            return self._expression(blank)
        return f'"{text.written(lambda blank: f"${{{self._expression(blank)}}}", _escaped)}"'

    def _expression(self, blank: Blank) -> str:
        return self._known.get(blank) or _variable_name(blank)


def _providers(aliases: Iterable[str]) -> str:
    configured = _list(f"aws.{alias}" for alias in aliases)
    aws = _block("aws =", {"source": '"hashicorp/aws"', "configuration_aliases": configured})
    return _block("terraform", {}, _block("required_providers", {}, aws))


def _variable(blank: Blank) -> str:
    default = {"default": _quoted(blank.default)} if blank.default else {}
    secret = {"sensitive": "true"} if blank.secret else {}
    return _block(
        f'variable "{blank.name.lower()}"',
        {"type": "string", "description": _quoted(blank.description)} | default | secret,
    )


def _variable_name(blank: Blank) -> str:
    return f"var.{blank.name.lower()}"


def _block(head: str, members: Mapping[str, str], inner: str = "") -> str:
    """Return a block. Members on single lines are aligned."""
    lines: list[str] = []
    for several, run in itertools.groupby(members.items(), key=lambda member: "\n" in member[1]):
        group = list(run)
        width = 0 if several else max(len(name) for name, _ in group)
        lines += [f"{name:{width}} = {value}" for name, value in group]
    body = "\n\n".join(filter(None, ("\n".join(lines), inner.rstrip("\n"))))
    if not body:
        return f"{head} {{}}\n"
    indented = "\n".join(f"  {line}" if line else "" for line in body.split("\n"))
    return f"{head} {{\n{indented}\n}}\n"


def _list(values: Iterable[str]) -> str:
    items = list(values)
    if len(items) == 1:
        return f"[{items[0]}]"
    return "\n".join(("[", *(f"  {item}," for item in items), "]"))


def _quoted(text: str) -> str:
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    """Return a text to put between quotes, with template characters escaped."""
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("${", "$${").replace("%{", "%%{")
