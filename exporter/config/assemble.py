"""Makes the specs of targets, which the rest of the exporter uses, from the gathered entries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.config.naming import target_names
from exporter.config.specs import FailureClass, SpendSpec, TargetSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.gathered import Gathered
    from exporter.config.model import Config
    from exporter.config.prices import Prices
    from exporter.config.specs import TargetKey

    SpendOf = Callable[[str], SpendSpec | None]
    """Returns how to read the training jobs of a region, None if they are not collected."""


def target_specs(
    gathered: Mapping[TargetKey, Gathered],
    config: Config,
    stale_after: float,
    spend_of: SpendOf,
    account_names: Mapping[str, str],
) -> tuple[TargetSpec, ...]:
    """Return the targets, in the order of the file."""
    names = target_names([target.caller for target in gathered.values()])
    return tuple(
        TargetSpec(
            key=key,
            name=names[key],
            account_id=target.account_id,
            connection=target.caller.connection,
            interval=config.interval,
            stale_after=stale_after,
            retention=config.retention,
            describe_max_age=config.describe_max_age,
            requests_per_second=target.caller.requests_per_second,
            max_tracked_jobs=config.max_tracked_jobs,
            jobs=tuple(job for _, job in target.jobs.values()),
            rules=tuple(target.rules),
            spend=spend_of(key.region),
            account_names=_names_for(target.account_id, account_names),
            quotas="quotas" in config.collect,
            organization=target.organization,
        )
        for key, target in gathered.items()
    )


def read_spend(config: Config, prices: Prices, currency: str) -> SpendOf:
    """Return how to read the training jobs of a region, with its prices. Prices in the configuration come first."""
    if "training_jobs" not in config.collect:
        return lambda _: None
    classes = tuple(
        FailureClass(each.reason, each.regex)
        for each in config.failures.classes
        if each.reason is not None and each.regex is not None
    )
    given = config.spend
    spend = SpendSpec(given.interval, given.max_training_jobs, classes, billable=given.billable)
    if not given.prices and given.prices_file is None:
        return lambda _: spend
    return lambda region: replace(spend, prices={**prices.by_region.get(region, {}), **given.prices}, currency=currency)


def _names_for(account_id: str | None, names: Mapping[str, str]) -> Mapping[str, str]:
    """Return the names of accounts that a target may need. If its account is not known, these are all."""
    if account_id is None:
        return names
    return {account_id: names[account_id]} if account_id in names else {}
