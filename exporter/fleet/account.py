"""Which account a target is in: from the configuration, from the ARNs in answers, or from GetCallerIdentity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from exporter.errors import Failure
from exporter.fleet.source import Operation, Work

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.calls import Calls
    from exporter.fleet.events import Decision
    from exporter.sagemaker import Api

_PAUSE_LIMIT = 3_600.0


@dataclass(frozen=True, slots=True)
class Identity:
    """The account that the credentials in use belong to."""

    account_id: str


class Identify(Work):
    """A call of GetCallerIdentity."""

    operation = Operation.IDENTIFY

    def make(self, api: Api) -> Identity:
        """Return the account."""
        return Identity(api.caller_account())


class Account:
    """A source of calls. ``id`` is None while the account is not known."""

    head_start: ClassVar[float] = math.inf

    def __init__(self, spec: TargetSpec, calls: Calls) -> None:
        self.id = spec.account_id
        self._spec = spec
        self._calls = calls
        self._due: float | None = None
        self._attempts = 0

    def operations(self) -> Iterable[Operation]:
        """Return nothing: this call is rare, made only if neither the configuration nor an answer has the account."""
        return ()

    def reload(self, spec: TargetSpec) -> None:
        """Use the account that a new configuration claims, if any."""
        if spec.account_id != self._spec.account_id:
            self.id, self._attempts = spec.account_id, 0
            self._due = None
            self._calls.succeeded(Operation.IDENTIFY, "")
        self._spec = spec

    def learn(self, account_id: str) -> None:
        """Use the account in an answer. The first one counts."""
        if self.id is None:
            self.id = account_id
            self._due = None
            self._calls.succeeded(Operation.IDENTIFY, "")

    def ask(self, now: Instant) -> None:
        """Plan GetCallerIdentity, after a call that did not tell the account. It is called once, and again only if it failed."""
        if self.id is None and self._attempts == 0 and self._spec.key.credentials.sign_requests:
            self._due = now.monotonic

    @property
    def due(self) -> float | None:
        """When to call (monotonic seconds), None if no call is planned."""
        return None if self._calls.stuck(Operation.IDENTIFY) else self._due

    def start(self, serial: int, now: Instant) -> Identify:
        """Return the call to make."""
        self._due = None
        self._attempts += 1
        return Identify(serial, now.monotonic, "")

    def apply(self, work: Work, outcome: object, now: Instant) -> Iterable[Decision]:  # noqa: ARG002 - a Source
        """Handle the outcome. An answer or the configuration may have told the account in the meantime."""
        if self.id is not None:
            return ()
        if isinstance(outcome, Identity):
            self.learn(outcome.account_id)
            return ()
        if isinstance(outcome, Failure):
            self._calls.failed(Operation.IDENTIFY, "", outcome.code)
        pause = self._spec.interval * 2.0 ** min(self._attempts - 1, 16)
        self._due = now.monotonic + min(pause, max(self._spec.interval, _PAUSE_LIMIT))
        return ()

    def late(self, work: Work, now: Instant) -> None:
        """Do nothing: the next call was planned when this one was given up."""

    def retry(self, work: Work, failure: Failure, now: Instant) -> None:
        """Plan the next call after a failure."""
        self.apply(work, failure, now)
