"""Whether describes fail for the whole target: one that fails tells little, and a list may work where they are denied."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode

if TYPE_CHECKING:
    from exporter.errors import Failure

# How many tuning jobs in a row must have begun to fail, with no good describe in between. A transient failure may happen to
# any call; the others are about one tuning job only where a permission or an account is.
_TRANSIENT, _LASTING = 3, 2


class Suspicion(Enum):
    """What a failed describe says of the other tuning jobs of its target."""

    NONE = auto()
    ONE_MORE = auto()
    """Another one should be described, to see whether it fails too."""
    ALL = auto()
    """They may all fail."""


class Suspicions:
    """Of one target. ``all_may_fail`` holds from ``Suspicion.ALL`` to the next good describe."""

    def __init__(self) -> None:
        self._in_a_row = 0
        self.all_may_fail = False

    def succeeded(self) -> bool:
        """Take a good describe, and tell whether there was a suspicion."""
        suspected, self._in_a_row, self.all_may_fail = self._in_a_row > 0, 0, False
        return suspected

    def failed(self, failure: Failure, before: Failure | None, *, hung: bool) -> Suspicion:
        """Take a describe that failed; ``before`` is by what the tuning job failed already, ``hung`` that it was given up.

        Only a tuning job that begins to fail is news: one that goes on tells nothing of the others.
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
