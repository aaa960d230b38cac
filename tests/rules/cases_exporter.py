"""The stories that the alerts about the exporter must find, and those so near to them that they must not."""

from __future__ import annotations

from rules.story import CRITICAL, INFO, WARNING, Quiet, Story
from rules.world import ACCOUNT, JOB, NAME, PLACE, REGION, TEAM, WHERE, job, merged, own

TARGET = {**PLACE, "target": "prod"}
TARGET_INFO = own("target_info", 1, **TARGET)
LIST, DESCRIBE = "ListHyperParameterTuningJobs", "DescribeHyperParameterTuningJob"
ANSWERED = own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **TARGET)

STORIES = (
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

QUIET = (
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
