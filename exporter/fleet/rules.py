"""Decides which of the listed tuning jobs are watched: the rules of ``discover``, as pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.config.pattern import found, groups
from exporter.config.specs import JobSpec
from exporter.statuses import DELETING, IN_PROGRESS, STOPPING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from exporter.clock import Instant
    from exporter.config.specs import ExclusionSpec, RuleSpec
    from exporter.config.tag_condition import TagCondition
    from exporter.tuning_job import Summary

    Tags: TypeAlias = Callable[[Summary], Mapping[str, str] | None]

LONGEST_RUN = 30 * 86_400.0
"""The most seconds that a tuning job may run, a quota of SageMaker."""

_ON_THE_WAY = frozenset({STOPPING, DELETING})


class Match(NamedTuple):
    """The result of the rules for a tuning job.

    ``rule`` is the first rule that matches. ``tags_needed`` is True if the result depends on tags that are not known yet.
    ``later`` is True if a rule does not match now but may match when the status changes.
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
    """Return the result of the rules for a tuning job now. ``tags_of`` is called only if the result depends on tags."""
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
    """Return whether a rule matches a tuning job in any status. None if this depends on tags that are not known yet."""
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
    """Return whether the name of a tuning job meets the conditions."""
    if conditions.name_contains is not None and conditions.name_contains not in summary.name:
        return False
    return conditions.name_regex is None or found(conditions.name_regex, summary.name)


def _carries(tags: Mapping[str, str], wanted: Mapping[str, TagCondition]) -> bool:
    return all(condition.holds(tags.get(key)) for key, condition in wanted.items())


def job_spec(rule: RuleSpec, name: str) -> JobSpec:
    """Return the configuration that a rule gives to a tuning job. Named groups of its pattern become labels."""
    of_name = {} if rule.name_regex is None else groups(rule.name_regex, name)
    return JobSpec(
        name, {**rule.labels, **of_name} if of_name else rule.labels, None, rule.name, rule.tag_labels, rule.budget
    )


def first_lists(rule: RuleSpec, retention: float, now: Instant) -> Iterable[Mapping[str, Any]]:
    """Return the filters of the lists that a rule begins with, to find tuning jobs that ended before.

    Running tuning jobs are on the list that each target with rules reads in any case.
    """
    whole_reach = retention + LONGEST_RUN
    reach = whole_reach if rule.created_within is None else min(whole_reach, rule.created_within)
    filters = _filters(rule, now.wall - reach)
    stopping = _filters(rule, now.wall - whole_reach) | {"StatusEquals": STOPPING}
    if not rule.statuses:
        return [filters] if reach == whole_reach else [filters, stopping]
    wanted = rule.statuses - {IN_PROGRESS}
    # Also those that will soon reach a wanted status. From then on each is looked up by itself.
    statuses = wanted | _ON_THE_WAY if wanted else wanted
    return [stopping if status == STOPPING else filters | {"StatusEquals": status} for status in sorted(statuses)]


def later_lists(rule: RuleSpec, since: float) -> Iterable[Mapping[str, Any]]:
    """Return the filters of the lists of tuning jobs created ``since`` (Unix seconds), which may already have ended."""
    return [] if rule.statuses == {IN_PROGRESS} else [_filters(rule, since)]


def lookup(summary: Summary) -> Mapping[str, Any]:
    """Return the filters of a list that has only this tuning job."""
    return {"NameContains": summary.name, **created_between(summary.creation_time, summary.creation_time)}


def created_between(first: float | None, last: float | None) -> Mapping[str, Any]:
    """Return the filters for creation times from ``first`` to ``last``, inclusive. The API takes whole seconds, exclusive."""
    filters = {}
    if first is not None:
        filters["CreationTimeAfter"] = int(first) - 1
    if last is not None:
        filters["CreationTimeBefore"] = int(last) + 2
    return filters


def newest(entries: Sequence[tuple[float, str]], count: int) -> list[tuple[float, str]]:
    """Return the ``count`` newest of the entries (creation time, name)."""
    return sorted(entries, key=lambda entry: (-entry[0], entry[1]))[: max(0, count)]


def _filters(rule: RuleSpec, since: float) -> dict[str, Any]:
    filters = dict(created_between(since, None))
    if rule.name_contains is not None:
        filters["NameContains"] = rule.name_contains
    return filters


def _too_old(rule: RuleSpec, summary: Summary, retention: float, now: Instant) -> bool:
    if summary.ended is not None and now.wall >= summary.ended + retention:
        return True
    if rule.created_within is None or not (summary.terminal or summary.status == DELETING):
        return False
    return summary.creation_time is None or now.wall > summary.creation_time + rule.created_within
