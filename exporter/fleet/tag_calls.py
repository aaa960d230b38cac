"""The calls that read the AWS tags of tuning jobs: ListTags reads those of one, Search those of up to 100."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

from exporter.fleet.source import Operation, Work
from exporter.tuning_job import name_key, reduce_found

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Instant
    from exporter.sagemaker import Api
    from exporter.tuning_job import Found

PAGE_SIZE = 100
"""The most results that Search returns on a page."""

THE_SEARCH = "the search"
"""The ``name`` of a search. It is not the name of a tuning job, because it has a space."""


@dataclass(frozen=True, slots=True)
class Tags:
    """All AWS tags of a tuning job: values by key."""

    by_key: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ListTags(Work):
    """A call of ListTags, for the tuning job ``name``."""

    operation = Operation.LIST_TAGS
    arn: str

    @property
    def key(self) -> str:
        """The name, independent of case."""
        return name_key(self.name)

    def make(self, api: Api) -> Tags:
        """Return the tags."""
        return Tags(api.list_tags(self.arn))


@dataclass(frozen=True, slots=True)
class SearchTags(Work):
    """A call of Search."""

    operation = Operation.SEARCH
    request: Mapping[str, Any]

    @classmethod
    def between(cls, first: float, last: float, serial: int, now: Instant) -> Self:
        """Return the call for the tuning jobs created from ``first`` to ``last`` (Unix seconds, inclusive), newest first."""
        filters = [_created("GreaterThanOrEqualTo", int(first)), _created("LessThanOrEqualTo", int(last) + 1)]
        request = {
            "Resource": "HyperParameterTuningJob",
            "SearchExpression": {"Filters": filters},
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": PAGE_SIZE,
        }
        return cls(serial, now.monotonic, THE_SEARCH, request)

    def make(self, api: Api) -> Found:
        """Return the page."""
        return reduce_found(api.search(self.request))


def _created(operator: str, seconds: float) -> Mapping[str, str]:
    moment = datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return {"Name": "CreationTime", "Operator": operator, "Value": moment}
