"""How the exporter's own pod gets its role on EKS."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from exporter.permissions.statements import Condition, Policy, Statement
from exporter.permissions.table import ASSUME_ROLE, ASSUME_ROLE_WITH_WEB_IDENTITY, TAG_SESSION
from exporter.permissions.text import Blank, text

if TYPE_CHECKING:
    from exporter.permissions.text import Text


class Trust(StrEnum):
    """The ways to give a pod a role on EKS."""

    IRSA = "irsa"
    POD_IDENTITY = "pod-identity"


OIDC_PROVIDER = Blank(
    "OIDC_PROVIDER",
    "The cluster's OIDC provider without https://, such as oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E.",
)
NAMESPACE = Blank("NAMESPACE", "The namespace that the exporter runs in.", "monitoring")
SERVICE_ACCOUNT = Blank(
    "SERVICE_ACCOUNT", "The name of the exporter's service account.", "tuning-sagemaker-tuning-exporter"
)

_AUDIENCE = "sts.amazonaws.com"  # the same in all partitions
_POD_IDENTITY = "pods.eks.amazonaws.com"


def of_pod(trust: Trust, partition: str, account_id: str | Blank) -> Policy:
    """Return the trust policy of the pod's own role, in its account."""
    if trust is Trust.POD_IDENTITY:
        # The agent of EKS tags all sessions.
        return (Statement("PodIdentity", (ASSUME_ROLE, TAG_SESSION), principal=("Service", text(_POD_IDENTITY))),)
    provider = text(f"arn:{partition}:iam::", account_id, ":oidc-provider/", OIDC_PROVIDER)
    conditions = (
        _is(text(OIDC_PROVIDER, ":aud"), text(_AUDIENCE)),
        _is(text(OIDC_PROVIDER, ":sub"), text("system:serviceaccount:", NAMESPACE, ":", SERVICE_ACCOUNT)),
    )
    principal = "Federated", provider
    return (Statement("ServiceAccount", (ASSUME_ROLE_WITH_WEB_IDENTITY,), principal=principal, conditions=conditions),)


def _is(key: Text, value: Text) -> Condition:
    return Condition(key, (value,))
