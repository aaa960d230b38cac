"""The accounts of organizations: read rarely, remembered, and read again soon after a failure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import structlog

from exporter.errors import CallFailed, ErrorCode, Failure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from exporter.clock import Clock
    from exporter.config.specs import Account, OrganizationSpec
    from exporter.telemetry import Telemetry

PERIOD = 900.0
"""Seconds between two readings. So an account that joins is watched after at most this time."""

RETRY = 60.0
"""Seconds until the next reading after a failure. Each further failure doubles them, up to ``PERIOD``."""

_REMEDIES = {
    ErrorCode.ACCESS_DENIED: "Allow {actions} to a role in the management account or in that of a delegated administrator, and name"
    " it as role_arn next to organization.",
    ErrorCode.THROTTLED: "Wait: the exporter reads the accounts again by itself.",
    ErrorCode.MALFORMED_ANSWER: "Check that endpoint_url under organization is an endpoint of Organizations and that no proxy rewrites"
    " its answers.",
}
"""What to do about a failure, where this differs from calls to SageMaker."""

log = structlog.get_logger(__name__)


Read = Callable[["OrganizationSpec"], Sequence["Account"]]
"""Returns the accounts of an organization. Raises CallFailed."""


@dataclass(frozen=True, slots=True)
class OrganizationView:
    """What is known of an organization at one moment. Times are Unix seconds.

    ``accounts`` is None until a reading has succeeded. ``last_read`` is when the last successful reading ended. ``failure``
    is why the last reading failed; it is None if it succeeded, or if none has ended yet. ``next_read`` is when the next
    reading begins; it is None until the first one has ended.
    """

    spec: OrganizationSpec
    accounts: Sequence[Account] | None = None
    last_read: float | None = None
    failure: Failure | None = None
    next_read: float | None = None

    @property
    def tried(self) -> bool:
        """Whether a reading has ended."""
        return self.accounts is not None or self.failure is not None

    @property
    def remedy(self) -> str | None:
        """What to do about the failure. None if there is no failure."""
        return None if self.failure is None else remedy(self.spec, self.failure.code)


def remedy(spec: OrganizationSpec, code: ErrorCode) -> str:
    """Return what to do about a failed reading."""
    actions = " and ".join(f"organizations:{operation}" for operation in spec.operations)
    text = _REMEDIES.get(code)
    return code.remedy(spec.operations[0]) if text is None else text.format(actions=actions)


def read_once(spec: OrganizationSpec, read: Read, telemetry: Telemetry, clock: Clock) -> OrganizationView:
    """Read the accounts of an organization once, and update the metrics."""
    _start(spec, telemetry)
    return _noted(OrganizationView(spec), _outcome(spec, read), telemetry, clock)


class Organizations:
    """Reads the accounts of organizations, each in its own thread, and calls ``on_change`` when they change. Thread-safe.

    While reading fails, the accounts that were read last are kept.
    """

    def __init__(self, read: Read, telemetry: Telemetry, clock: Clock, on_change: Callable[[], object]) -> None:
        self._read = read
        self._telemetry = telemetry
        self._clock = clock
        self._on_change = on_change
        self._condition = threading.Condition()
        self._readers: dict[OrganizationSpec, _Reader] = {}

    @property
    def views(self) -> tuple[OrganizationView, ...]:
        """What is known now of each organization."""
        with self._condition:
            return tuple(reader.view for reader in self._readers.values())

    @property
    def accounts(self) -> Mapping[OrganizationSpec, Sequence[Account]]:
        """The known accounts of each organization. One that has not been read yet has none."""
        return _known(self.views)

    def accounts_of(self, specs: Collection[OrganizationSpec]) -> Mapping[OrganizationSpec, Sequence[Account]]:
        """Return which accounts of these organizations would be known at once after ``keep_only``."""
        with self._condition:
            return _known(map(self._first_view, specs))

    def keep_only(self, specs: Collection[OrganizationSpec]) -> None:
        """Read these organizations from now on, and no others. Returns at once, and does not stop a reading under way.

        A new entry may include all accounts of an entry that is already read with the same credentials. Then it has these
        accounts until it is read itself.
        """
        with self._condition:
            first_views = {spec: self._first_view(spec) for spec in specs}
            for spec in self._readers.keys() - set(specs):
                self._readers.pop(spec).leaving.set()
                self._telemetry.forget_organization(spec.name)
            new = [spec for spec in specs if spec not in self._readers]
            for spec in new:
                reader = _Reader(first_views[spec])
                # First of all, because this may fail: then the next reload tries it again.
                threading.Thread(name="organization", target=self._run, args=(spec, reader), daemon=True).start()
                self._readers[spec] = reader
                _start(spec, self._telemetry)
                _show(reader.view, self._telemetry)
            self._condition.notify_all()

    def _first_view(self, spec: OrganizationSpec) -> OrganizationView:
        """Return what is known of a new entry. Call this with the lock held."""
        if spec in self._readers:
            return self._readers[spec].view
        views = (reader.view for reader in self._readers.values())
        before = next((view for view in views if view.accounts is not None and _has_all(spec, view.spec)), None)
        if before is None:
            return OrganizationView(spec)
        return OrganizationView(spec, before.accounts, before.last_read)

    def _run(self, spec: OrganizationSpec, reader: _Reader) -> None:
        failures = 0
        while not reader.leaving.is_set():
            outcome = _outcome(spec, self._read)
            failures = failures + 1 if isinstance(outcome, Failure) else 0
            pause = min(RETRY * 2.0 ** min(failures - 1, 10), PERIOD) if failures else PERIOD
            self._take(reader, outcome, pause)
            until = self._clock.monotonic() + pause
            with self._condition:
                while not reader.leaving.is_set() and self._clock.monotonic() < until:
                    self._clock.wait(self._condition, until)

    def _take(self, reader: _Reader, outcome: Sequence[Account] | Failure, pause: float) -> None:
        with self._condition:
            if reader.leaving.is_set():
                return
            before = reader.view
            view = _noted(before, outcome, self._telemetry, self._clock)
            reader.view = replace(view, next_read=self._clock.time() + pause)
        if view.failure is not None:
            log.warning(
                "cannot read the organization's accounts; still watching those known so far",
                organization=view.spec.name,
                accounts=len(before.accounts or ()),
                code=str(view.failure.code),
                error=view.failure.message,
                remedy=view.remedy,
            )
        elif view.accounts != before.accounts:
            known, now = ({each.id for each in of.accounts or ()} for of in (before, view))
            log.info(
                "the organization's accounts were read",
                organization=view.spec.name,
                accounts=len(now),
                joined=len(now - known),
                left=len(known - now),
            )
            self._on_change()


@dataclass(slots=True)
class _Reader:
    """What one thread has read. ``view`` is used with the lock held."""

    view: OrganizationView
    leaving: threading.Event = field(default_factory=threading.Event)


def _has_all(spec: OrganizationSpec, before: OrganizationSpec) -> bool:
    """Return whether ``spec`` certainly includes all accounts of ``before``: same credentials, and all units or at least its units."""
    here, there = (replace(each.key, region="") for each in (spec, before))  # it is the partition's
    units = set(before.include_ous)
    return here == there and (not spec.include_ous or (bool(units) and units <= set(spec.include_ous)))


def _known(views: Iterable[OrganizationView]) -> Mapping[OrganizationSpec, Sequence[Account]]:
    return {view.spec: view.accounts for view in views if view.accounts is not None}


def _start(spec: OrganizationSpec, telemetry: Telemetry) -> None:
    telemetry.add_organization(spec.name, spec.account_id or "", spec.operations)


def _outcome(spec: OrganizationSpec, read: Read) -> Sequence[Account] | Failure:
    try:
        return tuple(read(spec))
    except CallFailed as failed:
        return Failure(failed.code, failed.message)
    except Exception as error:  # noqa: BLE001 - one unexpected answer must not end the thread
        return Failure(ErrorCode.OTHER, f"the call failed with {type(error).__name__}")


def _noted(
    before: OrganizationView, outcome: Sequence[Account] | Failure, telemetry: Telemetry, clock: Clock
) -> OrganizationView:
    """Return what is known after a reading, and update the metrics."""
    if isinstance(outcome, Failure):
        telemetry.organization_errors.labels(before.spec.name, outcome.code).inc()
        return replace(before, failure=outcome)
    view = replace(before, accounts=outcome, last_read=clock.time(), failure=None)
    _show(view, telemetry)
    return view


def _show(view: OrganizationView, telemetry: Telemetry) -> None:
    if view.accounts is not None and view.last_read is not None:
        telemetry.organization_accounts.labels(view.spec.name).set(len(view.accounts))
        telemetry.organization_last_success.labels(view.spec.name).set(view.last_read)
