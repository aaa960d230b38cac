"""What a target tells of itself, from its parts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.fleet.view import JobView, TargetView
from exporter.fleet.work import Operation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.errors import ErrorCode
    from exporter.fleet.account import Account
    from exporter.fleet.finder import Finder
    from exporter.fleet.job import Job
    from exporter.fleet.tags import TagListings


def operations(spec: TargetSpec) -> tuple[Operation, ...]:
    """Return what the configuration may need of the API."""
    labelled = any(job.tag_labels for job in spec.jobs) or any(rule.tag_labels for rule in spec.rules)
    tags = labelled or any(rule.tags for rule in spec.rules)
    needed = {
        Operation.DESCRIBE: True,
        Operation.LIST: bool(spec.rules) or spec.describe_max_age > spec.interval,
        Operation.LIST_TAGS: tags,
        Operation.SEARCH: tags,
    }
    return tuple(operation for operation, is_needed in needed.items() if is_needed)


def target_view(
    spec: TargetSpec,
    jobs: Iterable[Job],
    account: Account,
    tags: TagListings,
    finder: Finder,
    *,
    attempted: bool,
    last_answered: float | None,
    now: Instant,
) -> TargetView:
    """Return the view of a target, values that have gone stale left out."""
    views: list[JobView] = []
    changes: list[float] = []
    for job in jobs:
        if job.view is None:
            job.view = job.show(spec.key.region, account.id, tags.of(job.spec.name))
        view = job.view
        if job.facts is not None:
            stale_at = job.owed + spec.stale_after
            if now.monotonic >= stale_at:
                view = replace(view, facts=None)
            else:
                changes.append(stale_at)
        if (goes_at := job.goes_at(spec.retention, now)) is not None:
            changes.append(goes_at)
        views.append(view)
    untracked = finder.untracked(spec, now)
    if untracked is not None:
        changes.append(finder.running_told + spec.stale_after)
    return TargetView(
        spec.name,
        spec.key.region,
        account.id or "",
        attempted,
        tuple(views),
        min(changes, default=None),
        untracked,
        tuple(sorted({(str(operation), str(code)) for operation, code in _errors(account, tags, finder)})),
        last_answered,
        tuple(finder.matched(spec).items()),
    )


def _errors(account: Account, tags: TagListings, finder: Finder) -> Iterator[tuple[Operation, ErrorCode]]:
    """Yield by what the calls fail that are not about one tuning job."""
    yield from tags.errors
    for code in finder.lists.codes:
        yield Operation.LIST, code
    for code in account.codes:
        yield Operation.IDENTIFY, code
