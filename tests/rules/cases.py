"""The stories that the alerts must find, and those so near to them that they must not."""

from __future__ import annotations

from typing import NamedTuple

from rules.story import Story
from rules.world import ACCOUNT, DAY, NAME, REGION, TEAM, World, job, own

WHERE = f"in {REGION} of account {ACCOUNT}"
JOB = {"aws_account_id": ACCOUNT, "aws_region": REGION, "tuning_job": NAME, "label_team": TEAM}
PLACE = {"aws_account_id": ACCOUNT, "aws_region": REGION}
TARGET = {**PLACE, "target": "prod"}
WARNING, INFO, CRITICAL = ({"severity": name} for name in ("warning", "info", "critical"))
TARGET_INFO = own("target_info", 1, **TARGET)
LIST, DESCRIBE = "ListHyperParameterTuningJobs", "DescribeHyperParameterTuningJob"
ANSWERED = own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **TARGET)


def merged(*worlds: World) -> World:
    return {series: value for world in worlds for series, value in world.items()}


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
    Story(
        "SageMakerTuningJobDescribeFailing",
        job({0: "InProgress", 15: None, 60: "InProgress"}, code={10: "server_error", 60: None}),
        {25: 1, 75: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} cannot be described",
        f"Describes of tuning job {NAME} {WHERE} keep failing with server_error; its other metrics have ended or will.",
    ),
    Story(
        "SageMakerTuningJobMissing",
        job({0: "InProgress", 10: None, 60: "InProgress"}, code={10: "not_found", 60: None}),
        {25: 1, 90: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is listed and does not exist",
        f"The exporter's configuration lists tuning job {NAME} {WHERE}, and AWS knows no such tuning job.",
    ),
    Story(
        "SageMakerTuningJobMissing",
        job(
            {0: "InProgress", 10: None, 60: "InProgress"},
            code={10: "not_found", 15: "timeout", 20: "not_found", 40: "server_error", 45: "not_found", 60: None},
        ),
        {25: 1, 90: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is listed and does not exist",
        f"The exporter's configuration lists tuning job {NAME} {WHERE}, and AWS knows no such tuning job.",
    ),
    Story(
        "SageMakerTuningExporterAccessDenied",
        merged(
            *(
                job({0: "InProgress", 15: None, 60: "InProgress"}, name=name, code={10: "assume_role_denied", 60: None})
                for name in ("churn", "pricing")
            )
        ),
        {20: 1, 90: 0},
        {**PLACE, **WARNING, "code": "assume_role_denied", "label_team": TEAM},
        f"The exporter is denied access to {REGION} of account {ACCOUNT}",
        f"Tuning jobs {WHERE} cannot be described (2): assume_role_denied. Nobody watches them until that is mended.",
    ),
    Story(
        "SageMakerTuningExporterBlind",
        merged(
            own("target_info", {10: 1}, **TARGET),
            own("target_error_info", {10: 1, 60: None}, **TARGET, operation=LIST, code="no_credentials"),
            own("target_last_success_timestamp_seconds", {60: 3600}, **TARGET),
        ),
        {15: 1, 75: 0},
        {**TARGET, **CRITICAL},
        "The exporter sees nothing of target prod",
        f"So far AWS has answered no list and no describe for target prod {WHERE}. Nobody watches the"
        f" tuning jobs there. {LIST} fails with no_credentials.",
    ),
    Story(
        "SageMakerTuningExporterCallsFailing",
        merged(
            TARGET_INFO,
            ANSWERED,
            own(
                "target_error_info",
                {10: 1, 80: None},
                **TARGET,
                operation="ListHyperParameterTuningJobs",
                code="access_denied",
            ),
        ),
        {40: 1, 95: 0},
        {**TARGET, **WARNING, "operation": "ListHyperParameterTuningJobs", "code": "access_denied"},
        "The exporter's calls of ListHyperParameterTuningJobs fail",
        f"ListHyperParameterTuningJobs keeps failing for target prod {WHERE}: access_denied. New tuning jobs, tags or the"
        " account's number may be missing; the metrics of those that are tracked are not touched.",
    ),
    Story(
        "SageMakerTuningExporterThrottled",
        merged(
            own(
                "api_requests_total",
                lambda minute: 10.0 * minute,
                **TARGET,
                operation="DescribeHyperParameterTuningJob",
            ),
            own(
                "api_errors_total",
                lambda minute: 2.0 * max(0, min(minute, 62) - 12),
                **TARGET,
                operation="DescribeHyperParameterTuningJob",
                code="throttled",
            ),
        ),
        {40: 1, 95: 0},
        {**TARGET, **WARNING},
        "AWS throttles the exporter's calls for prod",
        f"AWS refuses 18.67% of the calls for target prod {WHERE} because there are too many; its metrics lag, and other"
        " callers of the account suffer too.",
    ),
    Story(
        "SageMakerTuningExporterDataStale",
        job(next_describe_timestamp_seconds=lambda minute: 660.0 if 10 <= minute < 60 else 60.0 * (minute + 1)),
        {30: 1, 75: 0},
        {**PLACE, **WARNING, "label_team": TEAM},
        "The exporter does not come round to its tuning jobs",
        f"Describes of tuning jobs {WHERE} are overdue (1): their metrics are old, or have ended.",
    ),
    Story(
        "SageMakerTuningExporterUntrackedRunningJobs",
        merged(TARGET_INFO, own("untracked_running_jobs", {0: 0, 10: 1, 100: 0}, **TARGET)),
        {70: 1, 130: 0},
        {**TARGET, **INFO},
        "Tuning jobs run that nobody watches",
        f"Tuning jobs run {WHERE} (1) that are neither listed nor discovered for target prod.",
    ),
    Story(
        "SageMakerTuningExporterConfigReloadFailed",
        own("config_last_reload_successful", {0: 1, 10: 0, 60: 1}, job="sagemaker"),
        {15: 1, 75: 0},
        {"job": "sagemaker", **WARNING},
        "The exporter refused its new configuration",
        "An exporter of scrape job sagemaker could not load its changed configuration, and works on with the one before.",
    ),
    Story(
        "SageMakerTuningExporterDown",
        merged(
            own("up", {0: 1, 10: 0, 60: 1}, job="sagemaker", instance="a:10980"),
            own("build_info", {0: 1, 10: None, 60: 1}, job="sagemaker", instance="a:10980"),
        ),
        {20: 1, 70: 0},
        {"job": "sagemaker", "instance": "a:10980", **CRITICAL},
        "The exporter of SageMaker tuning jobs is down",
        "Prometheus cannot scrape the exporter at a:10980: the tuning jobs that it watches have no metrics, and no alert of"
        " theirs can fire.",
        rollouts=False,
    ),
    Story(
        "SageMakerTuningExporterDown",
        merged(
            own("up", {0: 1, 10: None, 60: 1}, job="sagemaker", instance="a:10980"),
            own("build_info", {0: 1, 10: None, 60: 1}, job="sagemaker", instance="a:10980"),
        ),
        {20: 1, 70: 0},
        CRITICAL,
        "The exporter of SageMaker tuning jobs is down",
        "Prometheus scrapes no exporter at all: the tuning jobs that it watches have no metrics, and no alert of theirs can"
        " fire.",
        rollouts=False,
    ),
)


class Quiet(NamedTuple):
    """Something that an alert must be silent about for so many minutes, whatever others say."""

    alert: str
    why: str
    world: World
    minutes: int = 120


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
    Quiet("SageMakerTuningJobDescribeFailing", "well again in time", job(code={10: "timeout", 24: None})),
    Quiet("SageMakerTuningJobDescribeFailing", "denied, which has its own alert", job({0: None}, code="access_denied")),
    Quiet("SageMakerTuningJobDescribeFailing", "missing, which has its own alert", job({0: None}, code="not_found")),
    Quiet(
        "SageMakerTuningJobMissing", "just created", job({0: None, 14: "InProgress"}, code={0: "not_found", 14: None})
    ),
    Quiet(
        "SageMakerTuningJobDescribeFailing",
        "missing, and calls time out now and then",
        job({0: None}, code={0: "not_found", 10: "timeout", 15: "not_found", 25: "timeout", 30: "not_found"}),
    ),
    Quiet("SageMakerTuningJobMissing", "another error", job({0: None}, code="timeout")),
    Quiet("SageMakerTuningExporterAccessDenied", "renewed in time", job(code={10: "expired_credentials", 19: None})),
    Quiet("SageMakerTuningExporterAccessDenied", "another error", job({0: None}, code="throttled")),
    Quiet("SageMakerTuningExporterBlind", "it sees", merged(TARGET_INFO, ANSWERED)),
    Quiet(
        "SageMakerTuningExporterBlind",
        "the first answer came late",
        merged(
            own("target_info", {10: 1}, **TARGET),
            own("target_last_success_timestamp_seconds", {14: 840}, **TARGET),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterBlind",
        "calls fail since the first answers",
        merged(
            TARGET_INFO,
            own("target_last_success_timestamp_seconds", 0, **TARGET),
            own("target_error_info", {10: 1}, **TARGET, operation=LIST, code="access_denied"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterBlind",
        "of two replicas one sees",
        merged(
            *(own("target_info", 1, **TARGET, instance=pod) for pod in "ab"),
            own("target_last_success_timestamp_seconds", 0, **TARGET, instance="b"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "it sees nothing at all, which has its own alert",
        merged(TARGET_INFO, own("target_error_info", 1, **TARGET, operation=LIST, code="access_denied")),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "well again in time",
        merged(
            TARGET_INFO,
            own("target_error_info", {10: 1, 39: None}, **TARGET, operation="ListTags", code="timeout"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterThrottled",
        "one in eleven",
        merged(
            own("api_requests_total", lambda minute: 11.0 * minute, **TARGET, operation="ListTags"),
            own("api_errors_total", lambda minute: 1.0 * minute, **TARGET, operation="ListTags", code="throttled"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterThrottled",
        "hardly any calls",
        merged(
            own("api_requests_total", lambda minute: 1.0 * minute, **TARGET, operation="ListTags"),
            own("api_errors_total", lambda minute: 0.17 * minute, **TARGET, operation="ListTags", code="throttled"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterThrottled",
        "other errors",
        merged(
            own("api_requests_total", lambda minute: 10.0 * minute, **TARGET, operation="ListTags"),
            own("api_errors_total", lambda minute: 5.0 * minute, **TARGET, operation="ListTags", code="timeout"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterDataStale",
        "nine minutes late",
        job(next_describe_timestamp_seconds=lambda minute: 60.0 * (minute - 9)),
    ),
    Quiet(
        "SageMakerTuningExporterUntrackedRunningJobs",
        "listed within the hour",
        merged(TARGET_INFO, own("untracked_running_jobs", {0: 0, 10: 2, 69: 0}, **TARGET)),
    ),
    Quiet("SageMakerTuningExporterUntrackedRunningJobs", "not known", TARGET_INFO),
    Quiet(
        "SageMakerTuningExporterConfigReloadFailed",
        "mended at once",
        own("config_last_reload_successful", {0: 1, 10: 0, 14: 1}, job="sagemaker"),
    ),
    Quiet(
        "SageMakerTuningExporterDown",
        "a short break",
        merged(
            own("up", {0: 1, 10: 0, 19: 1}, job="sagemaker", instance="a:10980"),
            own("build_info", {0: 1, 10: None, 19: 1}, job="sagemaker", instance="a:10980"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterDown",
        "a rollout, and something else that is down",
        merged(
            own("up", {0: 1, 10: None}, job="sagemaker", instance="a:10980"),
            own("build_info", {0: 1, 10: None}, job="sagemaker", instance="a:10980"),
            own("up", {9: 1}, job="sagemaker", instance="b:10980"),
            own("build_info", {9: 1}, job="sagemaker", instance="b:10980"),
            own("up", 0, job="sagemaker", instance="c:80"),
        ),
    ),
)
