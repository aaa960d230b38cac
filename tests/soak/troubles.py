"""What happens in a soak, and when: each kind of event comes at random, so often in a day."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from soak.account import PLACES

from exporter.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

DAY = 86_400.0
QUIET_FROM = 0.75 * DAY
"""From then on no new trouble begins on a day, and what there is ends."""

A_DAY = {
    "a tuning job comes": 40.0,
    "a fault": 12.0,
    "an outage": 0.5,
    "a reload": 6.0,
    "a bad configuration": 1.0,
    "new keys": 4.0,
    "a new certificate of AWS": 2.0,
    "a new certificate of the exporter": 2.0,
    "a new password": 2.0,
}
"""How often things happen on average."""

ALSO_WHEN_QUIET = frozenset({"a tuning job comes", "new keys"})
REGULAR = frozenset({"new keys"})
"""What comes at equal distances: keys are replaced before they expire."""

_OPERATIONS = (
    None,
    "DescribeHyperParameterTuningJob",
    "ListHyperParameterTuningJobs",
    "ListTrainingJobsForHyperParameterTuningJob",
    "ListTags",
    "AssumeRole",
)
_SECONDS = 0.05
"""How late a slow answer is, and each byte of a dripping one, on the machine's clock."""


class Event(NamedTuple):
    """Something that happens at a moment, in seconds since the start."""

    at: float
    what: str


def events(days: int, rng: Random) -> Iterator[Event]:
    """Yield what happens on so many days, in order."""
    found = []
    for what, often in A_DAY.items():
        at = 0.0
        while (at := at + (DAY / often if what in REGULAR else rng.expovariate(often / DAY))) < days * DAY:
            if what in ALSO_WHEN_QUIET or at % DAY < QUIET_FROM:
                found.append(Event(at, what))
    yield from sorted(found)


def fault(rng: Random) -> Fault:
    """Return a fault: of any kind, and of some requests or all."""
    kind = rng.choice(list(Kind))
    region = rng.choice((None, *(region for region, _ in PLACES)))
    rate = rng.choice((0.1, 0.5, 1.0))
    return Fault(kind, operation=rng.choice(_OPERATIONS), region=region, rate=rate, seconds=_SECONDS)
