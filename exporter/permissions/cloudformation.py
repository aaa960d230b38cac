"""Policies as a CloudFormation template for all accounts. As a stack set, it makes in each account what belongs there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import yaml

from exporter.permissions.naming import path_of, short_names
from exporter.permissions.statements import document
from exporter.permissions.text import Blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.permissions.identities import Identity
    from exporter.permissions.statements import Policy
    from exporter.permissions.text import Text

_DESCRIPTION = "What sagemaker-tuning-exporter may do in AWS, for one configuration. Made by its subcommand iam-policy."


_MOST = {"Resources": 500, "Parameters": 200}
"""CloudFormation's limits for a template."""


def render(identities: Sequence[Identity]) -> str:
    """Return a template. Values to fill in are parameters. If there are several accounts, their ids are conditions.

    A role in all accounts of an organization has no condition: it is made wherever the template is deployed.

    Raises ValueError if the template exceeds CloudFormation's limits.
    """
    made = _Template(identities).made()
    for section, most in _MOST.items():
        if (count := len(made.get(section, ()))) > most:
            raise ValueError(
                f"CloudFormation takes {most} {section.lower()} in a template, and this has {count}: use --format=terraform"
            )
    return yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=200)


class _Lines(str):
    """A text that is written on several lines."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes YAML without anchors, because CloudFormation does not support all of them."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the base class's signature
        """Write repeated values again."""
        return True


_Dumper.add_representer(_Lines, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|"))


class _Template:
    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = identities
        self._names = {name: _camel(short) for name, short in short_names(identities).items()}
        self._several = len({each.account_id for each in identities}) > 1

    def made(self) -> Mapping[str, Any]:
        """Return the template."""
        blanks = dict.fromkeys(blank for each in self._identities for blank in (*_named(each), *each.blanks))
        resources: dict[str, Any] = {}
        for identity in self._identities:
            resources |= self._of(identity)
        sections = {
            "AWSTemplateFormatVersion": "2010-09-09",
            "Description": _DESCRIPTION,
            "Parameters": {
                _camel(blank.name): _parameter(blank)
                for blank in dict.fromkeys((*blanks, *self._accounts))
                if self._is_parameter(blank)
            },
            "Conditions": self._conditions,
            "Resources": resources,
            "Outputs": self._outputs,
        }
        return {name: section for name, section in sections.items() if section}

    @property
    def _accounts(self) -> Iterable[Blank]:
        """The unknown accounts, if there are several accounts."""
        return [each.account_id for each in self._identities if isinstance(each.account_id, Blank)]

    def _is_parameter(self, blank: Blank) -> bool:
        return self._several or blank not in self._accounts

    @property
    def _conditions(self) -> Mapping[str, Any]:
        if not self._several:
            return {}
        return {
            self._condition(each): {
                "Fn::Equals": [
                    {"Ref": "AWS::AccountId"},
                    {"Ref": _camel(each.account_id.name)} if isinstance(each.account_id, Blank) else each.account_id,
                ]
            }
            for each in self._identities
            if not each.is_everywhere
        }

    @property
    def _outputs(self) -> Mapping[str, Any]:
        """The ARN of the pod's role, which its service account or pod identity association needs."""
        return {
            f"{name}Arn": {
                **({"Condition": self._condition(each)} if self._several else {}),
                "Value": {"Fn::GetAtt": [name, "Arn"]},
            }
            for each in self._identities
            if each.trust and each.role_arn is None and (name := f"Role{self._names[each.name]}")
        }

    def _condition(self, identity: Identity) -> str:
        known = identity.account_id
        return f"In{self._names[identity.name] if isinstance(known, Blank) else known}Account"

    def _of(self, identity: Identity) -> Mapping[str, Any]:
        name = self._names[identity.name]
        where = {"Condition": self._condition(identity)} if self._several and not identity.is_everywhere else {}
        made: dict[str, Any] = {}
        attached: dict[str, Any] = {}
        if identity.trust:
            role: dict[str, Any] = {"AssumeRolePolicyDocument": self._trust(identity.trust)}
            if identity.role_arn:
                role |= {"RoleName": identity.role, "Path": path_of(identity.role_arn)}
            elif isinstance(identity.role, Blank):
                role["RoleName"] = {"Ref": _camel(identity.role.name)}
            made[f"Role{name}"] = {"Type": "AWS::IAM::Role", **where, "Properties": role}
            attached = {"Roles": [{"Ref": f"Role{name}"}]}
        for place, policy in enumerate(identity.policies):
            made[f"Policy{place + 1 if place else ''}{name}"] = {
                "Type": "AWS::IAM::ManagedPolicy",
                **where,
                "Properties": {"PolicyDocument": document(policy, self._written), **attached},
            }
        return made

    def _trust(self, trust: Policy) -> Any:
        if not any(condition.key.blanks for each in trust for condition in each.conditions):
            return document(trust, self._written)
        # A function cannot make a key, but it can make a whole document.
        return {"Fn::Sub": _Lines(json.dumps(document(trust, self._template), indent=2) + "\n")}

    def _written(self, text: Text) -> Any:
        if isinstance(blank := text.parts[0], Blank) and len(text.parts) == 1:
            return {"Ref": self._name(blank)}
        return {"Fn::Sub": self._template(text)} if text.blanks else text.written(self._name)

    def _template(self, text: Text) -> str:
        return text.written(lambda blank: f"${{{self._name(blank)}}}", lambda plain: plain.replace("${", "${!"))

    def _name(self, blank: Blank) -> str:
        return _camel(blank.name) if self._is_parameter(blank) else "AWS::AccountId"


def _named(identity: Identity) -> Iterable[Blank]:
    """Return the name of a role to make, if it must be filled in."""
    return (identity.role,) if identity.trust and isinstance(identity.role, Blank) else ()


def _parameter(blank: Blank) -> Mapping[str, Any]:
    default = {"Default": blank.default} if blank.default else {}
    secret = {"NoEcho": True} if blank.secret else {}
    return {"Type": "String", "Description": blank.description, **default, **secret}


def _camel(name: str) -> str:
    return "".join(part.capitalize() for part in name.split("_"))
