"""What to do about a failed call. If it was denied, this is the exact action and ARN for the policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.specs import JobSpec
from exporter.errors import ErrorCode, action_of
from exporter.permissions.arns import job_arn
from exporter.permissions.table import ASSUME_ROLE, PERMISSIONS

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec
    from exporter.errors import Failure

_NARROW = {each.action for each in PERMISSIONS if each.narrows}


def remedy(spec: TargetSpec, operation: str, name: str, failure: Failure, account: str | None, arn: str | None) -> str:
    """Return what to do about a failed call. If it was denied, this has the exact permission and its ARN.

    ``name`` is the tuning job of the call. ``account`` and ``arn`` are those of the caller, if known.
    """
    role = spec.key.credentials.role_arn
    if failure.code is ErrorCode.ASSUME_ROLE_DENIED and role is not None:
        return (
            f"Allow {ASSUME_ROLE} on {role} to the exporter's own identity, and name that identity (and the external id) in"
            " the trust policy of the role."
        )
    action = action_of(operation)
    if failure.code is not ErrorCode.ACCESS_DENIED or action not in {each.action for each in PERMISSIONS}:
        return failure.code.remedy(operation)
    resource = job_arn(spec, JobSpec(name, {}, account)) if action in _NARROW else "*"
    return f"Allow {action} on {resource} to {arn or role or 'the caller'}."
