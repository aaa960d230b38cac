"""Each training job is added once, whatever is read, in which pages and how often."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

import pytest

from exporter.config.specs import SpendSpec
from exporter.fleet.training_reading import Reading
from exporter.fleet.training_sums import Missing, TrainingSums, digest_of, instances_of
from exporter.fleet.view import Incomplete, Spend
from exporter.tuning_job import Definition, Instances, Objective, Training, TrainingJob, TrainingsPage

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

NONE = Objective(None, None)
ONE = Definition("", NONE, spot=True, instances=(Instances("ml.m5.large", 2),))
GROUPS = Definition("groups", NONE, spot=False, instances=(Instances("ml.m5.large", 1), Instances("ml.p3.2xlarge", 3)))
EITHER = Definition("either", NONE, spot=None, instances=(Instances("a", 1), Instances("b", 1)), one_of_instances=True)
BEST = TrainingJob("t-2", None, 3_000.0, NONE, 0.5)


def training(
    number: int, status: str = "Completed", start: float | None = 1_000.0, end: float | None = 2_000.0
) -> Training:
    return Training(f"t-{number}", status, creation_time=float(number), start_time=start, end_time=end)


def running(number: int, start: float | None = 1_000.0) -> Training:
    return training(number, "InProgress", start, None)


def pages_of(trainings: Sequence[Training], size: int = 100) -> list[TrainingsPage]:
    """Return the pages of a list, newest first."""
    starts = range(0, max(1, len(trainings)), size)
    return [
        TrainingsPage(
            tuple(trainings[start : start + size]), str(start + size) if start + size < len(trainings) else None
        )
        for start in starts
    ]


def read(
    sums: TrainingSums,
    trainings: Sequence[Training],
    counters: Mapping[str, int] | None = None,
    *,
    counted_at: float = 10_000.0,
    reads_on: bool = False,
    most: int = 1_000,
    size: int = 100,
    definitions: Sequence[Definition] = (ONE,),
) -> int:
    """Read a list until it is enough; return how many pages that took."""
    reading = Reading(sums, counters or {}, counted_at, reads_on=reads_on, most=most)
    for number, page in enumerate(pages_of(trainings, size), start=1):
        reading.take(page, definitions, lambda text: text or "other")
        if reading.is_over():
            return number
    raise AssertionError("the list has ended, and the reading has not")


def shown(
    sums: TrainingSums,
    *,
    best: TrainingJob | None = None,
    counters: Mapping[str, int] | None = None,
    at: float = 5_000.0,
) -> Spend:
    return sums.spend(counters or {}, (ONE,), best, at, SpendSpec())


class TestSums:
    def test_of_nothing_say_nothing(self) -> None:
        sums = TrainingSums()
        assert read(sums, []) == 1
        assert shown(sums) == Spend(
            running_seconds=0, running_instances=((("ml.m5.large", "true"), 0),), currency="USD"
        )

    def test_are_of_what_has_ended(self) -> None:
        sums = TrainingSums()
        read(sums, [running(4), training(3, "Stopped"), training(2, end=2_500.5), training(1)])
        found = shown(sums)
        assert found.trained == (("Completed", 2, 2_500.5), ("Stopped", 1, 1_000.0))
        assert found.instance_seconds == (
            (("ml.m5.large", "true", "Completed"), 5_001.0),
            (("ml.m5.large", "true", "Stopped"), 2_000.0),
        )

    def test_what_runs_is_apart(self) -> None:
        sums = TrainingSums()
        read(sums, [running(4, 4_000.0), running(3, 4_500.0), running(2, None), training(1)])
        found = shown(sums)
        assert found.running_seconds == 1_500.0
        assert found.oldest_start == 4_000.0
        assert found.running_instances == ((("ml.m5.large", "true"), 4),)
        assert sums.waits

    def test_one_that_has_ended_does_not_run_too_while_the_list_is_being_read(self) -> None:
        sums = TrainingSums()
        read(sums, [running(2), running(1)])
        reading = Reading(sums, {}, 10_000.0, reads_on=False, most=1_000)
        reading.take(TrainingsPage((training(2),), "next"), (ONE,), lambda text: text or "other")
        assert not reading.is_over()
        found = shown(sums)
        assert found.trained == (("Completed", 1, 1_000.0),)
        assert found.running_seconds == 4_000.0
        assert found.running_instances == ((("ml.m5.large", "true"), 2),)

    def test_one_that_never_began_has_no_duration(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1, "Failed", None, 2_000.0), training(2, "Failed", None, None)])
        found = shown(sums)
        assert (found.trained, found.instance_seconds) == ((), ())
        assert found.failures == (("other", 2),)

    @pytest.mark.parametrize("status", ["Failed", "Completed", "Stopped"])
    def test_one_whose_end_nobody_tells_is_waited_for_and_then_counts(self, status: str) -> None:
        sums = TrainingSums()
        for reads_on in (False, True):
            read(sums, [training(1, status, 1_000.0, None)], reads_on=reads_on)
            found = shown(sums)
            assert (found.running_seconds, found.oldest_start) == (0.0, None)
            assert found.running_instances == ((("ml.m5.large", "true"), 0),)
        assert len(sums) == 1
        assert found.trained == ()
        assert found.failures == ((("other", 1),) if status == "Failed" else ())
        assert found.incomplete == Incomplete(records_missing=True)

    def test_one_that_ended_before_it_began_has_no_duration(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1, start=2_000.0, end=1_000.0)])
        assert (shown(sums).trained, shown(sums).incomplete) == ((), Incomplete(records_missing=True))

    def test_reasons_that_nobody_gives_any_more_are_others(self) -> None:
        sums = TrainingSums()
        read(sums, [replace(training(number, "Failed"), failure_reason=reason) for number, reason in enumerate("aabc")])
        sums.only({"a"}, "other")
        assert shown(sums).failures == (("a", 2), ("other", 2))

    def test_failures_are_counted_by_reason(self) -> None:
        sums = TrainingSums()
        trainings = [
            replace(training(number, "Failed"), failure_reason="b" if number % 3 else "a") for number in range(7)
        ]
        read(sums, trainings)
        assert shown(sums).failures == (("a", 3), ("b", 4))

    def test_unless_it_is_known_what_runs_nothing_is_said_of_it(self) -> None:
        sums = TrainingSums()
        read(sums, [running(4), training(1)])
        found = sums.spend({}, (ONE,), BEST, None, SpendSpec())
        assert (found.running_seconds, found.running_instances, found.oldest_start, found.seconds_since_best) == (
            None,
            (),
            None,
            None,
        )
        assert found.trained == (("Completed", 1, 1_000.0),)


class TestInstances:
    @pytest.mark.parametrize(
        ("definitions", "name", "expected"),
        [
            ((ONE,), None, (("ml.m5.large", "true", 2),)),
            ((ONE,), "any", (("ml.m5.large", "true", 2),)),
            ((ONE, GROUPS), "groups", (("ml.m5.large", "false", 1), ("ml.p3.2xlarge", "false", 3))),
            ((ONE, GROUPS), None, None),
            ((), None, None),
            ((EITHER,), None, None),
            ((replace(ONE, instances=()),), None, None),
            ((replace(ONE, instances=(Instances("a", 1), Instances("b", None))),), None, None),
            ((replace(ONE, spot=None),), None, (("ml.m5.large", "", 2),)),
        ],
    )
    def test_are_those_of_the_definition(
        self, definitions: Sequence[Definition], name: str | None, expected: object
    ) -> None:
        assert instances_of(replace(training(1), definition_name=name), definitions) == expected

    def test_that_nobody_tells_make_the_sums_incomplete(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1)], definitions=(EITHER,))
        assert shown(sums).instance_seconds == ()
        assert shown(sums).incomplete == Incomplete(billable_unknown=True)

    def test_that_nobody_tells_of_one_that_runs_make_the_sums_incomplete(self) -> None:
        sums = TrainingSums()
        read(sums, [replace(running(2), definition_name="either"), training(1)], definitions=(ONE, EITHER))
        assert shown(sums).incomplete.billable_unknown

    def test_of_one_that_never_began_do_not_matter(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1, "Failed", None, None)], definitions=(EITHER,))
        assert shown(sums).incomplete == Incomplete()


class TestSinceTheBest:
    def test_without_a_best_one_there_is_none(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1)])
        assert shown(sums).seconds_since_best is None
        assert shown(sums, best=replace(BEST, end_time=None)).seconds_since_best is None

    def test_counts_those_that_ended_after_it_and_those_that_run(self) -> None:
        sums = TrainingSums()
        read(sums, [running(4, 4_000.0), training(3, end=3_500.0), training(2, end=3_000.0), training(1, end=2_999.0)])
        assert shown(sums, best=BEST).seconds_since_best == 2_500.0 + 1_000.0

    def test_the_best_one_itself_does_not_count_however_times_are_rounded(self) -> None:
        sums = TrainingSums()
        read(sums, [training(2, end=3_000.4)])
        assert shown(sums, best=BEST).seconds_since_best == 0
        sums = TrainingSums()
        read(sums, [running(2, 1_000.0)])
        assert shown(sums, best=BEST).seconds_since_best == 0


class TestMoney:
    PRICES: ClassVar[dict[str, float]] = {"ml.m5.large": 0.36, "ml.p3.2xlarge": 3.6}

    def shown(self, definitions: Sequence[Definition], prices: dict[str, float] | None, *names: str | None) -> Spend:
        """Return what trainings of these definitions come to; each ran for an hour, the last still runs for an hour."""
        sums = TrainingSums()
        trainings = [
            replace(training(number, start=0.0, end=3_600.0), definition_name=name)
            for number, name in enumerate(names, start=1)
        ]
        trainings[-1] = replace(trainings[-1], status="InProgress", end_time=None)
        read(sums, trainings[::-1], definitions=definitions)
        best = replace(BEST, name="t-1", end_time=3_599.0)
        return sums.spend({}, definitions, best, 3_600.0, SpendSpec(prices=prices, currency="EUR"))

    def test_is_instances_times_hours_times_price(self) -> None:
        found = self.shown((ONE,), self.PRICES, None, None, None)
        assert found.currency == "EUR"
        assert dict(found.cost) == pytest.approx({"Completed": 2 * 2 * 0.36})
        assert found.cost_since_best == pytest.approx(2 * 2 * 0.36), "the second, which ended after it, and the third"
        assert not found.incomplete.unpriced

    def test_is_that_of_each_definition(self) -> None:
        found = self.shown((replace(ONE, name="one"), GROUPS), self.PRICES, "one", "groups", "one")
        assert dict(found.cost) == pytest.approx({"Completed": 2 * 0.36 + 1 * 0.36 + 3 * 3.6})
        assert found.cost_since_best == pytest.approx((0.36 + 3 * 3.6) + 2 * 0.36)

    def test_of_what_has_no_price_is_left_out_and_told(self) -> None:
        found = self.shown((replace(ONE, name="one"), GROUPS), {"ml.m5.large": 0.36}, "one", "groups", "one")
        assert dict(found.cost) == pytest.approx({"Completed": 3 * 0.36})
        assert found.incomplete == Incomplete(unpriced=True)

    @pytest.mark.parametrize(("prices", "unpriced"), [(None, False), ({}, True), ({"ml.c5.large": 1.0}, True)])
    def test_without_a_price_there_is_none(self, prices: dict[str, float] | None, unpriced: bool) -> None:
        found = self.shown((ONE,), prices, None, None)
        assert (found.cost, found.cost_since_best) == ((), None)
        assert found.incomplete.unpriced is unpriced
        assert found.instance_seconds


class TestMissing:
    def test_is_what_the_counters_tell_beyond_what_is_known(self) -> None:
        sums = TrainingSums()
        read(sums, [running(5), training(4, "Failed"), training(3, "Stopped"), training(2), training(1)])
        counters = {"Completed": 3, "InProgress": 1, "RetryableError": 1, "NonRetryableError": 1, "Stopped": 1}
        assert sums.missing(counters) == Missing(completed=1, failed=1, stopped=0, launched=2)
        assert not sums.agree(counters)
        assert sums.agree({"Completed": 2, "InProgress": 1, "NonRetryableError": 1, "Stopped": 1})

    def test_a_list_that_is_ahead_of_the_describe_lacks_nothing(self) -> None:
        sums = TrainingSums()
        read(sums, [running(3), training(2), training(1)])
        assert sums.agree({"Completed": 1, "InProgress": 1})

    def test_makes_the_sums_incomplete(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1)])
        assert shown(sums, counters={"Completed": 2}).incomplete == Incomplete(records_missing=True)
        assert shown(sums, counters={"Completed": 1}).incomplete == Incomplete()

    def test_of_what_runs_makes_the_sums_incomplete_too(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1)])
        assert shown(sums, counters={"Completed": 1, "InProgress": 1}).incomplete == Incomplete(records_missing=True)

    def test_is_not_looked_for_again_once_it_was_given_up(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1)])
        sums.give_up({"Completed": 2})
        assert sums.agree({"Completed": 2})
        assert not sums.agree({"Completed": 3})
        assert shown(sums, counters={"Completed": 2}).incomplete == Incomplete(records_missing=True)

    def test_that_was_given_up_and_then_found_leaves_no_gap_for_another(self) -> None:
        sums = TrainingSums()
        read(sums, [training(1)])
        sums.give_up({"Completed": 2})
        read(sums, [training(2), training(1)])
        sums.note_found({"Completed": 2})
        assert sums.agree({"Completed": 2})
        assert not sums.agree({"Completed": 3})


class TestReading:
    def test_stops_once_it_meets_what_is_known(self) -> None:
        sums = TrainingSums()
        old = [training(number) for number in range(350, 0, -1)]
        assert read(sums, old) == 4
        assert read(sums, [training(351), *old], {"Completed": 351}) == 1
        assert len(sums) == 351

    OLD = (running(350), *(training(number) for number in range(349, 101, -1)), running(101), training(100))

    def test_goes_on_until_all_that_were_open_are_seen(self) -> None:
        sums = TrainingSums()
        read(sums, self.OLD)
        assert read(sums, [training(350), *self.OLD[1:-2], training(101), self.OLD[-1]], {"Completed": 251}) == 3
        assert sums.open == {}
        assert len(sums) == 251

    @pytest.mark.parametrize(
        ("counters", "counted_at", "start", "pages"),
        [
            ({"Completed": 250, "InProgress": 1}, 10_000.0, 1_000.0, 1),
            ({"Completed": 251}, 10_000.0, 1_000.0, 3),  # the old one must be what is missing
            (
                {"Completed": 250, "InProgress": 1},
                2_000.0,
                1_000.0,
                3,
            ),  # the new one may not be counted yet, but the old
            ({"Completed": 250, "InProgress": 1}, 10_000.0, None, 3),  # that the old one begins changes no counter
            ({}, 10_000.0, 1_000.0, 3),
        ],
    )
    def test_stops_before_where_all_that_ended_are_known(
        self, counters: Mapping[str, int], counted_at: float, start: float | None, pages: int
    ) -> None:
        sums = TrainingSums()
        old = [*self.OLD[:-2], running(101, start), self.OLD[-1]]
        read(sums, old)
        assert read(sums, [training(350), *old[1:]], counters, counted_at=counted_at) == pages
        assert set(sums.open) == {digest_of("t-101")}

    def test_goes_on_where_the_counters_tell_more_and_it_is_to(self) -> None:
        sums = TrainingSums()
        old = [training(number) for number in range(350, 0, -1)]
        read(sums, [each for each in old if each.name != "t-120"])
        assert read(sums, old, {"Completed": 350}) == 1
        assert read(sums, old, {"Completed": 350}, reads_on=True) == 3
        assert read(sums, old, {"Completed": 351}, reads_on=True) == 4

    def test_of_a_whole_list_forgets_what_was_open_and_is_gone(self) -> None:
        sums = TrainingSums()
        read(sums, [running(2), training(1)])
        assert read(sums, [training(1)]) == 1
        assert sums.open == {}

    def test_ends_at_the_limit(self) -> None:
        sums = TrainingSums()
        trainings = [training(number) for number in range(350, 0, -1)]
        assert read(sums, trainings, {"Completed": 350}, most=200) == 2
        assert len(sums) == 200
        assert shown(sums, counters={"Completed": 350}).incomplete == Incomplete(page_limit=True)
        assert shown(sums, counters={"Completed": 200}).incomplete == Incomplete()

    def test_takes_no_more_than_the_limit(self) -> None:
        sums = TrainingSums()
        trainings = [training(number) for number in range(350, 0, -1)]
        assert read(sums, trainings, {"Completed": 350}, most=150) == 2
        assert len(sums) == 150
        assert sums.has(digest_of("t-201"))
        assert not sums.has(digest_of("t-200"))

    def test_takes_all_up_to_the_limit_however_short_the_pages_are(self) -> None:
        sums = TrainingSums()
        trainings = [training(number) for number in range(350, 0, -1)]
        assert read(sums, trainings, {"Completed": 350}, most=1_000, size=5) == 70
        assert len(sums) == 350
        assert not sums.capped

    def test_meets_one_that_is_open_behind_more_than_the_limit_of_newer_ones(self) -> None:
        sums = TrainingSums()
        read(sums, [running(1)])
        newer = [training(number) for number in range(300, 1, -1)]
        for first in range(250, -1, -50):
            read(sums, [*newer[first:], running(1)], most=100)
        read(sums, [*newer, training(1)], {"Completed": 300}, most=100)
        assert (len(sums), sums.open, sums.capped) == (300, {}, False)

    def test_what_is_open_beyond_the_limit_is_missing(self) -> None:
        sums = TrainingSums()
        newer = [training(number) for number in range(200, 100, -1)]
        counters = {"Completed": 100, "InProgress": 1}
        read(sums, [*newer, running(1)], counters, most=100)
        assert shown(sums, counters=counters).incomplete == Incomplete(page_limit=True)

    def test_ends_though_a_page_repeats_itself_for_ever(self) -> None:
        sums = TrainingSums()
        page = TrainingsPage(tuple(training(number) for number in range(10)), "more")
        for most in (5, 1_000):
            reading = Reading(sums, {"Completed": 20}, 0.0, reads_on=True, most=most)
            pages = 0
            while not pages or not reading.is_over():
                reading.take(page, (ONE,), str)
                pages += 1
            assert pages <= 102

    def test_ends_though_pages_are_empty_and_go_on_for_ever(self) -> None:
        reading = Reading(TrainingSums(), {}, 0.0, reads_on=True, most=1_000)
        for _ in range(19):
            reading.take(TrainingsPage((), "more"), (ONE,), str)
            assert not reading.is_over()
        reading.take(TrainingsPage((), "more"), (ONE,), str)
        assert reading.is_over()

    def test_keeps_what_is_open_beyond_the_limit(self) -> None:
        sums = TrainingSums()
        old = [*(training(number) for number in range(300, 150, -1)), running(150), training(149)]
        read(sums, old)
        read(sums, [training(number) for number in range(500, 300, -1)] + old, most=100)
        assert set(sums.open) == {digest_of("t-150")}

    def test_tells_what_has_failed_once(self) -> None:
        sums, page = TrainingSums(), TrainingsPage((training(1, "Failed"), training(2), training(1, "Failed")), None)
        for expected in (["t-1"], []):
            reading = Reading(sums, {}, 0.0, reads_on=False, most=100)
            assert [each.name for each, _ in reading.take(page, (ONE,), str)] == expected


class Service:
    """Training jobs that come, begin, end and are deleted while pages of them are read."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.trainings: list[Training] = []
        self.ended: dict[str, Training] = {}
        self.launched = 0
        self.now = 0.0

    def step(self, most: int) -> None:
        self.now += self.rng.randint(100, 1_000)
        for _ in range(self.rng.randint(0, most)):
            self.launched += 1
            self.trainings.insert(0, running(self.launched, None))
        for place, each in enumerate(self.trainings):
            if each.status == "InProgress" and self.rng.random() < 0.5:
                if each.start_time is None:
                    self.trainings[place] = replace(each, start_time=self.now)
                else:
                    status = self.rng.choice(["Completed", "Failed", "Stopped"])
                    ended = replace(each, status=status, end_time=self.now)
                    self.trainings[place] = self.ended[each.name] = ended

    def delete(self, seen: TrainingSums) -> None:
        """Delete one that was added, which must stay in the sums."""
        gone = [each for each in self.trainings if seen.has(digest_of(each.name))]
        if gone:
            self.trainings.remove(self.rng.choice(gone))

    @property
    def counters(self) -> dict[str, int]:
        statuses = Counter(each.status for each in self.ended.values())
        return {
            "Completed": statuses["Completed"],
            "InProgress": self.launched - len(self.ended),
            "RetryableError": 0,
            "NonRetryableError": statuses["Failed"],
            "Stopped": statuses["Stopped"],
        }


@pytest.mark.parametrize("seed", range(20))
def test_sums_equal_the_truth_whenever_they_agree_with_the_counters(seed: int) -> None:
    """While pages are read training jobs come, end and go, so pages shift; sums never fall and none counts twice."""
    service, sums = Service(seed), TrainingSums()
    before: dict[str, float] = {}
    compared = 0
    for turn in range(60):
        service.step(30)
        counters = service.counters
        reading = Reading(sums, counters, service.now, reads_on=turn % 3 == 2, most=10_000)
        start = 0
        while True:
            told = tuple(service.trainings[start : start + 10])
            start += 10
            reading.take(TrainingsPage(told, str(start) if start < len(service.trainings) else None), (ONE,), str)
            if reading.is_over():
                break
            if service.rng.random() < 0.3:
                service.step(2)
            if service.rng.random() < 0.3:
                service.delete(sums)
        found = {status: seconds for status, _, seconds in shown(sums).trained}
        assert all(found.get(status, 0) >= seconds for status, seconds in before.items()), "a counter fell"
        before = found
        truth: dict[str, float] = defaultdict(float)
        for each in service.ended.values():
            truth[each.status] += each.seconds or 0.0
        assert all(found[status] <= truth[status] for status in found), "one counted twice"
        if not any(sums.missing(service.counters)):
            assert found == {status: seconds for status, seconds in truth.items() if status in found}
            compared += 1
    assert compared >= 5, "too few turns ended with sums that claim to be whole"
