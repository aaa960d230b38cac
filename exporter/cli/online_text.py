"""The results of ``check --online`` as text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.logs import defused
from exporter.web.pages.figures import count

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exporter.cli.online import Listed, Matched, Organization, Reached, Right, Trouble


def lines(reached: Reached) -> Iterator[str]:
    """Yield the lines about a target, with an empty one first. A reason that occurs several times is explained once.

    Control characters in messages of AWS are made visible, so that they cannot affect a terminal.
    """
    yield from map(defused, _lines(reached))


def organization_lines(organization: Organization) -> Iterator[str]:
    """Yield the lines about the accounts of an organization, with an empty one first."""
    yield from map(defused, _organization(organization))


def _organization(organization: Organization) -> Iterator[str]:
    yield ""
    if organization.error is not None:
        yield f"{organization.name}:"
        yield from _trouble("the accounts cannot be read", organization.error, "  ", set())
        return
    accounts = organization.accounts or ()
    yield f"{organization.name}: {count(len(accounts), 'active account')}"
    yield from (f"  {each.id}  {each.name}".rstrip() for each in accounts)


def _lines(reached: Reached) -> Iterator[str]:
    yield ""
    name = f" ({reached.account_name})" if reached.account_name else ""
    yield f"{reached.target}: account {reached.account_id or 'not known'}{name}, region {reached.region}"
    told: set[Trouble] = set()
    if reached.error is not None:
        yield from _trouble("GetCallerIdentity fails", reached.error, "  ", told)
    else:
        yield f"  called as {reached.caller or 'not known'}"
    if reached.credentials:
        yield f"  credentials from {reached.credentials}"
    yield from _part("operations", [_right(right, complete=reached.complete) for right in reached.rights], told)
    yield from _part("rules", [_rule(rule) for rule in reached.rules], told)
    yield from _part("listed tuning jobs", [_job(job) for job in reached.tuning_jobs], told)
    if not reached.complete:
        yield "  not everything was tried: calls fail as shown above, or --timeout was too short"


def _part(title: str, rows: Sequence[tuple[str, str | Trouble]], told: set[Trouble]) -> Iterator[str]:
    """Yield a title and the rows under it. Each has a result or a failure."""
    width = max((len(name) for name, row in rows if isinstance(row, str)), default=0)
    if rows:
        yield f"  {title}"
    for name, row in rows:
        if isinstance(row, str):
            yield f"    {name:<{width}}  {row}"
        else:
            yield from _trouble(name, row, "    ", told)


def _right(right: Right, *, complete: bool) -> tuple[str, str | Trouble]:
    made = count(right.calls, "call")
    if right.error is not None:
        verdict = "denied" if right.allowed is False else "fails"
        return f"{right.operation} {verdict}, {right.failed:,} of {made}", right.error
    if right.allowed:
        return right.operation, f"permitted, {made}"
    return right.operation, "not tried: there is no tuning job to try it on" if complete else "not tried"


def _rule(rule: Matched) -> tuple[str, str]:
    more = f", may watch {rule.watched:,} of them" if rule.watched < rule.matched else ""
    return rule.rule, f"{count(rule.matched, 'tuning job')}, not counting listed ones{more}"


def _job(job: Listed) -> tuple[str, str | Trouble]:
    if job.error is not None:
        return job.name, job.error
    total = int(sum(job.training_jobs.values()))
    more = f", {count(total, 'training job')}" if total else ""
    return job.name, f"{job.status or ('not tried' if job.state == 'pending' else job.state)}{more}"


def _trouble(what: str, trouble: Trouble, indent: str, told: set[Trouble]) -> Iterator[str]:
    if trouble in told:
        yield f"{indent}error: {what}: {trouble.code}, as above"
        return
    told.add(trouble)
    yield f"{indent}error: {what}: {trouble.code}: {trouble.message}"
    yield f"{indent}  {trouble.remedy}"
