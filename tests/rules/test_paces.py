"""The alerts about the exporter hold at every pace of scraping and evaluation, and however badly it is scraped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32

import pytest
from render_rules import alerts
from rules.cases_exporter import ANSWERED, DESCRIBE, HERE, LIST, TARGET, TARGET_INFO, THERE, UP
from rules.rehearsal import DOCUMENT, rehearse
from rules.story import fire
from rules.world import Scraped, Series, World, at, job, merged, notation, only, own

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BEGIN = 60
"""The minute in which each trouble begins."""
PACES = ((15, 30), (60, 60), (60, 300), (300, 60), (300, 300))
"""Seconds between scrapes, and between evaluations."""
UNTIL = 130
LOST = 0.08
"""Of the scrapes."""
_LIFE, _BREAK = 60, 270
"""Seconds that an exporter lives in a crash loop, and that it is away after that."""


class Case(NamedTuple):
    """A trouble that an alert tells within ``told`` minutes, and not within ``silent``."""

    alert: str
    world: World
    silent: int
    told: int
    crashes: bool = True
    """Whether an exporter that crashes all the time still tells it."""
    of_one: bool = False
    """Whether it is about one exporter, which another or a later one is not."""


def since_begin(code: str, *others: str) -> dict[int, str | None]:
    """Return codes of errors by the minute, those others by turns with the first."""
    codes = (code, *others)
    return {0: None} | {minute: codes[minute % len(codes)] for minute in range(BEGIN, UNTIL + 1)}


def lists_fail(*codes: str) -> World:
    """Return lists that fail by these codes in turn."""
    return merged(
        *(
            own(
                "target_error_info",
                {0: None}
                | {minute: 1 if codes[minute % len(codes)] == code else None for minute in range(BEGIN, UNTIL + 1)},
                **TARGET,
                operation=LIST,
                code=code,
            )
            for code in codes
        )
    )


def throttled(share: float) -> World:
    """Return calls of which a share is throttled, by an exporter that starts anew every 20 minutes."""
    place = {**TARGET, "operation": DESCRIBE}
    return merged(
        own("api_requests_total", lambda minute: 10.0 * (minute % 20), **place),
        own(
            "api_errors_total",
            lambda minute: share * 10.0 * max(0, min(minute % 20, minute - BEGIN)),
            **place,
            code="throttled",
        ),
    )


def crashing(away: float | None) -> Callable[[float], float | None]:
    """Return a series of an exporter that crashes again and again."""
    return lambda minute: away if minute >= BEGIN and minute * 60 % (_LIFE + _BREAK) >= _LIFE else 1


WELL = merged(
    job(),
    UP,
    TARGET_INFO,
    ANSWERED,
    throttled(0.0),
    own("config_last_reload_successful", 1),
    own("untracked_running_jobs", 0, **TARGET),
    own("process_start_time_seconds", 0, **HERE),
)

CASES = (
    Case("SageMakerTuningJobDescribeFailing", job(code=since_begin("timeout", "server_error")), 14, 16),
    Case("SageMakerTuningJobMissing", job(code=since_begin("not_found", "timeout", "not_found")), 14, 17),
    Case("SageMakerTuningExporterAccessDenied", job(code=since_begin("no_credentials", "expired_credentials")), 9, 11),
    Case(
        "SageMakerTuningExporterAccessDenied",
        job(code=since_begin("timeout", *["access_denied"] * 5)),
        9,
        16,
    ),
    Case(
        "SageMakerTuningExporterBlind",
        own("target_last_success_timestamp_seconds", {0: 0, BEGIN: None}, **TARGET),
        1,
        3,
    ),
    Case("SageMakerTuningExporterCallsFailing", lists_fail("access_denied", "expired_credentials", "timeout"), 29, 32),
    Case("SageMakerTuningExporterThrottled", throttled(0.5), 14, 40, crashes=False),
    Case(
        "SageMakerTuningExporterDataStale",
        job(next_describe_timestamp_seconds=lambda minute: 60.0 * (min(minute, BEGIN) + 1)),
        15,
        18,
    ),
    Case(
        "SageMakerTuningExporterUntrackedRunningJobs", own("untracked_running_jobs", {0: 0, BEGIN: 2}, **TARGET), 59, 62
    ),
    Case("SageMakerTuningExporterConfigReloadFailed", own("config_last_reload_successful", {0: 1, BEGIN: 0}), 4, 7),
    Case(
        "SageMakerTuningExporterReplicaBlind",
        merged(
            *(own(name, 1, **THERE) for name in ("up", "build_info")),
            own("target_info", 1, **TARGET, **THERE),
            own("target_last_success_timestamp_seconds", lambda minute: 60.0 * min(minute, BEGIN), **TARGET, **THERE),
        ),
        19,
        23,
        crashes=False,
        of_one=True,
    ),
    Case(
        "SageMakerTuningExporterRestarting",
        own("process_start_time_seconds", lambda minute: 600.0 * (max(minute, BEGIN) // 10), **HERE),
        39,
        52,
        crashes=False,
        of_one=True,
    ),
    Case(
        "SageMakerTuningExporterDown",
        merged(
            *(
                own(name, {0: value, BEGIN: after}, **HERE)
                for name, value, after in (("up", 1, 0), ("build_info", 1, None))
            )
        ),
        8,
        13,
        crashes=False,
        of_one=True,
    ),
    Case(
        "SageMakerTuningExporterDown",
        merged(*(own(name, crashing(away), **HERE) for name, away in (("up", 0), ("build_info", None)))),
        8,
        18,
        crashes=False,
        of_one=True,
    ),
)


def scraped(world: World, seconds: int) -> Scraped:
    """Return the samples of a world that is scraped each so many seconds; those without an instance are of the first."""
    moments = [moment / 60 for moment in range(0, 60 * UNTIL + 1, seconds)]
    here: World = {}
    for series, value in world.items():
        labels = dict(series.labels) if "instance" in dict(series.labels) else {**dict(series.labels), **HERE}
        here[Series(series.name, tuple(labels.items()))] = value
    return {series: [at(value, moment) for moment in moments] for series, value in here.items()}


def lose(samples: Scraped, lost: Callable[[int], bool]) -> Scraped:
    """Return the samples without those of some scrapes, told by their numbers, of which only ``up`` tells."""
    return {
        series: [
            (0 if series.name == "up" and value is not None else None) if lost(number) else value
            for number, value in enumerate(values)
        ]
        for series, values in samples.items()
    }


def some_lost(samples: Scraped, seconds: int) -> Scraped:
    return lose(samples, lambda number: crc32(f"scrape {number} of {seconds}".encode()) % 1000 < 1000 * LOST)


def crash_loop(samples: Scraped, seconds: int) -> Scraped:
    return lose(samples, lambda number: number * seconds % (_LIFE + _BREAK) >= _LIFE)


def two_replicas(samples: Scraped, seconds: int) -> Scraped:
    return samples | {
        Series(series.name, tuple((dict(series.labels) | THERE).items())): values for series, values in samples.items()
    }


def pod_move(samples: Scraped, seconds: int) -> Scraped:
    """Return the samples of two pods, of which the second takes over soon after the trouble has begun."""
    moves = (BEGIN + 7) * 60 // seconds
    moved = {
        Series(series.name, tuple((dict(series.labels) | THERE).items())): values for series, values in samples.items()
    }
    return only(samples, 0, moves) | only(moved, moves, UNTIL * 60 // seconds)


TELLINGS: tuple[tuple[str, Callable[[Scraped, int], Scraped], Callable[[int, int], int]], ...] = (
    ("plain", lambda samples, _: samples, lambda scrape, evaluation: 0),
    ("some scrapes lost", some_lost, lambda scrape, evaluation: 3 * scrape),
    ("two replicas", two_replicas, lambda scrape, evaluation: 0),
    ("a pod move", pod_move, lambda scrape, evaluation: 600),
    ("a crash loop", crash_loop, lambda scrape, evaluation: 720),
)
"""How something is told, and how many seconds later it may be known then, for intervals of scrapes and evaluations."""


def groups(alert: str, scrape: int, evaluation: int) -> Iterator[dict[str, Any]]:
    """Yield the tests of promtool at a pace: each trouble of an alert in each telling."""
    for name, telling, late in TELLINGS:
        for case in (case for case in CASES if case.alert == alert):
            crashes = name == "a crash loop"
            if crashes and (scrape == 300 or not case.crashes):  # else hardly any scrape would be answered
                continue
            if case.of_one and name in {"two replicas", "a pod move"}:
                continue
            told = 60 * (BEGIN + case.told) + scrape + 2 * evaluation + late(scrape, evaluation)
            # Scrapes that were lost just before an exporter is down are told with it.
            silent = BEGIN + case.silent - (2 * scrape // 60 if case.of_one and name == "some scrapes lost" else 0)
            expected = [
                *(fire(alert, minute, 0) for minute in [*range(0, silent, 5), silent]),
                *(fire(alert, minute, 1) for minute in (-(-told // 60), UNTIL)),
            ]
            yield group(name, scrape, telling(scraped(merged(WELL, case.world), scrape), scrape), expected)


def group(name: str, scrape: int, samples: Scraped, expected: list[dict[str, Any]]) -> dict[str, Any]:
    series = [{"series": str(one), "values": notation(values)} for one, values in samples.items()]
    asked = [{**each, "expr": f"{each['expr']} # {name}"} for each in expected]
    return {"interval": f"{scrape}s", "input_series": series, "promql_expr_test": asked}


@pytest.mark.parametrize(("scrape", "evaluation"), PACES)
@pytest.mark.parametrize("alert", sorted({case.alert for case in CASES}))
def test_tells_in_time(promtool: Path, tmp_path: Path, alert: str, scrape: int, evaluation: int) -> None:
    rules = [rule for rule in alerts(DOCUMENT) if rule["alert"] == alert]
    rehearse(promtool, tmp_path, rules, [*groups(alert, scrape, evaluation)], evaluation)


@pytest.mark.parametrize(("scrape", "evaluation"), PACES)
def test_tells_nothing_else(promtool: Path, tmp_path: Path, scrape: int, evaluation: int) -> None:
    """Of an exporter that is well only the crash loop is told."""
    fired = 'group by (alertname) (count_over_time(ALERTS{alertstate="firing"}[4h]))'
    tests = []
    for name, telling, _ in TELLINGS:
        down = [{"labels": '{alertname="SageMakerTuningExporterDown"}', "value": 1}] if name == "a crash loop" else []
        expected = [{"expr": fired, "eval_time": f"{UNTIL}m", "exp_samples": down}]
        tests.append(group(name, scrape, telling(scraped(WELL, scrape), scrape), expected))
    own_alerts = [rule for rule in alerts(DOCUMENT) if rule["alert"].startswith("SageMakerTuningExporter")]
    rehearse(promtool, tmp_path, own_alerts, tests, evaluation)
