"""The stories that the alerts about tuning jobs must find, and those so near to them that they must not."""

from __future__ import annotations

from rules.story import INFO, WARNING, Quiet, Story
from rules.world import DAY, JOB, NAME, WHERE, job

STORIES = (
    Story(
        "SageMakerTuningJobFailed",
        job({0: "InProgress", 30: "Failed"}, end_timestamp_seconds={30: 1800}),
        {30: 1, 30 + DAY + 30: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} failed",
        f"Tuning job {NAME} {WHERE} failed 0s ago.",
    ),
    Story(
        "SageMakerTuningJobDeleteFailed",
        job({0: "Deleting", 20: "DeleteFailed", 60: None}),
        {25: 1, 90: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} could not be deleted",
        f"Tuning job {NAME} {WHERE} is in status DeleteFailed and stays there until its deletion is asked for again.",
    ),
    Story(
        "SageMakerTuningJobStuckStopping",
        job({0: "InProgress", 10: "Stopping", 110: "Stopped"}),
        {75: 1, 140: 0},
        {**JOB, **WARNING, "status": "Stopping"},
        f"Tuning job {NAME} does not get out of Stopping",
        f"Tuning job {NAME} {WHERE} has been Stopping for long now; its training jobs may still be running.",
    ),
    Story(
        "SageMakerTuningJobStuckStopping",
        job({0: "Stopped", 10: "Deleting", 110: None}),
        {75: 1, 140: 0},
        {**JOB, **WARNING, "status": "Deleting"},
        f"Tuning job {NAME} does not get out of Deleting",
        f"Tuning job {NAME} {WHERE} has been Deleting for long now; its training jobs may still be running.",
    ),
    # Out of sight for a while, first from the middle on and then from before the window.
    *(
        Story(
            "SageMakerTuningJobStuckStopping",
            job({0: "InProgress", 10: "Stopping", since: None, until: "Stopping", 160: "Stopped"}),
            {fires: 1, 190: 0},
            {**JOB, **WARNING, "status": "Stopping"},
            f"Tuning job {NAME} does not get out of Stopping",
            f"Tuning job {NAME} {WHERE} has been Stopping for long now; its training jobs may still be running.",
        )
        for since, until, fires in ((30, 60, 75), (20, 90, 95))
    ),
    Story(
        "SageMakerTuningJobTrainingJobsFailing",
        job(
            {0: "InProgress", 80: "Completed"},
            training_jobs={"NonRetryableError": {0: 9, 20: 10}, "Completed": 3, "InProgress": 4},
            objectives={"Succeeded": 3, "Failed": {0: 9, 20: 10}, "Pending": 4},
        ),
        {25: 1, 110: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} loses its training jobs to errors",
        f"58.82% of the training jobs that tuning job {NAME} {WHERE} launched failed with errors that no retry mends.",
    ),
    Story(
        "SageMakerTuningJobObjectiveNeverEmitted",
        job(
            training_jobs={"Completed": {0: 0, 10: 1}, "InProgress": 4},
            objectives={"Succeeded": {0: 0, 60: 1}, "Failed": {0: 0, 10: 1}, "Pending": 4},
        ),
        {25: 1, 90: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} finds no objective metric in its training jobs",
        f"Training jobs of tuning job {NAME} {WHERE} completed (1), and none reported the objective: the search learns nothing.",
    ),
    Story(
        "SageMakerTuningJobStuck",
        job(
            training_jobs={"Completed": 6, "InProgress": {0: 2, 10: 0, 100: 1}},
            objectives={"Succeeded": 6, "Pending": {0: 2, 10: 0, 100: 1}},
            max_training_jobs=60,
            max_parallel_training_jobs=4,
        ),
        {70: 1, 130: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is in progress and runs nothing",
        f"Tuning job {NAME} {WHERE} was created 4h 10m 0s ago and is InProgress, but for long now no training job has"
        " been running and no objective pending.",
    ),
    Story(
        "SageMakerTuningJobStuck",
        job(created=0, training_jobs={"Completed": 0, "InProgress": {0: 0, 110: 1}}, objectives={"Succeeded": 0}),
        {80: 1, 140: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is in progress and runs nothing",
        f"Tuning job {NAME} {WHERE} was created 1h 20m 0s ago and is InProgress, but for long now no training job has"
        " been running and no objective pending.",
    ),
    Story(
        "SageMakerTuningJobNotImproving",
        job(
            training_jobs={"Completed": 31, "InProgress": 4},
            training_jobs_not_improving={0: 29, 20: 30, 100: 0},
            max_training_jobs=40,
        ),
        {35: 1, 130: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} does not improve any more",
        f"The training jobs in a row that did not improve tuning job {NAME} {WHERE} by more than 1 % are 75% of its own"
        " limit for them, or without one of all that it may launch.",
    ),
    Story(
        "SageMakerTuningJobNotImproving",
        job(
            {0: "InProgress", 100: "Completed"},
            training_jobs={"Completed": 59, "InProgress": 1},
            training_jobs_not_improving={0: 14, 20: 15},
            max_training_jobs_not_improving=15,
            max_training_jobs=60,
        ),
        {35: 1, 130: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} does not improve any more",
        f"The training jobs in a row that did not improve tuning job {NAME} {WHERE} by more than 1 % are 100% of its own"
        " limit for them, or without one of all that it may launch.",
    ),
    Story(
        "SageMakerTuningJobConvergedStillRunning",
        job({0: "InProgress", 120: "Completed"}, convergence_detected_timestamp_seconds={10: 600}),
        {80: 1, 150: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} has converged and still runs",
        f"SageMaker found 1h 10m 0s ago that tuning job {NAME} {WHERE} had converged; what it launches since is unlikely to"
        " help.",
    ),
    Story(
        "SageMakerTuningJobNearTimeLimit",
        job(
            {0: "InProgress", 60: "Completed"},
            training_jobs={"Completed": 36, "InProgress": 4},
            max_training_jobs=60,
            # As it was half an hour before.
            runtime_seconds=lambda minute: 60.0 * min(150 + minute, 240),
            max_runtime_seconds=14_400,
        ),
        {20: 1, 90: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} will be cut off by its time limit",
        f"At its pace so far, tuning job {NAME} {WHERE} will have launched 80% of its training jobs when its maximum"
        " runtime is over.",
    ),
    Story(
        "SageMakerTuningJobNoBestValue",
        job(
            created=-355,
            training_jobs={"NonRetryableError": {0: 1, 10: 2}, "Stopped": 1, "Completed": 0, "InProgress": 2},
            objectives={"Succeeded": 0},
            best_objective_value={60: 0.5},
        ),
        {25: 1, 90: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} has no best value yet",
        f"Tuning job {NAME} {WHERE} was created 6h 20m 0s ago, several of its training jobs have ended, none completed, and"
        " there is no best value.",
    ),
    *(
        Story(
            "SageMakerTuningJobBestAtRangeEdge",
            job(
                training_jobs={"Completed": 30, "InProgress": 4},
                hyperparameters={"eta": (low, {0: inside, 20: edge, 100: inside}, high), "depth": (2, 5, 12)},
            ),
            {50: 1, 130: 0},
            {**JOB, **INFO, "hyperparameter": "eta"},
            f"Tuning job {NAME} is best at the edge of the range of eta",
            f"The best training job of tuning job {NAME} {WHERE} has eta = {edge}, at the edge of what the search may try:"
            " the optimum may lie beyond.",
        )
        for low, inside, edge, high in (
            (0.001, 0.49, 0.4955, 0.5),
            (0.001, 0.0011, 0.00105, 0.5),
            (0, 0.007, 0.005, 0.6),
            (-3, -2.9, -2.99, 3),
            (8, 40, 64, 64),
        )
    ),
    Story(
        "SageMakerTuningJobSlotsStarved",
        job(
            training_jobs={"Completed": 20, "InProgress": {0: 8, 10: 4, 100: 10}},
            max_training_jobs=60,
            max_parallel_training_jobs=10,
        ),
        {70: 1, 130: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} does not get the training jobs that it may run",
        f"Tuning job {NAME} {WHERE} has training jobs left to launch, but for long now has never run more than 40% of those"
        " that it may run at once.",
    ),
    Story(
        "SageMakerTuningJobRetryableErrors",
        job(training_jobs={"RetryableError": {0: 7, 20: 8}, "Completed": 12, "InProgress": 4}),
        {35: 1, 410: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} meets retryable errors again and again",
        f"33.33% of the training jobs of tuning job {NAME} {WHERE} ended in errors of the service that a retry may mend,"
        " and they become more.",
    ),
    Story(
        "SageMakerTuningJobTargetReachedStillRunning",
        job(
            {0: "InProgress", 100: "Completed"},
            target_reached={0: 0, 10: 1},
            best_objective_value={0: 0.8, 10: 0.93},
        ),
        {70: 1, 130: 0},
        {**JOB, **INFO},
        f"Tuning job {NAME} has reached its target and still runs",
        f"The best objective value of tuning job {NAME} {WHERE}, 0.93, has been at its target or past it for long, and the"
        " tuning job has not ended.",
    ),
)

NOW_AND_THEN = {minute: 6 if minute % 40 == 0 else 0 for minute in range(0, 121, 10)}

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
    Quiet(
        "SageMakerTuningJobTrainingJobsFailing",
        "too few to tell",
        job(training_jobs={"NonRetryableError": 9, "Completed": 1, "InProgress": 1}),
    ),
    Quiet(
        "SageMakerTuningJobTrainingJobsFailing",
        "many, but not of all",
        job(training_jobs={"NonRetryableError": 12, "Completed": 16, "InProgress": 2}),
    ),
    Quiet(
        "SageMakerTuningJobTrainingJobsFailing",
        "over",
        job("Failed", training_jobs={"NonRetryableError": 10, "Completed": 0, "InProgress": 0}),
    ),
    Quiet(
        "SageMakerTuningJobTrainingJobsFailing",
        "stopped early by the search, which is normal",
        job(training_jobs={"NonRetryableError": 1, "Stopped": 20, "Completed": 4, "InProgress": 2}),
    ),
    Quiet(
        "SageMakerTuningJobObjectiveNeverEmitted",
        "it comes late",
        job(training_jobs={"Completed": {0: 0, 10: 1}}, objectives={"Succeeded": {0: 0, 24: 1}}),
    ),
    Quiet(
        "SageMakerTuningJobObjectiveNeverEmitted",
        "nothing completed yet",
        job(training_jobs={"Completed": 0, "NonRetryableError": 2}, objectives={"Succeeded": 0, "Failed": 2}),
    ),
    Quiet(
        "SageMakerTuningJobObjectiveNeverEmitted",
        "stopped by somebody who saw it",
        job({0: "InProgress", 20: "Stopped"}, training_jobs={"Completed": {0: 0, 10: 1}}, objectives={"Succeeded": 0}),
    ),
    Quiet(
        "SageMakerTuningJobStuck",
        "objectives are pending",
        job(training_jobs={"InProgress": 0}, objectives={"Pending": 1}),
    ),
    Quiet("SageMakerTuningJobStuck", "something runs now and then", job(training_jobs={"InProgress": NOW_AND_THEN})),
    Quiet("SageMakerTuningJobStuck", "a slow start", job(created=0, training_jobs={"InProgress": {0: 0, 74: 2}}), 100),
    Quiet("SageMakerTuningJobStuck", "stopped", job("Stopped", training_jobs={"InProgress": 0})),
    Quiet(
        "SageMakerTuningJobNotImproving",
        "too small a share of the budget",
        job(training_jobs={"Completed": 45}, training_jobs_not_improving=44, max_training_jobs=60),
    ),
    Quiet(
        "SageMakerTuningJobNotImproving",
        "nearly done",
        job(training_jobs={"Completed": 52, "InProgress": 4}, training_jobs_not_improving=46, max_training_jobs=60),
    ),
    Quiet(
        "SageMakerTuningJobNotImproving",
        "a small search",
        job(training_jobs={"Completed": 20}, training_jobs_not_improving=19, max_training_jobs=25),
    ),
    Quiet(
        "SageMakerTuningJobNotImproving",
        "within its own limit",
        job(
            training_jobs={"Completed": 41},
            training_jobs_not_improving=39,
            max_training_jobs_not_improving=40,
            max_training_jobs=60,
        ),
    ),
    Quiet(
        "SageMakerTuningJobConvergedStillRunning",
        "ended within the hour",
        job({0: "InProgress", 70: "Completed"}, convergence_detected_timestamp_seconds={10: 600}),
    ),
    Quiet(
        "SageMakerTuningJobConvergedStillRunning",
        "it completes by itself",
        job(convergence_detected_timestamp_seconds={10: 600}, info={"complete_on_convergence": "Enabled"}),
    ),
    Quiet(
        "SageMakerTuningJobNearTimeLimit",
        "it will just do",
        job(
            training_jobs={"Completed": lambda minute: 44.0 + minute // 4},
            max_training_jobs=60,
            runtime_seconds=lambda minute: 60.0 * (180 + minute),
            max_runtime_seconds=14_400,
        ),
        60,
    ),
    Quiet(
        "SageMakerTuningJobNearTimeLimit",
        "all launched",
        job(
            training_jobs={"Completed": 30, "InProgress": 30},
            max_training_jobs=60,
            runtime_seconds=14_000,
            max_runtime_seconds=14_400,
        ),
        60,
    ),
    Quiet(
        "SageMakerTuningJobNearTimeLimit",
        "time is left to mend the pace",
        job(created=-72, training_jobs={"Completed": 4}, max_training_jobs=60, max_runtime_seconds=14_400),
    ),
    Quiet(
        "SageMakerTuningJobNoBestValue",
        "long training jobs",
        job(created=-DAY, training_jobs={"Stopped": 2, "Completed": 0}),
    ),
    Quiet(
        "SageMakerTuningJobNoBestValue", "young", job(created=-300, training_jobs={"Stopped": 9, "Completed": 0}), 60
    ),
    Quiet(
        "SageMakerTuningJobNoBestValue",
        "there is one",
        job(created=-DAY, training_jobs={"Stopped": 9, "Completed": 0}, best_objective_value=0),
    ),
    Quiet(
        "SageMakerTuningJobBestAtRangeEdge",
        "near the edges",
        job(
            training_jobs={"Completed": 50},
            hyperparameters={"high": (0.001, 0.494, 0.5), "low": (0.001, 0.0011, 0.5), "zero": (0, 0.007, 0.6)},
        ),
    ),
    Quiet(
        "SageMakerTuningJobBestAtRangeEdge",
        "too early to tell",
        job(training_jobs={"Completed": 29}, hyperparameters={"eta": (0.001, 0.5, 0.5)}),
    ),
    Quiet(
        "SageMakerTuningJobBestAtRangeEdge",
        "one of few whole numbers",
        job(training_jobs={"Completed": 50}, hyperparameters={"depth": (2, 12, 12), "layers": (0, 0, 19)}),
    ),
    Quiet(
        "SageMakerTuningJobBestAtRangeEdge",
        "over for more than a day",
        job(
            "Completed",
            end_timestamp_seconds=-60.0 * (DAY + 1),
            training_jobs={"Completed": 50},
            hyperparameters={"eta": (0.001, 0.5, 0.5)},
        ),
    ),
    Quiet(
        "SageMakerTuningJobBestAtRangeEdge",
        "nothing to search",
        job(training_jobs={"Completed": 50}, hyperparameters={"eta": (0.5, 0.5, 0.5)}),
    ),
    *(
        Quiet(
            "SageMakerTuningJobNotImproving",
            f"a {strategy} search, which a drought tells nothing of",
            job(
                training_jobs={"Completed": 31, "InProgress": 4},
                training_jobs_not_improving=30,
                max_training_jobs=40,
                info={"strategy": strategy},
            ),
        )
        for strategy in ("Random", "Grid")
    ),
    Quiet(
        "SageMakerTuningJobSlotsStarved",
        "half of them",
        job(training_jobs={"Completed": 9, "InProgress": 5}, max_training_jobs=60, max_parallel_training_jobs=10),
    ),
    Quiet(
        "SageMakerTuningJobSlotsStarved",
        "a slow start",
        job(
            created=0,
            training_jobs={"InProgress": {0: 4, 75: 10}},
            max_training_jobs=60,
            max_parallel_training_jobs=10,
        ),
        100,
    ),
    Quiet(
        "SageMakerTuningJobSlotsStarved",
        "the last ones",
        job(training_jobs={"Completed": 56, "InProgress": 4}, max_training_jobs=60, max_parallel_training_jobs=10),
    ),
    Quiet(
        "SageMakerTuningJobSlotsStarved",
        "a crowd now and then",
        job(training_jobs={"InProgress": NOW_AND_THEN}, max_training_jobs=60, max_parallel_training_jobs=10),
    ),
    Quiet(
        "SageMakerTuningJobSlotsStarved",
        "one at a time as asked",
        job(training_jobs={"InProgress": 1}, max_training_jobs=60, max_parallel_training_jobs=1),
    ),
    Quiet(
        "SageMakerTuningJobRetryableErrors",
        "too few to tell",
        job(training_jobs={"RetryableError": {0: 6, 20: 7}, "Completed": 6}),
    ),
    Quiet(
        "SageMakerTuningJobRetryableErrors",
        "few of many",
        job(training_jobs={"RetryableError": {0: 7, 20: 8}, "Completed": 32}),
    ),
    Quiet(
        "SageMakerTuningJobRetryableErrors",
        "over and done with",
        job(training_jobs={"RetryableError": 8, "Completed": 9}),
    ),
    Quiet(
        "SageMakerTuningJobTargetReachedStillRunning",
        "ended soon",
        job({0: "InProgress", 60: "Completed"}, target_reached={0: 0, 10: 1}, best_objective_value=1),
    ),
    Quiet("SageMakerTuningJobTargetReachedStillRunning", "not reached", job(target_reached=0, best_objective_value=1)),
)
