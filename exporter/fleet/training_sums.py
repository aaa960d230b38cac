"""What the training jobs of one tuning job come to: each that has ended is added once, whatever is read again.

No record is kept. Of a training job that was added stay a digest of its name, by which it is known when it is read again,
its end, how long it trained and on what instances: 25 bytes, since a tuning job may have 10,000 of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from exporter.fleet.view import Incomplete, Spend
from exporter.statuses import ENDED_TRAINING_JOB_STATUSES
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from exporter.config.specs import SpendSpec
    from exporter.tuning_job import Bill, Definition, Training, TrainingJob

Number = int | float
Instances = tuple[tuple[str, str, Number], ...]
"""Type, spot and count of what a training job runs on."""

_FAILED = ("RetryableError", "NonRetryableError")
_SPOT = {True: "true", False: "false", None: ""}
_NEVER = float("-inf")
_HOUR = 3_600.0
_MOST_INSTANCES = 1e6


class Open(NamedTuple):
    """A training job that had not ended when it was read. ``start`` is None while it waits for instances."""

    start: float | None
    instances: Instances | None


class Missing(NamedTuple):
    """How many more training jobs the counters of a describe tell than are known: of those that have ended, and in all."""

    completed: Number = 0
    failed: Number = 0
    stopped: Number = 0
    launched: Number = 0


class TrainingSums:
    """The sums of one tuning job. They only grow. Not thread-safe: used under the target's lock."""

    def __init__(self) -> None:
        self.open: dict[int, Open] = {}
        self.capped = False  # some that were not added are beyond what may be read
        self._digests, self._ends, self._seconds = array("Q"), array("d"), array("d")  # in the order of the digests
        self._places = array("B")  # in ``_instances``
        self._instances: list[Instances | None] = []
        self._ended: Counter[str] = Counter()
        self._trained: dict[str, tuple[int, float]] = {}
        self._instance_seconds: dict[tuple[str, str, str], float] = {}
        self._failures: Counter[str] = Counter()
        self._unknown = 0  # that trained on unknown instances
        self._untimed = 0  # that trained for an unknown time
        self._billed: dict[tuple[str, str, str], float] = {}
        self._not_billed = 0
        self._given_up = Missing()

    def __len__(self) -> int:
        """Return how many were added."""
        return len(self._digests)

    def has(self, digest: int) -> bool:
        """Tell whether a training job was added."""
        place = bisect_left(self._digests, digest)
        return place < len(self._digests) and self._digests[place] == digest

    def add(
        self, training: Training, definitions: Sequence[Definition], classify: Callable[[str | None], str]
    ) -> str | None:
        """Add one that has ended and was not added before. Return why it failed, None where it did not."""
        place = bisect_left(self._digests, digest := digest_of(training.name))
        seconds = training.seconds
        self._digests.insert(place, digest)
        self._ends.insert(place, _NEVER if training.end_time is None else training.end_time)
        self._seconds.insert(place, seconds or 0.0)
        self._places.insert(place, self._place_of(instances := instances_of(training, definitions)))
        self._ended[training.status] += 1
        if seconds is not None:
            count, total = self._trained.get(training.status, (0, 0.0))
            self._trained[training.status] = count + 1, total + seconds
            self._add_instances(training, seconds, instances)
        elif training.start_time is not None:
            self._untimed += 1
        if training.status != "Failed":
            return None
        reason = classify(training.failure_reason)
        self._failures[reason] += 1
        return reason

    def _place_of(self, instances: Instances | None) -> int:
        """Return where these instances are kept. A tuning job has ten definitions at most, and so many are kept."""
        if instances not in self._instances:
            self._instances.append(instances)
        return self._instances.index(instances)

    def _add_instances(self, training: Training, seconds: float, instances: Instances | None) -> None:
        if instances is None:
            self._unknown += 1
            return
        _add(self._instance_seconds, instances, training.status, seconds)

    def bill(self, bill: Bill) -> None:
        """Take what is billed for one that was added, and what it ran on where that was not known. Once for each."""
        if not self.has(digest_of(bill.name)):
            return
        place = bisect_left(self._digests, digest_of(bill.name))
        known = self._instances[self._places[place]]
        told = _of_bill(bill, known)
        if told is None or bill.billable_seconds is None:
            self.not_billed()
            return
        if known is None:
            self._unknown -= 1
            self._places[place] = self._place_of(told)
            _add(self._instance_seconds, told, bill.status, self._seconds[place])
        _add(self._billed, told, bill.status, float(bill.billable_seconds))

    def not_billed(self) -> None:
        """Take that what is billed for one will stay unknown."""
        self._not_billed += 1

    def missing(self, counters: Mapping[str, Number], open_: int | None = None) -> Missing:
        """Return what the counters of a describe tell and is not known here, ``open_`` being how many are open."""
        told = counters.get("Completed", 0), sum(counters.get(each, 0) for each in _FAILED), counters.get("Stopped", 0)
        completed, failed, stopped = (
            max(0, more - self._ended[status]) for more, status in zip(told, ENDED_TRAINING_JOB_STATUSES, strict=True)
        )
        known_in_all = len(self) + (len(self.open) if open_ is None else open_)
        return Missing(completed, failed, stopped, max(0, sum(counters.values()) - known_in_all))

    def agree(self, counters: Mapping[str, Number], open_: int | None = None) -> bool:
        """Tell whether nothing is missing but what was looked for in vain."""
        return all(lack <= in_vain for lack, in_vain in zip(self.missing(counters, open_), self._given_up, strict=True))

    def look_again(self) -> None:
        """Look again for all that is missing: more may be read than before."""
        self.capped, self._given_up = False, Missing()

    def only(self, reasons: Collection[str], other: str) -> None:
        """Count failures for reasons that no longer exist as others, so that reloads do not add reasons for ever."""
        for reason in self._failures.keys() - reasons:
            self._failures[other] += self._failures.pop(reason)

    def give_up(self, counters: Mapping[str, Number]) -> None:
        """Look no more for what is missing now."""
        self._given_up = self.missing(counters)

    def note_found(self, counters: Mapping[str, Number]) -> None:
        """Look again for what is missing beside what was given up and is missing still."""
        both = zip(self._given_up, self.missing(counters), strict=True)
        self._given_up = Missing(*(min(in_vain, lack) for in_vain, lack in both))

    @property
    def waits(self) -> bool:
        """Whether a training job has not begun to train: that it does changes no counter."""
        return any(each.start is None for each in self.open.values())

    def spend(
        self,
        counters: Mapping[str, Number],
        definitions: Sequence[Definition],
        best: TrainingJob | None,
        running_at: float | None,
        asked: SpendSpec,
        *,
        bills_wait: bool = False,
    ) -> Spend:
        """Return what is shown. ``running_at`` is when the list was read last (Unix seconds), None: what runs is not known.

        ``bills_wait`` tells that a bill has not come yet that was asked for.
        """
        with_instances, searched, prices = asked.billable != "off", asked.billable == "search", asked.prices
        priced = self._billed if searched else self._instance_seconds
        starts = {digest: each.start for digest, each in self.open.items() if each.start is not None}
        if running_at is None:
            starts = {}
        running = {digest: max(0.0, (running_at or start) - start) for digest, start in starts.items()}
        short = any(self.missing(counters))
        unknown = self._unknown > 0 or any(
            each.start is not None and each.instances is None for each in self.open.values()
        )
        return Spend(
            trained=tuple(
                (status, *self._trained[status]) for status in ENDED_TRAINING_JOB_STATUSES if status in self._trained
            ),
            instance_seconds=tuple(sorted(self._instance_seconds.items())) if with_instances else (),
            billed_seconds=tuple(sorted(self._billed.items())) if searched else (),
            failures=tuple(sorted(self._failures.items())),
            running_seconds=None if running_at is None else sum(running.values()),
            running_instances=self._running_instances(definitions) if running_at is not None and with_instances else (),
            oldest_start=min(starts.values(), default=None),
            seconds_since_best=None if running_at is None else self._since(best, running, lambda _: 1.0),
            currency=asked.currency,
            cost=tuple(_cost(priced, prices).items()) if prices and with_instances else (),
            cost_since_best=self._cost_since(best, running, definitions, prices)
            if prices and with_instances and running_at is not None
            else None,
            incomplete=Incomplete(
                page_limit=short and self.capped,
                records_missing=(short and not self.capped) or self._untimed > 0,
                billable_unknown=with_instances and (unknown or (searched and (bills_wait or self._not_billed > 0))),
                unpriced=with_instances
                and prices is not None
                and not self.instance_types(definitions) <= prices.keys(),
            ),
        )

    def _running_instances(self, definitions: Sequence[Definition]) -> tuple[tuple[tuple[str, str], Number], ...]:
        counts: dict[tuple[str, str], Number] = {}
        for definition in definitions:
            counts |= {(each, spot): 0 for each, spot, _ in _instances(definition) or ()}
        for each in self.open.values():
            for instance_type, spot, count in (each.instances or ()) if each.start is not None else ():
                counts[instance_type, spot] = counts.get((instance_type, spot), 0) + count
        return tuple(counts.items())

    def instance_types(self, definitions: Sequence[Definition]) -> set[str]:
        """Return the instance types that training jobs run on or have run on."""
        possible = {each for definition in definitions for each, _, _ in _instances(definition) or ()}
        return possible | {instance_type for instance_type, _, _ in (*self._instance_seconds, *self._billed)}

    def _cost_since(
        self,
        best: TrainingJob | None,
        running: Mapping[int, float],
        definitions: Sequence[Definition],
        prices: Mapping[str, float],
    ) -> float | None:
        def rate(instances: Instances | None) -> float:
            return sum(count * prices.get(each, 0.0) / _HOUR for each, _, count in instances or ())

        return self._since(best, running, rate) if self.instance_types(definitions) & prices.keys() else None

    def _since(
        self, best: TrainingJob | None, running: Mapping[int, float], rate: Callable[[Instances | None], float]
    ) -> float | None:
        """Return the seconds since the best one, each at the rate of its instances."""
        if best is None or best.end_time is None:
            return None
        itself = None if best.name is None else digest_of(best.name)
        rates = [rate(each) for each in self._instances]
        ended = zip(self._digests, self._ends, self._seconds, self._places, strict=True)
        after = sum(
            seconds * rates[place] for digest, end, seconds, place in ended if end > best.end_time and digest != itself
        )
        return after + sum(
            seconds * rate(self.open[digest].instances) for digest, seconds in running.items() if digest != itself
        )


def _cost(seconds_of: Mapping[tuple[str, str, str], float], prices: Mapping[str, float]) -> dict[str, float]:
    """Return what seconds by type, spot and status cost by status; what has no price is left out."""
    cost: dict[str, float] = {}
    for (instance_type, _, status), seconds in sorted(seconds_of.items()):
        if instance_type in prices:
            cost[status] = cost.get(status, 0.0) + seconds / _HOUR * prices[instance_type]
    return cost


def digest_of(name: str) -> int:
    """Return eight bytes that tell a training job's name from the others of its tuning job."""
    return int.from_bytes(blake2b(name_key(name).encode(), digest_size=8).digest())


def instances_of(training: Training, definitions: Sequence[Definition]) -> Instances | None:
    """Return type, spot and count of the instances that a training job runs on; None where the definitions do not tell."""
    named = [each for each in definitions if each.name == training.definition_name]
    candidates = named or (definitions if len(definitions) == 1 else [])
    return _instances(candidates[0]) if len(candidates) == 1 else None


def _instances(definition: Definition) -> Instances | None:
    if definition.one_of_instances or not definition.instances:
        return None
    spot = _SPOT[definition.spot]
    counted = [
        (each, spot, count)
        for each, count in definition.instances
        if count is not None and 0 <= count <= _MOST_INSTANCES
    ]
    return tuple(counted) if len(counted) == len(definition.instances) else None


def _of_bill(bill: Bill, known: Instances | None) -> Instances | None:
    """Return what a training job ran on by its own record, or as it is known where the record does not tell all."""
    if not bill.instances or any(count is None for _, count in bill.instances):
        return known
    spot = known[0][1] if bill.spot is None and known else _SPOT[bill.spot]
    return tuple((each, spot, count) for each, count in bill.instances if count is not None)


def _add(sums: dict[tuple[str, str, str], float], instances: Instances, status: str, seconds: float) -> None:
    for instance_type, spot, count in instances:
        key = instance_type, spot, status
        sums[key] = sums.get(key, 0.0) + seconds * count
