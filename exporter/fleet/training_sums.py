"""The sums over the training jobs of one tuning job. Each training job that has ended is added exactly once.

Only 25 bytes are kept for each training job, because a tuning job may have 10,000 of them: a digest of its name, to know it
again, its end time, how long it trained, and on which instances.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from exporter.fleet.view import Incomplete, Spend
from exporter.statuses import COUNTED_AS, ENDED_TRAINING_JOB_STATUSES, FAILED
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from exporter.config.specs import SpendSpec
    from exporter.tuning_job import Bill, Definition, Training, TrainingJob

Number = int | float
Instances = tuple[tuple[str, str, Number], ...]
"""The instances that a training job runs on: type, spot (``"true"``, ``"false"`` or ``""`` for unknown) and count."""

_SPOT = {True: "true", False: "false", None: ""}
_NEVER = float("-inf")
_HOUR = 3_600.0
_MOST_INSTANCES = 1e6


class Open(NamedTuple):
    """A training job that had not ended when it was read. ``start`` is in Unix seconds, None while it waits for instances."""

    start: float | None
    instances: Instances | None


class Missing(NamedTuple):
    """How many training jobs are missing: counted by the describe, but not known here. By status of the ended, and in all."""

    completed: Number = 0
    failed: Number = 0
    stopped: Number = 0
    launched: Number = 0


class TrainingSums:
    """The sums of one tuning job. They never fall. Not thread-safe: used with the target's lock held."""

    def __init__(self) -> None:
        self.open: dict[int, Open] = {}
        self.capped = False  # a limit kept some from being read
        self._digests, self._ends, self._seconds = array("Q"), array("d"), array("d")  # in the order of the digests
        self._places = array("B")  # in ``_instances``
        self._instances: list[Instances | None] = []
        self._ended: Counter[str] = Counter()
        self._trained: dict[str, tuple[int, float]] = {}
        self._instance_seconds: dict[tuple[str, str, str], float] = {}
        self._failures: Counter[str] = Counter()
        self._unknown = 0  # trained on unknown instances
        self._untimed = 0  # trained for an unknown time
        self._billed: dict[tuple[str, str, str], float] = {}
        self._not_billed = 0
        self._given_up = Missing()

    def __len__(self) -> int:
        """Return the number of training jobs that were added."""
        return len(self._digests)

    def has(self, digest: int) -> bool:
        """Return whether a training job was added."""
        place = bisect_left(self._digests, digest)
        return place < len(self._digests) and self._digests[place] == digest

    def add(
        self, training: Training, definitions: Sequence[Definition], classify: Callable[[str | None], str]
    ) -> str | None:
        """Add a training job that has ended and was not added before. Return the class of its failure, None if it did not fail."""
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
        if training.status != FAILED:
            return None
        reason = classify(training.failure_reason)
        self._failures[reason] += 1
        return reason

    def _place_of(self, instances: Instances | None) -> int:
        """Return the index of these instances in ``_instances``. A tuning job has ten definitions at most, so the list is short."""
        if instances not in self._instances:
            self._instances.append(instances)
        return self._instances.index(instances)

    def _add_instances(self, training: Training, seconds: float, instances: Instances | None) -> None:
        if instances is None:
            self._unknown += 1
            return
        _add(self._instance_seconds, instances, training.status, seconds)

    def bill(self, bill: Bill) -> None:
        """Add the billed seconds of a training job, and its instances if they were not known. Call this once for each."""
        if not self.has(digest_of(bill.name)):
            return
        place = bisect_left(self._digests, digest_of(bill.name))
        known = self._instances[self._places[place]]
        instances = _of_bill(bill, known)
        if instances is None or bill.billable_seconds is None:
            self.not_billed()
            return
        if known is None:
            self._unknown -= 1
            self._places[place] = self._place_of(instances)
            _add(self._instance_seconds, instances, bill.status, self._seconds[place])
        _add(self._billed, instances, bill.status, float(bill.billable_seconds))

    def not_billed(self) -> None:
        """Count a training job whose billed seconds will stay unknown."""
        self._not_billed += 1

    def missing(self, counters: Mapping[str, Number], open_: int | None = None) -> Missing:
        """Return how many training jobs the counters of a describe have that are not known here. ``open_`` counts the open ones."""
        completed, failed, stopped = (
            max(0, sum(counters.get(each, 0) for each in counted_as) - self._ended[status])
            for status, counted_as in COUNTED_AS.items()
        )
        known_in_all = len(self) + (len(self.open) if open_ is None else open_)
        return Missing(completed, failed, stopped, max(0, sum(counters.values()) - known_in_all))

    def agree(self, counters: Mapping[str, Number], open_: int | None = None) -> bool:
        """Return whether nothing is missing, apart from what was given up."""
        return all(lack <= in_vain for lack, in_vain in zip(self.missing(counters, open_), self._given_up, strict=True))

    def look_again(self) -> None:
        """Search again for everything that is missing, because a limit was raised."""
        self.capped, self._given_up = False, Missing()

    def only(self, reasons: Collection[str], other: str) -> None:
        """Count failures of classes that no longer exist under ``other``, so that reloads do not add ever more classes."""
        for reason in self._failures.keys() - reasons:
            self._failures[other] += self._failures.pop(reason)

    def give_up(self, counters: Mapping[str, Number]) -> None:
        """Stop searching for what is missing now."""
        self._given_up = self.missing(counters)

    def note_found(self, counters: Mapping[str, Number]) -> None:
        """Reduce what was given up to what is still missing, so that anything else that is missing is searched for."""
        both = zip(self._given_up, self.missing(counters), strict=True)
        self._given_up = Missing(*(min(in_vain, lack) for in_vain, lack in both))

    @property
    def waits(self) -> bool:
        """Whether a training job waits to start training. No counter changes when it starts."""
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
        """Return the sums to show.

        ``running_at`` is when the list was last read (Unix seconds); None means that it is not known what runs now.
        ``bills_wait`` is True while billed seconds were asked for but are not known yet.
        """
        with_instances, searched, prices = asked.billable != "off", asked.billable == "search", asked.prices
        priced = self._billed if searched else self._instance_seconds
        training = self._training
        starts = {} if running_at is None else {digest: start for digest, (start, _) in training.items()}
        running = {digest: max(0.0, (running_at or start) - start) for digest, start in starts.items()}
        short = any(self.missing(counters))
        unknown = self._unknown > 0 or any(instances is None for _, instances in training.values())
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

    @property
    def _training(self) -> dict[int, tuple[float, Instances | None]]:
        """When each running training job began to train, and its instances.

        While a list is being read, one that has ended on its first pages may still be among the open ones.
        """
        return {
            digest: (each.start, each.instances)
            for digest, each in self.open.items()
            if each.start is not None and not self.has(digest)
        }

    def _running_instances(self, definitions: Sequence[Definition]) -> tuple[tuple[tuple[str, str], Number], ...]:
        counts: dict[tuple[str, str], Number] = {}
        for definition in definitions:
            counts |= {(each, spot): 0 for each, spot, _ in _instances(definition) or ()}
        for _, instances in self._training.values():
            for instance_type, spot, count in instances or ():
                counts[instance_type, spot] = counts.get((instance_type, spot), 0) + count
        return tuple(counts.items())

    def instance_types(self, definitions: Sequence[Definition]) -> set[str]:
        """Return the instance types that training jobs use, have used or may use."""
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
        """Return the training time after the best training job, each second multiplied by the rate of its instances."""
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
    """Return the cost by status, from seconds by type, spot and status. Types without a price are left out."""
    cost: dict[str, float] = {}
    for (instance_type, _, status), seconds in sorted(seconds_of.items()):
        if instance_type in prices:
            cost[status] = cost.get(status, 0.0) + seconds / _HOUR * prices[instance_type]
    return cost


def digest_of(name: str) -> int:
    """Return an eight-byte digest of a training job's name, unique within its tuning job."""
    return int.from_bytes(blake2b(name_key(name).encode(), digest_size=8).digest())


def instances_of(training: Training, definitions: Sequence[Definition]) -> Instances | None:
    """Return the instances that a training job runs on. None if the definitions do not tell."""
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
    """Return the instances in a training job's own record, or ``known`` if the record is not complete."""
    if not bill.instances or any(count is None for _, count in bill.instances):
        return known
    spot = known[0][1] if bill.spot is None and known else _SPOT[bill.spot]
    return tuple((each, spot, count) for each, count in bill.instances if count is not None)


def _add(sums: dict[tuple[str, str, str], float], instances: Instances, status: str, seconds: float) -> None:
    for instance_type, spot, count in instances:
        key = instance_type, spot, status
        sums[key] = sums.get(key, 0.0) + seconds * count
