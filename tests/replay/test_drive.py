from __future__ import annotations

import math
import re

import pytest
from replay.drive import Scrape, scrapes
from replay.faults import ALL, Fault, Kind
from replay.fleet import DISCOVERED, LISTED, START, Entry, Fleet
from replay.life import Course, Told

from exporter.errors import ErrorCode
from exporter.simulator.scenario import SCENARIOS

INTERVAL = 120.0
METRICS = {"sagemaker_tuning_job_up", "sagemaker_tuning_job_status"}
HEALTHY = Course("healthy", SCENARIOS["healthy"], SCENARIOS["healthy"])


def life(name: str, region: str = DISCOVERED.region, account: str = DISCOVERED.account_id) -> Told:
    return Told(name, HEALTHY, region=region, account_id=account, created=START - 60, seed=1)


def replayed(*faults: Fault, scrapes_: int = 20) -> dict[int, Scrape]:
    """Return the scrapes of a fleet with one discovered and one listed tuning job, by their number."""
    lives = (life("ranking-a"), life("b", LISTED.region, LISTED.account_id))
    entries = (Entry("b", None, START, math.inf),)
    end = START + (scrapes_ + 1) * INTERVAL
    fleet = Fleet(1, INTERVAL, START, end, lives, (), entries, faults)
    return {round((scrape.at - START) / INTERVAL): scrape for scrape in scrapes(fleet, METRICS)}


def fault(kind: Kind, first: int, last: int, **about: object) -> Fault:
    """Return a fault that holds from one scrape to another, both included."""
    return Fault(kind, START + first * INTERVAL - 1, START + last * INTERVAL + 1, **about)  # type: ignore[arg-type]


def up(scrape: Scrape) -> dict[str, str]:
    return dict(re.findall(r'sagemaker_tuning_job_up\{.*tuning_job="(.+)"\} (\d)', scrape.jobs or ""))


def own(scrape: Scrape, name: str) -> list[str]:
    return re.findall(rf"^sagemaker_tuning_exporter_{name} (.+)$", scrape.own or "", re.MULTILINE)


def test_all_are_scraped_and_only_the_wanted_families() -> None:
    seen = replayed()
    assert [*seen] == [*range(1, 21)]
    assert all(up(scrape) == {"ranking-a": "1", "b": "1"} for scrape in seen.values())
    assert "sagemaker_tuning_job_training_jobs" not in (seen[5].jobs or "")


def test_it_is_down() -> None:
    seen = replayed(fault(Kind.DOWN, 5, 8))
    assert [number for number, scrape in seen.items() if scrape.own is None] == [5, 6, 7, 8]
    assert {scrape.instance for scrape in seen.values()} == {"pod-0"}


def test_there_is_none() -> None:
    seen = replayed(fault(Kind.GONE, 5, 8))
    assert seen.keys() == {*range(1, 5), *range(9, 21)}
    assert (seen[4].instance, seen[9].instance) == ("pod-0", "pod-1")


def test_another_pod_takes_over_without_a_gap_and_counts_anew() -> None:
    at = START + 5.5 * INTERVAL
    seen = replayed(Fault(Kind.RESTART, at, at + 1))
    assert [*seen] == [*range(1, 21)]
    assert (seen[5].instance, seen[6].instance) == ("pod-0", "pod-1")
    polls = [float(own(seen[number], r'polls_total\{.*,target="eu-west-1"\}')[0]) for number in (5, 6)]
    assert polls[0] > polls[1]


def test_calls_fail_for_one_tuning_job_only() -> None:
    about = {"region": DISCOVERED.region, "name": "ranking-a", "code": ErrorCode.TIMEOUT}
    seen = replayed(fault(Kind.REFUSED, 5, 8, **about))
    assert up(seen[8]) == {"ranking-a": "0", "b": "1"}
    assert up(seen[20]) == {"ranking-a": "1", "b": "1"}


def answered(scrape: Scrape) -> set[str]:
    """Return the targets that AWS has answered since the exporter started."""
    told = re.findall(r'target_last_success_timestamp_seconds\{.*,target="(.+)"\} ', scrape.own or "")
    return {*told}


@pytest.mark.parametrize("operations", [ALL, frozenset({"List"})])
def test_a_pod_starts_and_sees_nothing_of_a_target_that_has_only_rules(operations: frozenset[str]) -> None:
    seen = replayed(fault(Kind.BLIND, 5, 8, region=DISCOVERED.region, operations=operations))
    assert [*seen] == [*range(1, 21)]
    for number, scrape in seen.items():
        blind = 5 <= number <= 8
        assert answered(scrape) == {LISTED.region} | ({DISCOVERED.region} if not blind else set())
        assert up(scrape) == {"b": "1"} | ({"ranking-a": "1"} if not blind else {})
        assert scrape.instance == ("pod-0" if number < 5 else "pod-1")


def test_calls_never_come_back() -> None:
    seen = replayed(fault(Kind.SILENT, 5, 16, region=LISTED.region))
    assert up(seen[10]) == {"ranking-a": "1", "b": "0"}
    assert 'status{aws_account_id="444455556666"' not in (seen[16].jobs or "")
    assert up(seen[20]) == {"ranking-a": "1", "b": "1"}


def test_the_configuration_has_a_mistake() -> None:
    seen = replayed(fault(Kind.BAD_CONFIGURATION, 5, 8))
    successful = [own(scrape, "config_last_reload_successful")[0] for scrape in seen.values()]
    assert successful == ["1.0"] * 4 + ["0.0"] * 4 + ["1.0"] * 12
