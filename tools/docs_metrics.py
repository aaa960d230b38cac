"""docs/metrics.md, made from the metric table and from what the exporter exposes of itself."""

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

# What stands under each heading before the first family.
INTRODUCTIONS = {
    "Health": "What the exporter knows of a tuning job whatever AWS answers. These series stay as long as the tuning job"
    " is configured: alert on them first.",
    "State and progress": "What the tuning job is, and how far it has come.",
    "Objective": "Values keep the sign that the algorithm printed; `objective_type` says whether less is better. The target"
    " carries the labels of the best value, or of the configuration until there is one, so that the two can be subtracted and"
    " compared as they stand.",
    "Times": "Unix times in seconds. Subtract them from `time()` for an age. How long a running tuning job has run is"
    f" `time() - {PREFIX}created_timestamp_seconds`; its `runtime_seconds` is only as new as its last describe."
    " `last_modified_timestamp_seconds` moves on every 10 seconds or so while a tuning job runs or stops, even when nothing"
    " changes, so it says nothing until the tuning job has ended; then it equals the end. How long a tuning job has been in a"
    " status is told by the series of `status` over time.",
    "Limits and completion criteria": "What was asked for when the tuning job was created; it never changes.",
    "Opt-in": "Exposed only where `collect` in the configuration names them. No tuning job that the API can describe has more"
    " series of a family than its limit. Should one have more, the rest is left out, told in the log and counted by"
    f" `{OWN_PREFIX}_series_capped_total`.\n\n"
    "`definition` is the name of the training job definition. It is empty if there is only one and it has no name, and for"
    " ranges of the tuning job as a whole; the second of several without names is `#2`. `scale` is the range's `ScalingType`.\n\n"
    "`definition_instances` cannot tell how many instances are in use: an answer does not say which definition the running"
    " training jobs belong to. Its sum times the running training jobs gave 1,175 instances in a fleet where 47 training"
    " jobs ran. `running_instances` [tells it](#training-jobs).",
    "Training jobs": "Opt-in as well, by `collect: [training_jobs]`, which costs calls:"
    " [when lists are read](configuration.md#training-jobs), what can keep a sum short, and the values of `reason`. No"
    " training job has series of its own. What has ended is counted and added up, by counters and one summary: use `rate` and"
    " `increase`, or the plain value for what a tuning job has come to since it was created. A counter begins anew only when the"
    " exporter starts, with all that lists still show, when `spend.billable` becomes `search`, or when a later tuning job bears"
    " the name.",
}

PREFIXED = {
    "label_*": "any; one label for each of `labels`, and for each named group of `name_regex`",
    "aws_account_name": "what `account_names` has for the account",
    "tag_*": "any; one label for each of `tag_labels` that the tuning job is tagged with",
}

OWN_INTRODUCTION = f"""\
## The exporter itself

What it asked of AWS, what came back, and how it is doing. These begin with `{OWN_PREFIX}_`; a `target` is an account and
region called with one set of credentials. Its name is made from the configuration and may be the same in two accounts of two
exporters: `aws_account_id`, `aws_region` and `target` together tell it from all others. The account is empty as long as
neither the configuration nor AWS has told it; when it becomes known, or changes, the same count goes on under it. Counters
start at 0 with their target, so that the first increase is one; of `{OWN_PREFIX}_api_errors_total` only those with
`code="throttled"` do, the others begin with the first error."""

OWN_QUESTIONS = f"""\
```promql
# Share of calls to AWS that failed, by target.
sum by ({TARGET}) (rate({OWN_PREFIX}_api_errors_total[5m]))
  / sum by ({TARGET}) (rate({OWN_PREFIX}_api_requests_total[5m]))

# 95th percentile of the time that a call takes.
histogram_quantile(0.95, sum by (operation, le) (rate({OWN_PREFIX}_api_request_duration_seconds_bucket[5m])))

# The budget is too small: share of the time that due calls waited for it.
rate({OWN_PREFIX}_rate_limit_wait_seconds_total[5m]) > 0.5

# A configuration was refused, and the one before is still at work.
{OWN_PREFIX}_config_last_reload_successful == 0

# Describes that have been due for ten minutes. A tuning job that has ended rests for up to a day: no old answer is a sign of trouble.
time() - max by ({JOIN}) ({PREFIX}next_describe_timestamp_seconds) > 600

# Targets for which AWS has not answered one list or describe so far: nobody watches their tuning jobs.
max by ({TARGET}) ({OWN_PREFIX}_target_info)
  unless max by ({TARGET}) ({OWN_PREFIX}_target_last_success_timestamp_seconds)
```"""

ERRORS_INTRODUCTION = f"""\
## Error codes

The values of `code`, on `{PREFIX}error_info` and `{OWN_PREFIX}_api_errors_total`. *Tried again* tells whether a
describe that failed so is repeated before its interval is over, a little later each time."""


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

Every metric that the exporter exposes. A tuning job's begin with `{PREFIX}`, the exporter's own with
`{OWN_PREFIX}_`. To look up a member of the API's answer instead, see [the API's fields](fields.md).

{contents}

## How to read them

A series looks like this:

```text
{PREFIX}training_jobs{{aws_account_id="123456789012",aws_region="eu-west-1",tuning_job="ranker-v7-hpo",status="Completed"}} 41
```

**Labels.** Every series of a tuning job carries `aws_account_id`, `aws_region` and `tuning_job`, which tell the tuning job
from all others; the sections below name only the labels that come on top. `aws_account_id` is empty as long as neither the
configuration nor AWS has told it. Values are spelled as in the API's answers: `InProgress`, not `IN_PROGRESS`. An empty value
is the same as no label.

**Types.** All metrics of tuning jobs but those [of training jobs](#training-jobs) are gauges, the counts too: SageMaker moves
training jobs from one status to another, so a count can fall. Use `delta`, never `rate`. In OpenMetrics those whose names end in `_info`, the exporter's own too, are of
type info; their series are the same in both formats. `status` is a gauge there too: as a stateset its label would have to be
called `{PREFIX}status`.

**Absence.** What AWS does not say has no series, never a 0 or NaN; each metric below tells when that is so. When describes
fail, `{PREFIX}up` turns 0 at once, the last values stay for `stale_after`, and then their series end, all but those under
[Health](#health); those of a tuning job that no longer exists end at once.

**Cardinality.** A tuning job has at most {total} series, plus what is [opt-in](#opt-in), however wide its search is and
however long it runs: a thousand tuning jobs are {1000 * total:,} series at most.

**Joins.** Put the labels of the configuration, or AWS tags, on any series of a tuning job:

```promql
{PREFIX}runtime_seconds
  * on ({JOIN}) group_left (label_team) topk by ({JOIN}) (1, {PREFIX}labels)
```

`topk` takes one series where there are two: two replicas, or labels that have just changed.

Keep only tuning jobs in some status, or with some configuration:

```promql
{PREFIX}best_objective_value
  and on ({JOIN}) {PREFIX}status{{status="InProgress"}} == 1
```

Where two replicas watch the same tuning jobs, each has all series; take one of both, by the labels of the metric itself and
never by those of the scrape (`job`, `instance`, `pod`):

```promql
max by ({JOIN}, status) ({PREFIX}training_jobs)
```

**Stability.** Every metric keeps its name, labels and meaning until the next major version. The [changelog](../CHANGELOG.md)
tells what is new.

**Never exposed**, because secret, free text or without bound: static hyperparameters, environment variables, names of
buckets, keys, VPCs and roles, images, metric regexes, failure reasons. The last error's text and the failure reason are
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
    # Long joins read better with the other side on a line of its own.
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
    yield "And those that every process has:"
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
