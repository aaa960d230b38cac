"""Builds the views of a target from its parts. Changes nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.fleet.view import JobView, Standing, TargetView

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.clock import Instant
    from exporter.config.specs import TargetSpec
    from exporter.fleet.account import Account
    from exporter.fleet.allowance import Allowance
    from exporter.fleet.calls import Calls
    from exporter.fleet.finder import Finder
    from exporter.fleet.jobs import Jobs
    from exporter.fleet.quotas import AccountQuotas
    from exporter.fleet.tally import Tally


def target_view(
    spec: TargetSpec,
    jobs: Jobs,
    account: Account,
    finder: Finder,
    quotas: AccountQuotas,
    calls: Calls,
    tally: Tally,
    now: Instant,
) -> TargetView:
    """Return the view of a target. It leaves out stale values and jobs past their retention."""
    views: list[JobView] = []
    changes: list[float] = []
    for job in jobs:
        if (goes_at := job.goes_at(spec.retention, now)) is not None:
            if goes_at <= now.monotonic:
                continue
            changes.append(goes_at)
        view = job.view(spec.key.region, account.id, spec.account_names)
        if job.facts is not None:
            stale_at = job.owed + spec.stale_after
            if now.monotonic >= stale_at:
                view = replace(view, facts=None)
            else:
                changes.append(stale_at)
        views.append(view)
    untracked = finder.untracked(now)
    if untracked is not None:
        changes.append(finder.untracked_until)
    known = quotas.known(now)
    if known is not None:
        changes.append(quotas.known_until)
        # There are some hundred quotas. Only those of instance types that a tuning job uses are of interest.
        known = known.of_types(_instance_types(views))
    return TargetView(
        spec.name,
        spec.key.region,
        account.id or "",
        tally.attempted or not (jobs or spec.rules),
        tuple(views),
        min(changes, default=None),
        untracked,
        tuple(sorted((str(operation), str(code)) for operation, code in calls.errors)),
        tally.last_answered,
        finder.matched,
        known,
    )


def _instance_types(views: Iterable[JobView]) -> set[str]:
    """Return the instance types that the definitions of tuning jobs name."""
    facts = (view.facts for view in views if view.facts is not None)
    return {
        instances.instance_type
        for each in facts
        for definition in each.definitions
        for instances in definition.instances
    }


def target_standing(budget: Allowance, calls: Calls, tally: Tally, now: Instant) -> Standing:
    """Return how a target uses its budget."""
    return Standing(budget.rate(now.monotonic), budget.made_per_second(now), len(calls), calls.given_up, tally.failures)
