"""A part of Service Quotas: the list of SageMaker's quotas in an account and region."""

from __future__ import annotations

import threading
import zlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from exporter.simulator import reading
from exporter.simulator.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator.sagemaker import Operation
    from exporter.simulator.sts import Caller

PAGE_SIZE = 100
"""The largest and the default size of a page."""

_FAMILIES = ("c4", "c5", "g4dn", "g5", "m4", "m5", "p3", "r5")
_SIZES = ("large", "xlarge", "2xlarge", "4xlarge", "8xlarge")
_USES = ("endpoint", "processing job", "spot training job", "training job", "training warm pool")

NAMES = (
    "Longest run time for a training job",
    "Maximum number of instances per training job",
    "Maximum number of training jobs that each hyperparameter tuning job with Random search strategy can create",
    "Number of instances across all spot training jobs",
    "Number of instances across all training jobs",
    *(f"ml.{family}.{size} for {use} usage" for family in _FAMILIES for size in _SIZES for use in _USES),
)
"""The names of the quotas of each account: a part of those of AWS, with its wording."""

USUAL = 20.0
"""The value of each quota until another one is set."""


class ServiceQuotas:
    """The quotas of all accounts and regions. Thread-safe. A caller sees those of its own account."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: defaultdict[tuple[str, str], dict[str, float | None]] = defaultdict(
            lambda: dict.fromkeys(NAMES, USUAL)
        )
        self.operations: dict[str, Operation] = {"ListServiceQuotas": self._list}

    def set(self, account_id: str, region: str, name: str, value: float | None) -> None:
        """Set the value of a quota, or add one. None: AWS does not tell the value."""
        with self._lock:
            self._values[account_id, region][name] = value

    def _list(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        if reading.text(content, "ServiceCode") != "sagemaker":
            raise ApiError(
                "NoSuchResourceException", "The request failed because the specified service does not exist."
            )
        size = reading.whole_number(content, "MaxResults", PAGE_SIZE)
        token = reading.text(content, "NextToken") or "0"
        if not 1 <= size <= PAGE_SIZE:
            raise ApiError("IllegalArgumentException", f"MaxResults is not from 1 to {PAGE_SIZE}.")
        if not token.isdecimal():
            raise ApiError("InvalidPaginationTokenException", "The pagination token is invalid.")
        with self._lock:
            found = [*self._values[caller.account_id, region].items()]
        end = int(token) + size
        more = {"NextToken": str(end)} if end < len(found) else {}
        arn = f"arn:{caller.arn.split(':')[1]}:servicequotas:{region}:{caller.account_id}:sagemaker"
        return {"Quotas": [_quota(arn, *each) for each in found[int(token) : end]], **more}


def _quota(arn: str, name: str, value: float | None) -> dict[str, Any]:
    code = f"L-{zlib.crc32(name.encode()):08X}"
    told: dict[str, Any] = (
        {"ErrorReason": {"ErrorCode": "SERVICE_QUOTA_NOT_AVAILABLE_ERROR"}} if value is None else {"Value": value}
    )
    return {
        "ServiceCode": "sagemaker",
        "ServiceName": "Amazon SageMaker",
        "QuotaArn": f"{arn}/{code}",
        "QuotaCode": code,
        "QuotaName": name,
        "Unit": "None",
        "Adjustable": True,
        "GlobalQuota": False,
        **told,
    }
