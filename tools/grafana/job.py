"""The Job dashboard: one tuning job, its progress, its search and its problems."""

from __future__ import annotations

from typing import TYPE_CHECKING

from grafana import look
from grafana.page import (
    FLEET,
    TO_CONSOLE,
    TO_JOB,
    TUNING_JOB,
    annotation_queries,
    hidden_variable,
    line,
    link,
    variables,
)
from grafana.page import dashboard as page
from grafana.panels import (
    Column,
    Field,
    Link,
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
    FAILED_SHARE,
    FAILURES,
    ID,
    IN_PROGRESS,
    INSTANCES,
    LAUNCHED,
    LEFT,
    MOST_RUNS,
    NOT_IMPROVING,
    PROGRESS,
    RUNTIME,
    RUNTIME_USED,
    SLOTS_USED,
    alerts,
    each,
    of_last_runs,
    recorded,
    since_improvement,
    states,
    team,
    with_console,
    with_direction,
)

if TYPE_CHECKING:
    from grafana.page import Row
    from grafana.schema import model

_OF_BEST = "{{objective_metric}}, {{direction}}"

_IDENTITY = ("aws_account_id", "aws_region", "tuning_job")
"""Labels that are not shown, because everything is about one tuning job."""

_TO_TRAINING_JOB = Link(
    "Open in the SageMaker console",
    "https://${home}.${console}/sagemaker/home?region=${home}#/jobs/${__value.raw}",
    new_tab=True,
)

_TO_PARENT = Link(
    "Open the parent",
    f"/d/{TUNING_JOB}?${{datasource:queryparam}}&${{__url_time_range}}"
    "&${account:queryparam}&${region:queryparam}&var-job=${__value.raw}",
)


def _needs(family: str, otherwise: str) -> str:
    return f"{otherwise}, or collect: [{family}] is not configured"


def build() -> model.Dashboard:
    """Return the dashboard."""
    place = with_console(each("labels"))
    return page(
        TUNING_JOB,
        "SageMaker tuning: Job",
        "One hyperparameter tuning job: progress, objective, training jobs, cost and problems.",
        [_glance(), _progress(), _training(), _cost(), _runs(), _best(), _problems()],
        variables=[
            *variables(one_job=True),
            hidden_variable("console", place, '/console="([^"]+)"/', description="Host of the AWS console."),
            hidden_variable("home", place, '/aws_region="([^"]+)"/', description="Region of the tuning job."),
            hidden_variable(
                "search",
                each("labels", "label_search"),
                '/label_search="([^"]+)"/',
                description="The search that the tuning job is a run of.",
            ),
        ],
        annotations=annotation_queries(shown=True),
        links=[
            link("Fleet", "All tuning jobs", f"/d/{FLEET}?${{datasource:queryparam}}"),
            link(
                "SageMaker console",
                "This tuning job in the SageMaker console",
                "https://${home}.${console}/sagemaker/home?region=${home}#/hyper-tuning-jobs/${job}",
                new_tab=True,
            ),
        ],
    )


def _glance() -> Row:
    objective = with_direction(recorded("best_objective_value:last", "objective_metric", "objective_type"))
    return (
        "$job",
        [
            line(
                4,
                number(
                    "Status",
                    "Status of the tuning job in SageMaker.",
                    states(),
                    meaning("Never described", look.STATUS_WORDS),
                ),
                number(
                    "Best objective",
                    "Objective value of the best training job so far, with the sign that the algorithm prints.",
                    objective,
                    Field(unit="none", empty="None yet"),
                ),
                number(
                    "Objective",
                    "The metric that the search optimizes, and in which direction it is better.",
                    with_direction(each("info", "objective_metric", "objective_type")),
                    Field(unit="none", empty="Not stated"),
                    legend=_OF_BEST,
                ),
                number(
                    "Launched",
                    "Training jobs launched so far, with any result.",
                    LAUNCHED,
                    count("Not stated"),
                ),
                number(
                    "Failed",
                    "Share of the launched training jobs that failed with an error that SageMaker does not retry.",
                    FAILED_SHARE,
                    share("None launched", look.FAILED_SHARE),
                ),
                number(
                    "Since improvement",
                    "Time from the end of the best training job to now, or to the end of the tuning job.",
                    since_improvement(),
                    seconds("No best yet", look.STALE_SEARCH),
                ),
                number(
                    "Runtime",
                    "Time from the creation of the tuning job to now, or to its end.",
                    RUNTIME,
                    seconds("Not stated"),
                ),
                number(
                    "Time left",
                    "Estimated time until all training jobs that it may launch have ended, at the pace so far, or until its"
                    " time limit if that comes first.",
                    LEFT,
                    seconds("Not in progress, or not known"),
                ),
                number(
                    "Last describe",
                    "Whether the last describe of the tuning job succeeded. If not, the values shown are old.",
                    each("up"),
                    meaning("Never described", look.DESCRIBED_WORDS),
                ),
                widths=(3, 3, 3, 2, 2, 3, 3, 3, 2),
            ),
            line(
                4,
                rows(
                    "Configuration",
                    "The configuration of the tuning job, its account and region, and when it began and ended.",
                    [
                        with_console(
                            each(
                                "info",
                                "strategy",
                                "early_stopping",
                                "warm_start_type",
                                "autotune",
                                "complete_on_convergence",
                            )
                        ),
                        f"max by ({ID}, label_team) ({team()})",
                        f"1000 * {each('created_timestamp_seconds')}",
                        f"1000 * {each('convergence_detected_timestamp_seconds')}",
                        f"1000 * {each('end_timestamp_seconds')}",
                    ],
                    [
                        Column("tuning_job", "Tuning job"),
                        Column("label_team", "Team"),
                        Column("aws_region", "Region"),
                        Column("aws_account_id", "Account"),
                        Column("strategy", "Strategy"),
                        Column("early_stopping", "Early stopping"),
                        Column("complete_on_convergence", "Complete on convergence"),
                        Column("warm_start_type", "Warm start"),
                        Column("autotune", "Autotune"),
                        Column("C", "Created", unit="dateTimeAsIso"),
                        Column("D", "Converged", unit="dateTimeAsIso"),
                        Column("E", "Ended", unit="dateTimeAsIso"),
                        Column("console", "Console", link=TO_CONSOLE),
                    ],
                    empty="Never described",
                ),
            ),
            line(
                4,
                timeline(
                    "Status over time",
                    "The status of the tuning job over time.",
                    states(),
                    meaning("Never described", look.STATUS_WORDS),
                    legend="{{tuning_job}}",
                ),
            ),
        ],
    )


def _progress() -> Row:
    best = recorded("best_objective_value:last", "objective_metric", "objective_type")
    overall = each("overall_best_objective_value", "objective_metric", "objective_type")
    return (
        "Progress",
        [
            line(
                10,
                bars(
                    "Progress against limits",
                    "How much of each limit is used. A limit that the tuning job does not have has no bar. Failed training"
                    " jobs do not count, because others replace them. Without a limit for training jobs without"
                    " improvement, these are a share of all training jobs that it may launch.",
                    {
                        "Training jobs completed or stopped": PROGRESS,
                        "Runtime": RUNTIME_USED,
                        "Without improvement": NOT_IMPROVING,
                    },
                    share("The tuning job has no limits", look.NEAR_LIMIT),
                ),
                lines(
                    "Best objective over time",
                    "Objective value of the best training job so far and, with warm start, including the parents. The dashed"
                    " line is the target at which the tuning job stops. The legend says which direction is better.",
                    {
                        f"best ({_OF_BEST})": with_direction(best),
                        "best, including parents": overall,
                        "target": each("target_objective_value"),
                    },
                    Field(unit="none", empty="No training job has reported the objective yet"),
                    limits=["target"],
                    held=True,
                ),
                widths=(8, 16),
            ),
        ],
    )


def _training() -> Row:
    return (
        "Training jobs",
        [
            line(
                9,
                lines(
                    "Training jobs by status",
                    "All training jobs launched so far, by status. Stopped is normal: it is the result of early stopping.",
                    {"{{status}}": each("training_jobs", "status")},
                    count("Not stated"),
                    colors=look.TRAINING_COLORS,
                    stacked=True,
                    held=True,
                ),
                lines(
                    "Objectives by status",
                    "The same training jobs, by whether they reported the objective metric. If all are Failed although"
                    " training jobs complete, the metric's regular expression never matches.",
                    {"{{status}}": each("objectives", "status")},
                    count("Not stated"),
                    colors=look.OBJECTIVE_COLORS,
                    stacked=True,
                    held=True,
                ),
            ),
            line(
                9,
                lines(
                    "Not improving",
                    "Training jobs in a row that improved the best objective by 1 % or less. The dashed line is the tuning"
                    " job's own limit at which it stops, if it has one.",
                    {
                        "not improving": each("training_jobs_not_improving"),
                        "limit": each("max_training_jobs_not_improving"),
                    },
                    count("Not stated"),
                    limits=["limit"],
                    held=True,
                ),
                lines(
                    "Parallel slots",
                    "Running training jobs. The dashed line is how many may run at once. If there are far fewer for a long"
                    " time, capacity or a quota is missing.",
                    {"running": IN_PROGRESS, "limit": ALLOWED},
                    count("Not in progress"),
                    limits=["limit"],
                    held=True,
                ),
                lines(
                    "Time since last improvement",
                    "Time since the end of the best training job, up to the end of the tuning job.",
                    {"since improvement": since_improvement()},
                    seconds("No best training job yet", look.STALE_SEARCH),
                ),
            ),
        ],
    )


def _cost() -> Row:
    return (
        "What it costs (opt-in)",
        [
            line(
                10,
                lines(
                    "Cost and best value",
                    "Cost of the ended training jobs, cost of the failed ones, cost since the best one ended, and the best value,"
                    " which has its axis on the right. The dashed line is the budget. Needs collect: [training_jobs] and"
                    " prices.",
                    {
                        "cost": COST,
                        "cost of failed ones": COST_OF_FAILED,
                        "cost since the best one": COST_SINCE_BEST,
                        "budget": each("budget", "currency"),
                        "best value": recorded("best_objective_value:last"),
                    },
                    money(_needs("training_jobs", "No price")),
                    limits=["budget"],
                    right=["best value"],
                    held=True,
                ),
                lines(
                    "Training time",
                    "Total training time of training jobs, by final status. InProgress is that of running training jobs so"
                    " far. Needs collect: [training_jobs].",
                    {
                        "{{status}}": each("training_job_duration_seconds_sum", "status"),
                        "InProgress": each("running_training_seconds"),
                    },
                    seconds(_needs("training_jobs", "Nothing trained")),
                    stacked=True,
                    held=True,
                ),
            ),
            line(
                9,
                lines(
                    "Longest running training job",
                    "Training time of the oldest running training job. The dashed line is the average of the completed ones."
                    " Needs collect: [training_jobs].",
                    {
                        "oldest": recorded("training_seconds:oldest"),
                        "mean": recorded("training_job_duration_seconds:mean"),
                    },
                    seconds(_needs("training_jobs", "Nothing runs")),
                    limits=["mean"],
                ),
                lines(
                    "Instances in use",
                    "Instances that training jobs used when their list was last read, by type. Needs collect:"
                    " [training_jobs].",
                    {"{{instance_type}}": f"sum by (instance_type) ({INSTANCES})"},
                    count(_needs("training_jobs", "Nothing runs")),
                    stacked=True,
                    held=True,
                ),
                lines(
                    "Training jobs failed, by reason",
                    "Failed training jobs so far, by class of failure. Needs collect: [training_jobs].",
                    {"{{reason}}": FAILURES},
                    count(_needs("training_jobs", "No training job failed")),
                    stacked=True,
                    held=True,
                ),
            ),
        ],
    )


def _runs() -> Row:
    by = "objective_metric", "objective_type"
    return (
        "Runs of the same search (opt-in)",
        [
            line(
                9,
                rows(
                    f"Last {MOST_RUNS} runs",
                    "The latest runs of the same search in this account and region. These have the same value of the label"
                    " search, and the exporter still shows them. A group (?P<search>…) in the name_regex of a rule makes this"
                    " label. Cost needs collect: [training_jobs] and prices.",
                    [
                        of_last_runs(f"1000 * {each('created_timestamp_seconds')}"),
                        of_last_runs(with_direction(recorded("best_objective_value:last", *by))),
                        of_last_runs(COST),
                        of_last_runs(LAUNCHED),
                        of_last_runs(RUNTIME),
                    ],
                    [
                        Column("tuning_job", "Tuning job", link=TO_JOB),
                        Column("A", "Began", unit="dateTimeAsIso"),
                        Column("B", "Best", unit="none"),
                        Column("objective_metric", "Objective"),
                        Column("direction", "Direction"),
                        Column("C", "Cost", unit="none"),
                        Column("currency", "Currency", width=90),
                        Column("D", "Training jobs", unit="none", width=120),
                        Column("E", "Runtime", unit="s"),
                    ],
                    empty="No label search: the name_regex of its rule has no such group",
                    sort=("Began", True),
                    without=("aws_account_id", "aws_region", "objective_type"),
                ),
            ),
        ],
    )


def _best() -> Row:
    by = ("hyperparameter", "definition")
    low, high = each("hyperparameter_min_value", *by), each("hyperparameter_max_value", *by)
    best = each("best_hyperparameter_value", "hyperparameter")
    on = f"on ({ID}, hyperparameter)"
    in_range = f"(0 * {low} + {on} group_left () {best})"
    place = recorded("best_hyperparameter_value:place", *by)
    return (
        "Best training job and hyperparameters (opt-in)",
        [
            line(
                9,
                rows(
                    "Best hyperparameters against their ranges",
                    "Numeric values of the tuned hyperparameters in the best training job, and the ranges that are searched."
                    " The position is on the range's own scale. At an edge (red) the range may be too narrow."
                    " Needs collect: [hyperparameters].",
                    [
                        f"{in_range} or {best} unless {on} {low}",
                        low,
                        high,
                        place,
                    ],
                    [
                        Column("hyperparameter", "Hyperparameter"),
                        Column("A", "Best", unit="none"),
                        Column("B", "Lowest", unit="none"),
                        Column("C", "Highest", unit="none"),
                        Column("D", "Position in the range", unit="percentunit", thresholds=look.EDGES, bar=True),
                        Column("definition", "Definition"),
                    ],
                    empty=_needs("hyperparameters", "No hyperparameter is a number"),
                    without=_IDENTITY,
                    sort=("Hyperparameter", False),
                ),
                lines(
                    "Position of the best in the ranges",
                    "Position of the best training job so far in the range of each hyperparameter, on the range's own scale: 0 %"
                    " is the lower end, 100 % the upper end. Needs collect: [hyperparameters].",
                    {"{{hyperparameter}} {{definition}}": place},
                    share(_needs("hyperparameters", "No hyperparameter is a number")),
                    held=True,
                ),
                widths=(14, 10),
            ),
            line(
                6,
                rows(
                    "Best training job",
                    "The training job with the best objective value so far. Needs collect: [best_training_job].",
                    [each("best_training_job_info", "training_job", "definition")],
                    [
                        Column("training_job", "Training job", link=_TO_TRAINING_JOB),
                        Column("definition", "Definition"),
                    ],
                    empty=_needs("best_training_job", "No best training job yet"),
                    without=_IDENTITY,
                ),
                rows(
                    "Warm start parents",
                    "The tuning jobs that this one was warm started from. Needs collect: [warm_start_parents].",
                    [each("parent_info", "parent")],
                    [
                        Column("parent", "Parent", link=_TO_PARENT),
                    ],
                    empty=_needs("warm_start_parents", "No warm start"),
                    without=_IDENTITY,
                ),
                rows(
                    "Training job definitions",
                    "The instances of training jobs, and how long each may run. Needs collect: [definitions].",
                    [
                        each("definition_info", "definition", "instance_type", "spot", "objective_metric"),
                        each("definition_instances", "definition", "instance_type"),
                        each("definition_max_runtime_seconds", "definition"),
                        each("definition_max_wait_seconds", "definition"),
                    ],
                    [
                        Column("definition", "Definition"),
                        Column("instance_type", "Instance type"),
                        Column("B", "Instances", unit="none"),
                        Column("spot", "Spot"),
                        Column("objective_metric", "Objective"),
                        Column("C", "Longest runtime", unit="s"),
                        Column("D", "Longest with waiting for spot", unit="s"),
                    ],
                    empty=_needs("definitions", "Never described"),
                    without=_IDENTITY,
                ),
                widths=(5, 5, 14),
            ),
        ],
    )


def _problems() -> Row:
    return (
        "Problems",
        [
            line(
                7,
                rows(
                    "Alerts",
                    "Alerts of this project about this tuning job that are pending or firing. Needs the rules of this project"
                    " in Prometheus.",
                    [f"max by (severity, alertname, alertstate, {ID}) ({alerts()})"],
                    [
                        Column("severity", "Severity", mappings=look.colored(look.SEVERITY_COLORS), fill=True),
                        Column("alertname", "Alert"),
                        Column("alertstate", "State", mappings=look.colored(look.ALERT_COLORS), tint=True),
                    ],
                    empty="No alert is firing or pending",
                    without=_IDENTITY,
                    sort=("State", False),
                ),
                rows(
                    "Why it cannot be described",
                    "Why the last describe of the tuning job failed, and what to do.",
                    [f'label_replace({each("error_info", "code")}, "remedy", "$1", "code", "(.*)")'],
                    [
                        Column("code", "Error"),
                        Column("remedy", "What to do", mappings=look.REMEDY_WORDS),
                    ],
                    empty="The last describe succeeded",
                    without=_IDENTITY,
                ),
            ),
            line(
                7,
                lines(
                    "Age of what is shown",
                    "Time since the last successful describe of the tuning job. A running tuning job that does not change is"
                    " described once in describe_max_age, an ended one about once a day.",
                    {"last success": f"time() - {each('last_success_timestamp_seconds')}"},
                    seconds("Never described"),
                ),
                lines(
                    "Slots used, and share of failures",
                    "Running training jobs as a share of those that may run at once, and the share of the launched ones that"
                    " failed with an error that SageMaker does not retry.",
                    {"slots used": SLOTS_USED, "failed": FAILED_SHARE},
                    share("Not stated"),
                    colors={"failed": look.RED, "slots used": look.BLUE},
                ),
            ),
        ],
    )
