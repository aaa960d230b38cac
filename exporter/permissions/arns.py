"""ARNs in policies: which tuning jobs an entry of a configuration may be about."""

from __future__ import annotations

import re
from collections import defaultdict
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from exporter.config.specs import JobSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config.specs import RuleSpec, TargetSpec

# Text, or texts with anything between them: what IAM can say too.
_LITERAL = re.compile(r"(?:\(\?i\))?(\^?)([a-zA-Z0-9-]+(?:\.[*+][a-zA-Z0-9-]+)*)(\.[*+])?(\$?)")
_ANYTHING = re.compile(r"\.[*+]")
_SPECIAL = re.compile(r"[*?$]")

ANY_ACCOUNT = "*"
"""Stands in ARNs for every account."""


def job_arn(spec: TargetSpec, entry: JobSpec | RuleSpec) -> str:
    """Return the ARN of the tuning jobs that an entry is about, with ``*`` for what the configuration leaves open.

    Names are in small letters, as SageMaker has them in ARNs.
    """
    account_id = (entry.account_id if isinstance(entry, JobSpec) else None) or spec.account_id or ANY_ACCOUNT
    name = entry.name if isinstance(entry, JobSpec) else _names(entry)
    key = spec.key
    return f"arn:{key.partition}:sagemaker:{key.region}:{account_id}:hyper-parameter-tuning-job/{name.lower()}"


def any_name(arn: str) -> str:
    """Return the ARN of all tuning jobs of the account and region of one."""
    return f"{arn.rpartition('/')[0]}/*"


def _names(rule: RuleSpec) -> str:
    """Return a pattern of IAM that fits every name which the rule does. It may fit more: IAM has only ``*``."""
    patterns = ["*"]
    if rule.name_contains:
        patterns.append(f"*{rule.name_contains}*")
    if rule.name_regex and (literal := _LITERAL.fullmatch(rule.name_regex)):
        begins, texts, more, ends = literal.groups()
        name = _ANYTHING.sub("*", texts)
        patterns.append(f"{'' if begins else '*'}{name}{'' if ends and not more else '*'}")
    return max(patterns, key=lambda pattern: len(pattern.replace("*", "")))


def without_covered(arns: Iterable[str]) -> tuple[str, ...]:
    """Return the ARNs of tuning jobs, sorted, but for those that another one stands for already."""
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
        # The stars of a name are characters here: a pattern that fits them fits whatever they stand for.
        return any(
            each != arn and fnmatchcase(name, pattern) for place in {where, wider} for each, pattern in patterns[place]
        )

    return tuple(arn for arn in known if not is_covered(arn))


def _in_any_account(arn: str) -> str:
    *where, _, kind = arn.split(":")
    return ":".join((*where, ANY_ACCOUNT, kind))


def literal(arn: str) -> str:
    """Return an ARN for a policy's Resource that stands for itself only: IAM's special characters, escaped."""
    return _SPECIAL.sub(lambda found: f"${{{found[0]}}}", arn)


def role_resource(arn: str) -> str:
    """Return the ARN of a role for a policy's Resource: that role only, or in every account those of its path and name."""
    *where, role = arn.split(":", 5)
    return ":".join((*where, literal(role)))
