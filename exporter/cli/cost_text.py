"""The cost of a configuration as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.config.problem import counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.cli.cost import Cost, TargetCost

_MUCH = 0.5
"""The share of the budget above which there is a note."""

_LEAST = 0.1
"""The fewest calls per hour for which a number is printed."""


def lines(cost: Cost, file: str) -> Iterator[str]:
    """Yield the lines: the total, then each account and region."""
    targets = counted(len(cost.targets), "target")
    yield f"{file}: {counted(cost.tuning_jobs, 'tuning job')} in {targets}, of which {cost.running:,} run"
    yield f"series: {cost.series:,} of tuning jobs, {cost.own_series:,} of the exporter itself"
    yield f"memory: about {cost.memory:.0f} MB"
    for each in cost.targets:
        yield from _target(each)


def _target(cost: TargetCost) -> Iterator[str]:
    jobs = (
        f"{counted(cost.tuning_jobs, 'tuning job')}, {cost.running:,} run, {cost.changes_per_minute:g} changes a minute"
    )
    account = f"account {cost.account_id}, " if cost.account_id else ""
    yield f"{cost.target}: {account}region {cost.region}, {jobs}"
    total, budget = sum(cost.an_hour.values()), cost.budget_an_hour
    rows = sorted(cost.an_hour.items(), key=lambda item: -item[1])
    rows += [("all calls", total), ("all calls in the busiest hour", cost.most_in_an_hour), ("budget", budget)]
    width = max(len(name) for name, _ in rows)
    for name, calls in rows:
        shown = f"{calls:,.1f}" if calls == 0 or calls >= _LEAST else f"<{_LEAST}"
        yield f"  {name:<{width}} {shown:>10} an hour"
    yield f"  used of the budget (requests_per_second {budget / 3600:g}): {total / budget:.1%}, {cost.most_in_an_hour / budget:.1%} at most"
    if total / budget > _MUCH:
        yield "  the budget is hardly enough: raise requests_per_second or interval"
