"""The stories that the alerts about the exporter must find, and those so near to them that they must not."""

from __future__ import annotations

from rules.story import CRITICAL, INFO, WARNING, Quiet, Story
from rules.world import ACCOUNT, JOB, NAME, PLACE, REGION, TEAM, WHERE, job, merged, own

TARGET = {**PLACE, "target": "prod"}
HERE = {"job": "sagemaker", "instance": "a:10980"}
TARGET_INFO = own("target_info", 1, **TARGET)
LIST, DESCRIBE = "ListHyperParameterTuningJobs", "DescribeHyperParameterTuningJob"
ANSWERED = own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **TARGET)

THERE = {"job": "sagemaker", "instance": "b:10980"}
UP = merged(own("up", 1, **HERE), own("build_info", 1, **HERE))
BY_TURNS = {
    **{minute: ("no_credentials", "timeout")[minute // 5 % 2] for minute in range(10, 60, 5)},
    25: "expired_credentials",
    60: None,
}
"""Codes of a region that nobody can see, from minute 10 to 60."""

STORIES = (
    Story(
        "SageMakerTuningJobDescribeFailing",
        job({0: "InProgress", 15: None, 60: "InProgress"}, code={10: "server_error", 60: None}),
        {25: 1, 75: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} cannot be described",
        f"Describes of tuning job {NAME} {WHERE} keep failing with server_error. Its other metrics have ended or will, and no"
        " new alert about it can fire: the runbook says what each code asks for.",
    ),
    Story(
        "SageMakerTuningJobMissing",
        job({0: "InProgress", 10: None, 60: "InProgress"}, code={10: "not_found", 60: None}),
        {25: 1, 90: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is listed and does not exist",
        f"The exporter's configuration lists tuning job {NAME} {WHERE}, but AWS has no such tuning job. If"
        " you meant another one, it is not watched: correct its name, region or account, or remove it from the configuration.",
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
        f"The exporter's configuration lists tuning job {NAME} {WHERE}, but AWS has no such tuning job. If"
        " you meant another one, it is not watched: correct its name, region or account, or remove it from the configuration.",
    ),
    Story(
        "SageMakerTuningJobMissing",
        job({0: None, 70: "InProgress"}, code={0: "not_found", 70: None}),
        {40: 1, 100: 0},
        {**JOB, **WARNING},
        f"Tuning job {NAME} is listed and does not exist",
        f"The exporter's configuration lists tuning job {NAME} {WHERE}, but AWS has no such tuning job. If"
        " you meant another one, it is not watched: correct its name, region or account, or remove it from the configuration.",
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
        {**PLACE, **WARNING, "label_team": TEAM},
        f"The exporter is denied access to {REGION} of account {ACCOUNT}",
        f"Tuning jobs {WHERE} cannot be described (2). They are not watched until the exporter's credentials or permissions"
        " are fixed. Describes fail with"
        " assume_role_denied.",
    ),
    Story(
        "SageMakerTuningExporterAccessDenied",
        job({0: "InProgress", 15: None, 60: "InProgress"}, code=BY_TURNS),
        {20: 1, 90: 0},
        {**PLACE, **WARNING, "label_team": TEAM},
        f"The exporter is denied access to {REGION} of account {ACCOUNT}",
        f"Tuning jobs {WHERE} cannot be described (1). They are not watched until the exporter's credentials or permissions"
        " are fixed. Describes fail with"
        " no_credentials, timeout.",
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
        f"So far AWS has answered no list and no describe for target prod {WHERE}. The tuning jobs"
        f" there are not watched. {LIST} fails with no_credentials.",
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
        {**TARGET, **WARNING},
        "The exporter's calls for prod fail",
        f"Calls for target prod {WHERE} that are not about one tuning job keep failing. {LIST} fails with access_denied. New"
        " tuning jobs, tags or the account's number may be missing; those that are tracked are still watched.",
    ),
    Story(
        "SageMakerTuningExporterCallsFailing",
        merged(
            TARGET_INFO,
            ANSWERED,
            *(
                own(
                    "target_error_info",
                    {since: 1 if one == code else None for since, one in BY_TURNS.items()},
                    **TARGET,
                    operation=LIST,
                    code=code,
                )
                for code in ("no_credentials", "timeout", "expired_credentials")
            ),
        ),
        {40: 1, 75: 0},
        {**TARGET, **WARNING},
        "The exporter's calls for prod fail",
        f"Calls for target prod {WHERE} that are not about one tuning job keep failing. {LIST} fails with no_credentials."
        f" {LIST} fails with timeout. New tuning jobs, tags or the account's number may be missing; those that are tracked"
        " are still watched.",
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
        f"AWS refuses 18.67% of the calls for target prod {WHERE} because there are too many. Its metrics lag, and other"
        " callers of the account suffer too: lower requests_per_second or lengthen interval.",
    ),
    Story(
        "SageMakerTuningExporterDataStale",
        job(next_describe_timestamp_seconds=lambda minute: 660.0 if 10 <= minute < 60 else 60.0 * (minute + 1)),
        {30: 1, 75: 0},
        {**PLACE, **WARNING, "label_team": TEAM},
        "The exporter does not describe its tuning jobs in time",
        f"Describes of tuning jobs {WHERE} are overdue (1). Their metrics are old or have ended, so alerts about them come late or"
        " not at all: look at the exporter's log, and check whether requests_per_second is too low.",
    ),
    Story(
        "SageMakerTuningExporterUntrackedRunningJobs",
        merged(TARGET_INFO, own("untracked_running_jobs", {0: 0, 10: 1, 100: 0}, **TARGET)),
        {70: 1, 130: 0},
        {**TARGET, **INFO},
        "Some running tuning jobs are not watched",
        f"Tuning jobs run {WHERE} (1) that are neither listed nor discovered for target prod. If one of them breaks,"
        " you get no alert: add them to the configuration.",
    ),
    Story(
        "SageMakerTuningExporterUntrackedRunningJobs",
        merged(
            TARGET_INFO,
            own(
                "untracked_running_jobs", lambda minute: 2 if 195 <= minute < 400 and minute % 30 >= 5 else 0, **TARGET
            ),
        ),
        {265: 1, 490: 0},
        {**TARGET, **INFO},
        "Some running tuning jobs are not watched",
        f"Tuning jobs run {WHERE} (2) that are neither listed nor discovered for target prod. If one of them breaks,"
        " you get no alert: add them to the configuration.",
    ),
    *(
        Story(
            "SageMakerTuningExporterConfigReloadFailed",
            merged(
                *(own(name, 1, job="sagemaker") for name in files), own(broken, {0: 1, 10: 0, 60: 1}, job="sagemaker")
            ),
            {15: 1, 75: 0},
            {"job": "sagemaker", **WARNING},
            "The exporter refused its new configuration",
            "An exporter of scrape job sagemaker could not load its changed configuration, or its web configuration with"
            " certificates and passwords, and keeps using the previous one. After a restart it would not start: its log"
            " names each mistake.",
        )
        for *files, broken in (
            ["config_last_reload_successful"],
            ["web_config_last_reload_successful", "config_last_reload_successful"],
            ["config_last_reload_successful", "web_config_last_reload_successful"],
        )
    ),
    Story(
        "SageMakerTuningExporterDown",
        merged(
            own("up", {0: 1, 10: 0, 60: 1}, job="sagemaker", instance="a:10980"),
            own("build_info", {0: 1, 10: None, 60: 1}, job="sagemaker", instance="a:10980"),
        ),
        {20: 1, 80: 0},
        {**HERE, **CRITICAL},
        "The exporter of SageMaker tuning jobs is down",
        "The exporter at a:10980 does not answer Prometheus, or hardly ever. Tuning jobs that only it watches have no"
        " metrics, and no alert about them can fire: look at its pod, and at the scrape error in Prometheus.",
        rollouts=False,
    ),
    Story(
        "SageMakerTuningExporterDown",
        merged(
            own("up", lambda minute: int(not 10 <= minute < 120 or minute % 20 == 0), **HERE),
            own("build_info", lambda minute: None if 10 <= minute < 120 and minute % 20 else 1, **HERE),
        ),
        {25: 1, 140: 0},
        {**HERE, **CRITICAL},
        "The exporter of SageMaker tuning jobs is down",
        "The exporter at a:10980 does not answer Prometheus, or hardly ever. Tuning jobs that only it watches have no"
        " metrics, and no alert about them can fire: look at its pod, and at the scrape error in Prometheus.",
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
        "Prometheus scrapes no exporter at all. Tuning jobs have no metrics, and no alert about them can fire: look at its"
        " pod, and at the scrape error in Prometheus.",
        rollouts=False,
    ),
    Story(
        "SageMakerTuningExporterReplicaBlind",
        merged(
            *(own("target_info", 1, **TARGET, **pod) for pod in (HERE, THERE)),
            own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **TARGET, **HERE),
            own(
                "target_last_success_timestamp_seconds",
                lambda minute: 600.0 if 10 <= minute < 100 else 60.0 * minute,
                **TARGET,
                **THERE,
            ),
        ),
        {35: 1, 115: 0},
        {**THERE, **WARNING},
        "One exporter of several sees nothing",
        "The exporter at b:10980 has had no answer of AWS for some targets (1) for long, while another exporter has. The tuning"
        " jobs are still watched, but if that one stops, they are not: compare the two, and restart this one.",
        rollouts=False,
    ),
    Story(
        "SageMakerTuningExporterReplicaBlind",
        merged(
            *(own("target_info", {0: None, 10: 1}, **TARGET, **pod) for pod in (HERE, THERE)),
            own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **TARGET, **HERE),
            own(
                "target_last_success_timestamp_seconds",
                lambda minute: None if minute < 100 else 60.0 * minute,
                **TARGET,
                **THERE,
            ),
        ),
        {25: 1, 115: 0},
        {**THERE, **WARNING},
        "One exporter of several sees nothing",
        "The exporter at b:10980 has had no answer of AWS for some targets (1) for long, while another exporter has. The tuning"
        " jobs are still watched, but if that one stops, they are not: compare the two, and restart this one.",
        rollouts=False,
    ),
    Story(
        "SageMakerTuningExporterRestarting",
        merged(
            UP,
            own("process_start_time_seconds", lambda minute: 600.0 * (min(max(minute, 20), 120) // 10), **HERE),
        ),
        {70: 1, 230: 0},
        {"job": "sagemaker", **WARNING},
        "The exporter of SageMaker tuning jobs restarts again and again",
        "An exporter of scrape job sagemaker restarted 5 times within two hours. After each start it asks AWS for everything"
        " again, and alerts about tuning jobs may come late: find out why its container ended.",
        rollouts=False,
    ),
    Story(
        "SageMakerTuningExporterRestarting",
        merged(
            *(
                own(name, {begin: 1, begin + 10: None}, job="sagemaker", instance=f"{begin}:10980")
                for begin in range(0, 100, 10)
                for name in ("up", "build_info")
            ),
            *(own(name, {100: 1}, job="sagemaker", instance="last:10980") for name in ("up", "build_info")),
        ),
        {50: 1, 210: 0},
        {"job": "sagemaker", **WARNING},
        "The exporter of SageMaker tuning jobs restarts again and again",
        "An exporter of scrape job sagemaker restarted 5 times within two hours. After each start it asks AWS for everything"
        " again, and alerts about tuning jobs may come late: find out why its container ended.",
        rollouts=False,
    ),
)

QUIET = (
    Quiet("SageMakerTuningJobDescribeFailing", "well again in time", job(code={10: "timeout", 24: None})),
    Quiet("SageMakerTuningJobDescribeFailing", "denied, which has its own alert", job({0: None}, code="access_denied")),
    Quiet("SageMakerTuningJobDescribeFailing", "missing, which has its own alert", job({0: None}, code="not_found")),
    *(
        Quiet("SageMakerTuningJobMissing", why, job(there, code={since: "not_found", until: None}))
        for why, since, until, there in (
            ("gone for a while", 10, 24, {0: "InProgress", 10: None, 24: "InProgress"}),
            ("listed before it is created", 0, 39, {0: None, 39: "InProgress"}),
        )
    ),
    Quiet(
        "SageMakerTuningJobMissing",
        "one that a list found is gone, and lists fail",
        merged(
            job({0: "InProgress", 10: None}, code={10: "not_found"}),
            own("target_error_info", {10: 1}, **TARGET, operation=LIST, code="server_error"),
        ),
    ),
    Quiet(
        "SageMakerTuningJobDescribeFailing",
        "missing, and calls time out now and then",
        job({0: None}, code={0: "not_found", 10: "timeout", 15: "not_found", 25: "timeout", 30: "not_found"}),
    ),
    Quiet(
        "SageMakerTuningJobDescribeFailing",
        "denied, and calls time out now and then",
        job({0: None}, code=BY_TURNS),
    ),
    Quiet("SageMakerTuningJobMissing", "another error", job({0: None}, code="timeout")),
    Quiet("SageMakerTuningExporterAccessDenied", "renewed in time", job(code={10: "expired_credentials", 19: None})),
    Quiet("SageMakerTuningExporterAccessDenied", "another error", job({0: None}, code="throttled")),
    Quiet(
        "SageMakerTuningExporterAccessDenied",
        "now and then",
        job(code={minute: "access_denied" if minute % 10 == 0 else None for minute in range(0, 121, 5)}),
    ),
    Quiet(
        "SageMakerTuningExporterAccessDenied",
        "it does not exist for whom may look",
        job({0: None}, code={minute: ("access_denied", "not_found")[minute // 5 % 2] for minute in range(0, 121, 5)}),
    ),
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
        "SageMakerTuningExporterCallsFailing",
        "now and then",
        merged(
            TARGET_INFO,
            ANSWERED,
            own(
                "target_error_info", lambda minute: 1 if minute % 10 else None, **TARGET, operation=LIST, code="timeout"
            ),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "after an outage of Prometheus",
        merged(
            own("target_info", {0: 1, 5: None, 60: 1}, **TARGET),
            own("target_last_success_timestamp_seconds", {0: 0, 5: None, 60: 3600}, **TARGET),
            own("target_error_info", {60: 1, 85: None}, **TARGET, operation=LIST, code="timeout"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "nor can any tuning job be described, which has its own alert",
        merged(
            TARGET_INFO,
            own("target_last_success_timestamp_seconds", 0, **TARGET),
            job("Completed", name="ended"),
            job(code="access_denied"),
            own("target_error_info", 1, **TARGET, operation=LIST, code="access_denied"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "lists recover a little later than describes",
        merged(
            TARGET_INFO,
            own(
                "target_last_success_timestamp_seconds",
                lambda minute: 600.0 if 10 <= minute < 70 else 60.0 * minute,
                **TARGET,
            ),
            job("Completed", name="ended"),
            job(code={10: "server_error", 70: None}),
            own("target_error_info", {10: 1, 79: None}, **TARGET, operation=LIST, code="server_error"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "it sees at last, first by one call and then by all",
        merged(
            TARGET_INFO,
            own("target_last_success_timestamp_seconds", {60: 3600}, **TARGET),
            own("target_error_info", {0: 1, 70: None}, **TARGET, operation=LIST, code="access_denied"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterCallsFailing",
        "another replica makes them",
        merged(
            *(own("target_info", 1, **TARGET, **pod) for pod in (HERE, THERE)),
            *(own("target_last_success_timestamp_seconds", 0, **TARGET, **pod) for pod in (HERE, THERE)),
            own("target_error_info", 1, **TARGET, **THERE, operation=LIST, code="timeout"),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterReplicaBlind",
        "each asks once an hour, since nothing runs",
        merged(
            *(own("target_info", 1, **TARGET, **pod) for pod in (HERE, THERE)),
            own("target_last_success_timestamp_seconds", lambda minute: 3600.0 * (minute // 60), **TARGET, **HERE),
            own(
                "target_last_success_timestamp_seconds",
                lambda minute: 3600.0 * ((minute + 30) // 60) - 1800,
                **TARGET,
                **THERE,
            ),
        ),
        240,
    ),
    Quiet(
        "SageMakerTuningExporterReplicaBlind",
        "one starts anew and asks at first, and nothing runs",
        merged(
            *(own("target_info", 1, **TARGET, **pod) for pod in (HERE, THERE)),
            own("target_last_success_timestamp_seconds", 0, **TARGET, **HERE),
            own("target_last_success_timestamp_seconds", {0: 0, 60: 3600, 65: 3840}, **TARGET, **THERE),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterReplicaBlind",
        "neither sees anything",
        merged(*(own("target_info", 1, **TARGET, **pod) for pod in (HERE, THERE))),
    ),
    Quiet(
        "SageMakerTuningExporterReplicaBlind",
        "for a while",
        merged(
            *(own("target_info", 1, **TARGET, **pod) for pod in (HERE, THERE)),
            own("target_last_success_timestamp_seconds", lambda minute: 60.0 * minute, **TARGET, **HERE),
            own(
                "target_last_success_timestamp_seconds",
                lambda minute: 600.0 if 10 <= minute < 35 else 60.0 * minute,
                **TARGET,
                **THERE,
            ),
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
        "SageMakerTuningExporterUntrackedRunningJobs",
        "for a moment, and then no list tells",
        merged(TARGET_INFO, own("untracked_running_jobs", {10: 1, 20: None}, **TARGET)),
        300,
    ),
    Quiet(
        "SageMakerTuningExporterUntrackedRunningJobs",
        "a short one right before the exporter was away",
        own("untracked_running_jobs", {0: 0, 125: 2, 175: 0, 180: None, 290: 0}, **TARGET),
        330,
    ),
    Quiet(
        "SageMakerTuningExporterUntrackedRunningJobs",
        "a short one now and then",
        merged(TARGET_INFO, own("untracked_running_jobs", lambda minute: int(minute % 90 < 25), **TARGET)),
        420,
    ),
    Quiet(
        "SageMakerTuningExporterConfigReloadFailed",
        "both files, mended at once",
        merged(
            own("config_last_reload_successful", {0: 1, 10: 0, 14: 1}, job="sagemaker"),
            own("web_config_last_reload_successful", {0: 1, 14: 0, 18: 1}, job="sagemaker"),
        ),
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
    Quiet(
        "SageMakerTuningExporterDown",
        "some scrapes are lost",
        merged(
            own("up", lambda minute: int(minute % 15 > 0), **HERE),
            own("build_info", lambda minute: 1 if minute % 15 else None, **HERE),
        ),
    ),
    Quiet(
        "SageMakerTuningExporterRestarting",
        "four times in two hours",
        merged(UP, own("process_start_time_seconds", lambda minute: 1800.0 * (minute // 30), **HERE)),
        240,
    ),
    Quiet(
        "SageMakerTuningExporterRestarting",
        "something else does",
        merged(UP, own("process_start_time_seconds", lambda minute: 60.0 * minute, job="sagemaker", instance="c:80")),
    ),
    Quiet(
        "SageMakerTuningExporterRestarting",
        "of eight shards only one is left",
        merged(
            *(
                own(name, {0: 1, 130: 1 if shard == 0 else None}, job="sagemaker", instance=f"{shard}:10980")
                for shard in range(8)
                for name in ("up", "build_info")
            ),
        ),
        270,
    ),
    Quiet(
        "SageMakerTuningExporterRestarting",
        "two replicas, replaced three times",
        merged(
            *(
                own(name, {begin: 1, begin + 35: None}, job="sagemaker", instance=f"{begin}:{pod}")
                for begin in range(0, 120, 30)
                for pod in range(2)
                for name in ("up", "build_info")
            ),
        ),
        115,
    ),
    Quiet(
        "SageMakerTuningExporterRestarting",
        "it hardly ever answers, which has its own alert",
        merged(
            own("up", lambda minute: int(minute % 20 == 0), **HERE),
            own("build_info", lambda minute: None if minute % 20 else 1, **HERE),
            own("process_start_time_seconds", lambda minute: None if minute % 20 else 60.0 * minute, **HERE),
        ),
    ),
)
