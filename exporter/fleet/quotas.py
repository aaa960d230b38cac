"""A source of calls: the quotas of the account and region, read about once a day, page by page."""

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
"""The most quotas that ListServiceQuotas returns on a page."""

THE_QUOTAS = "quotas of SageMaker"
"""The ``name`` of these calls."""

HOLDS = 3 * 86_400.0
"""Seconds for which quotas are shown after they were last read."""

_MOST_PAGES = 100
"""There are about 20 pages."""


@dataclass(frozen=True, slots=True)
class ListQuotas(Work):
    """A call of ListServiceQuotas. The quotas must be those of ``region`` and, if it is known, of ``account_id``."""

    operation = Operation.LIST_SERVICE_QUOTAS
    region: str
    account_id: str | None
    request: Mapping[str, Any]
    seen: AbstractSet[int]
    """Hashes of the tokens of the previous pages."""

    def make(self, api: Api) -> QuotasPage:
        """Return the page.

        Raises MalformedAnswer if a page comes again, CallFailed if it is from another account or region.
        """
        page = reduce_quotas(api.list_service_quotas(self.request))
        check_page("the list of quotas", page.next_token, self.seen, page.places, self.region, self.account_id)
        return page


@dataclass(slots=True)
class _Reading:
    """The result of the pages of one reading so far."""

    quotas: Quotas = field(default_factory=Quotas)
    token: str | None = None
    seen: set[int] = field(default_factory=set)


class AccountQuotas:
    """A source of calls. Due times are monotonic seconds."""

    head_start: ClassVar[float] = -4.0  # after calls about tuning jobs: quotas may be a day old

    def __init__(self, spec: TargetSpec, calls: Calls, account: Account) -> None:
        self._spec = spec
        self._calls = calls
        self._account = account
        self._due: float | None = None
        self._reading = _Reading()
        self._known: Quotas | None = None
        self._read_at = 0.0

    def operations(self) -> Iterable[Operation]:
        """Return the operation that it calls, nothing if the configuration asks for no quotas."""
        return (Operation.LIST_SERVICE_QUOTAS,) if self._spec.quotas else ()

    def reload(self, spec: TargetSpec) -> None:
        """Use a configuration. Forget the quotas if it asks for none or names another account."""
        if not spec.quotas or spec.account_id != self._spec.account_id:
            self._calls.forget(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS)
            self._due, self._reading, self._known = None, _Reading(), None
        self._spec = spec

    def want(self, now: Instant) -> None:
        """Plan to read the quotas, unless they are known or planned already."""
        asked = self._calls.awaits(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS)
        if self._spec.quotas and self._due is None and not asked:
            self._due = now.monotonic

    def known(self, now: Instant) -> Quotas | None:
        """Return the quotas of the last reading, None if there was none within ``HOLDS``."""
        return self._known if now.monotonic < self.known_until else None

    @property
    def known_until(self) -> float:
        """Until when ``known`` returns the same, if no other reading ends (monotonic seconds)."""
        return self._read_at + HOLDS

    @property
    def due(self) -> float | None:
        """When the next page is due. None if no page is planned."""
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
        """Handle the outcome of a call. Only a complete reading replaces the quotas."""
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
                self._account.ask(now)
            elif len(reading.seen) + 1 < _MOST_PAGES:
                reading.seen.add(hash(outcome.next_token))
                self._due = now.monotonic
            else:
                more = f"the list of quotas does not end: there are more than {_MOST_PAGES} pages"
                self.retry(work, Failure(ErrorCode.MALFORMED_ANSWER, more), now)
        return ()

    def late(self, work: Work, now: Instant) -> None:
        """Do nothing: the next call was planned when this one was given up."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:  # noqa: ARG002 - a Source
        """Plan the same page again soon. If that cannot help, plan the first page for later."""
        failures = self._calls.failed(Operation.LIST_SERVICE_QUOTAS, THE_QUOTAS, failure.code)
        again = failure.code.transient and failure.code is not ErrorCode.MALFORMED_ANSWER
        if not again:
            self._reading = _Reading()
        soon = tags_retry_at(failures, now.monotonic)
        self._due = soon if failure.code.transient else now.monotonic + REFUSED_PAUSE
