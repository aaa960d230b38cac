"""Lives of shapes that are easily misread, evaluated by all rules at once: what is told of them, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from render_rules import alerts, load
from rules.cases_exporter import ANSWERED, TARGET_INFO
from rules.rehearsal import rehearse
from rules.world import ACCOUNT, DAY, REGION, Scraped, Series, Value, World, at, job, merged, notation, of_pod, own

if TYPE_CHECKING:
    from pathlib import Path

ALERTS = list(alerts(load()))
EXPORTER = merged(
    own("up", 1, job="sagemaker", instance="a:10980"),
    own("build_info", 1, job="sagemaker", instance="a:10980"),
    TARGET_INFO,
    ANSWERED,
)


class Life(NamedTuple):
    """What is scraped each minute, or more seldom, and the alerts that fire from some minute on, with their team."""

    why: str
    scraped: Scraped
    firing: frozenset[tuple[str, str]] = frozenset()
    since: int = 0
    step: int = 1

    @property
    def minutes(self) -> int:
        return (len(next(iter(self.scraped.values()))) - 1) * self.step


def scrape(world: World, minutes: int, step: int = 1) -> Scraped:
    """Return the samples of a world, one each so many minutes."""
    return {series: [at(value, minute) for minute in range(0, minutes + 1, step)] for series, value in world.items()}


def late(value: Value, minutes: int) -> Value:
    """Return what an exporter shows that describes so many minutes later than another."""
    return lambda minute: at(value, max(0, minute - minutes))


def out_of_step(completed: Value, running: Value, minutes: int, **families: Any) -> Scraped:
    """Return a search as two replicas tell of it, one of which is four minutes behind."""
    pods: Scraped = {}
    for pod, behind in (("a", 0), ("b", 4)):
        counts = {
            "Completed": late(completed, behind),
            "InProgress": late(running, behind),
            "NonRetryableError": 0,
            "RetryableError": 0,
        }
        one = job(created=-600, training_jobs=counts, objectives={"Succeeded": late(completed, behind)}, **families)
        pods |= of_pod(scrape(one, minutes), pod)
    return pods


def renamed_team_and_a_lost_scrape() -> Scraped:
    """Return a tuning job that failed, whose team changes at minute 20, and the scrape of minute 23 is lost."""
    failed: Scraped = {}
    for series, values in scrape(job({0: "InProgress", 5: "Failed"}, end_timestamp_seconds={5: 300}), 60).items():
        seen = [None if minute == 23 else value for minute, value in enumerate(values)]
        if series.name == "sagemaker_tuning_job_labels":
            other = Series(series.name, tuple({**dict(series.labels), "label_team": "pricing"}.items()))
            failed[series] = [value if minute < 20 else None for minute, value in enumerate(seen)]
            failed[other] = [value if minute >= 20 else None for minute, value in enumerate(seen)]
        else:
            failed[series] = seen
    return failed


def kept_through_an_outage() -> Scraped:
    """Return a search of which AWS tells nothing for an hour and a half, and whose values stay for all that time."""

    def completed(minute: float) -> float:
        return 20.0 + (60 if 60 <= minute < 150 else minute) // 4

    searched = job(
        created=-60,
        code={0: None, 60: "timeout", 150: None},
        training_jobs={"Completed": completed, "InProgress": 4, "NonRetryableError": 0},
        objectives={"Succeeded": completed},
        max_training_jobs=90,
        max_parallel_training_jobs=4,
        max_runtime_seconds=18_000,
        best_objective_value=0.9,
    )
    return scrape(searched, 240)


def name_used_again() -> Scraped:
    """Return a search that is stopped and deleted, and another of its name, whose first training jobs go well."""

    def completed(minute: float) -> float | None:
        return 100.0 if minute < 60 else None if minute < 90 else max(0.0, (minute - 95) // 6)

    there = {0: 0.0, 60: None, 90: 0.0}
    searched = job(
        {0: "InProgress", 30: "Stopped", 60: None, 90: "InProgress"},
        training_jobs={
            "Completed": completed,
            "InProgress": {0: 4, 30: 0, 60: None, 90: 4},
            "NonRetryableError": there,
            "RetryableError": there,
        },
        objectives={"Succeeded": completed},
        max_training_jobs=100,
        max_parallel_training_jobs=4,
    )
    created = next(series for series in searched if series.name == "sagemaker_tuning_job_created_timestamp_seconds")
    return scrape({**searched, created: {0: -36_000, 60: None, 90: 5400}}, 240)


UNKNOWN = {"aws_region": REGION, "target": "other"}
LIVES = (
    Life(
        "the last ones end after the target was reached, as replicas out of step tell",
        out_of_step(
            lambda minute: 100 + max(0, min(48, minute - 60)),
            lambda minute: 50 - max(0, min(48, minute - 60)),
            120,
            target_reached={0: 0, 20: 1},
            best_objective_value=0.9,
            max_training_jobs=400,
            max_parallel_training_jobs=50,
        ),
    ),
    Life(
        "many end at once and no more follow, as replicas out of step tell",
        out_of_step({0: 388, 30: 400}, {0: 13, 30: 1}, 90, max_training_jobs=401, max_parallel_training_jobs=20),
    ),
    Life(
        "AWS tells the account of a target after the first scrapes",
        scrape(
            merged(
                own("target_info", {0: 1, 2: None}, **UNKNOWN),
                own("target_info", {2: 1}, **UNKNOWN, aws_account_id=ACCOUNT),
                own(
                    "target_last_success_timestamp_seconds",
                    lambda minute: 60 * minute if minute >= 2 else None,
                    **UNKNOWN,
                    aws_account_id=ACCOUNT,
                ),
            ),
            60,
        ),
    ),
    Life(
        "values that are kept for longer than an outage of AWS",
        kept_through_an_outage(),
        frozenset({("SageMakerTuningJobDescribeFailing", "search")}),
    ),
    Life(
        "the team changes, and a scrape is lost soon after",
        renamed_team_and_a_lost_scrape(),
        frozenset({("SageMakerTuningJobFailed", team) for team in ("search", "pricing")}),
    ),
    Life(
        "a name that is used again",
        name_used_again(),
    ),
    Life(
        "unseen for an hour, and few run for a while when it is seen again",
        scrape(
            job(
                {0: "InProgress", 60: None, 125: "InProgress"},
                training_jobs={"Completed": {0: 100, 60: None, 125: 104}, "InProgress": {0: 10, 125: 4, 145: 10}},
                created=-600,
                max_training_jobs=600,
                max_parallel_training_jobs=10,
            ),
            240,
        ),
    ),
    Life(
        "stuck for days",
        scrape(
            job(
                training_jobs={"Completed": 10, "InProgress": {0: 2, 10: 0}},
                objectives={"Succeeded": 10},
                max_training_jobs=50,
                max_parallel_training_jobs=2,
            ),
            2 * DAY + 300,
            5,
        ),
        frozenset({("SageMakerTuningJobStuck", "search")}),
        2 * DAY + 180,  # no rule looks back further than two days
        5,
    ),
)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.why)
def test_a_life_is_read_right(newest_promtool: Path, tmp_path: Path, life: Life) -> None:
    scraped = scrape(EXPORTER, life.minutes, life.step) | life.scraped
    last = life.minutes
    expected = {
        "expr": "group by (alertname, label_team) (count_over_time("
        f'ALERTS{{alertstate="firing"}}[{last - life.since or 1}m])) # {life.why}',
        "eval_time": f"{last}m",
        "exp_samples": [
            {"labels": f'{{alertname="{alert}",label_team="{team}"}}', "value": 1} for alert, team in life.firing
        ],
    }
    series = [{"series": str(one), "values": notation(values)} for one, values in scraped.items()]
    tests = [{"interval": f"{life.step}m", "input_series": series, "promql_expr_test": [expected]}]
    rehearse(newest_promtool, tmp_path, ALERTS, tests, 60 * life.step)
