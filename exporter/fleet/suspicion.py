"""Detects that describes fail for the whole target. One failure is not enough, and lists may still work."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode

if TYPE_CHECKING:
    from exporter.errors import Failure

# How many tuning jobs in a row must begin to fail, with no successful describe in between. Any call may have a transient
# failure. A lasting failure is about one tuning job only if the permission or account is.
_TRANSIENT, _LASTING = 3, 2


class Suspicion(Enum):
    """What a failed describe says about the other tuning jobs of the target."""

    NONE = auto()
    ONE_MORE = auto()
    """Describe one more, to see whether it fails too."""
    ALL = auto()
    """All may fail."""


class Suspicions:
    """The suspicions about one target. ``all_may_fail`` is True from ``Suspicion.ALL`` until a describe succeeds."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self.all_may_fail = False

    def succeeded(self) -> bool:
        """Note that a describe succeeded, and return whether there was a suspicion."""
        suspected, self._in_a_row, self.all_may_fail = self._in_a_row > 0, 0, False
        return suspected

    def failed(self, failure: Failure, before: Failure | None, *, hung: bool) -> Suspicion:
        """Note that a describe failed, and return what this says about the others.

        ``before`` is the previous failure of the same tuning job, None if it succeeded. ``hung`` is True if the call was
        given up. A tuning job that still fails as before says nothing new about the others.
        """
        if failure.code is ErrorCode.NOT_FOUND:
            self.succeeded()  # the service answered
            return Suspicion.NONE
        if before is not None and before.code is failure.code:
            return Suspicion.NONE
        self._in_a_row += 1
        if not hung and self._in_a_row < (_TRANSIENT if failure.code.transient else _LASTING):
            return Suspicion.ONE_MORE
        self.all_may_fail = True
        return Suspicion.ALL
