"""PromQL for panels. There is one series for each tuning job, even if several replicas of the exporter watch it."""

from __future__ import annotations

from exporter.exposition.families import FAMILIES
from exporter.exposition.family import IDENTITY, PREFIX
from exporter.telemetry import PREFIX as OWN_PREFIX

ID = ", ".join(IDENTITY)
ON = f"on ({ID})"
JOB = PREFIX
EXPORTER = f"{OWN_PREFIX}_"

TARGET = ("aws_account_id", "aws_region", "target")
"""The labels that identify a target. Its name is not enough, because two accounts may have targets with the same name."""

PLACE = 'aws_account_id=~"$account",aws_region=~"$region"'
CHOSEN = f'{PLACE},tuning_job=~"$job"'
TEAM = 'label_team=~"$team"'

STATUSES = tuple(next(family for family in FAMILIES if family.name == "status").values["status"])

_CONSOLES = (
    (".*", "console.aws.amazon.com"),
    ("cn-.*", "console.amazonaws.cn"),
    ("us-gov-.*", "console.amazonaws-us-gov.com"),
)
"""The console's host in each partition, by a pattern of its regions. The last match counts."""


def each(family: str, *by: str, **labels: str) -> str:
    """Select a family for the selected tuning jobs, filtered by ``labels``, with a series for each value of the labels ``by``."""
    matchers = "".join(f',{label}="{value}"' for label, value in labels.items())
    return f"max by ({', '.join((*IDENTITY, *by))}) ({JOB}{family}{{{CHOSEN}{matchers}}})"


def recorded(record: str, *by: str, **labels: str) -> str:
    """Select a recorded series for the selected tuning jobs, as ``each`` does."""
    return each(record, *by, **labels).replace(f"({JOB}", f"(tuning_job:{JOB}")


def of_team(expression: str) -> str:
    """Keep the tuning jobs of the selected team. If all are selected, keep those without a team too."""
    return f"({expression}) and {ON} {JOB}labels{{{CHOSEN},{TEAM}}}"


def team() -> str:
    """Return a series with value 1 for each tuning job of the selected team, with its ``label_team`` if it has one."""
    return f"topk by ({ID}) (1, {JOB}labels{{{CHOSEN},{TEAM}}})"


RUNNING = f"{each('status', status='InProgress')} == 1"
IN_PROGRESS = recorded("slots:used")
ALLOWED = recorded("slots:allowed")
LAUNCHED = f"sum by ({ID}) ({each('training_jobs', 'status')})"
FAILED_SHARE = f"{each('training_jobs', status='NonRetryableError')} / {ON} ({LAUNCHED} > 0)"
SLOTS_USED = f"{IN_PROGRESS} / {ON} {ALLOWED}"
"""These three exist only while a tuning job is in progress."""
NOW = f"({each('end_timestamp_seconds')} or 0 * {each('created_timestamp_seconds')} + time())"
"""The present time, or the end time of an ended tuning job."""
RUNTIME = f"{NOW} - {ON} {each('created_timestamp_seconds')}"
"""The run time to the second. SageMaker's own value may be as old as the last describe."""
RUNTIME_USED = f"({RUNTIME}) / {ON} {each('max_runtime_seconds')}"
PROGRESS = recorded("training_jobs:progress")
LEFT = recorded("age_seconds:left")
NOT_IMPROVING = (
    f"{each('training_jobs_not_improving')} / {ON}"
    f" ({each('max_training_jobs_not_improving')} or {each('max_training_jobs')})"
)
"""As a share of the tuning job's own limit, else of all training jobs that it may launch."""

COST = recorded("estimated_cost:sum", "currency")
"""The cost of the ended training jobs. This and the next two need `collect: [training_jobs]` and prices."""
COST_SINCE_BEST = recorded("estimated_cost:since_best", "currency")
COST_OF_FAILED = recorded("estimated_cost:failed", "currency")
FAILURES = recorded("training_job_failures:sum", "reason")
INSTANCES = each("running_instances", "instance_type", "spot")


def of_quota(what: str, *by: str) -> str:
    """Return the used share of a quota in each of the selected accounts and regions, from recorded series."""
    used, most = (
        f"max by ({', '.join(('aws_account_id', 'aws_region', *by))}) (account:sagemaker_{what}:{each}{{{PLACE}}})"
        for each in ("running", "quota")
    )
    return f"{used} / {most}"


MOST_RUNS = 10
"""The most runs of a search to compare."""


def of_last_runs(expression: str) -> str:
    """Keep the last runs of the selected tuning job's search. They have the same label ``search``."""
    search = f'{JOB}labels{{{PLACE},label_search="$search",label_search!=""}}'
    created = f"max by ({ID}) ({JOB}created_timestamp_seconds{{{PLACE}}})"
    return f"({expression.replace(CHOSEN, PLACE)}) and {ON} topk({MOST_RUNS}, {created} and {ON} {search})"


def running(expression: str) -> str:
    """Keep the tuning jobs that are in progress."""
    return f"{expression} and {ON} {RUNNING}"


def since_improvement() -> str:
    """Return the seconds from the last improvement to now, or to the end of a tuning job that has ended."""
    return f"{NOW} - {ON} {each('best_training_job_end_timestamp_seconds')}"


def states() -> str:
    """Return the status of a tuning job as its position in ``STATUSES``."""
    return " or ".join(f"{number} * ({each('status', status=status)} == 1)" for number, status in enumerate(STATUSES))


def with_console(expression: str) -> str:
    """Add the label ``console``: the host of the AWS console for the partition of the region."""
    for region, host in _CONSOLES:
        expression = f'label_replace({expression}, "console", "{host}", "aws_region", "{region}")'
    return expression


def with_direction(expression: str) -> str:
    """Add the label ``direction``: in which direction the objective is better."""
    for objective_type, words in (("Maximize", "more is better"), ("Minimize", "less is better")):
        expression = f'label_replace({expression}, "direction", "{words}", "objective_type", "{objective_type}")'
    return expression


def ended_this_week() -> str:
    """Count the tuning jobs that ended in the last week, by their last team and final status."""
    outcome = f"tuning_job:{JOB}status:outcome"
    last = f"topk by ({ID}) (1, max_over_time({outcome}{{{CHOSEN}}}[6d]))"
    teams = f"count by (label_team) (max_over_time({outcome}{{{CHOSEN},{TEAM}}}[6d]))"
    counted = f"count by (label_team, status) ({last}) and on (label_team) {teams}"
    return f'label_replace({counted}, "label_team", "no team", "label_team", "")'


def or_zero(expression: str) -> str:
    """Return 0 instead of no result."""
    return f"{expression} or vector(0)"


def alerts(**labels: str) -> str:
    """Select this project's alerts for the selected tuning jobs. If all are selected, also those for the exporter itself."""
    matchers = "".join(f',{label}="{value}"' for label, value in labels.items())
    return f'ALERTS{{alertname=~"SageMakerTuning.+",{CHOSEN},{TEAM}{matchers}}}'


def by_target(expression: str, *by: str) -> str:
    """Return the largest of the replicas' series for each target and each value of the labels ``by``."""
    return f"max by ({', '.join((*TARGET, *by))}) ({expression})"


def of_targets(family: str, **labels: str) -> str:
    """Select one of the exporter's own families for targets in the selected accounts and regions."""
    matchers = "".join(f',{label}=~"{value}"' for label, value in labels.items())
    return f"{EXPORTER}{family}{{{PLACE}{matchers}}}"


def rate(selected: str) -> str:
    """Return the increase per second of counters."""
    return f"rate({selected}[$__rate_interval])"
