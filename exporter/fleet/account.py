"""Which account a target's tuning jobs are in: claimed by the configuration, told by an answer, or asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import Failure
from exporter.fleet.work import Identity, Operation

if TYPE_CHECKING:
    from exporter.config.specs import TargetSpec
    from exporter.errors import ErrorCode
    from exporter.fleet.calls import Calls
    from exporter.fleet.work import Outcome

_PAUSE_LIMIT = 3_600.0


class Account:
    """``id`` is None while nothing has told it. Times are monotonic seconds. Used under the target's lock."""

    def __init__(self, spec: TargetSpec, calls: Calls) -> None:
        self.id = spec.account_id
        self._calls = calls
        self._due: float | None = None
        self._attempts = 0
        self._code: ErrorCode | None = None

    def claim(self, claimed: str | None, known: str | None) -> None:
        """Take what a new configuration claims, else what an answer had told."""
        self.id = claimed or known
        self._attempts = 0

    def learn(self, account_id: str) -> bool:
        """Take the account of an answer and tell whether it is news."""
        if self.id is not None:
            return False
        self.id = account_id
        self._due = self._code = None
        return True

    def wonder(self, spec: TargetSpec, now: float) -> None:
        """Ask AWS, after a call that did not tell the account; once, but for failures."""
        if self.id is None and self._attempts == 0 and spec.key.credentials.sign_requests:
            self._due = now

    @property
    def due(self) -> float | None:
        """When AWS is to be asked; None when it is not."""
        return None if self._calls.stuck(Operation.IDENTIFY) else self._due

    def start(self) -> None:
        """Note that AWS is asked."""
        self._due = None
        self._attempts += 1

    def identified(self, outcome: Outcome, spec: TargetSpec, now: float) -> bool:
        """Take what came of asking and tell whether it is news: an answer or the configuration may have been first."""
        if self.id is not None:
            return False
        if isinstance(outcome, Identity):
            return self.learn(outcome.account_id)
        if isinstance(outcome, Failure):
            self._code = outcome.code
        pause = spec.interval * 2.0 ** min(self._attempts - 1, 16)
        self._due = now + min(pause, max(spec.interval, _PAUSE_LIMIT))
        return False

    @property
    def codes(self) -> tuple[ErrorCode, ...]:
        """The code by which asking fails, if it does."""
        return () if self._code is None else (self._code,)
