"""Which of the tuning jobs on lists are watched: the rules of ``discover``, as pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.config.pattern import found, groups
from exporter.config.specs import JobSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from exporter.clock import Instant
    from exporter.config.specs import ExclusionSpec, RuleSpec
    from exporter.config.tag_condition import TagCondition
    from exporter.statuses import TuningJobStatus
    from exporter.tuning_job import Summary

    Tags: TypeAlias = Callable[[Summary], Mapping[str, str] | None]

RUNNING: TuningJobStatus = "InProgress"
LONGEST_RUN = 30 * 86_400.0
"""The longest that a tuning job may run: the quota on its run time."""

_STOPPING: TuningJobStatus = "Stopping"
_DELETING: TuningJobStatus = "Deleting"
_ON_THE_WAY = frozenset({_STOPPING, _DELETING})


class Match(NamedTuple):
    """What the rules say of a tuning job: the first that wants it, or that this hangs on tags not known yet.

    ``later`` tells that a rule would want it in another status, to which it may still come.
    """

    rule: RuleSpec | None = None
    tags_needed: bool = False
    later: bool = False


def match(
    rules: Iterable[RuleSpec],
    summary: Summary,
    tags_of: Tags,
    retention: float,
    now: Instant,
) -> Match:
    """Return what the rules say of a tuning job now; ``tags_of`` is asked only where that hangs on tags."""
    later = False
    for rule in rules:
        if not _named(rule, summary) or _too_old(rule, summary, retention, now):
            continue
        if rule.statuses and summary.status not in rule.statuses:
            later = later or not summary.terminal
            continue
        excluding = [each for each in rule.exclude if not each.statuses or summary.status in each.statuses]
        wanted = _wants(rule, excluding, summary, tags_of)
        if wanted is None:
            return Match(tags_needed=True, later=later)
        if wanted:
            return Match(rule, later=later)
        later = later or (not summary.terminal and wants(rule, summary, tags_of) is not False)
    return Match(later=later)


def wants(rule: RuleSpec, summary: Summary, tags_of: Tags) -> bool | None:
    """Tell whether a rule wants a tuning job in some status; None while that hangs on tags that are not known yet."""
    return _wants(rule, [each for each in rule.exclude if not each.statuses], summary, tags_of)


def _wants(rule: RuleSpec, excluding: Iterable[ExclusionSpec], summary: Summary, tags_of: Tags) -> bool | None:
    if not _named(rule, summary):
        return False
    excluding = [each for each in excluding if _named(each, summary)]
    if any(not each.tags for each in excluding):
        return False
    if not rule.tags and not excluding:
        return True
    tags = tags_of(summary)
    if tags is None:
        return None
    return _carries(tags, rule.tags) and not any(_carries(tags, each.tags) for each in excluding)


def _named(conditions: RuleSpec | ExclusionSpec, summary: Summary) -> bool:
    """Tell whether the name is one that is asked for."""
    if conditions.name_contains is not None and conditions.name_contains not in summary.name:
        return False
    return conditions.name_regex is None or found(conditions.name_regex, summary.name)


def _carries(tags: Mapping[str, str], wanted: Mapping[str, TagCondition]) -> bool:
    return all(condition.holds(tags.get(key)) for key, condition in wanted.items())


def job_spec(rule: RuleSpec, name: str) -> JobSpec:
    """Return what a rule says of a tuning job that it found. Named groups of its pattern are labels."""
    of_name = {} if rule.name_regex is None else groups(rule.name_regex, name)
    return JobSpec(
        name, {**rule.labels, **of_name} if of_name else rule.labels, None, rule.name, rule.tag_labels, rule.budget
    )


def first_lists(rule: RuleSpec, retention: float, now: Instant) -> Iterable[Mapping[str, Any]]:
    """Return the filters of the lists that a rule begins with, for whatever ended while nobody looked.

    What runs is on the list that every target with rules reads anyhow.
    """
    whole_reach = retention + LONGEST_RUN
    reach = whole_reach if rule.created_within is None else min(whole_reach, rule.created_within)
    filters = _filters(rule, now.wall - reach)
    stopping = _filters(rule, now.wall - whole_reach) | {"StatusEquals": _STOPPING}
    if not rule.statuses:
        return [filters] if reach == whole_reach else [filters, stopping]
    wanted = rule.statuses - {RUNNING}
    # Those on the way to a status that is wanted: after this they are followed one by one.
    statuses = wanted | _ON_THE_WAY if wanted else wanted
    return [stopping if status == _STOPPING else filters | {"StatusEquals": status} for status in sorted(statuses)]


def later_lists(rule: RuleSpec, since: float) -> Iterable[Mapping[str, Any]]:
    """Return the filters of the lists that show what was created ``since`` (Unix seconds) and may have ended already."""
    return [] if rule.statuses == {RUNNING} else [_filters(rule, since)]


def lookup(summary: Summary) -> Mapping[str, Any]:
    """Return the filters of a list with one tuning job on it."""
    return {"NameContains": summary.name, **created_between(summary.creation_time, summary.creation_time)}


def created_between(first: float | None, last: float | None) -> Mapping[str, Any]:
    """Return the filters for creation times, both included; requests carry whole seconds, and exclude them."""
    filters = {}
    if first is not None:
        filters["CreationTimeAfter"] = int(first) - 1
    if last is not None:
        filters["CreationTimeBefore"] = int(last) + 2
    return filters


def newest(entries: Sequence[tuple[float, str]], count: int) -> list[tuple[float, str]]:
    """Return the ``count`` entries created last, of (creation time, name)."""
    return sorted(entries, key=lambda entry: (-entry[0], entry[1]))[: max(0, count)]


def _filters(rule: RuleSpec, since: float) -> dict[str, Any]:
    filters = dict(created_between(since, None))
    if rule.name_contains is not None:
        filters["NameContains"] = rule.name_contains
    return filters


def _too_old(rule: RuleSpec, summary: Summary, retention: float, now: Instant) -> bool:
    if summary.ended is not None and now.wall >= summary.ended + retention:
        return True
    if rule.created_within is None or not (summary.terminal or summary.status == _DELETING):
        return False
    return summary.creation_time is None or now.wall > summary.creation_time + rule.created_within
