"""What a fuzz target is: a way in, cases to begin with, and how one case becomes another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence


LONGEST_SECONDS = 1.0
"""Of CPU, for one case: what a loaded machine takes away does not count."""


class Outcome(NamedTuple):
    """What became of a case: in a few words, of which there are few, and whether it came past the first parser."""

    kind: str
    deep: bool


class Defect(Exception):
    """What the exporter may never do, found by a target's own checks."""


class Target(Protocol):
    """One way into the exporter."""

    def seeds(self) -> Sequence[bytes]:
        """Return cases that are whole: real files, answers and requests."""

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Return another case that is like this one in form, but for once in a while."""

    def run(self, case: bytes) -> Outcome:
        """Take a case in. Raise whatever the exporter raises that it may not raise, ``Defect`` among them."""

    def seconds(self, case: bytes) -> float:
        """Return how long a case may take, of CPU."""
        del case
        return LONGEST_SECONDS
