"""A fleet drawn by chance: tuning jobs, who watches them, and what goes wrong meanwhile."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, replace
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from replay.faults import ALL, AWAY, Fault, Kind
from replay.kinds import COSTLY, TROUBLED, healthy, paced
from replay.life import Course, Told
from replay.promises import EXPORTER, JOB, Cause

from exporter.config import Settings, defaults, parse
from exporter.errors import ErrorCode
from exporter.simulator.chance import chance
from exporter.simulator.scenario import HOUR, MINUTE, SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

DAY = 24 * HOUR

START = 1_750_000_200.0
"""Unix time at which a replay begins."""

SHARE_TROUBLED = 0.3
LONG = 0.05
"""The share of tuning jobs that may last for most of the whole time, and so for up to 30 days."""

PRICE = 10.0
"""What an instance costs an hour, of whatever type."""

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

    ``interval`` is the seconds between scrapes, ``evaluation`` between evaluations of the rules. So many ``replicas`` of the
    exporter are scraped, and this share of their scrapes is ``lost``. The exporter keeps to its defaults, but where it ``collects``
    training jobs and knows what they cost.
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
    replicas: int = 1
    lost: float = 0.0
    collects: bool = False

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
        starts = [fault for fault in self.faults if fault.kind in AWAY]
        return tuple(
            replace(
                fault,
                kind=Kind.BLIND,
                since=start.until,
                replica=start.replica,
                alert=EXPORTER + ("Blind" if start.replica is None or self.replicas == 1 else "ReplicaBlind"),
                also=(EXPORTER + "ReplicaBlind", EXPORTER + "Blind"),
            )
            for fault in self.faults
            if fault.silences(only_rules=fault.region == DISCOVERED.region)
            for start in starts
            if fault.holds(start.until)
        )

    def lives_of(self, place: Place) -> Iterator[Told]:
        """Yield all tuning jobs of a place, watched or not."""
        return (life for life in (*self.lives, *self.untracked) if life.region == place.region)

    def busy(self, region: str | None, since: float, until: float) -> bool:
        """Tell whether a tuning job that was known before runs throughout, without which nobody sees that AWS fails."""
        known = (life for life in self.lives if region in {None, life.region} and life.created < since - DAY / 96)
        return any(life.in_progress_until > until and (life.gone or math.inf) > until for life in known)

    @cached_property
    def _budgets(self) -> dict[str, float]:
        budgets = {life.name: life.budget for life in self.lives} if self.collects else {}
        return {name: round(PRICE * hours, 2) for name, hours in budgets.items() if hours}

    @cached_property
    def _instance_types(self) -> list[str]:
        definitions = (definition for life in self.lives for definition in life.scenario.definitions)
        return sorted({instance_type for each in definitions for instance_type, _ in each.instances})

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
            {
                "name": entry.name,
                **({"labels": {"team": entry.team}} if entry.team else {}),
                **({"budget": self._budgets[entry.name]} if entry.name in self._budgets else {}),
                **where(LISTED),
            }
            for entry in self.entries
            if entry.since <= t < entry.until
        ]
        document: dict[str, Any] = {"collect": ["hyperparameters"], "discover": rules, "tuning_jobs": jobs}
        if self.collects:
            document["collect"].append("training_jobs")
            document["spend"] = {"billable": "search", "prices": dict.fromkeys(self._instance_types, PRICE)}
        settings = parse(json.dumps(document), "replay.json")
        targets = [
            replace(spec, requests_per_second=STARVED) if spec.key.region in starved else spec
            for spec in settings.targets
        ]
        return replace(settings, targets=tuple(targets))


class Setup(NamedTuple):
    """How a fleet is watched: ``interval`` and ``evaluation`` in seconds, the share of scrapes that are ``lost``."""

    interval: float
    evaluation: float
    days: float
    jobs: int
    replicas: int = 1
    lost: float = 0.0
    collects: bool = False


SETUPS = (
    Setup(60, 60, 7, 180, collects=True),
    Setup(300, 300, 40, 400),
    Setup(15, 30, 2, 70),
    Setup(60, 30, 5, 130, replicas=2, collects=True),
    Setup(300, 60, 20, 250, lost=0.08, collects=True),
    Setup(60, 300, 6, 150, lost=0.08),
    Setup(15, 60, 1.5, 60, lost=0.08, collects=True),
    Setup(240, 240, 24, 240, collects=True),
)
"""What is drawn by turns, seed by seed."""


def draw(seed: int, setup: Setup) -> Fleet:
    """Return the fleet of a seed."""
    rng = chance("replay", seed)
    end = START + setup.days * DAY
    hours = setup.days * 24
    kinds = (*TROUBLED, *COSTLY) if setup.collects else TROUBLED
    wanted = max(len(kinds), round(SHARE_TROUBLED * setup.jobs))
    troubled = [*kinds] * math.ceil(wanted / len(kinds))
    rng.shuffle(troubled)
    draws = troubled[:wanted]
    draws += [healthy] * (setup.jobs - len(draws))
    rng.shuffle(draws)
    last = end - min(36 * HOUR, 0.3 * (end - START))
    lives = [_life(rng, number, each(rng, hours * _share(rng)), last) for number, each in enumerate(draws)]
    slots = _slots(rng, START, end, setup.jobs)
    faults = [*_without_impossible_restarts([*_faults(rng, slots, lives, setup)])]
    untracked = [*_untracked(rng, slots)]
    entries = [Entry(OLD, None, START, math.inf), *_entries(rng, lives, setup.interval)]
    entries += [Entry(f.name or "", None, f.since, f.until) for f in faults if f.kind is Kind.MISSPELT]
    old = SCENARIOS["vintage-2020"]
    lives.append(_told(OLD, Course("old", old, old), LISTED, START - 40 * DAY, seed))
    return Fleet(
        seed,
        setup.interval,
        START,
        end,
        tuple(lives),
        tuple(untracked),
        tuple(entries),
        tuple(faults),
        setup.evaluation,
        setup.replicas,
        setup.lost,
        setup.collects,
    )


def _share(rng: Random) -> float:
    """Return how much of the whole time a tuning job may last."""
    return 0.75 if rng.random() < LONG else 0.2


def recorded(lives: Sequence[Told], setup: Setup) -> Fleet:
    """Return a fleet of such tuning jobs, all of them discovered, and nothing that goes wrong beside them."""
    end = max(life.ended or life.created for life in lives) + 2 * HOUR
    return Fleet(0, setup.interval, START, end, tuple(lives), (), (), (), setup.evaluation, setup.replicas, setup.lost)


def _told(name: str, course: Course, place: Place, created: float, seed: int) -> Told:
    where = {"region": place.region, "account_id": place.account_id}
    return Told(name, course, listed=place is LISTED, created=created, seed=seed, **where)


def _life(rng: Random, number: int, course: Course, last: float) -> Told:
    place = rng.choices(PLACES, (2, 1))[0]
    if course.injects & {Cause.OVER_BUDGET}:
        place = LISTED  # where it has a budget of its own
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
    number = 30 if jobs < 100 else 60
    length = (end - start) / number
    begins = [start + place * length for place in range(number)]
    rng.shuffle(begins)
    return iter([(begin + rng.uniform(0.05, 0.2) * length, begin + 0.75 * length) for begin in begins])


def _faults(rng: Random, slots: Iterator[Slot], lives: Sequence[Told], setup: Setup) -> Iterator[Fault]:
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
        also = (EXPORTER + "Restarting",)
        yield Fault(kind, *during(next(slots), 30 * MINUTE, 2 * HOUR), EXPORTER + "Down", also=also)
    yield from _awkward(rng, slots, setup)
    # From here on nothing that anybody should be told.
    for _ in range(many):
        yield refused(2 * MINUTE, 9 * MINUTE, None, ErrorCode.SERVER_ERROR)
        yield refused(2 * HOUR, 9 * HOUR, None, ErrorCode.TIMEOUT, share=0.1)
        yield refused(2 * HOUR, 9 * HOUR, None, ErrorCode.THROTTLED, share=0.03)
        yield Fault(Kind.DOWN, *during(next(slots), 2 * MINUTE, 6 * MINUTE))
    yield Fault(Kind.BAD_CONFIGURATION, *during(next(slots), 1 * MINUTE, 2 * MINUTE))
    for _ in range(6 * many):
        at = rng.uniform(START + HOUR, max(life.created for life in lives))
        about = rng.choice((None, *range(setup.replicas)))
        yield Fault(Kind.RESTART, at, at + rng.choice((0, 1, 2)) * setup.interval + 1, replica=about)


_CREDENTIALS = (ErrorCode.EXPIRED_CREDENTIALS, ErrorCode.ACCESS_DENIED)


def _awkward(rng: Random, slots: Iterator[Slot], setup: Setup) -> Iterator[Fault]:
    """Yield faults that come and go, or show themselves by turns in different ways."""
    region = rng.choice(PLACES).region
    slot = next(slots)
    crashes = min(slot[0] + rng.uniform(1.5, 4) * HOUR, slot[1])
    yield Fault(Kind.CRASHES, slot[0], crashes, EXPORTER + "Restarting", also=(EXPORTER + "Down",))
    for codes in (_CREDENTIALS, (ErrorCode.ACCESS_DENIED,) * 5 + (ErrorCode.TIMEOUT,)):
        slot = next(slots)
        until = min(slot[0] + rng.uniform(1, 3) * HOUR, slot[1])
        also = (JOB + "DescribeFailing", EXPORTER + "CallsFailing")
        yield Fault(Kind.REFUSED, slot[0], until, EXPORTER + "AccessDenied", region, codes=codes, also=also)
    if setup.replicas > 1:
        slot = next(slots)
        until = min(slot[0] + rng.uniform(1, 3) * HOUR, slot[1])
        blind = Fault(Kind.BLIND, slot[0], until, EXPORTER + "ReplicaBlind", DISCOVERED.region, replica=1)
        yield replace(blind, code=ErrorCode.NO_CREDENTIALS, also=(EXPORTER + "Blind",))
        slot = next(slots)
        yield Fault(Kind.DOWN, slot[0], min(slot[0] + HOUR, slot[1]), EXPORTER + "Down", replica=0)


def _without_impossible_restarts(faults: Sequence[Fault]) -> Iterator[Fault]:
    """Yield the faults but for the pods that would have to start on a configuration with a mistake."""
    mistakes = [fault for fault in faults if fault.kind is Kind.BAD_CONFIGURATION]
    for fault in faults:
        starts = fault.kind is Kind.RESTART
        if not (starts and any(fault.since < other.until and other.since <= fault.until for other in mistakes)):
            yield fault


def _untracked(rng: Random, slots: Iterator[Slot]) -> Iterator[Told]:
    """Yield tuning jobs that nobody watches: some gone before anybody has to know, some one after the other."""
    for number, slot in zip(range(6), slots, strict=False):
        hours = (0.3, 0.5) if number % 2 else (2.5, 6.0)
        scenario = paced("completed", rng, hours, parallel=3, trainings=(8,))
        course = Course("adhoc", scenario, scenario)
        # Where nothing is discovered, the list that tells of them is not always read.
        place = rng.choice(PLACES) if number % 2 else DISCOVERED
        if number in {2, 5}:
            short = paced("completed", rng, (0.3, 0.5), parallel=3, trainings=(8,))
            at = slot[0]
            while at < slot[1]:
                one = _told(
                    f"adhoc-{number:03}-{at:.0f}", Course("adhoc", short, short), DISCOVERED, at, rng.getrandbits(32)
                )
                yield one
                at = (one.ended or at) + rng.uniform(1, 7) * MINUTE
        else:
            yield _told(f"adhoc-{number:03}", course, place, slot[0], rng.getrandbits(32))
