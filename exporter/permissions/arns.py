"""ARNs in policies: which tuning jobs an entry of a configuration may match."""

from __future__ import annotations

import re
from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from exporter.config.specs import JobSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config.specs import RuleSpec, TargetSpec

# Text, or texts with anything between them, which IAM can express too.
_LITERAL = re.compile(r"(?:\(\?i\))?(\^?)([a-zA-Z0-9-]+(?:\.[*+][a-zA-Z0-9-]+)*)(\.[*+])?(\$?)")
_ANYTHING = re.compile(r"\.[*+]")
_SPECIAL = re.compile(r"[*?$]")

ANY_ACCOUNT = "*"
"""The pattern for all accounts in ARNs."""


def job_arn(spec: TargetSpec, entry: JobSpec | RuleSpec) -> str:
    """Return the ARN of the tuning jobs of an entry, with ``*`` for everything that the configuration does not specify.

    Names are in lower case, as in SageMaker's ARNs.
    """
    account_id = (entry.account_id if isinstance(entry, JobSpec) else None) or spec.account_id or ANY_ACCOUNT
    name = entry.name if isinstance(entry, JobSpec) else _names(entry)
    key = spec.key
    return f"arn:{key.partition}:sagemaker:{key.region}:{account_id}:hyper-parameter-tuning-job/{name.lower()}"


def any_name(arn: str) -> str:
    """Return the ARN of all tuning jobs in the account and region of ``arn``."""
    return f"{arn.rpartition('/')[0]}/*"


def _names(rule: RuleSpec) -> str:
    """Return an IAM pattern that matches all names that the rule matches. It may match more, because IAM has only ``*``."""
    patterns = ["*"]
    if rule.name_contains:
        patterns.append(f"*{rule.name_contains}*")
    if rule.name_regex and (literal := _LITERAL.fullmatch(rule.name_regex)):
        begins, texts, more, ends = literal.groups()
        name = _ANYTHING.sub("*", texts)
        patterns.append(f"{'' if begins else '*'}{name}{'' if ends and not more else '*'}")
    return max(patterns, key=lambda pattern: len(pattern.replace("*", "")))


def without_covered(arns: Iterable[str]) -> tuple[str, ...]:
    """Return the ARNs of tuning jobs, sorted, without those that another one includes."""
    known = sorted(set(arns))
    patterns: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for arn in known:
        where, _, name = arn.rpartition("/")
        if "*" in name:
            patterns[where].append((arn, name))
    exact = frozenset(known)

    def is_covered(arn: str) -> bool:
        where, _, name = arn.rpartition("/")
        wider = _in_any_account(where)
        if wider != where and f"{wider}/{name}" in exact:
            return True
        # Stars in a name are treated as characters: a pattern that matches them also matches everything that they mean.
        return any(
            each != arn and fnmatchcase(name, pattern) for place in {where, wider} for each, pattern in patterns[place]
        )

    return tuple(arn for arn in known if not is_covered(arn))


def _in_any_account(arn: str) -> str:
    *where, _, kind = arn.split(":")
    return ":".join((*where, ANY_ACCOUNT, kind))


def literal(arn: str) -> str:
    """Return an ARN for a policy's Resource with IAM's special characters escaped."""
    return _SPECIAL.sub(lambda found: f"${{{found[0]}}}", arn)


def role_resource(arn: str) -> str:
    """Return the ARN of a role for a policy's Resource: only that role, or the roles with its path and name in all accounts."""
    *where, role = arn.split(":", 5)
    return ":".join((*where, literal(role)))
