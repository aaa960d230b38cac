"""Makes docs/metrics.md from the metric table and the exporter's own metrics."""

from __future__ import annotations

import re
from itertools import chain
from typing import TYPE_CHECKING

from own_metrics import VALUES, OwnMetric, own_metrics

from exporter.errors import ErrorCode
from exporter.exposition.families import FAMILIES, SECTIONS
from exporter.exposition.family import IDENTITY, PREFIX
from exporter.fleet import Operation
from exporter.telemetry import PREFIX as OWN_PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.exposition.family import Family, Section

JOIN = ", ".join(IDENTITY)
TARGET = "aws_account_id, aws_region, target"

# The text under each heading, before the first family.
INTRODUCTIONS = {
    "Health": "What the exporter knows about a tuning job, whatever AWS answers. These series stay as long as the tuning job"
    " is configured: alert on them first. If `up` is 0, `error_info` says why: see [error codes](#error-codes) for what to do.",
    "State and progress": "What the tuning job is, and how far it has come.",
    "Objective": "Values keep the sign that the algorithm printed; `objective_type` says whether lower is better. The target"
    " has the labels of the best value, or of the configuration until there is a best value. So you can subtract and compare"
    " the two directly.",
    "Times": "Unix times in seconds. Subtract them from `time()` to get an age. The run time of a running tuning job is"
    f" `time() - {PREFIX}created_timestamp_seconds`; its `runtime_seconds` is only as new as its last describe."
    " `last_modified_timestamp_seconds` changes about every 10 seconds while a tuning job runs or stops, even if nothing"
    " else changes. So it is only useful after the tuning job has ended; then it equals the end. To see how long a tuning job has"
    " been in a status, look at the series of `status` over time.",
    "Limits and completion criteria": "What was set when the tuning job was created. It never changes.",
    "Opt-in": "Exposed only if `collect` in the configuration names them. No tuning job that the API can describe has more"
    " series of a family than its limit. If one did, the exporter would leave out the rest, log it, and count it in"
    f" `{OWN_PREFIX}_series_capped_total`.\n\n"
    "`definition` is the name of the training job definition. It is empty if there is only one and it has no name, and for"
    " ranges of the tuning job as a whole. The second of several without names is `#2`. `scale` is the range's `ScalingType`.\n\n"
    "`definition_instances` cannot show how many instances are in use: an answer does not say which definition the running"
    " training jobs belong to. Its sum times the running training jobs gave 1,175 instances in a fleet where 47 training"
    " jobs ran. Use [`running_instances`](#training-jobs) instead.",
    "Training jobs": "Opt-in too, with `collect: [training_jobs]`, which costs calls. The page about the configuration says"
    " [when lists are read](configuration.md#training-jobs), why a sum may be too low, and what the values of `reason` mean. No"
    " training job has series of its own. Ended training jobs are counted and added up, by counters and one summary. Use `rate` and"
    " `increase`, or the plain value for the total since the tuning job was created. A counter restarts only when the exporter"
    " restarts (with everything that lists still show), when `spend.billable` becomes `search`, or when a later tuning job has"
    " the same name.",
}

PREFIXED = {
    "label_*": "any; one label for each of `labels`, and for each named group of `name_regex`",
    "aws_account_name": "the name of the account in `account_names`, or in its organization",
    "tag_*": "any; one label for each of `tag_labels` that the tuning job has as a tag",
}

OWN_INTRODUCTION = f"""\
## The exporter itself

The exporter's calls to AWS, their results, and its own state. These metrics begin with `{OWN_PREFIX}_`. A `target` is an account
and region, called with one set of credentials. Its name comes from the configuration, and two exporters may use the same name for
two accounts: `aws_account_id`, `aws_region` and `target` together are unique. The account is empty until the configuration or AWS
has said it; when it becomes known, or changes, the count goes on under the new label. Counters start at 0 with their target, so
that the first increase is one. In `{OWN_PREFIX}_api_errors_total` only those with `code="throttled"` do; the others begin with
the first error.

The calls that read the accounts of an [organization](configuration.md#many-accounts-and-regions) are counted in the first four
metrics below like all others. Their `target` is the organization's name, such as `organization`. `aws_region` is empty, since
Organizations has no regions, and `aws_account_id` is that of the `role_arn` next to `organization`."""

OWN_QUESTIONS = f"""\
```promql
# Share of calls to AWS that failed, by target.
sum by ({TARGET}) (rate({OWN_PREFIX}_api_errors_total[5m]))
  / sum by ({TARGET}) (rate({OWN_PREFIX}_api_requests_total[5m]))

# 95th percentile of the time that a call takes.
histogram_quantile(0.95, sum by (operation, le) (rate({OWN_PREFIX}_api_request_duration_seconds_bucket[5m])))

# The call budget is too small: share of the time that due calls waited for it.
rate({OWN_PREFIX}_rate_limit_wait_seconds_total[5m]) > 0.5

# A configuration was refused, and the old one is still in use.
{OWN_PREFIX}_config_last_reload_successful == 0

# Describes that are ten minutes overdue. A tuning job that has ended is described once a day: an old answer alone is no problem.
time() - max by ({JOIN}) ({PREFIX}next_describe_timestamp_seconds) > 600

# Targets for which AWS has not answered a single list or describe: their tuning jobs are not watched.
max by ({TARGET}) ({OWN_PREFIX}_target_info)
  unless max by ({TARGET}) ({OWN_PREFIX}_target_last_success_timestamp_seconds)
```"""

ERRORS_INTRODUCTION = f"""\
## Error codes

The values of `code`, on `{PREFIX}error_info` and `{OWN_PREFIX}_api_errors_total`. *Tried again* means that the exporter
repeats a describe before its interval is over, a little later each time."""


def render() -> str:
    """Return the whole page."""
    blocks = [
        _introduction([*(section.title for section in SECTIONS), "The exporter itself", "Error codes"]),
        *chain.from_iterable(_section(section) for section in SECTIONS),
        *_own(),
        ERRORS_INTRODUCTION,
        _errors(),
    ]
    return "\n\n".join(blocks) + "\n"


def most_series(family: Family) -> int:
    """Return how many series of a family a tuning job can have at once."""
    return family.limit or len(family.values.get("status") or family.values.get("reason") or ("one",))


def _introduction(titles: Iterable[str]) -> str:
    contents = "\n".join(f"- [{title}](#{title.lower().replace(' ', '-')})" for title in ("How to read them", *titles))
    total = sum(most_series(family) for family in FAMILIES if family.collect is None)
    return f"""\
# Metrics

<!-- Made by `make docs` from the table that also renders /metrics. Change that instead. -->

Every metric that the exporter exposes. Those of a tuning job begin with `{PREFIX}`, those of the exporter itself with
`{OWN_PREFIX}_`. To look up a member of the API's answer, see [the API's fields](fields.md).

{contents}

## How to read them

A series looks like this:

```text
{PREFIX}training_jobs{{aws_account_id="123456789012",aws_region="eu-west-1",tuning_job="ranker-v7-hpo",status="Completed"}} 41
```

**Labels.** Every series of a tuning job has `aws_account_id`, `aws_region` and `tuning_job`, which together are unique. The
sections below name only the additional labels. `aws_account_id` is empty until the configuration or AWS has said it. Values are
spelled as in the API's answers: `InProgress`, not `IN_PROGRESS`. An empty value is the same as no label.

**Types.** All metrics of tuning jobs are gauges, including the counts, except those [of training jobs](#training-jobs). SageMaker moves
training jobs from one status to another, so a count can fall. Use `delta`, never `rate`. In OpenMetrics, metrics whose names end
in `_info` are of type info, including the exporter's own; their series are the same in both formats. `status` is a gauge there
too, because as a stateset its label would have to be called `{PREFIX}status`.

**Absence.** A value that AWS did not send has no series. It is never 0 or NaN. Each metric below says when it is absent. When describes
fail, `{PREFIX}up` becomes 0 at once. The last values stay for `stale_after`, then their series end, except those under
[Health](#health). If AWS says that a tuning job does not exist, they end at once; one that is listed keeps those under Health.

**Age.** [How often a tuning job is described](configuration.md#how-often-a-tuning-job-is-described) says how old a value can be. With the defaults, the values of a running job are as of the last 60 s, or 120 s if AWS's lists lag.
`runtime_seconds` can be 30 minutes old, and the sums over training jobs five minutes. While describes fail, values stay for
five minutes after a describe was due. `last_success_timestamp_seconds` tells when the last describe was; a list may have shown since that nothing
has changed.

**Cardinality.** A tuning job has at most {total} series, plus [opt-in](#opt-in) ones, whatever the size of its search and
its run time. A thousand tuning jobs have at most {1000 * total:,} series.

**Joins.** To add the labels of the configuration, or AWS tags, to any series of a tuning job:

```promql
{PREFIX}runtime_seconds
  * on ({JOIN}) group_left (label_team) topk by ({JOIN}) (1, {PREFIX}labels)
```

`topk` takes one series if there are two: two replicas, or labels that have just changed.

To keep only tuning jobs in some status, or with some configuration:

```promql
{PREFIX}best_objective_value
  and on ({JOIN}) {PREFIX}status{{status="InProgress"}} == 1
```

If two replicas watch the same tuning jobs, each has all series. Take one of both, by the labels of the metric itself and never by
those of the scrape (`job`, `instance`, `pod`):

```promql
max by ({JOIN}, status) ({PREFIX}training_jobs)
```

**Stability.** Every metric keeps its name, labels and meaning until the next major version. The [changelog](../CHANGELOG.md)
says what is new.

**Never exposed**, because it is secret, free text or without limit: static hyperparameters, environment variables, names of
buckets, keys, VPCs and roles, images, metric regexes, failure reasons. The text of the last error and the failure reason are
in the log."""


def _section(section: Section) -> Iterator[str]:
    yield f"## {section.title}"
    yield INTRODUCTIONS[section.title]
    yield _table(
        ("metric", "labels", "meaning"),
        (
            (f"[`{family.name}`](#{family.full_name})", _codes(label for label, _ in _labels(family)), family.help)
            for family in section.families
        ),
    )
    for family in section.families:
        yield from _details(family)


def _details(family: Family) -> Iterator[str]:
    yield f"### {family.full_name}"
    yield family.help
    most = most_series(family)
    yield "\n".join(
        [
            f"- **Type**: {_type(family)}",
            *([f"- **Opt-in**: `collect: [{family.collect}]`"] if family.collect else []),
            f"- **Series per tuning job**: {most if most == 1 else f'at most {most}'}",
            *(f"- **Label** `{label}`: {text}" for label, text in _labels(family)),
            f"- **Source**: {family.source}",
            f"- **Absent**: {'' if family.absent == 'never' else 'when '}{family.absent}",
        ]
    )
    # Long joins are easier to read with the right side on its own line.
    example = re.sub(r" (?=\S+ (?:on|ignoring) \()", "\n  ", family.example)
    yield f"```promql\n{example}\n```"


def _type(family: Family) -> str:
    unit = f" in {family.unit}" if family.unit else ""
    if family.info:
        return f"gauge{unit}, in OpenMetrics info"
    parts = ", its series end in `_count` and `_sum`" if family.type == "summary" else ""
    return f"{family.type}{unit}{parts}"


def _labels(family: Family) -> Iterator[tuple[str, str]]:
    for label in family.labels:
        values = family.values.get(label)
        yield label.replace("*", "<key>"), PREFIXED.get(label, "any") if values is None else _choices(values)


def _own() -> Iterator[str]:
    metrics = own_metrics()
    yield OWN_INTRODUCTION
    yield _own_table(metric for metric in metrics if not metric.process)
    elsewhere = {"code": "see [below](#error-codes)", "family": "the full name of one of those under [Opt-in](#opt-in)"}
    yield "\n".join(f"- `{label}`: {elsewhere.get(label) or _choices(values)}" for label, values in VALUES.items())
    yield OWN_QUESTIONS
    yield "The usual metrics of a process:"
    yield _own_table(metric for metric in metrics if metric.process)


def _own_table(metrics: Iterable[OwnMetric]) -> str:
    return _table(
        ("metric", "type", "labels", "meaning"),
        ((f"`{metric.name}`", metric.type, _codes(metric.labels), metric.help) for metric in metrics),
    )


def _errors() -> str:
    return _table(
        ("code", "tried again", "what to do"),
        ((f"`{code}`", "yes" if code.transient else "", code.remedy(Operation.DESCRIBE)) for code in ErrorCode),
    )


def _codes(words: Iterable[str]) -> str:
    return ", ".join(f"`{word}`" for word in words)


def _choices(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" if value else "or empty" for value in values)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)
