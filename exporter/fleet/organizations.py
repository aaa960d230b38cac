"""The accounts of organizations: read rarely, remembered, and read again soon after a failure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from exporter.errors import CallFailed, ErrorCode, Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from exporter.clock import Clock
    from exporter.config.specs import Account, OrganizationSpec
    from exporter.telemetry import Telemetry

PERIOD = 900.0
"""Seconds between two readings: an account that joins is watched this much later at most."""

RETRY = 60.0
"""Seconds to the next reading after a failure; after each further one twice as long, at most ``PERIOD``."""

_PERMISSION = (
    "Allow organizations:ListAccounts (with include_ous ListAccountsForParent and ListOrganizationalUnitsForParent) to an"
    " identity of the management account or of a delegated administrator, and name it as role_arn beside organization."
)

log = structlog.get_logger(__name__)


class Organizations:
    """Reads the accounts of organizations, each in a thread of its own, and tells when they change. Thread-safe.

    ``read`` returns the accounts of one or raises CallFailed. What was read last is kept while reading fails.
    """

    def __init__(
        self,
        read: Callable[[OrganizationSpec], Sequence[Account]],
        telemetry: Telemetry,
        clock: Clock,
        on_change: Callable[[], object],
    ) -> None:
        self._read = read
        self._telemetry = telemetry
        self._clock = clock
        self._on_change = on_change
        self._condition = threading.Condition()
        self._readers: dict[OrganizationSpec, _Reader] = {}

    @property
    def accounts(self) -> Mapping[OrganizationSpec, Sequence[Account]]:
        """What is known of each: none where it has not been read yet."""
        with self._condition:
            return {spec: reader.accounts for spec, reader in self._readers.items() if reader.accounts is not None}

    @property
    def untried(self) -> list[str]:
        """The names of those whose first reading has not ended."""
        with self._condition:
            return [spec.name for spec, reader in self._readers.items() if not reader.tried]

    def keep_only(self, specs: Collection[OrganizationSpec]) -> None:
        """Read these from now on, and no others. Returns at once; a reading under way ends as it would."""
        with self._condition:
            for spec in self._readers.keys() - set(specs):
                self._readers.pop(spec).leaving.set()
                self._telemetry.forget_organization(spec.name)
            new = [spec for spec in specs if spec not in self._readers]
            for spec in new:
                self._readers[spec] = reader = _Reader()
                threading.Thread(name="organization", target=self._run, args=(spec, reader), daemon=True).start()
            self._condition.notify_all()

    def _run(self, spec: OrganizationSpec, reader: _Reader) -> None:
        failures = 0
        while not reader.leaving.is_set():
            outcome = self._outcome(spec)
            failures = failures + 1 if isinstance(outcome, Failure) else 0
            self._take(spec, reader, outcome)
            pause = min(RETRY * 2.0 ** min(failures - 1, 10), PERIOD) if failures else PERIOD
            until = self._clock.monotonic() + pause
            with self._condition:
                while not reader.leaving.is_set() and self._clock.monotonic() < until:
                    self._clock.wait(self._condition, until)

    def _outcome(self, spec: OrganizationSpec) -> Sequence[Account] | Failure:
        try:
            return tuple(self._read(spec))
        except CallFailed as failed:
            return Failure(failed.code, failed.message)
        except Exception as error:  # noqa: BLE001 - one odd answer must not end the thread
            return Failure(ErrorCode.OTHER, f"the call failed by a {type(error).__name__}")

    def _take(self, spec: OrganizationSpec, reader: _Reader, outcome: Sequence[Account] | Failure) -> None:
        with self._condition:
            if reader.leaving.is_set():
                return
            before, reader.tried = reader.accounts, True
            if not isinstance(outcome, Failure):
                reader.accounts = outcome
                self._telemetry.organization_accounts.labels(spec.name).set(len(outcome))
                self._telemetry.organization_last_success.labels(spec.name).set(self._clock.time())
        if isinstance(outcome, Failure):
            self._telemetry.organization_errors.labels(spec.name, outcome.code).inc()
            log.warning(
                "the accounts of the organization cannot be read, those known so far stay",
                organization=spec.name,
                accounts=len(before or ()),
                code=str(outcome.code),
                error=outcome.message,
                **({"remedy": _PERMISSION} if outcome.code is ErrorCode.ACCESS_DENIED else {}),
            )
        elif outcome != before:
            known, now = {each.id for each in before or ()}, {each.id for each in outcome}
            log.info(
                "the accounts of the organization have been read",
                organization=spec.name,
                accounts=len(now),
                joined=len(now - known),
                left=len(known - now),
            )
            self._on_change()


class _Reader:
    """What one thread has read; used under the lock. ``accounts`` is None while it never succeeded."""

    def __init__(self) -> None:
        self.accounts: Sequence[Account] | None = None
        self.tried = False
        self.leaving = threading.Event()
