"""The faults of the matrix: what each does to a request, and what the exporter must call it."""

from __future__ import annotations

from typing import NamedTuple

from exporter.errors import ErrorCode
from exporter.simulator.faults import Kind


class Case(NamedTuple):
    """A fault. ``kind`` None: it strikes the endpoint, not requests."""

    name: str
    code: ErrorCode
    kind: Kind | None = None
    seconds: float = 1.0

    @property
    def of_endpoint(self) -> bool:
        return self.kind is None


ROLE_CASE = "assume-role-denied"

CASES = (
    Case("throttled", ErrorCode.THROTTLED, Kind.THROTTLED),
    Case("bare-429", ErrorCode.THROTTLED, Kind.BARE_429),
    Case("server-error", ErrorCode.SERVER_ERROR, Kind.SERVER_ERROR),
    Case("html-503", ErrorCode.SERVER_ERROR, Kind.HTML_503),
    Case("empty", ErrorCode.MALFORMED_ANSWER, Kind.EMPTY),
    Case("garbage", ErrorCode.MALFORMED_ANSWER, Kind.GARBAGE),
    Case("truncated", ErrorCode.CONNECTION, Kind.TRUNCATED),
    Case("malformed", ErrorCode.MALFORMED_ANSWER, Kind.MALFORMED),
    Case("slow", ErrorCode.TIMEOUT, Kind.SLOW, seconds=30.0),
    Case("hang", ErrorCode.TIMEOUT, Kind.HANG),
    Case("dripping", ErrorCode.TIMEOUT, Kind.DRIPPING, seconds=0.1),
    Case("reset", ErrorCode.CONNECTION, Kind.RESET),
    Case("refused", ErrorCode.CONNECTION),
    Case("untrusted-tls", ErrorCode.TLS),
    Case("expired-token", ErrorCode.EXPIRED_CREDENTIALS, Kind.EXPIRED_TOKEN),
    Case("access-denied", ErrorCode.ACCESS_DENIED, Kind.ACCESS_DENIED),
    Case(ROLE_CASE, ErrorCode.ASSUME_ROLE_DENIED, Kind.ACCESS_DENIED),
    Case("clock-skew", ErrorCode.CLOCK_SKEW, Kind.CLOCK_SKEW),
    Case("not-found", ErrorCode.NOT_FOUND, Kind.NOT_FOUND),
    Case("not-found-by-validation", ErrorCode.NOT_FOUND, Kind.NOT_FOUND_BY_VALIDATION),
    Case("wrong-account", ErrorCode.WRONG_ACCOUNT, Kind.WRONG_ACCOUNT),
)

MOMENTS = ("first round", "mid-life", "during reload")
SCOPES = ("one job", "one region", "everything")

LISTS_WORK, LISTS_FAIL, SMALL_BUDGET = "describes, lists work", "describes and lists", "small budget"
WAITING = (LISTS_WORK, LISTS_FAIL, SMALL_BUDGET)
"""Scopes in which describes wait: for what a list tells, by the default of describe_max_age, or for the budget.

What counts there is how a call fails for all tuning jobs of a target, so one fault of each sort is played.
"""

WAITING_CASES = tuple(
    case for case in CASES if case.name in {"throttled", "server-error", "hang", "reset", "access-denied"}
)


def applies(case: Case, scope: str) -> bool:
    """Whether there is such a fault: endpoints and credentials are never a single tuning job's."""
    return scope != "one job" or not (case.of_endpoint or case.name == ROLE_CASE)
