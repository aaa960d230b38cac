"""The stories of what training jobs cost and why they fail, and those so near to them that nothing must be told."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from rules.story import INFO, WARNING, Quiet, Story
from rules.world import ACCOUNT, JOB, NAME, OBJECTIVE, REGION, WHERE, Series, Value, World, at, job, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OF_JOB = (("aws_account_id", ACCOUNT), ("aws_region", REGION), ("tuning_job", NAME))
USD = {"currency": "USD"}


def of_job(family: str, value: Value, **labels: str) -> World:
    """Return a series of the tuning job."""
    return {Series(f"sagemaker_tuning_job_{family}", (*OF_JOB, *labels.items())): value}


def trained(seconds: Value, count: Value = 1, status: str = "Completed") -> World:
    """Return how long training jobs trained that have ended, in all, and how many they are."""
    return merged(
        of_job("training_job_duration_seconds_sum", seconds, status=status),
        of_job("training_job_duration_seconds_count", count, status=status),
    )


def failed(reason: str, number: Value, ends: int = 70, **also: Value) -> World:
    """Return a search of which so many failed for a reason, and ten did not."""
    counts = {"Completed": 10.0, "InProgress": 4.0, "NonRetryableError": number} | also
    return merged(
        job({0: "InProgress", ends: "Completed"}, created=-60, training_jobs=counts, max_training_jobs=100),
        of_job("training_job_failures_total", number, reason=reason),
        trained(1.0, counts["Completed"]),
    )


def late(value: Callable[[float], float]) -> Callable[[float], float]:
    """Return what a list tells that is read five minutes after the counters have changed."""
    return lambda minute: value(max(0.0, minute - 5))


def wave(number: float) -> Callable[[float], float]:
    """Return so many more each half hour."""
    return lambda minute: number * (minute // 30)


def costly(
    cost: Value, since: Value, *, strategy: str = "Bayesian", ended: float = 50, not_improving: float = 35
) -> World:
    """Return a search that may launch 60 and has trained for 100,000 seconds, what it has cost and trained since its best one."""
    return merged(
        job(
            created=-600,
            training_jobs={"Completed": ended, "InProgress": 4},
            max_training_jobs=60,
            training_jobs_not_improving=not_improving,
            info={"strategy": strategy},
        ),
        trained(96_400.0, 40),
        of_job("running_training_seconds", 3_600),
        of_job("training_seconds_since_best", since),
        of_job("estimated_cost_since_best", cost, **USD),
    )


def running_since(
    minutes: Mapping[int, float],
    *,
    completed: float = 10,
    mean: float = 600,
    strategy: str = "Bayesian",
    definitions: int = 1,
) -> World:
    """Return a search whose oldest training job began at a minute, by the minute, and what the completed ones took on average."""
    start = {since: 60.0 * minute for since, minute in minutes.items()}
    return merged(
        job(
            created=-300,
            training_jobs={"Completed": completed, "InProgress": 3},
            max_training_jobs=100,
            info={"strategy": strategy},
        ),
        trained(completed * mean, completed),
        of_job("running_training_seconds", 9_000),
        of_job("oldest_running_training_job_start_timestamp_seconds", start),
        *(of_job("definition_info", 1, definition=str(number)) for number in range(definitions)),
    )


def in_turn(minute: float) -> float:
    """Return one more each five minutes."""
    return max(0.0, (minute - 20) // 5)


def on_spot(trained: Value, billed: Value, spot: str = "true") -> World:
    """Return a search on spot instances, for how long it trained on them, and what of that is billed."""
    instances = {"instance_type": "ml.g5.xlarge", "spot": spot, "status": "Completed"}
    return merged(
        job(created=-300, training_jobs={"Completed": 10, "InProgress": 3}, max_training_jobs=100),
        of_job("training_instance_seconds_total", trained, **instances),
        of_job("billable_instance_seconds_total", billed, **instances),
    )


AGAIN = 120
"""The minute of a restart."""


def anew(before: Value | None, after: Value | None) -> Callable[[float], float | None]:
    """Return what is told before a restart, and after it."""

    def told(minute: float) -> float | None:
        value = before if minute < AGAIN else after
        return None if value is None else at(value, minute)

    return told


def grows(first: float, share: float) -> Callable[[float], float]:
    """Return a share of so many, and of one more each minute."""
    return lambda minute: share * (first + minute)


def read_again(completed: Value, failures: Mapping[str, Value], *, page_limit: Value = 0) -> World:
    """Return a search of thousands: how many completed and failed by reason, as read, and whether more have ended than are read."""
    return merged(
        job(
            created=-6_000,
            training_jobs={"Completed": grows(3_000, 0.5), "NonRetryableError": grows(3_000, 0.5), "InProgress": 10},
            max_training_jobs=9_000,
        ),
        trained(1.0, completed),
        *(of_job("training_job_failures_total", number, reason=reason) for reason, number in failures.items()),
        of_job("spend_incomplete", page_limit, reason="page_limit"),
        of_job("spend_incomplete", 0, reason="records_missing"),
        of_job("spend_incomplete", 1, reason="unpriced"),
    )


OUT_OF_MEMORY = (
    f"Many of the training jobs of tuning job {NAME} {WHERE}, in all or lately, ran out of memory, and their number grows. The search"
    " tries values that do not fit the instance, such as a batch size: start again with narrower ranges or a larger instance type."
)
STORIES = (
    Story(
        "SageMakerTuningJobOverBudget",
        merged(
            job(created=-60, training_jobs={"Completed": 10, "InProgress": 4}),
            of_job("estimated_cost_total", {0: 60, 30: 100}, **USD, status="Completed"),
            of_job("estimated_cost_total", 20, **USD, status="Failed"),
            of_job("budget", {0: 100, 60: 200}, **USD),
        ),
        {30: 1, 90: 0},
        {**JOB, **USD, **WARNING},
        f"Tuning job {NAME} costs more than its budget",
        f"The training jobs of tuning job {NAME} {WHERE} that have ended cost 120% of its budget of 100.00 USD. Those that run come"
        " on top: stop it, unless its best value is not good enough and you can pay for more.",
    ),
    Story(
        "SageMakerTuningJobOverBudget",  # Told, too, when the last ones of all were too many.
        merged(
            job({0: "InProgress", 30: "Completed"}, created=-60, end_timestamp_seconds={30: 1_800}),
            of_job("estimated_cost_total", {0: 60, 30: 130}, **USD, status="Completed"),
            of_job("budget", {0: 100, 60: 200}, **USD),
        ),
        {30: 1, 90: 0},
        {**JOB, **USD, **WARNING},
        f"Tuning job {NAME} costs more than its budget",
        f"The training jobs of tuning job {NAME} {WHERE} that have ended cost 130% of its budget of 100.00 USD. Those that run come"
        " on top: stop it, unless its best value is not good enough and you can pay for more.",
    ),
    Story(
        "SageMakerTuningJobOverBudget",  # And while the last ones are being stopped.
        merged(
            job({0: "InProgress", 20: "Stopping"}, created=-60, training_jobs={"Completed": 10, "InProgress": 4}),
            of_job("estimated_cost_total", {0: 60, 30: 130}, **USD, status="Completed"),
            of_job("budget", {0: 100.5, 60: 200}, **USD),
        ),
        {30: 1, 90: 0},
        {**JOB, **USD, **WARNING},
        f"Tuning job {NAME} costs more than its budget",
        f"The training jobs of tuning job {NAME} {WHERE} that have ended cost 129.4% of its budget of 100.50 USD. Those that run"
        " come on top: stop it, unless its best value is not good enough and you can pay for more.",
    ),
    Story(
        "SageMakerTuningJobSpendingWithoutImprovement",
        costly(cost={0: 60, 20: 150.4}, since={0: 85_000, 80: 1_000}),
        {35: 1, 110: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} costs a lot and does not improve",
        f"Tuning job {NAME} {WHERE} has used up 70.83% of the training jobs that it may launch since its best one ended, for"
        " about 150 USD. The rest may bring nothing: stop it if its best value is good enough.",
    ),
    Story(
        "SageMakerTuningJobOutOfMemory",
        failed("out_of_memory", {0: 1, 20: 3}),
        {20: 1, 100: 0},
        {**JOB, **WARNING},
        f"Training jobs of tuning job {NAME} run out of memory",
        OUT_OF_MEMORY,
    ),
    Story(  # After many good ones.
        "SageMakerTuningJobOutOfMemory",
        failed("out_of_memory", in_turn, 90, Completed=lambda minute: 150 + in_turn(minute)),
        {45: 1, 120: 0},
        {**JOB, **WARNING},
        f"Training jobs of tuning job {NAME} run out of memory",
        OUT_OF_MEMORY,
    ),
    Story(  # The same, where sums are short for another reason than that some are not read.
        "SageMakerTuningJobOutOfMemory",
        merged(
            failed("out_of_memory", in_turn, 90, Completed=lambda minute: 150 + in_turn(minute)),
            of_job("spend_incomplete", 0, reason="page_limit"),
            of_job("spend_incomplete", 1, reason="unpriced"),
        ),
        {45: 1, 120: 0},
        {**JOB, **WARNING},
        f"Training jobs of tuning job {NAME} run out of memory",
        OUT_OF_MEMORY,
    ),
    Story(  # All of the first that end at once.
        "SageMakerTuningJobOutOfMemory",
        failed("out_of_memory", {0: None, 20: 8}, Completed=0.0),
        {20: 1, 100: 0},
        {**JOB, **WARNING},
        f"Training jobs of tuning job {NAME} run out of memory",
        OUT_OF_MEMORY,
        rollouts=False,
    ),
    *(
        Story(
            "SageMakerTuningJobNoCapacity",
            # With one of the other kind, as both count.
            merged(failed(reason, {0: 1, 20: 4}), of_job("training_job_failures_total", 1, reason=other)),
            {20: 1, 100: 0},
            {**JOB, **WARNING},
            f"Tuning job {NAME} gets no instances",
            f"Many of the training jobs of tuning job {NAME} {WHERE}, in all or lately, failed because AWS had no capacity or the"
            " account's quota was used up, and their number grows. The search takes longer and may fail: try another instance type,"
            " zone or hour, or ask for quota.",
        )
        for reason, other in (("capacity", "quota"), ("quota", "capacity"))
    ),
    Story(
        "SageMakerTuningJobStraggler",
        running_since({0: -30, 70: 70}),
        {45: 1, 100: 0},
        {**JOB, **WARNING},
        f"A training job of tuning job {NAME} seems to hang",
        f"A training job of tuning job {NAME} {WHERE} has run for 8 times as long as those that completed took on average. It"
        " costs its instances until its time limit ends it: read its log, and stop it if it hangs.",
    ),
    Story(
        "SageMakerTuningJobSpotUnused",
        on_spot({0: 7_200, 70: 10_000}, {0: 3_000, 20: 7_150}),
        {20: 1, 100: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} uses spot instances but saves nothing",
        f"SageMaker bills 99.31% of the time that training jobs of tuning job {NAME} {WHERE} trained on spot instances. They cost"
        " as much as on demand, and may still be interrupted.",
    ),
    # Alerts that name the class of what failed, where it is known.
    Story(
        "SageMakerTuningJobTrainingJobsFailing",
        merged(
            failed("data", {0: 5, 20: 6}, Completed=3.0, InProgress=3.0),
            of_job("training_job_failures_total", 1, reason="internal_error"),
        ),
        {25: 1, 100: 0},
        {**JOB, **WARNING},
        f"Training jobs of tuning job {NAME} keep failing",
        f"Half of the training jobs of tuning job {NAME} {WHERE}, or most of the latest ones, failed with errors that no retry"
        " fixes. The most frequent class of failure is data (6). The next ones may fail too, and still cost money: see in"
        " the console why they fail, and stop the search if all do.",
    ),
    Story(
        "SageMakerTuningJobNoBestValue",
        merged(failed("image", {0: 2, 20: 4}, Completed=0.0, Stopped=2.0), of_job("max_parallel_training_jobs", 4)),
        {35: 1, 100: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} has no best value",
        f"Training jobs of tuning job {NAME} {WHERE} have ended, and there is no best value, or it is NaN. The most frequent"
        " class of failure is image (4). So far the search has found nothing for what it costs: see how its training jobs ended,"
        " and start again with that fixed.",
    ),
    Story(  # Few failed: that is not why.
        "SageMakerTuningJobNoBestValue",
        merged(failed("image", {0: 2, 20: 4}, Completed=10.0), of_job("best_objective_value", math.nan, **OBJECTIVE)),
        {15: 1, 100: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} has no best value",
        f"Training jobs of tuning job {NAME} {WHERE} have ended, and there is no best value, or it is NaN. So far the search has"
        " found nothing for what it costs: see how its training jobs ended, and start again with that fixed.",
    ),
    # Where the oldest one cannot be measured, it is told that none ends.
    *(
        Story(
            "SageMakerTuningJobTrainingJobsHanging",
            merged(
                job(
                    created=-10,
                    training_jobs={"Completed": {0: completed - 1, 10: completed, 300: completed + 1}, "InProgress": 2},
                    max_parallel_training_jobs=2,
                    max_training_jobs=80,
                ),
                of_job("running_training_seconds", 9_000),
                of_job("oldest_running_training_job_start_timestamp_seconds", 0.0),
                trained(600.0 * completed, completed),
                *(of_job("definition_info", 1, definition=str(number)) for number in range(definitions)),
            ),
            {fires: 1, 330: 0},
            {**JOB, **WARNING},
            f"Training jobs of tuning job {NAME} seem to hang",
            f"Tuning job {NAME} {WHERE} runs training jobs (2) of which none has ended for several times as long as they took so"
            " far. Each costs its instances until its time limit ends it: read their logs, and stop those that hang.",
        )
        for completed, definitions, fires in ((2, 1, 170), (4, 2, 100))
    ),
)

QUIET = (
    *(
        Quiet(
            "SageMakerTuningJobOverBudget",
            why,
            merged(
                job(created=-60, training_jobs={"Completed": 10, "InProgress": 4}),
                of_job("estimated_cost_total", cost, **USD, status="Completed"),
                *([] if budget is None else [of_job("budget", budget, **USD)]),
            ),
        )
        for why, cost, budget in (("no budget", 1_000.0, None), ("within its budget", {0: 40.0, 60: 100.0}, 100.0))
    ),
    Quiet(
        "SageMakerTuningJobOverBudget",
        "another of its name cost more",
        merged(
            job({0: "Completed", 60: "InProgress"}, created=-60, end_timestamp_seconds={0: -3 * 86_400.0, 60: None}),
            of_job("created_timestamp_seconds", {0: -600_000, 60: 3_600}),
            of_job("estimated_cost_total", {0: 500, 60: None}, **USD, status="Completed"),
            of_job("budget", 300, **USD),
        ),
    ),
    *(
        Quiet("SageMakerTuningJobSpendingWithoutImprovement", why, world)
        for why, world in (
            ("little money", costly(cost=60, since=90_000)),
            ("a smaller share", costly(cost=500, since=75_000)),
            ("draws that do not learn", costly(cost=500, since=90_000, strategy="Random")),
            ("little is left", costly(cost=500, since=90_000, ended=55)),
            ("few since it improved", costly(cost=500, since=90_000, not_improving=25)),
            ("no price", {one: value for one, value in costly(500, 90_000).items() if "cost" not in one.name}),
            *(
                (
                    f"sums that are short: {reason}",
                    merged(costly(500, 90_000), of_job("spend_incomplete", 1, reason=reason)),
                )
                for reason in ("page_limit", "records_missing")
            ),
        )
    ),
    *(
        Quiet("SageMakerTuningJobOutOfMemory", why, world)
        for why, world in (
            ("two", failed("out_of_memory", {0: 1, 20: 2}, 200)),
            ("few of many", failed("out_of_memory", {0: 1, 20: 3}, 200, Completed=40.0)),
            ("no more of them", failed("out_of_memory", 5, 200)),
            ("other reasons", failed("crashed", {0: 1, 20: 5, 40: 8}, 200)),
            (
                "few in each wave, as a list tells that is read later",
                merged(
                    job(training_jobs={"Completed": wave(47), "NonRetryableError": wave(3), "InProgress": 50}),
                    of_job("training_job_failures_total", late(wave(3)), reason="out_of_memory"),
                    trained(1.0, late(wave(47))),
                ),
            ),
        )
    ),
    *(
        Quiet(alert, why, world, 400)
        for alert, reasons in (
            ("SageMakerTuningJobOutOfMemory", ("out_of_memory",)),
            ("SageMakerTuningJobNoCapacity", ("capacity", "quota")),
        )
        for reason in reasons
        for why, world in (
            (
                f"{reason}: a restart reads fewer, of which as many failed",
                read_again(
                    anew(grows(3_000, 0.9), grows(900, 0.9)),
                    {reason: anew(grows(3_000, 0.1), grows(900, 0.1))},
                    page_limit=anew(0, 1),
                ),
            ),
            (
                f"{reason}: more may be read than before",
                read_again(
                    anew(grows(400, 0.9), grows(3_000, 0.851)),
                    {reason: anew(grows(400, 0.1), grows(3_000, 0.149))},
                    page_limit=anew(1, 0),
                ),
            ),
            (
                f"{reason}: training jobs were deleted before they were read again",
                read_again(
                    anew(grows(3_000, 0.9), grows(900, 0.9)), {reason: anew(grows(3_000, 0.1), grows(900, 0.1))}
                ),
            ),
            (
                f"{reason}: a restart with one more class",
                read_again(
                    grows(3_000, 0.58),
                    {
                        reason: grows(3_000, 0.12),
                        "algorithm_error": anew(grows(3_000, 0.3), None),
                        "bad_batch": anew(None, grows(3_000, 0.3)),
                    },
                ),
            ),
            (
                f"{reason}: a restart without a class that some of them were of",
                read_again(
                    grows(3_000, 0.86),
                    {
                        reason: anew(grows(3_000, 0.04), grows(3_000, 0.14)),
                        "own": anew(grows(3_000, 0.1), None),
                    },
                ),
            ),
            (
                f"{reason}: another of its name, after one that failed seldom and has ended",
                merged(
                    job(
                        {0: "Completed", AGAIN: "InProgress"},
                        training_jobs={"Completed": anew(2_900, in_turn), "NonRetryableError": 5, "InProgress": 4},
                    ),
                    of_job("created_timestamp_seconds", {0: -200_000, AGAIN: 60.0 * AGAIN}),
                    trained(1.0, anew(2_900, lambda minute: 40 + in_turn(minute))),
                    of_job(
                        "training_job_failures_total",
                        anew(10, lambda minute: min(6.0, in_turn(minute) - 22)),
                        reason=reason,
                    ),
                ),
            ),
        )
    ),
    *(
        Quiet("SageMakerTuningJobNoCapacity", why, world)
        for why, world in (
            ("three", failed("capacity", {0: None, 20: 1, 40: 3}, 200)),
            ("few of many", failed("capacity", {0: 1, 20: 3, 60: 5}, 200, Completed=lambda minute: 40 + minute)),
            ("no more of them", failed("capacity", 5, 200)),
            ("other reasons", failed("internal_error", {0: 1, 20: 5, 40: 8}, 200)),
        )
    ),
    *(
        Quiet("SageMakerTuningJobStraggler", why, world)
        for why, world in (
            ("a few times as long", running_since({0: 0}, mean=1_800)),
            ("many times as long, and yet short", running_since({0: -5, 50: 45, 100: 95}, mean=60)),
            ("few completed", running_since({0: -30}, completed=2)),
            ("Hyperband", running_since({0: -30}, strategy="Hyperband")),
            ("of several definitions", running_since({0: -30}, definitions=2)),
        )
    ),
    *(
        Quiet("SageMakerTuningJobSpotUnused", why, world)
        for why, world in (
            ("on demand", on_spot(7_200, 7_200, "false")),
            ("two thirds are saved", on_spot(7_200, 2_400)),
            ("little yet", on_spot(1_800, 1_800)),
            ("bills are late", on_spot(7_200, 6_000)),
        )
    ),
    Quiet(
        "SageMakerTuningJobSpendingWithoutImprovement",
        "a restart reads fewer, of which more trained since the best one",
        merged(
            costly(500, anew(60_000, 90_000)),
            of_job("spend_incomplete", anew(0, 1), reason="page_limit"),
        ),
        240,
    ),
    Quiet(
        "SageMakerTuningJobTrainingJobsHanging",
        "training jobs are collected",
        merged(
            job(
                created=-600,
                training_jobs={"Completed": 40, "InProgress": 4},
                max_parallel_training_jobs=4,
                max_training_jobs=80,
            ),
            of_job("running_training_seconds", 9_000),
            of_job("oldest_running_training_job_start_timestamp_seconds", 0.0),
            trained(40 * 3_600.0, 40),
        ),
        480,
    ),
)
