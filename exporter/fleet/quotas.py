"""Source: the quotas of the account and region, which are read about once a day, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from exporter.errors import ErrorCode, Failure
from exporter.fleet.paging import check_page
from exporter.fleet.schedule import REFUSED_PAUSE, in_about_a_day, tags_retry_at
from exporter.fleet.source import Operation, Work
from exporter.tuning_job import Quotas, QuotasPage, reduce_quotas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.account import Account
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision
    from exporter.sagemaker import Api

PAGE_SIZE = 100
"""The most that the API puts on a page of ListServiceQuotas."""

THE_QUOTAS = "quotas of SageMaker"
"""What these calls are about."""

HOLDS = 3 * 86_400.0
"""Seconds for which quotas are shown after they were read last."""

_MOST_PAGES = 100
"""AWS has about 20."""


@dataclass(frozen=True, slots=True)
class ListQuotas(Work):
    """A call of ListServiceQuotas; the quotas must be of ``region`` and, where known, of ``account_id``."""

    operation = Operation.LIST_SERVICE_QUOTAS
    region: str
    account_id: str | None
    request: Mapping[str, Any]
    seen: AbstractSet[int]
    """Hashes of the tokens that the pages before have given."""

    def make(self, api: Api) -> QuotasPage:
        """Return the page.

        Raise MalformedAnswer if a page is given again, CallFailed if it is of another account or region.
        """
        page = reduce_quotas(api.list_service_quotas(self.request))
        check_page("the list of quotas", page.next_token, self.seen, page.places, self.region, self.account_id)
        return page


@dataclass(slots=True)
class _Reading:
    """What the pages of one reading have told so far."""

    quotas: Quotas = field(default_factory=Quotas)
    token: str | None = None
    seen: set[int] = field(default_factory=set)


class AccountQuotas:
    """A source of calls. Due times are monotonic seconds."""

    head_start: ClassVar[float] = -4.0  # after what is about tuning jobs: it is good for a day

    def __init__(self, spec: TargetSpec, calls: Calls, account: Account) -> None:
        self._spec = spec
        self._calls = calls
        self._account = account
        self._due: float | None = None
        self._reading = _Reading()
        self._known: Quotas | None = None
        self._read_at = 0.0

    def operations(self) -> Iterable[Operation]:
        """Return what it calls, where the configuration asks for quotas."""
        return (Operation.LIST_SERVICE_QUOTAS,) if self._spec.quotas else ()

    def reload(self, spec: TargetSpec) -> None:
        """Take a configuration. What was read is forgotten where it asks for no quotas, or names another account."""
        if not spec.quotas or spec.account_id != self._spec.account_id:
            self._calls.forget(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS)
            self._due, self._reading, self._known = None, _Reading(), None
        self._spec = spec

    def want(self, now: Instant) -> None:
        """Have the quotas read, unless they are known or will be read anyway."""
        asked = self._calls.awaits(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS)
        if self._spec.quotas and self._due is None and not asked:
            self._due = now.monotonic

    def known(self, now: Instant) -> Quotas | None:
        """Return what the last reading told, None if none has ended in the last days."""
        return self._known if now.monotonic < self.known_until else None

    @property
    def known_until(self) -> float:
        """Until when ``known`` holds if no other reading ends."""
        return self._read_at + HOLDS

    @property
    def due(self) -> float | None:
        """When the next page falls due; None when only a change can bring one."""
        return None if self._calls.stuck(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS) else self._due

    def start(self, serial: int, now: Instant) -> ListQuotas:
        """Return the call for the page that is ``due``."""
        self._due = None
        request: dict[str, Any] = {"ServiceCode": "sagemaker", "MaxResults": PAGE_SIZE}
        if self._reading.token is not None:
            request["NextToken"] = self._reading.token
        region, account_id = self._spec.key.region, self._account.id
        return ListQuotas(serial, now.monotonic, THE_QUOTAS, region, account_id, request, self._reading.seen)

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:
        """Take what came of a call. Only a whole reading counts."""
        if isinstance(outcome, Failure):
            self.retry(work, outcome, now)
        elif isinstance(outcome, QuotasPage):
            self._calls.succeeded(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS)
            for _, account_id in outcome.places:
                self._account.learn(account_id)
            reading = self._reading
            reading.quotas |= outcome.quotas
            reading.token = outcome.next_token
            if outcome.next_token is None:
                self._known, self._read_at = reading.quotas, now.monotonic
                self._reading, self._due = _Reading(), in_about_a_day(self._spec.name, now.monotonic)
                self._account.wonder(now)
            elif len(reading.seen) + 1 < _MOST_PAGES:
                reading.seen.add(hash(outcome.next_token))
                self._due = now.monotonic
            else:
                more = f"the list of quotas does not end: there are more than {_MOST_PAGES} pages"
                self.retry(work, Failure(ErrorCode.MALFORMED_ANSWER, more), now)
        return ()

    def late(self, work: Work, now: Instant) -> None:
        """Nothing to do: when to ask again has been planned since it was given up."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:  # noqa: ARG002 - a Source
        """Ask for the same page again soon, or, where that would be in vain, for the first one later."""
        failures = self._calls.failed(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS, failure.code)
        again = failure.code.transient and failure.code is not ErrorCode.MALFORMED_ANSWER
        if not again:
            self._reading = _Reading()
        soon = tags_retry_at(failures, now.monotonic)
        self._due = soon if failure.code.transient else now.monotonic + REFUSED_PAUSE
