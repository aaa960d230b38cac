"""A fleet drawn by chance: tuning jobs, who watches them, and what goes wrong meanwhile."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from replay.faults import ALL, AWAY, Fault, Kind
from replay.kinds import TROUBLED, healthy, paced
from replay.life import Course, Told

from exporter.config import Settings, defaults, parse
from exporter.errors import ErrorCode
from exporter.simulator.chance import chance
from exporter.simulator.scenario import HOUR, MINUTE, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DAY = 24 * HOUR

START = 1_750_000_200.0
"""Unix time at which a replay begins."""

EXPORTER = "SageMakerTuningExporter"
SHARE_TROUBLED = 0.3

STARVED = 0.001
"""Requests a second: ten times fewer than can be configured, as if there were ten times as many tuning jobs."""


class Place(NamedTuple):
    """An account in a region. ``prefixes`` are the beginnings of names that a rule finds, with their teams."""

    region: str
    account_id: str
    prefixes: tuple[tuple[str, str], ...] = ()


DISCOVERED = Place("eu-west-1", "111122223333", (("ranking-", "search"), ("pricing-", "pricing")))
LISTED = Place("us-east-1", "444455556666")
PLACES = (DISCOVERED, LISTED)
OLD = "reference-2024"
"""Ended long ago, and listed for ever."""


class Entry(NamedTuple):
    """A tuning job that the configuration lists from one Unix time to another."""

    name: str
    team: str | None
    since: float
    until: float


@dataclass(frozen=True)
class Fleet:
    """Everything that happens in a replay. ``start`` and ``end`` are Unix seconds.

    ``interval`` is the seconds between scrapes, ``evaluation`` between evaluations of the rules. The exporter keeps to its
    defaults.
    """

    seed: int
    interval: float
    start: float
    end: float
    lives: tuple[Told, ...]
    untracked: tuple[Told, ...]
    entries: tuple[Entry, ...]
    faults: tuple[Fault, ...]
    own_evaluation: float | None = None

    @property
    def evaluation(self) -> float:
        return self.own_evaluation or self.interval

    @property
    def lag(self) -> float:
        """What it takes, beside an alert's stated time, to be listed, described, scraped and evaluated, in seconds.

        A list may show a change only in the round after the next, since it lags.
        """
        return 2 * defaults.INTERVAL + 2 * max(self.interval, self.evaluation)

    @cached_property
    def blind_starts(self) -> tuple[Fault, ...]:
        """What is wrong with pods that happen to start while a target does not answer."""
        starts = [fault.until for fault in self.faults if fault.kind in AWAY]
        return tuple(
            replace(fault, kind=Kind.BLIND, since=start, alert=EXPORTER + "Blind")
            for fault in self.faults
            if fault.silences(only_rules=fault.region == DISCOVERED.region)
            for start in starts
            if fault.holds(start)
        )

    def lives_of(self, place: Place) -> Iterator[Told]:
        """Yield all tuning jobs of a place, watched or not."""
        return (life for life in (*self.lives, *self.untracked) if life.region == place.region)

    def busy(self, region: str | None, since: float, until: float) -> bool:
        """Tell whether a tuning job that was known before runs throughout, without which nobody sees that AWS fails."""
        known = (life for life in self.lives if region in {None, life.region} and life.created < since - DAY / 96)
        return any(life.in_progress_until > until and (life.gone or math.inf) > until for life in known)

    def settings(self, t: float) -> Settings:
        """Return the configuration in force at a moment."""
        starved = {fault.region for fault in self.faults if fault.kind is Kind.STARVED and fault.holds(t)}

        def where(place: Place) -> dict[str, Any]:
            return {"region": place.region, "account_id": place.account_id}

        rules = [
            {"name_contains": prefix, "labels": {"team": team}, **where(DISCOVERED)}
            for prefix, team in DISCOVERED.prefixes
        ]
        jobs = [
            {"name": entry.name, **({"labels": {"team": entry.team}} if entry.team else {}), **where(LISTED)}
            for entry in self.entries
            if entry.since <= t < entry.until
        ]
        document = {"collect": ["hyperparameters"], "discover": rules, "tuning_jobs": jobs}
        settings = parse(json.dumps(document), "replay.json")
        targets = [
            replace(spec, requests_per_second=STARVED) if spec.key.region in starved else spec
            for spec in settings.targets
        ]
        return replace(settings, targets=tuple(targets))


def draw(seed: int, jobs: int, days: float, interval: float) -> Fleet:
    """Return the fleet of a seed: so many tuning jobs in so many days, scraped each ``interval`` seconds."""
    rng = chance("replay", seed)
    end = START + days * DAY
    troubled = [*TROUBLED] * math.ceil(SHARE_TROUBLED * jobs / len(TROUBLED))
    rng.shuffle(troubled)
    draws = [*troubled[: max(len(TROUBLED), round(SHARE_TROUBLED * jobs))]]
    draws += [healthy] * (jobs - len(draws))
    rng.shuffle(draws)
    last = end - min(36 * HOUR, 0.4 * (end - START))
    lives = [_life(rng, number, each(rng), last) for number, each in enumerate(draws)]
    slots = _slots(rng, START, end, jobs)
    faults = [*_without_impossible_restarts([*_faults(rng, slots, lives, interval)])]
    untracked = [*_untracked(rng, slots)]
    entries = [Entry(OLD, None, START, math.inf), *_entries(rng, lives, interval)]
    entries += [Entry(f.name or "", None, f.since, f.until) for f in faults if f.kind is Kind.MISSPELT]
    old = SCENARIOS["vintage-2020"]
    lives.append(_told(OLD, Course("old", old, old), LISTED, START - 40 * DAY, seed))
    return Fleet(seed, interval, START, end, tuple(lives), tuple(untracked), tuple(entries), tuple(faults))


def _told(name: str, course: Course, place: Place, created: float, seed: int) -> Told:
    return Told(name, course, region=place.region, account_id=place.account_id, created=created, seed=seed)


def _life(rng: Random, number: int, course: Course, last: float) -> Told:
    place = rng.choices(PLACES, (2, 1))[0]
    prefix = rng.choice(place.prefixes)[0] if place.prefixes else ""
    created = rng.uniform(START + 30 * MINUTE, last)
    return _told(f"{prefix}{course.kind}-{number:03}", course, place, created, rng.getrandbits(32))


def _entries(rng: Random, lives: Iterable[Told], interval: float) -> Iterator[Entry]:
    """Yield what is listed: from about the creation to a day after the end, some for longer than they exist."""
    for life in lives:
        if life.region == LISTED.region:
            since = life.created - rng.choice((0, 0, 5, 9)) * MINUTE
            until = math.inf if life.ended is None else life.ended + DAY
            if life.gone is not None:
                until = min(until, life.gone + rng.choice((-2 * interval, 4 * HOUR)))
            yield Entry(life.name, rng.choice(("research", "search", None)), since, until)


Slot = tuple[float, float]


def _slots(rng: Random, start: float, end: float, jobs: int) -> Iterator[Slot]:
    """Yield stretches of time that do not overlap, in any order, with time to recover after each."""
    number = 24 if jobs < 100 else 48
    length = (end - start) / number
    begins = [start + place * length for place in range(number)]
    rng.shuffle(begins)
    return iter([(begin + rng.uniform(0.05, 0.2) * length, begin + 0.75 * length) for begin in begins])


def _faults(rng: Random, slots: Iterator[Slot], lives: Sequence[Told], interval: float) -> Iterator[Fault]:
    def during(slot: Slot, least: float, most: float) -> Slot:
        return slot[0], min(slot[0] + rng.uniform(least, most), slot[1])

    def region() -> str:
        return rng.choice(PLACES).region

    def refused(least: float, most: float, alert: str | None, code: ErrorCode, **how: Any) -> Fault:
        since, until = during(next(slots), least, most)
        return Fault(Kind.REFUSED, since, until, alert, how.pop("region", None) or region(), code=code, **how)

    many = 2 if len(lives) >= 100 else 1
    describe, lists = frozenset({"Describe"}), frozenset({"List"})
    there = DISCOVERED.region  # where a list matters
    for _ in range(many):
        yield refused(1 * HOUR, 3 * HOUR, EXPORTER + "AccessDenied", ErrorCode.ACCESS_DENIED, operations=describe)
        yield refused(
            1.5 * HOUR, 3 * HOUR, EXPORTER + "CallsFailing", ErrorCode.ACCESS_DENIED, operations=lists, region=there
        )
        share = rng.uniform(0.3, 0.6)
        yield refused(1.5 * HOUR, 3 * HOUR, EXPORTER + "Throttled", ErrorCode.THROTTLED, share=share)
        since, until = during(next(slots), 1 * HOUR, 4 * HOUR)
        yield Fault(Kind.STARVED, since, until, EXPORTER + "DataStale", there)
        since, until = during(next(slots), 1 * HOUR, 3 * HOUR)
        yield Fault(Kind.MISSPELT, since, until, "SageMakerTuningJobMissing", LISTED.region, f"no-{int(since)}")
        since, until = during(next(slots), 20 * MINUTE, 2 * HOUR)
        yield Fault(Kind.BAD_CONFIGURATION, since, until, EXPORTER + "ConfigReloadFailed")
        since, until = during(next(slots), 1 * HOUR, 3 * HOUR)
        running = [life for life in lives if life.created < since and until < life.in_progress_until]
        running = [life for life in running if (life.gone or math.inf) > until]
        if running:
            code = rng.choice((ErrorCode.SERVER_ERROR, ErrorCode.TIMEOUT))
            about = rng.choice(running)
            yield Fault(
                Kind.REFUSED,
                since,
                until,
                "SageMakerTuningJobDescribeFailing",
                about.region,
                about.name,
                describe,
                code,
            )
    for operations, codes in (
        (ALL, (ErrorCode.NO_CREDENTIALS, ErrorCode.ASSUME_ROLE_DENIED, ErrorCode.CONNECTION)),
        (lists, (ErrorCode.ACCESS_DENIED,)),
    )[:many]:
        since, until = during(next(slots), 30 * MINUTE, 2 * HOUR)
        code = rng.choice(codes)
        yield Fault(Kind.BLIND, since, until, EXPORTER + "Blind", there, operations=operations, code=code)
    yield refused(40 * MINUTE, 2 * HOUR, "SageMakerTuningJobDescribeFailing", ErrorCode.SERVER_ERROR)
    yield refused(1 * HOUR, 3 * HOUR, EXPORTER + "AccessDenied", ErrorCode.EXPIRED_CREDENTIALS)
    yield refused(1 * HOUR, 3 * HOUR, EXPORTER + "CallsFailing", ErrorCode.TIMEOUT, operations=lists, region=there)
    since, until = during(next(slots), 1 * HOUR, 2 * HOUR)
    yield Fault(Kind.SILENT, since, until, EXPORTER + "DataStale", region())
    for kind in (Kind.DOWN, Kind.GONE):
        yield Fault(kind, *during(next(slots), 30 * MINUTE, 2 * HOUR), EXPORTER + "Down")
    # From here on nothing that anybody should be told.
    for _ in range(many):
        yield refused(2 * MINUTE, 9 * MINUTE, None, ErrorCode.SERVER_ERROR)
        yield refused(2 * HOUR, 9 * HOUR, None, ErrorCode.TIMEOUT, share=0.1)
        yield refused(2 * HOUR, 9 * HOUR, None, ErrorCode.THROTTLED, share=0.03)
        yield Fault(Kind.DOWN, *during(next(slots), 2 * MINUTE, 6 * MINUTE))
    yield Fault(Kind.BAD_CONFIGURATION, *during(next(slots), 1 * MINUTE, 2 * MINUTE))
    for _ in range(6 * many):
        at = rng.uniform(START + HOUR, max(life.created for life in lives))
        yield Fault(Kind.RESTART, at, at + rng.choice((0, 1, 2)) * interval + 1)


def _without_impossible_restarts(faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield the faults but for the pods that would have to start on a configuration with a mistake."""
    mistakes = [fault for fault in faults if fault.kind is Kind.BAD_CONFIGURATION]
    for fault in faults:
        starts = fault.kind is Kind.RESTART
        if not (starts and any(fault.since < other.until and other.since <= fault.until for other in mistakes)):
            yield fault


def _untracked(rng: Random, slots: Iterator[Slot]) -> Iterator[Told]:
    """Yield tuning jobs that nobody watches, some of them gone before anybody has to know."""
    for number, slot in enumerate(slots):
        hours = (0.3, 0.5) if number % 2 else (2.5, 6.0)
        scenario = paced("completed", rng, hours, parallel=3, trainings=(8,))
        course = Course("adhoc", scenario, scenario)
        # Where nothing is discovered, the list that tells of them is not always read.
        place = rng.choice(PLACES) if number % 2 else DISCOVERED
        yield _told(f"adhoc-{number:03}", course, place, slot[0], rng.getrandbits(32))
        if number == 5:
            return
