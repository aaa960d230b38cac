"""The Fleet dashboard: problems, running tuning jobs, where the time goes, costs, quotas, and the health of the exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import look
from grafana.page import (
    FLEET,
    TO_CONSOLE,
    TO_JOB,
    TO_JOB_OF_SERIES,
    TUNING_JOB,
    annotation_queries,
    line,
    link,
    variables,
)
from grafana.page import dashboard as page
from grafana.panels import (
    Column,
    Field,
    bars,
    count,
    lines,
    meaning,
    money,
    number,
    rows,
    seconds,
    share,
    timeline,
)
from grafana.promql import (
    ALLOWED,
    COST,
    COST_OF_FAILED,
    COST_SINCE_BEST,
    EXPORTER,
    FAILED_SHARE,
    FAILURES,
    ID,
    IN_PROGRESS,
    INSTANCES,
    LAUNCHED,
    LEFT,
    NOT_IMPROVING,
    ON,
    PROGRESS,
    RUNNING,
    RUNTIME,
    RUNTIME_USED,
    SLOTS_USED,
    TARGET,
    alerts,
    by_target,
    each,
    ended_this_week,
    of_quota,
    of_targets,
    of_team,
    or_zero,
    rate,
    recorded,
    running,
    since_improvement,
    states,
    team,
    with_console,
    with_direction,
)

if TYPE_CHECKING:
    from grafana.page import Row
    from grafana.schema import model

LONGEST = 10
"""The number of bars in a ranking."""

ENDED_SHOWN = 3600
"""Seconds for which an ended tuning job stays in the timeline."""

JOB_NAME = "{{tuning_job}}"

_PLACE_COLUMNS = (
    Column("aws_region", "Region", width=120),
    Column("aws_account_id", "Account", width=130),
)


def build() -> model.Dashboard:
    """Return the dashboard."""
    return page(
        FLEET,
        "SageMaker tuning: Fleet",
        "All hyperparameter tuning jobs that the exporter watches: problems, running tuning jobs, time and cost.",
        [_wrong(), _runs(), _time(), _cost(), _quotas(), _health()],
        variables=variables(one_job=False),
        annotations=annotation_queries(shown=False),
        links=[
            link(
                "Tuning job",
                "One tuning job in detail",
                f"/d/{TUNING_JOB}?${{datasource:queryparam}}",
            )
        ],
    )


def _count(expression: str) -> str:
    return or_zero(f"count({of_team(expression)})")


def _total(expression: str) -> str:
    return f"sum({of_team(running(expression))})"


def _wrong() -> Row:
    failed = f"{each('status', status='Failed')} == 1 and {ON} time() - {each('end_timestamp_seconds')} < 86400"
    firing = alerts(alertstate="firing")
    converged = running(each("convergence_detected_timestamp_seconds"))
    unwatched = by_target(of_targets("untracked_running_jobs"))
    return (
        "What is wrong",
        [
            line(
                4,
                number(
                    "Alerts firing",
                    "Alerts of this project that are firing now, for the selected tuning jobs or the exporter itself.",
                    or_zero(f"count(count by (alertname, target, {ID}) ({firing}))"),
                    count("None", look.NONE_IS_GOOD),
                ),
                number(
                    "Cannot be described",
                    "Tuning jobs whose last describe failed. Their values are old, or not shown at all.",
                    _count(f"{each('up')} == 0"),
                    count("None", look.NONE_IS_GOOD),
                ),
                number(
                    "Failed in 24 hours",
                    "Tuning jobs that ended with status Failed in the last 24 hours.",
                    _count(failed),
                    count("None", look.NONE_IS_GOOD),
                ),
                number(
                    "Converged, still running",
                    "Running tuning jobs whose search has converged according to SageMaker. Further training jobs improve little.",
                    _count(converged),
                    count("None", look.FEW_ARE_GOOD),
                ),
                number(
                    "Training jobs failed",
                    "Share of the training jobs of running tuning jobs that failed with an error that SageMaker does"
                    " not retry.",
                    or_zero(_total(each("training_jobs", status="NonRetryableError")) + f" / ({_total(LAUNCHED)} > 0)"),
                    share("None", look.FAILED_SHARE),
                ),
                number(
                    "Slots in use",
                    "Running training jobs, as a share of those that running tuning jobs may run at once. If it is low,"
                    " capacity or quotas are missing, or the searches are nearly done.",
                    _total(f"{IN_PROGRESS} and {ON} {ALLOWED}") + f" / {_total(ALLOWED)}",
                    share("Nothing runs", look.SLOTS),
                ),
                number(
                    "Running, not watched",
                    "Running tuning jobs in the selected accounts and regions that the configuration neither lists nor"
                    " discovers.",
                    or_zero(f"sum({unwatched})"),
                    count("None", look.FEW_ARE_GOOD),
                ),
                number(
                    "Running",
                    "Tuning jobs with status InProgress.",
                    _count(RUNNING),
                    count("None"),
                ),
            ),
            line(
                9,
                rows(
                    "Alerts",
                    "Alerts of this project that are pending or firing. Needs the rules of this project in Prometheus.",
                    [f"max by (severity, alertname, alertstate, target, label_team, {ID}) ({alerts()})"],
                    [
                        Column(
                            "severity", "Severity", mappings=look.colored(look.SEVERITY_COLORS), fill=True, width=90
                        ),
                        Column("alertname", "Alert"),
                        Column("tuning_job", "Tuning job", link=TO_JOB),
                        Column("label_team", "Team", width=110),
                        Column("alertstate", "State", mappings=look.colored(look.ALERT_COLORS), tint=True, width=80),
                        Column("target", "Target", width=110),
                        *_PLACE_COLUMNS,
                    ],
                    empty="No alert is firing or pending",
                    sort=("State", False),
                ),
                rows(
                    "Cannot be described",
                    "Tuning jobs whose last describe failed: why, and what to do.",
                    ["label_replace(" + of_team(each("error_info", "code")) + ', "remedy", "$1", "code", "(.*)")'],
                    [
                        Column("tuning_job", "Tuning job", link=TO_JOB),
                        Column("code", "Error", width=140),
                        Column("remedy", "What to do", mappings=look.REMEDY_WORDS),
                        *_PLACE_COLUMNS,
                    ],
                    empty="All tuning jobs can be described",
                ),
                widths=(14, 10),
            ),
        ],
    )


def _runs() -> Row:
    shown = f"({states()}) unless {ON} time() - {each('end_timestamp_seconds')} > {ENDED_SHOWN}"
    table = [
        f"max by ({ID}, label_team) ({team()}) and {ON} {RUNNING}",
        *(
            of_team(running(expression))
            for expression in (
                with_direction(each("info", "strategy", "objective_metric", "objective_type")),
                PROGRESS,
                recorded("best_objective_value:last"),
                f"({since_improvement()})",
                NOT_IMPROVING,
                IN_PROGRESS,
                SLOTS_USED,
                FAILED_SHARE,
                f"({RUNTIME})",
                RUNTIME_USED,
                with_console(each("created_timestamp_seconds")),
                LEFT,
            )
        ),
    ]
    return (
        "What runs",
        [
            line(
                12,
                rows(
                    "Running tuning jobs",
                    "All tuning jobs in progress. Progress: completed or stopped training jobs, as a share of all that it"
                    " may launch. Failed training jobs do not count, because others replace them. Not improving and Time"
                    " used: shares of the tuning job's own limits. Without a limit for training jobs without improvement,"
                    " Not improving is a share of all training jobs that it may launch. Time left: estimated from the pace"
                    " so far, or the time to its time limit if that is shorter.",
                    table,
                    [
                        Column("tuning_job", "Tuning job", link=TO_JOB, width=260),
                        Column("label_team", "Team", width=100),
                        Column("strategy", "Strategy", width=90),
                        Column("objective_metric", "Objective", width=150),
                        Column("direction", "Direction", width=110),
                        Column("D", "Best", unit="none", width=90),
                        Column("E", "Since improvement", unit="s", thresholds=look.STALE_SEARCH, tint=True, width=130),
                        Column("C", "Progress", unit="percentunit", thresholds=look.PLAIN, bar=True, width=140),
                        Column(
                            "F", "Not improving", unit="percentunit", thresholds=look.NEAR_LIMIT, bar=True, width=140
                        ),
                        Column("K", "Time used", unit="percentunit", thresholds=look.NEAR_LIMIT, bar=True, width=140),
                        Column("M", "Time left", unit="s", width=100),
                        Column("G", "Training", unit="none", width=80),
                        Column("H", "Slots", unit="percentunit", thresholds=look.SLOTS, tint=True, width=70),
                        Column("I", "Failed", unit="percentunit", thresholds=look.FAILED_SHARE, fill=True, width=80),
                        Column("J", "Runtime", unit="s", width=100),
                        *_PLACE_COLUMNS,
                        Column("console", "Console", link=TO_CONSOLE, width=190),
                    ],
                    empty="No tuning job is in progress",
                    sort=("Since improvement", True),
                    without=["objective_type"],
                ),
            ),
            line(
                11,
                timeline(
                    "Status of tuning jobs",
                    "The status of each tuning job over time. An ended tuning job stays for an hour.",
                    of_team(shown),
                    meaning("No tuning job ran", look.STATUS_WORDS),
                    legend=JOB_NAME,
                    link=TO_JOB_OF_SERIES,
                ),
                bars(
                    "Ended this week, by team",
                    "Tuning jobs that ended in the last seven days, by team and final status.",
                    {"{{label_team}} {{status}}": ended_this_week()},
                    count("No tuning job ended"),
                    now=True,
                ),
                widths=(17, 7),
            ),
        ],
    )


def _ranking(expression: str) -> str:
    return f"topk({LONGEST}, {of_team(running(expression))})"


def _by_team(expression: str, *by: str) -> str:
    """Return the sum of an expression about tuning jobs, by team and further labels."""
    summed = f'label_replace({expression} * {ON} group_left (label_team) {team()}, "label_team", "no team", "label_team", "")'
    return f"sum by ({', '.join(('label_team', *by))}) ({summed})"


def _time() -> Row:
    by_type = of_team(f"{each('definition_info', 'instance_type')} * {ON} group_left () {IN_PROGRESS}")
    return (
        "Where the time goes",
        [
            line(
                9,
                lines(
                    "Training jobs running, by team",
                    "Running training jobs, by the team of their tuning job.",
                    {"{{label_team}}": _by_team(IN_PROGRESS)},
                    count("No training job ran"),
                    stacked=True,
                ),
                lines(
                    "Training jobs running, by instance type",
                    "Running training jobs, by instance type. If a tuning job's definitions have several types, it counts"
                    " for each of them. Needs collect: [definitions] in the exporter's configuration.",
                    {"{{instance_type}}": f"sum by (instance_type) ({by_type})"},
                    count("Nothing ran, or collect: [definitions] is not configured"),
                    stacked=True,
                ),
                lines(
                    "Parallel slots",
                    "Running training jobs, and how many the running tuning jobs may run at once.",
                    {
                        "running": _total(IN_PROGRESS),
                        "allowed": _total(ALLOWED),
                    },
                    count("No tuning job ran"),
                    limits=["allowed"],
                ),
            ),
            line(
                9,
                bars(
                    "Running longest",
                    f"The {LONGEST} tuning jobs in progress with the longest run time.",
                    {JOB_NAME: _ranking(f"({RUNTIME})")},
                    seconds("No tuning job is in progress"),
                    now=True,
                    link=TO_JOB_OF_SERIES,
                ),
                bars(
                    "Without improvement longest",
                    f"The {LONGEST} tuning jobs in progress with the oldest best objective value.",
                    {JOB_NAME: _ranking(f"({since_improvement()})")},
                    seconds("No running tuning job has a best value", look.STALE_SEARCH),
                    now=True,
                    link=TO_JOB_OF_SERIES,
                ),
                bars(
                    "Training jobs failed most",
                    f"The {LONGEST} tuning jobs in progress with the largest share of training jobs that failed with an"
                    " error that SageMaker does not retry.",
                    {JOB_NAME: _ranking(f"({FAILED_SHARE} > 0)")},
                    share("No training job of a running tuning job failed", look.FAILED_SHARE),
                    now=True,
                    link=TO_JOB_OF_SERIES,
                ),
            ),
        ],
    )


NEEDS = "Needs collect: [training_jobs]"


def _costliest(title: str, description: str, ranking: str, otherwise: str) -> model.Panel:
    return bars(
        title,
        f"{description} {NEEDS} and prices.",
        {"{{tuning_job}}, {{currency}}": ranking},
        money(f"{otherwise}, or no price"),
        now=True,
        link=TO_JOB_OF_SERIES,
    )


def _cost() -> Row:
    by = "instance_type", "spot", "status"
    billed, trained = (
        f"sum({of_team(each(family, *by, spot='true'))})"
        for family in ("billable_instance_seconds_total", "training_instance_seconds_total")
    )
    last_hour = recorded("estimated_cost:increase1h", "currency")
    return (
        "What it costs",
        [
            line(
                4,
                number(
                    "Cost of the last hour",
                    f"Cost of the training jobs that ended in the last hour, at the configured prices. {NEEDS} and prices.",
                    f"sum by (currency) ({of_team(last_hour)})",
                    money("No price"),
                ),
                number(
                    "Lost to failures",
                    f"Cost of failed training jobs, as a share of the cost of the tuning jobs shown. {NEEDS} and prices.",
                    f"sum by (currency) ({of_team(COST_OF_FAILED)}) / sum by (currency) ({of_team(COST)})",
                    share("Nothing failed, or no price", look.FAILED_SHARE),
                ),
                number(
                    "Saved by spot",
                    "Share of the time on spot instances that SageMaker does not bill. The billed time is known later than the"
                    f" training time, so this is too high for a while. {NEEDS} and spend.billable: search.",
                    f"1 - {billed} / {trained}",
                    share("No bill of spot instances"),
                ),
                number(
                    "Instances in use",
                    f"Instances that training jobs used when their lists were last read. {NEEDS}.",
                    f"sum({of_team(INSTANCES)})",
                    count("Nothing ran"),
                ),
            ),
            line(
                9,
                lines(
                    "Cost per hour, by team",
                    "Cost of the training jobs that ended in the hour before, by the team of their tuning job."
                    f" {NEEDS} and prices.",
                    {"{{label_team}}, {{currency}}": _by_team(last_hour, "currency")},
                    money("Nothing ended, or no price"),
                    stacked=True,
                ),
                lines(
                    "Instances in use, by type",
                    f"Instances that training jobs use, by type. {NEEDS}.",
                    {"{{instance_type}}": f"sum by (instance_type) ({of_team(INSTANCES)})"},
                    count("Nothing ran"),
                    stacked=True,
                ),
                lines(
                    "Training jobs failed, by reason",
                    f"Failed training jobs of the tuning jobs that the exporter watches, by class of failure. {NEEDS}.",
                    {"{{reason}}": f"sum by (reason) ({of_team(FAILURES)})"},
                    count("No training job failed"),
                    stacked=True,
                ),
            ),
            line(
                9,
                _costliest(
                    "Cost most",
                    f"The {LONGEST} tuning jobs whose training jobs have cost most, running or ended.",
                    f"topk({LONGEST}, {of_team(COST)})",
                    "Nothing ended",
                ),
                _costliest(
                    "Lost most to failures",
                    f"The {LONGEST} tuning jobs whose failed training jobs have cost most.",
                    f"topk({LONGEST}, {of_team(COST_OF_FAILED)})",
                    "Nothing failed",
                ),
                _costliest(
                    "Cost most since the best value",
                    f"The {LONGEST} tuning jobs in progress that have cost most since their best training job ended.",
                    _ranking(COST_SINCE_BEST),
                    "Nothing is in progress",
                ),
            ),
        ],
    )


def _quotas() -> Row:
    return (
        "Quotas",
        [
            line(
                9,
                lines(
                    "Share of instance quotas used",
                    "Instances that training jobs of watched tuning jobs use, as a share of the account's quota for the instance"
                    " type, on demand and on spot. Other training jobs use the same quota, but are not counted."
                    " Needs collect: [training_jobs, quotas] and the rules of this project.",
                    {
                        "{{instance_type}}, spot {{spot}}, {{aws_account_id}} {{aws_region}}": of_quota(
                            "training_instances", "instance_type", "spot"
                        )
                    },
                    share("Nothing ran, or collect has no quotas", look.NEAR_LIMIT),
                ),
                lines(
                    "Share of the tuning job quota used",
                    "Running tuning jobs in an account and region, watched or not, as a share of those that may run at the same"
                    " time: the account's quota if AWS lists it, otherwise 100. Needs the rules of this project.",
                    {"{{aws_account_id}} {{aws_region}}": of_quota("tuning_jobs")},
                    share("No recent list of running tuning jobs", look.NEAR_LIMIT),
                ),
            ),
        ],
    )


def _health() -> Row:
    watched, failing = (
        f"sum by ({', '.join(TARGET)}) ({by_target(selected, 'state')})"
        for selected in (of_targets("tracked_jobs"), of_targets("tracked_jobs", state="failing|missing"))
    )
    targets = [
        by_target(of_targets("target_info")),
        by_target(of_targets("target_error_info"), "operation", "code"),
        watched,
        failing,
        by_target(of_targets("untracked_running_jobs")),
        f"time() - {by_target(of_targets('target_last_success_timestamp_seconds'))}",
        by_target(of_targets("poll_duration_seconds")),
        by_target(rate(of_targets("rate_limit_wait_seconds_total"))),
    ]
    latency = f"sum by (le) ({rate(f'{EXPORTER}api_request_duration_seconds_bucket')})"
    return (
        "AWS API and exporter",
        [
            line(
                8,
                lines(
                    "Calls to AWS",
                    "Calls per second, by operation, summed over the replicas of the exporter.",
                    {"{{operation}}": f"sum by (operation) ({rate(of_targets('api_requests_total'))})"},
                    Field(unit="reqps", low=0, empty="No call was made"),
                ),
                lines(
                    "Calls to AWS that failed",
                    "Failed calls per second, by error code.",
                    {"{{code}}": f"sum by (code) ({rate(of_targets('api_errors_total'))}) > 0"},
                    Field(unit="reqps", low=0, empty="No call failed"),
                ),
                lines(
                    "Duration of calls",
                    "Duration of calls to AWS, over all targets.",
                    {
                        "median": f"histogram_quantile(0.5, {latency})",
                        "95th percentile": f"histogram_quantile(0.95, {latency})",
                    },
                    seconds("No call was made"),
                ),
            ),
            line(
                8,
                lines(
                    "Waiting for the budget",
                    "Share of the time in which a call was due but had to wait because of requests_per_second. Near 100 %,"
                    " the exporter cannot keep the interval.",
                    {"{{aws_account_id}} {{target}}": by_target(rate(of_targets("rate_limit_wait_seconds_total")))},
                    share("No target", look.NEAR_LIMIT),
                ),
                lines(
                    "Tuning jobs watched",
                    "Watched tuning jobs in the selected accounts and regions, by the result of the last describe.",
                    {
                        "{{state}}": f"sum by (state) ({by_target(of_targets('tracked_jobs'), 'state')})",
                    },
                    count("Nothing is watched"),
                    colors=look.STATE_COLORS,
                    stacked=True,
                ),
                number(
                    "Configuration",
                    "Whether the exporter could load its configuration file after the last change.",
                    f"min({EXPORTER}config_last_reload_successful{{}})",
                    meaning("No exporter", look.RELOAD_WORDS),
                ),
                number(
                    "Replicas",
                    "Exporters that Prometheus scrapes successfully now.",
                    f"count({EXPORTER}build_info{{}})",
                    Field(unit="none", thresholds=look.steps("red", (1, "green")), decimals=0, empty="No exporter"),
                ),
                widths=(8, 8, 4, 4),
            ),
            line(
                8,
                rows(
                    "Targets",
                    "Accounts and regions, each with one set of credentials: why calls fail that are not about one tuning"
                    " job, the number of tuning jobs, and the duration of polls.",
                    targets,
                    [
                        Column("target", "Target"),
                        *_PLACE_COLUMNS,
                        Column("code", "Error", width=160),
                        Column("operation", "Operation", width=260),
                        Column("C", "Watched", unit="none", width=90),
                        Column("D", "Failing", unit="none", thresholds=look.NONE_IS_GOOD, tint=True, width=90),
                        Column("E", "Not watched", unit="none", thresholds=look.FEW_ARE_GOOD, tint=True, width=130),
                        Column("F", "Last answer ago", unit="s", width=130),
                        Column("G", "Round took", unit="s", width=110),
                        Column(
                            "H",
                            "Waiting for budget",
                            unit="percentunit",
                            thresholds=look.NEAR_LIMIT,
                            bar=True,
                            width=170,
                        ),
                    ],
                    empty="No target",
                ),
            ),
        ],
    )
