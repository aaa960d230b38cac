from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from replay.faults import Fault, Kind
from replay.fleet import DAY, DISCOVERED, LISTED, OLD, SETUPS, START, STARVED, Fleet, Setup, draw
from replay.kinds import TROUBLED
from replay.promises import OF_TRAINING_JOBS, WITHOUT_TRAINING_JOBS
from replay.rules import Rules
from replay.truth import troubles

SETUP = Setup(interval=240, evaluation=120, days=4, jobs=60)
FLEET = draw(1, SETUP)
COLLECTS = draw(4, SETUP._replace(collects=True))


def test_equal_seeds_give_equal_fleets() -> None:
    again, other = draw(1, SETUP), draw(2, SETUP)
    assert (again.entries, again.faults) == (FLEET.entries, FLEET.faults)
    assert [life.name for life in again.lives] == [life.name for life in FLEET.lives]
    assert (other.entries, other.faults) != (FLEET.entries, FLEET.faults)


def test_a_third_or_each_kind_once_has_a_trouble_and_the_rest_is_healthy() -> None:
    injected = [life for life in FLEET.lives if life.course.injects]
    assert len(FLEET.lives) == 60 + 1  # the old one
    assert len(injected) == len(TROUBLED)


@pytest.mark.parametrize("number", range(len(SETUPS)))
def test_about_ten_tuning_jobs_run_at_once(number: int) -> None:
    fleet = draw(1, SETUPS[number])
    steps = [fleet.start + (fleet.end - fleet.start) * share / 100 for share in range(20, 70)]
    running = [
        sum(life.created <= t < min(life.in_progress_until, life.gone or t + 1) for life in fleet.lives) for t in steps
    ]
    assert 3 <= sum(running) / len(running) <= 20
    assert (fleet.evaluation, fleet.replicas, fleet.lost) == (
        SETUPS[number].evaluation,
        SETUPS[number].replicas,
        SETUPS[number].lost,
    )


def test_every_alert_has_a_trouble() -> None:
    """All that is shipped, over a few fleets."""
    rules = Rules.shipped()
    fleets = [FLEET, draw(3, SETUP._replace(replicas=2)), COLLECTS]
    found = {trouble.alert for fleet in fleets for trouble in troubles(fleet, {*rules}) if trouble.must}
    # One that costs a lot and does not improve is told of by others first; it is only asked whether it is right.
    assert found == {*rules} - {"SageMakerTuningJobSpendingWithoutImprovement"}


def test_training_jobs_are_collected_where_alerts_read_them() -> None:
    rules = {*Rules.shipped()}
    for fleet in (FLEET, COLLECTS):
        told = {alert for trouble in troubles(fleet, rules) for alert in trouble.alerts}
        assert bool(told & OF_TRAINING_JOBS) is fleet.collects
        assert bool(told & WITHOUT_TRAINING_JOBS) is not fleet.collects
        settings = fleet.settings(fleet.end - 1)
        assert ("training_jobs" in settings.collect) is fleet.collects


def test_some_listed_ones_have_a_budget_and_few_of_them_exceed_it() -> None:
    budgets = [life for life in COLLECTS.lives if life.budget is not None]
    exceeded = [life for life in budgets if sum(hours for _, hours in life.billed()) > (life.budget or 0)]
    assert {life.region for life in budgets} == {LISTED.region}
    assert {life.course.kind for life in exceeded} == {"over-budget"}
    assert len(budgets) > len(exceeded)
    listed = {job.name: job.budget for target in COLLECTS.settings(START + 2 * DAY).targets for job in target.jobs}
    assert any(budget is not None for budget in listed.values())


def test_faults_do_not_overlap() -> None:
    lasting = sorted((fault.since, fault.until) for fault in FLEET.faults if fault.kind is not Kind.RESTART)
    assert all(first[1] < second[0] for first, second in pairwise(lasting))


def test_no_pod_starts_on_a_configuration_with_a_mistake() -> None:
    faults = draw(401, SETUPS[-1]).faults  # of which one would
    mistakes = [fault for fault in faults if fault.kind is Kind.BAD_CONFIGURATION]
    restarts = [fault for fault in faults if fault.kind is Kind.RESTART]
    assert not any(mistake.since <= restart.until < mistake.until for mistake in mistakes for restart in restarts)


def test_the_configuration_follows_the_fleet() -> None:
    entry = next(entry for entry in FLEET.entries if entry.name != OLD)
    before, after = (
        {job.name for target in FLEET.settings(t).targets for job in target.jobs}
        for t in (entry.since - 1, entry.since)
    )
    assert after - before == {entry.name}
    assert OLD in before
    regions = {target.key.region: target for target in FLEET.settings(FLEET.start).targets}
    assert regions.keys() == {DISCOVERED.region, LISTED.region}
    assert len(regions[DISCOVERED.region].rules) == 2


def test_a_budget_is_too_small_while_the_fault_holds() -> None:
    fault = next(fault for fault in FLEET.faults if fault.kind is Kind.STARVED)

    def budget(t: float) -> float:
        return next(spec.requests_per_second for spec in FLEET.settings(t).targets if spec.key.region == fault.region)

    assert budget(fault.since) == STARVED
    assert budget(fault.until) == budget(FLEET.start) > 1


def test_busy() -> None:
    life = max(FLEET.lives_of(DISCOVERED), key=lambda life: min(life.in_progress_until, FLEET.end) - life.created)
    middle = life.created + DAY / 12
    assert FLEET.busy(life.region, middle, middle + 1)
    assert not FLEET.busy(life.region, FLEET.start, FLEET.end)


def test_a_pod_that_starts_while_a_target_does_not_answer_sees_nothing_of_it() -> None:
    def starts(fault: Fault, *others: Fault) -> list[tuple[float, float]]:
        fleet = Fleet(1, 240.0, START, START + DAY, (), (), (), (fault, *others))
        assert {(each.kind, each.alert) for each in fleet.blind_starts} <= {
            (Kind.BLIND, "SageMakerTuningExporterBlind")
        }
        return [(each.since, each.until) for each in fleet.blind_starts]

    def refused(region: str, *operations: str, **about: Any) -> Fault:
        return Fault(Kind.REFUSED, START, START + 100, None, region, operations=frozenset(operations), **about)

    restart, later = Fault(Kind.RESTART, START + 49, START + 50), Fault(Kind.RESTART, START + 199, START + 200)
    seen = [(START + 50, START + 100)]
    for region, first, other in ((DISCOVERED.region, "List", "Describe"), (LISTED.region, "Describe", "List")):
        assert starts(refused(region, first), restart, later) == seen
        assert starts(refused(region, first, other), restart) == seen
        assert starts(refused(region, other), restart) == []
        assert starts(refused(region, first), later) == []
        assert starts(refused(region, first, share=0.9), restart) == []
        assert starts(Fault(Kind.SILENT, START, START + 100, None, region), restart) == seen
