"""Finds settings about the cost of training jobs that have no effect. They are not mistakes, but useless."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from exporter.config.load import Document
    from exporter.config.problem import Path, Problem
    from exporter.config.specs import TargetSpec
    from exporter.config.validate import Validated

_COLLECT = "add training_jobs to collect"
_BILLABLE = "write list or search for billable under spend"
_PRICES = "add prices or prices_file under spend"


def ineffective(document: Document, validated: Validated, targets: Iterable[TargetSpec]) -> tuple[Problem, ...]:
    """Return the settings without effect in a valid configuration, with what to write instead."""
    return tuple(document.problem(path, message) for path, message in _told(document, validated, targets))


def _told(document: Document, validated: Validated, targets: Iterable[TargetSpec]) -> Iterator[tuple[Path, str]]:
    config = validated.config
    spend = config.spend
    priced = [("spend", key) for key in ("prices", "prices_file") if document.locate(("spend", key))[1][1:] == (key,)]
    if "training_jobs" not in config.collect:
        for key in ("spend", "failures"):
            if document.root.get(key):
                yield (key,), f"no training jobs are read, so this has no effect: {_COLLECT}"
        yield from _budgets(validated, _COLLECT)
    elif spend.billable == "off":
        for path in priced:
            yield path, f"billable is off, so no cost is calculated and this has no effect: {_BILLABLE}"
        yield from _budgets(validated, _BILLABLE)
    elif not spend.prices and spend.prices_file is None:
        yield from _budgets(validated, _PRICES)
    else:
        without = dict.fromkeys(each.key.region for each in targets if each.spend and not each.spend.prices)
        for region in without:
            made = f"add its prices, which the subcommand prices prints with --region {region}"
            yield (
                ("spend", "prices_file"),
                f"the file has no price for {region}, so no cost is calculated there: {made}",
            )


def _budgets(validated: Validated, remedy: str) -> Iterator[tuple[Path, str]]:
    """Yield one problem about all budgets, at the first of them."""
    jobs = [("tuning_jobs", place) for place, job in validated.jobs if job.budget is not None]
    rules = [("discover", place) for place, rule in validated.rules if rule.budget is not None]
    if entries := [*jobs, *rules]:
        more = f" and {len(entries) - 1} more" if len(entries) > 1 else ""
        yield (*entries[0], "budget"), f"no cost is calculated to compare this{more} with: {remedy}"
