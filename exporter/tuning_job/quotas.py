"""The quotas of an account and region for training, from the answers of ListServiceQuotas.

AWS lists well over a thousand quotas of SageMaker, each with a code and a name for an instance type and use. The codes of new
types cannot be known in advance, so the names are used.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from exporter.tuning_job.members import Answer, MalformedAnswer, Number, next_token, number, text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_INSTANCES = re.compile(r"(ml\.[a-z0-9-]+\.[a-z0-9-]+) for (spot )?training job usage")
_ARN = re.compile(r"arn:[a-z-]+:servicequotas:([a-z0-9-]+):([0-9]{12}):sagemaker/.+")


@dataclass(frozen=True, slots=True)
class Quotas:
    """The most instances that training jobs may use at once, by instance type and spot, and the most running tuning jobs.

    Spot is ``true`` or ``false``, as in labels. ``tuning_jobs`` is None if AWS does not list this quota.
    """

    instances: Mapping[tuple[str, str], Number] = field(default_factory=dict)
    tuning_jobs: Number | None = None

    def of_types(self, types: Collection[str]) -> Quotas:
        """Return only the quotas of these instance types."""
        return Quotas({key: most for key, most in self.instances.items() if key[0] in types}, self.tuning_jobs)

    def __or__(self, other: Quotas) -> Quotas:
        """Return the union. If both have a quota, that of ``other`` counts."""
        tuning_jobs = self.tuning_jobs if other.tuning_jobs is None else other.tuning_jobs
        return Quotas({**self.instances, **other.instances}, tuning_jobs)


@dataclass(frozen=True, slots=True)
class QuotasPage:
    """A page of quotas. ``places`` has the regions and accounts in their ARNs."""

    quotas: Quotas
    places: frozenset[tuple[str, str]]
    next_token: str | None


def reduce_quotas(answer: Answer) -> QuotasPage:
    """Return the quotas for training in an answer of ListServiceQuotas. A quota without a value is not known.

    Raises MalformedAnswer if there is no list of quotas.
    """
    raw = answer.get("Quotas")
    if not isinstance(raw, list) or not all(isinstance(entry, dict) for entry in raw):
        raise MalformedAnswer("the answer has no Quotas")
    instances: dict[tuple[str, str], Number] = {}
    tuning_jobs: Number | None = None
    for entry in raw:
        name, most = text(entry, "QuotaName") or "", number(entry, "Value")
        if most is None or most < 0:  # with an ErrorReason, AWS does not tell the value
            continue
        if (key := _instances(name)) is not None:
            instances[key] = most
        elif _is_of_tuning_jobs(name):
            tuning_jobs = most
    arns = (_ARN.fullmatch(text(entry, "QuotaArn") or "") for entry in raw)
    places = frozenset((found[1], found[2]) for found in arns if found is not None)
    return QuotasPage(Quotas(instances, tuning_jobs), places, next_token(answer))


@lru_cache(maxsize=4_096)  # cached, because all accounts have the same names
def _instances(name: str) -> tuple[str, str] | None:
    """Return instance type and spot of a quota such as ``ml.m5.xlarge for spot training job usage``."""
    found = _INSTANCES.fullmatch(name)
    return None if found is None else (sys.intern(found[1]), "true" if found[2] else "false")


def _is_of_tuning_jobs(name: str) -> bool:
    """Return whether a quota is that of running tuning jobs: "parallel (concurrent) hyperparameter tuning jobs".

    This is its name in the developer guide, with a value of 100 that cannot be raised. In Service Quotas the words around it
    may differ. Other quotas are for training jobs "per hyperparameter tuning job".
    """
    lower = name.lower()
    return "hyperparameter tuning jobs" in lower and ("parallel" in lower or "concurrent" in lower)
