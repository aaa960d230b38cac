"""The IAM actions that the exporter needs, and which entries of a configuration need each of them.

The policies, the tables in the documentation, and the tests are made from this table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.specs import LIST_ACCOUNTS, LIST_ACCOUNTS_OF_UNIT, LIST_UNITS, JobSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from exporter.config.specs import RuleSpec, TargetSpec

    Entry = JobSpec | RuleSpec

ASSUME_ROLE = "sts:AssumeRole"
ASSUME_ROLE_WITH_WEB_IDENTITY = "sts:AssumeRoleWithWebIdentity"
TAG_SESSION = "sts:TagSession"


@dataclass(frozen=True, slots=True)
class Permission:
    """An action, its purpose, and what needs it.

    ``narrows`` is True if AWS can allow it for single tuning jobs. Otherwise it must be allowed for all resources, and only the
    region can be a condition. ``needed_by`` returns the entries of a target that need it.
    """

    action: str
    purpose: str
    narrows: bool
    needed_by: Callable[[TargetSpec], Sequence[Entry]]


def _all(spec: TargetSpec) -> Sequence[Entry]:
    return (*spec.jobs, *spec.rules)


def _with_training_jobs(spec: TargetSpec) -> Sequence[Entry]:
    return () if spec.spend is None else _all(spec)


def _with_tags(spec: TargetSpec) -> Sequence[Entry]:
    return tuple(each for each in _all(spec) if each.tag_labels or (not isinstance(each, JobSpec) and each.asks_tags))


def _searched(spec: TargetSpec) -> Sequence[Entry]:
    """Return the entries that need Search: for tags, which needs at least two tuning jobs, or for billed seconds."""
    if spec.spend is not None and spec.spend.billable == "search":
        return _all(spec)
    tagged = _with_tags(spec)
    return () if len(tagged) == 1 and isinstance(tagged[0], JobSpec) else tagged


def _with_quotas(spec: TargetSpec) -> Sequence[Entry]:
    return _all(spec) if spec.quotas else ()


PERMISSIONS = (
    Permission("sagemaker:DescribeHyperParameterTuningJob", "always needed", narrows=True, needed_by=_all),
    Permission(
        "sagemaker:ListHyperParameterTuningJobs",
        "needed for `discover`, and to count the running jobs that are not watched; also saves describes and shows deletions:"
        " without it, every running job is described at each interval",
        narrows=False,
        needed_by=_all,
    ),
    Permission(
        "sagemaker:ListTrainingJobsForHyperParameterTuningJob",
        "needed for `collect: [training_jobs]`",
        narrows=True,
        needed_by=_with_training_jobs,
    ),
    Permission(
        "sagemaker:ListTags", "needed for `tag_labels` and for rules with `tags`", narrows=True, needed_by=_with_tags
    ),
    Permission(
        "sagemaker:Search",
        "saves requests where tags are read, with one for a hundred jobs; needed for `spend.billable: search`",
        narrows=False,
        needed_by=_searched,
    ),
    Permission(
        "servicequotas:ListServiceQuotas", "needed for `collect: [quotas]`", narrows=False, needed_by=_with_quotas
    ),
)
"""The actions of an identity that watches tuning jobs. GetCallerIdentity is called too, but needs no permission."""

ROLE_PERMISSIONS = {
    ASSUME_ROLE: "needed for `role_arn`: the exporter's own identity must be allowed this action on that role; the role itself"
    " needs all permissions above",
    TAG_SESSION: "needed for `role_arn` too where the exporter's own role comes from EKS pod identity",
}
"""The actions of an identity that assumes roles, with their purpose."""

ORGANIZATION_PERMISSIONS = {
    f"organizations:{LIST_ACCOUNTS}": "needed for `organization`, by the exporter's own identity or by the `role_arn` next to it",
    f"organizations:{LIST_ACCOUNTS_OF_UNIT}": "needed for `organization` with `include_ous`, instead of ListAccounts",
    f"organizations:{LIST_UNITS}": "needed for `organization` with `include_ous`, for the units below",
}
"""The actions to read the accounts of an organization, with their purpose: see ``OrganizationSpec.operations``."""
