"""What trying a target brought, as lines for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.web.pages.figures import count

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.cli.online import Listed, Reached, Right, Trouble


def lines(reached: Reached) -> Iterator[str]:
    """Yield the lines about a target."""
    account = f"account {reached.account_id}" if reached.account_id else "account not known"
    source = f", credentials from {reached.credentials}" if reached.credentials else ""
    yield f"{reached.target}: {account}, region {reached.region}, called as {reached.caller or 'nobody known'}{source}"
    if reached.error is not None:
        yield from _trouble("GetCallerIdentity fails", reached.error)
    for right in reached.rights:
        yield from _right(right)
    for rule in reached.rules:
        more = f" and may watch {rule.watched:,} of them" if rule.watched < rule.matched else ""
        yield f"  rule {rule.rule}: finds {count(rule.matched, 'tuning job')}, listed ones aside{more}"
    for job in reached.tuning_jobs:
        yield from _job(job)
    if not reached.complete:
        yield "  not everything was tried: calls fail as told above, or --timeout was too short"


def _right(right: Right) -> Iterator[str]:
    made = count(right.calls, "call")
    if right.error is None:
        yield f"  {right.operation}: {f'permitted, {made}' if right.allowed else 'not tried, there is nothing to try it on'}"
        return
    verdict = "denied" if right.allowed is False else "fails"
    yield from _trouble(f"{right.operation} {verdict}, {right.failed:,} of {made}", right.error)


def _job(job: Listed) -> Iterator[str]:
    if job.error is not None:
        yield from _trouble(f"{job.name}", job.error)
        return
    counters = ", ".join(f"{number:,} {status}" for status, number in job.training_jobs.items() if number)
    more = f"; training jobs: {counters}" if counters else ""
    yield f"  {job.name}: {job.status or job.state}{more}"


def _trouble(what: str, trouble: Trouble) -> Iterator[str]:
    yield f"  error: {what}: {trouble.code}: {trouble.message}"
    yield f"    {trouble.remedy}"
