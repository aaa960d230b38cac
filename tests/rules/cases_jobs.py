"""The stories that the alerts about tuning jobs must find, and those so near to them that they must not."""

from __future__ import annotations

from dataclasses import replace

from rules.story import INFO, WARNING, Quiet, Story
from rules.world import DAY, JOB, NAME, WHERE, Value, job

NAN = float("nan")


def by_status(**counts: Value) -> dict[str, Value]:
    """Return counts of training jobs."""
    return counts


def in_a_row(minute: float) -> float:
    """Return one more each five minutes, from two hours and a bit on."""
    return max(0.0, (minute - 130) // 5)


_STORIES = (
    # By a clock that is right, or a minute fast.
    *(
        Story(
            "SageMakerTuningJobFailed",
            job({0: "InProgress", 30: "Failed"}, end_timestamp_seconds={30: seconds}),
            {30: 1, until + DAY + 30: 0},
            {**JOB, **WARNING},
            f"Tuning job {NAME} failed",
            f"Tuning job {NAME} {WHERE} failed 0s ago. Nothing of it runs any more. The reason is on its page in the console: fix it,"
            " and start the search again.",
        )
        for seconds, until in ((1800, 30), (1860, 35))
    ),
    Story(
        "SageMakerTuningJobDeleteFailed",
        job({0: "Deleting", 20: "DeleteFailed", 65: None}),
        {25: 1, 105: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} could not be deleted",
        f"Tuning job {NAME} {WHERE} is in status DeleteFailed and stays there until it is deleted again. Training jobs"
        " that still run cost money: stop them, then delete it again.",
    ),
    Story(
        "SageMakerTuningJobStuckStopping",
        job({0: "InProgress", 10: "Stopping", 110: "Stopped"}),
        {80: 1, 140: 0},
        {**JOB, **WARNING, "status": "Stopping"},
        f"Tuning job {NAME} is stuck in Stopping",
        f"Tuning job {NAME} {WHERE} has been Stopping for far longer than it should take. Training jobs that still run"
        " cost money: stop them one by one.",
    ),
    Story(
        "SageMakerTuningJobStuckStopping",
        job({0: "Stopped", 10: "Deleting", 110: None}),
        {80: 1, 150: 0},
        {**JOB, **WARNING, "status": "Deleting"},
        f"Tuning job {NAME} is stuck in Deleting",
        f"Tuning job {NAME} {WHERE} has been Deleting for far longer than it should take. Training jobs that still run"
        " cost money: stop them one by one.",
    ),
    # Out of sight for a while, first from the middle on and then from before the window.
    *(
        Story(
            "SageMakerTuningJobStuckStopping",
            job({0: "InProgress", 10: "Stopping", since: None, until: "Stopping", 160: "Stopped"}),
            {fires: 1, 190: 0},
            {**JOB, **WARNING, "status": "Stopping"},
            f"Tuning job {NAME} is stuck in Stopping",
            f"Tuning job {NAME} {WHERE} has been Stopping for far longer than it should take. Training jobs that still run"
            " cost money: stop them one by one.",
        )
        for since, until, fires in ((30, 60, 80), (20, 90, 100))
    ),
    *(
        Story(
            "SageMakerTuningJobTrainingJobsFailing",
            job({0: "InProgress", ends: "Completed"}, created=created, training_jobs=counts),
            {fires: 1, ends + 30: 0},
            {**JOB, **WARNING},
            f"Training jobs of tuning job {NAME} keep failing",
            f"Half of the training jobs of tuning job {NAME} {WHERE}, or most of the latest ones, failed with errors that no retry"
            " fixes. The next ones may fail too, and still cost money: see in the console why they fail, and stop the"
            " search if all do.",
        )
        for created, counts, fires, ends in (
            # From the first on, in a small search too.
            (-30, by_status(NonRetryableError={0: 5, 20: 6}, Completed=3, InProgress=3), 25, 70),
            # In a row, after many good ones, slowly and quickly.
            (-DAY, by_status(NonRetryableError=in_a_row, Completed=150, InProgress=4), 175, 220),
            (
                -DAY,
                by_status(NonRetryableError=lambda minute: 2 * in_a_row(minute + 70), Completed=150, InProgress=4),
                85,
                130,
            ),
        )
    ),
    *(
        Story(
            "SageMakerTuningJobTrainingJobsCutOff",
            job(
                {0: "InProgress", 80: "Completed"},
                created=-60,
                training_jobs={"Stopped": {0: 2, 20: 3}, "Completed": completed, "InProgress": 2},
                objectives={"Succeeded": completed, "Pending": 2},
                info={"early_stopping": "Off"} if completed else {},
            ),
            {30: 1, 110: 0},
            {**JOB, **WARNING},
            f"Training jobs of tuning job {NAME} are cut off",
            f"{share} of the training jobs of tuning job {NAME} {WHERE} that ended were stopped, and the search itself stops"
            " none. Either their own time limit is too short, and what they cost is lost, or somebody stops them: compare how"
            " long they ran.",
        )
        for completed, share in ((0, "100%"), (4, "42.86%"))
    ),
    *(
        Story(
            "SageMakerTuningJobObjectiveNeverEmitted",
            job(
                {0: "InProgress", fires + 45: "Stopped"},
                training_jobs={"Completed": completed, "Stopped": stopped, "InProgress": 4},
                objectives={"Succeeded": succeeded, "Pending": 4},
                info={"early_stopping": early_stopping},
            ),
            {fires: 1, fires + 75: 0},
            {**JOB, **WARNING},
            f"Tuning job {NAME} finds no objective metric in its training jobs",
            f"Half or more of the completed training jobs of tuning job {NAME} {WHERE}, in all or lately, reported no objective."
            " The search learns nothing from these, and each costs as much as a good one: try the metric's regular expression"
            " on their logs.",
        )
        for completed, stopped, succeeded, early_stopping, fires in (
            ({0: 2, 10: 3}, 0, 0, "Off", 15),
            # Most, not all.
            ({0: 19, 10: 20}, 0, 10, "Off", 15),
            # Each that the search stopped has one.
            ({0: 19, 10: 20}, 8, 18, "Auto", 15),
            # In a row, after many good ones.
            (lambda minute: 50 + in_a_row(minute), 0, 50, "Off", 165),
        )
    ),
    Story(
        "SageMakerTuningJobObjectiveNeverEmitted",
        job(
            {0: "InProgress", 20: "Completed"},
            training_jobs={"Completed": {0: 0, 10: 1}, "InProgress": {0: 1, 10: 0}},
            objectives={"Succeeded": 0, "Pending": {0: 1, 10: 0}},
            end_timestamp_seconds={20: 1200},
        ),
        {25: 1, 20 + DAY + 30: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} finds no objective metric in its training jobs",
        f"Half or more of the completed training jobs of tuning job {NAME} {WHERE}, in all or lately, reported no objective."
        " The search learns nothing from these, and each costs as much as a good one: try the metric's regular expression"
        " on their logs.",
    ),
    *(
        Story(
            "SageMakerTuningJobNoBestValue",
            job(
                created=-20,
                training_jobs={**counts, **by_status(Completed=completed, InProgress=2)},
                objectives={"Succeeded": 0},
                max_parallel_training_jobs=3,
                best_objective_value=best,
            ),
            {25: 1, 90: 0},
            {**JOB, **WARNING},
            f"Tuning job {NAME} has no best value",
            f"Training jobs of tuning job {NAME} {WHERE} have ended, and there is no best value, or it is NaN. So far the"
            " search has found nothing for what it costs: see how its training jobs ended, and start again with that fixed.",
        )
        for counts, completed, best in (
            (by_status(NonRetryableError={0: 3, 10: 4}, Stopped=1), 0, {60: 0.5}),
            (by_status(NonRetryableError=0, Stopped=0), {0: 0, 10: 1}, {0: None, 10: NAN, 60: 0.5}),
        )
    ),
    Story(
        "SageMakerTuningJobStuck",
        job(
            training_jobs={"Completed": {0: 6, 10: 8}, "InProgress": {0: 2, 10: 0, 100: 1}},
            objectives={"Succeeded": {0: 6, 10: 7}, "Pending": {0: 2, 10: 1}},
            max_training_jobs=60,
            max_parallel_training_jobs=4,
        ),
        {65: 1, 130: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is in progress but runs nothing",
        f"Tuning job {NAME} {WHERE} was created 4h 5m 0s ago and is InProgress, but for long now no training job has been"
        " running. It costs nothing, but no result will come: look at the quota of its instance type, else stop it and start"
        " again.",
    ),
    Story(
        "SageMakerTuningJobStuck",
        job(created=0, training_jobs={"Completed": 0, "InProgress": {0: 0, 110: 1}}, objectives={"Succeeded": 0}),
        {75: 1, 140: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is in progress but runs nothing",
        f"Tuning job {NAME} {WHERE} was created 1h 15m 0s ago and is InProgress, but for long now no training job has been"
        " running. It costs nothing, but no result will come: look at the quota of its instance type, else stop it and start"
        " again.",
    ),
    *(
        Story(
            "SageMakerTuningJobTrainingJobsHanging",
            job(
                created=created,
                training_jobs={
                    "Completed": {0: completed - 1, 10: completed, 450: completed + 1},
                    "InProgress": running,
                },
                max_parallel_training_jobs=4,
                max_training_jobs=80,
            ),
            {fires: 1, 480: 0},
            {**JOB, **WARNING},
            f"Training jobs of tuning job {NAME} seem to hang",
            f"Tuning job {NAME} {WHERE} runs training jobs ({running}) of which none has ended for several times as long as"
            " they took so far. Each costs its instances until its time limit ends it: read their logs, and stop those that"
            " hang.",
        )
        for created, completed, running, fires in (
            # Of 10 minutes on average, of 43, and a single one, of 41.
            (-30, 16, 4, 80),
            (-120, 12, 4, 210),
            (-600, 59, 1, 285),
        )
    ),
    Story(
        "SageMakerTuningJobNotImproving",
        job(
            training_jobs={"Completed": 31, "InProgress": 4},
            training_jobs_not_improving={0: 29, 20: 30, 100: 0},
            max_training_jobs=46,
        ),
        {25: 1, 130: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} does not improve any more",
        f"Tuning job {NAME} {WHERE} has run many training jobs in a row without improving by more than 1 %: 65.22% of its own"
        " limit for that or, without one, of all that it may launch. The rest may bring nothing: stop it if its best value is"
        " good enough.",
    ),
    Story(
        "SageMakerTuningJobNotImproving",
        job(
            {0: "InProgress", 100: "Completed"},
            training_jobs={"Completed": {0: 38, 20: 39, 25: 40}, "InProgress": 2},
            training_jobs_not_improving={0: 14, 10: 15},
            max_training_jobs_not_improving=15,
            max_training_jobs=60,
        ),
        {30: 1, 130: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} does not improve any more",
        f"Tuning job {NAME} {WHERE} has run many training jobs in a row without improving by more than 1 %: 100% of its own"
        " limit for that or, without one, of all that it may launch. The rest may bring nothing: stop it if its best value is"
        " good enough.",
    ),
    *(
        Story(
            "SageMakerTuningJobConvergedStillRunning",
            job(
                {0: "InProgress", 120: "Completed"},
                convergence_detected_timestamp_seconds={10: 600},
                training_jobs={"Completed": {0: 20, 30: 21, 50: 22}, "InProgress": 4},
                info={"complete_on_convergence": on_convergence},
                max_training_jobs=budget,
            ),
            {80: 1, 150: 0},
            {**JOB, **INFO},
            f"Tuning job {NAME} has converged and still runs",
            f"SageMaker found 1h 10m 0s ago that tuning job {NAME} {WHERE} had converged, and it still runs. More training jobs"
            " cost money and are unlikely to help: stop it, unless you want the rest.",
        )
        for on_convergence, budget in (
            ("Disabled", {0: 60}),
            ("Disabled", {0: None}),
            ("Enabled", {0: 60}),
        )
    ),
    Story(
        "SageMakerTuningJobTargetReachedStillRunning",
        job(
            {0: "InProgress", 100: "Completed"},
            target_reached={0: 0, 10: 1},
            best_objective_value={0: 0.8, 10: 0.93},
            training_jobs={"Completed": {0: 20, 20: 21, 30: 22}, "InProgress": 4},
            max_training_jobs=60,
        ),
        {45: 1, 130: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} has reached its target and still launches training jobs",
        f"The best objective value of tuning job {NAME} {WHERE}, 0.93, has been at its target or past it for long, and the"
        " tuning job still launches training jobs. It has found what was asked for: stop it, unless you want more.",
    ),
    Story(
        "SageMakerTuningJobNearTimeLimit",
        job(
            {0: "InProgress", 60: "Completed"},
            training_jobs={"Completed": 36, "InProgress": 4},
            max_training_jobs=60,
            max_runtime_seconds=14_400,
        ),
        {20: 1, 90: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} will be cut off by its time limit",
        f"At its pace so far, 76% of the training jobs that tuning job {NAME} {WHERE} may launch will have ended when its"
        " maximum runtime is over. Those that run then are cut off, and the limit cannot be raised: if you need the rest, plan"
        " a tuning job that warm starts from this one.",
    ),
    Story(
        "SageMakerTuningJobNearTimeLimit",
        job(
            {0: "InProgress", 60: "Completed"},
            created=-230,
            training_jobs={"Completed": 0, "InProgress": 10},
            max_training_jobs=10,
            max_runtime_seconds=18_000,
        ),
        {20: 1, 90: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} will be cut off by its time limit",
        f"At its pace so far, 60% of the training jobs that tuning job {NAME} {WHERE} may launch will have ended when its"
        " maximum runtime is over. Those that run then are cut off, and the limit cannot be raised: if you need the rest, plan"
        " a tuning job that warm starts from this one.",
    ),
    *(
        Story(
            "SageMakerTuningJobSlotsStarved",
            job(
                training_jobs={"Completed": 20, "InProgress": {0: slots, **few, 150: slots}},
                max_training_jobs=60,
                max_parallel_training_jobs=slots,
            ),
            {fires: 1, 185: 0},
            {**JOB, **WARNING},
            f"Tuning job {NAME} runs far fewer training jobs at once than before",
            f"Of the training jobs that tuning job {NAME} {WHERE} may run at once, only {share} ran lately, far fewer than"
            " before, and it has more to launch. It will take much longer than planned: see who else uses the quota of its"
            " instance type.",
        )
        for slots, few, fires, share in (
            (10, {60: 4}, 115, "40%"),
            (2, {60: 1}, 120, "50%"),
            # In bursts.
            (10, {65: 2, 70: 1, 90: 6, 100: 1, 110: 0, 130: 6, 140: 0}, 110, "20%"),
        )
    ),
    *(
        Story(
            "SageMakerTuningJobRetryableErrors",
            job({0: "InProgress", fires + 45: "Completed"}, training_jobs=counts),
            {fires: 1, fires + 75: 0},
            {**JOB, **WARNING},
            f"Tuning job {NAME} keeps losing training jobs to errors of the service",
            f"Many of the training jobs of tuning job {NAME} {WHERE}, in all or lately, ended in errors of the service, mostly for"
            " lack of capacity. The search takes longer: read their failure reasons in the console, and try another instance"
            " type or hour.",
        )
        for counts, fires in (
            (by_status(RetryableError={0: 7, 20: 8}, Completed=2, InProgress=2), 25),
            # In a row, after many good ones.
            (by_status(RetryableError=in_a_row, Completed=150, InProgress=4), 165),
        )
    ),
)

STORIES = tuple(replace(story, lost_scrapes=True) for story in _STORIES)

QUIET = (
    Quiet(
        "SageMakerTuningJobFailed", "stopped", job({0: "InProgress", 30: "Stopped"}, end_timestamp_seconds={30: 1800})
    ),
    Quiet("SageMakerTuningJobFailed", "failed over a day ago", job("Failed", end_timestamp_seconds=-60.0 * (DAY + 1))),
    Quiet("SageMakerTuningJobDeleteFailed", "still deleting", job({0: "Deleting", 50: None})),
    Quiet(
        "SageMakerTuningJobStuckStopping",
        "stopped within the hour",
        job({0: "InProgress", 10: "Stopping", 70: "Stopped"}),
    ),
    Quiet("SageMakerTuningJobStuckStopping", "long in progress", job(created=-DAY)),
    Quiet(
        "SageMakerTuningJobStuckStopping",
        "first seen as it had just begun to stop",
        job({0: None, 55: "Stopping", 115: "Stopped"}),
    ),
    Quiet(
        "SageMakerTuningJobStuckStopping",
        "stopped while nobody looked, and gone",
        job({0: "Stopping", 40: None}),
        150,
    ),
    Quiet(
        "SageMakerTuningJobStuckStopping",
        "deleted at the second attempt, each of which took a while",
        job({0: "Deleting", 40: "DeleteFailed", 70: "Deleting", 130: None}),
        180,
    ),
    *(
        Quiet("SageMakerTuningJobTrainingJobsFailing", why, job(training_jobs=counts))
        for why, counts in (
            ("too few to tell", by_status(NonRetryableError=5, Completed=1, InProgress=1)),
            ("not even half of all", by_status(NonRetryableError=12, Completed=11, InProgress=2)),
            ("early failures of a wide search", by_status(NonRetryableError=8, Completed=0, InProgress=10)),
            ("stopped early by the search", by_status(NonRetryableError=1, Stopped=20, Completed=4, InProgress=2)),
            (
                "seven in a row, after many good ones",
                by_status(NonRetryableError=lambda minute: min(7.0, minute // 5), Completed=150, InProgress=4),
            ),
            (
                "seven in a row again and again, by their hyperparameters, and nine good ones each time",
                by_status(
                    NonRetryableError=lambda minute: min(minute // 5 % 16, 7.0) + 7.0 * (minute // 80),
                    Completed=lambda minute: max(minute // 5 % 16 - 7.0, 0.0) + 9.0 * (minute // 80) + 20,
                    InProgress=4,
                ),
            ),
            (
                "one in three for a while",
                by_status(
                    NonRetryableError=lambda minute: 1.0 * (minute // 5),
                    Completed=lambda minute: 50.0 + minute // 5 * 2,
                    InProgress=4,
                ),
            ),
            # The counters of a tuning job that is watched from minute 20 on, as high as they were then.
            (
                "what failed before it was seen",
                by_status(NonRetryableError={20: 40}, Completed={20: 100}, InProgress={20: 4}),
            ),
        )
    ),
    Quiet(
        "SageMakerTuningJobTrainingJobsFailing",
        "over",
        job("Failed", training_jobs={"NonRetryableError": 10, "Completed": 0, "InProgress": 0}),
    ),
    *(
        Quiet(
            "SageMakerTuningJobTrainingJobsCutOff",
            why,
            job(training_jobs={"Stopped": stopped, "Completed": completed, "InProgress": 4}, info=info),
        )
        for why, stopped, completed, info in (
            ("stopped early by the search", 10, 4, {"early_stopping": "Auto"}),
            ("stopped by Hyperband", 10, 4, {"strategy": "Hyperband"}),
            ("stopped early by what Autotune chose", 10, 4, {"autotune": "Enabled"}),
            ("few", 2, 1, {"early_stopping": "Off"}),
            ("less than in two of five", 8, 12, {"early_stopping": "Off"}),
        )
    ),
    Quiet(
        "SageMakerTuningJobTrainingJobsCutOff",
        "the last ones, as the search is stopped",
        job(
            {0: "InProgress", 15: "Stopping", 30: "Stopped"},
            training_jobs={"Stopped": {0: 0, 10: 4}, "Completed": 5, "InProgress": {0: 4, 10: 0}},
            info={"early_stopping": "Off"},
        ),
    ),
    *(
        Quiet(
            "SageMakerTuningJobTrainingJobsCutOff",
            why,
            job(
                training_jobs={"Stopped": {0: 0, 20: 4}, "Completed": 5, "InProgress": {0: 4, 20: running}},
                info={"early_stopping": "Off"},
                max_runtime_seconds=60.0 * (180 + limit),
            ),
        )
        for why, running, limit in (
            ("all that ran at the search's own time limit", 1, 20),
            ("all that ran, and others do not follow", 0, 600),
        )
    ),
    *(
        Quiet(
            "SageMakerTuningJobObjectiveNeverEmitted",
            why,
            job(
                training_jobs={"Completed": completed, "Stopped": stopped, "NonRetryableError": 2, "InProgress": 4},
                objectives={"Succeeded": succeeded, "Failed": 2, "Pending": 4},
                info={"early_stopping": early_stopping},
            ),
        )
        for why, completed, stopped, succeeded, early_stopping in (
            ("nothing completed yet", 0, 0, 0, "Off"),
            ("the quick ones have none, and others run", 2, 0, 0, "Off"),
            ("it comes after a minute", {0: 0, 10: 3}, 0, {0: 0, 14: 3}, "Off"),
            ("a few have none", 20, 0, 12, "Off"),
            ("four in a row have none", lambda minute: 20 + min(4.0, minute // 5), 0, 20, "Off"),
            ("the stopped ones have one too", 20, 12, 32, "Auto"),
            ("cut off ones may have none", 4, 10, 4, "Off"),
        )
    ),
    Quiet(
        "SageMakerTuningJobObjectiveNeverEmitted",
        "stopped by somebody who saw it",
        job({0: "InProgress", 10: "Stopped"}, training_jobs={"Completed": {0: 0, 10: 3}}, objectives={"Succeeded": 0}),
    ),
    Quiet(
        "SageMakerTuningJobObjectiveNeverEmitted",
        "over for a day",
        job(
            "Completed",
            training_jobs={"Completed": 9},
            objectives={"Succeeded": 0},
            end_timestamp_seconds=-60.0 * (DAY + 1),
        ),
    ),
    *(
        Quiet(
            "SageMakerTuningJobNoBestValue",
            why,
            job(training_jobs=counts, max_parallel_training_jobs=slots, objectives={"Succeeded": 0}, **best),
        )
        for why, counts, slots, best in (
            ("few have ended", by_status(NonRetryableError=4, Completed=0, InProgress=1), 1, {}),
            ("early failures of a wide search", by_status(NonRetryableError=14, Completed=0, InProgress=10), 10, {}),
            ("there is one", by_status(Stopped=9, Completed=0), 2, {"best_objective_value": 0}),
            ("it is infinite", by_status(Stopped=9, Completed=0), 2, {"best_objective_value": float("-inf")}),
            ("completed without, which has its own alert", by_status(Stopped=9, Completed=1), 2, {}),
        )
    ),
    Quiet(
        "SageMakerTuningJobStuck",
        "all of it within the time that it takes",
        job(training_jobs={"Completed": {0: 6, 10: 8}, "InProgress": {0: 2, 10: 0, 64: 1}}),
    ),
    Quiet(
        "SageMakerTuningJobStuck",
        "something runs now and then, between two looks",
        job(training_jobs={"Completed": lambda minute: float(minute // 50), "InProgress": 0}),
    ),
    Quiet("SageMakerTuningJobStuck", "a slow start", job(created=0, training_jobs={"InProgress": {0: 0, 70: 2}}), 100),
    Quiet(
        "SageMakerTuningJobStuck",
        "first seen late, as nothing ran for a while",
        job({0: None, 30: "InProgress"}, training_jobs={"Completed": {30: 8}, "InProgress": {30: 0, 80: 1}}),
    ),
    Quiet(
        "SageMakerTuningJobStuck",
        "unseen for an hour, in which training jobs ran",
        job(
            {0: "InProgress", 20: None, 80: "InProgress"},
            training_jobs={"Completed": {0: 8, 20: None, 80: 12}, "InProgress": {0: 0, 20: None, 80: 0, 90: 1}},
        ),
    ),
    Quiet("SageMakerTuningJobStuck", "stopped", job("Stopped", training_jobs={"Completed": 8, "InProgress": 0})),
    *(
        Quiet(
            "SageMakerTuningJobTrainingJobsHanging",
            why,
            job(
                created=created,
                training_jobs={"Completed": completed, "NonRetryableError": failed, "InProgress": running},
                max_parallel_training_jobs=4,
                max_training_jobs=60,
                info={"strategy": strategy},
            ),
            minutes,
        )
        for why, created, completed, failed, running, strategy, minutes in (
            ("one ends in time", -120, {0: 11, 10: 12, 195: 13}, 0, 4, "Bayesian", 300),
            ("only one hangs, and others end", -30, lambda minute: 16.0 + minute // 20, 0, 4, "Bayesian", 240),
            ("the last one of all takes long", -600, {0: 58, 10: 59}, 0, 1, "Bayesian", 480),
            ("quick failures before long training jobs", -60, 0, 12, 4, "Bayesian", 240),
            ("nothing runs, which has its own alert", -30, 16, 0, 0, "Bayesian", 240),
            ("long ones at the end of Hyperband", -30, 16, 0, 4, "Hyperband", 240),
            ("first seen late", -30, {0: None, 100: 16}, {0: None, 100: 0}, {0: None, 100: 4}, "Bayesian", 140),
        )
    ),
    *(
        Quiet(
            "SageMakerTuningJobNotImproving",
            why,
            job(
                training_jobs={"Completed": completed, "InProgress": 2},
                training_jobs_not_improving=not_improving,
                max_training_jobs=budget,
            ),
        )
        for why, completed, not_improving, budget in (
            ("too small a share of the budget", 65, 64, 100),
            ("nearly done", 52, 40, 60),
            ("a small search", 30, 29, 40),
        )
    ),
    *(
        Quiet(
            "SageMakerTuningJobNotImproving",
            f"best at {best}, near the top",
            job(
                best_objective_value=best,
                training_jobs={"Completed": 31, "InProgress": 4},
                training_jobs_not_improving=30,
                max_training_jobs=46,
            ),
        )
        for best in (0.95, 1, 95, 100)
    ),
    Quiet(
        "SageMakerTuningJobNotImproving",
        "within its own limit",
        job(
            training_jobs={"Completed": {0: 41, 20: 44}},
            training_jobs_not_improving=39,
            max_training_jobs_not_improving=40,
            max_training_jobs=60,
        ),
    ),
    *(
        Quiet(
            "SageMakerTuningJobNotImproving",
            why,
            job(
                training_jobs={"Completed": 40, "InProgress": running},
                training_jobs_not_improving={0: 14, 10: 15},
                max_training_jobs_not_improving=15,
                max_training_jobs=budget,
            ),
        )
        for why, running, budget in (
            ("at its own limit, and the last ones still run", 4, 60),
            ("at its own limit, and one was launched as that was seen", {0: 4, 15: 5}, 60),
            ("at its own limit, and all are launched", {0: 4, 15: 20}, 60),
        )
    ),
    *(
        Quiet(
            "SageMakerTuningJobNotImproving",
            f"a {strategy} search, which a drought tells nothing of",
            job(
                training_jobs={"Completed": 31, "InProgress": 4},
                training_jobs_not_improving=30,
                max_training_jobs=46,
                info={"strategy": strategy},
            ),
        )
        for strategy in ("Random", "Grid")
    ),
    *(
        Quiet(
            "SageMakerTuningJobConvergedStillRunning",
            why,
            job(
                {0: "InProgress", ended: "Completed"},
                convergence_detected_timestamp_seconds={10: 600},
                training_jobs={"Completed": completed, "InProgress": 4},
                max_training_jobs=60,
                info={"complete_on_convergence": on_convergence},
            ),
            180,
        )
        for why, ended, completed, on_convergence in (
            ("ended within the hour", 70, {0: 20, 30: 22}, "Disabled"),
            ("nearly all is launched", 180, 51, "Disabled"),
            ("it completes by itself, once the last ones have ended", 180, 20, "Enabled"),
        )
    ),
    *(
        Quiet(
            "SageMakerTuningJobTargetReachedStillRunning",
            why,
            job(
                {0: "InProgress", ended: "Completed"},
                target_reached={0: 0, 10: reached},
                best_objective_value=1,
                training_jobs={"Completed": completed, "InProgress": 4},
                max_training_jobs=60,
            ),
        )
        for why, ended, reached, completed in (
            ("ended soon", 40, 1, {0: 20, 20: 22}),
            ("not reached", 120, 0, {0: 20, 20: 22}),
            ("the last ones still run", 120, 1, {0: 20, 15: 21}),
            ("all are launched", 120, 1, {0: 20, 20: 56}),
        )
    ),
    *(
        Quiet(
            "SageMakerTuningJobNearTimeLimit",
            why,
            job(
                created=created,
                training_jobs={"Completed": completed, "InProgress": 4},
                max_training_jobs=budget,
                max_runtime_seconds=14_400,
            ),
            55,
        )
        for why, created, completed, budget in (
            ("it will just do", -180, lambda minute: 39.0 + minute // 5, 60),
            ("the last ones run", -180, 56, 60),
            ("time is left to mend the pace", -136, 20, 60),
            ("the time limit is the budget", -180, 120, 500),
            ("the time limit is the budget, and the number more than twice what it does", -180, 70, 200),
        )
    ),
    Quiet(
        "SageMakerTuningJobNearTimeLimit",
        "the time limit is the only budget",
        job(training_jobs={"Completed": 10, "InProgress": 4}, max_runtime_seconds=14_400),
        55,
    ),
    *(
        Quiet(
            "SageMakerTuningJobSlotsStarved",
            why,
            job(
                training_jobs={"Completed": completed, "InProgress": running},
                max_training_jobs=60,
                max_parallel_training_jobs=slots,
                target_reached=reached,
            ),
        )
        for why, completed, running, slots, reached in (
            ("more than half of them", 20, {0: 10, 60: 6}, 10, 0),
            ("never more, as many allow just in case", 20, 4, 10, 0),
            ("hardly ever more, as many allow just in case", 20, {0: 4, 20: 10, 30: 4}, 10, 0),
            ("the last ones", 56, {0: 10, 60: 4}, 10, 0),
            ("the last ones after the target was reached", 20, {0: 10, 60: 4}, 10, 1),
            ("one at a time as asked", 20, 1, 1, 0),
            ("one at a time, with pauses", 20, lambda minute: float(minute < 60 or minute % 20 == 0), 1, 0),
            ("for 50 minutes", 20, {0: 10, 60: 4, 109: 10}, 10, 0),
            ("back again at times", 20, lambda minute: 4.0 if minute % 30 else 10.0, 10, 0),
        )
    ),
    Quiet(
        "SageMakerTuningJobSlotsStarved",
        "all run for half of the time",
        job(
            training_jobs={"Completed": 20, "InProgress": lambda minute: 10.0 if minute % 20 < 10 else 2.0},
            max_training_jobs=60,
            max_parallel_training_jobs=10,
        ),
    ),
    *(
        Quiet("SageMakerTuningJobRetryableErrors", why, job(training_jobs=counts))
        for why, counts in (
            ("too few to tell", by_status(RetryableError={0: 6, 20: 7}, Completed=6)),
            ("few of many", by_status(RetryableError={0: 7, 20: 8}, Completed=32)),
            ("over and done with", by_status(RetryableError=8, Completed=9)),
            (
                "four in a row, after many good ones",
                by_status(RetryableError=lambda minute: min(4.0, minute // 5), Completed=150, InProgress=4),
            ),
            (
                "one in six for long",
                by_status(
                    RetryableError=lambda minute: 1.0 * (minute // 5), Completed=lambda minute: 50.0 + minute // 5 * 5
                ),
            ),
        )
    ),
)
