"""ARNs in policies: which tuning jobs an entry of a configuration may be about."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from exporter.config.specs import JobSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config.specs import RuleSpec, TargetSpec

_LITERAL = re.compile(r"(?:\(\?i\))?(\^?)([a-zA-Z0-9-]+)(\.[*+])?(\$?)")
_SPECIAL = re.compile(r"[*?$]")


def job_arn(spec: TargetSpec, entry: JobSpec | RuleSpec) -> str:
    """Return the ARN of the tuning jobs that an entry is about, with ``*`` for what the configuration leaves open.

    Names are in small letters, as SageMaker has them in ARNs.
    """
    account_id = (entry.account_id if isinstance(entry, JobSpec) else None) or spec.account_id or "*"
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
        begins, name, more, ends = literal.groups()
        patterns.append(f"{'' if begins else '*'}{name}{'' if ends and not more else '*'}")
    return max(patterns, key=lambda pattern: len(pattern.replace("*", "")))


def without_covered(arns: Iterable[str]) -> tuple[str, ...]:
    """Return the ARNs, sorted, but for those that another one stands for already."""
    kept = sorted(set(arns))
    wider = [arn for arn in kept if "*" in arn]
    return tuple(arn for arn in kept if not any(_covers(each, arn) for each in wider if each != arn))


def _covers(wider: str, arn: str) -> bool:
    """Tell whether a pattern fits whatever another one fits, whose stars are characters here."""
    return re.fullmatch(".*".join(map(re.escape, wider.split("*"))), arn) is not None


def literal(arn: str) -> str:
    """Return an ARN for a policy's Resource that stands for itself only: IAM's special characters, escaped."""
    return _SPECIAL.sub(lambda found: f"${{{found[0]}}}", arn)
