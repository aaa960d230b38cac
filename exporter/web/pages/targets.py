"""The page Targets: accounts and regions, how they are called, the results of calls, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.errors import ErrorCode
from exporter.fleet import JobState
from exporter.web.pages.figures import moment
from exporter.web.pages.secrets import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.fleet import TargetView
    from exporter.web.pages.snapshot import OrganizationState, Snapshot, TargetState


@dataclass(frozen=True, slots=True)
class Caller:
    """The credentials that calls are signed with.

    ``source`` is where they come from. If a role is assumed, it is that of the credentials that assume it. It is null while no
    credentials work, and if requests are not signed.
    """

    source: str | None
    profile: str | None
    role_arn: str | None
    sign_requests: bool


@dataclass(frozen=True, slots=True)
class Budget:
    """Calls per second: the configured limit, the present limit while AWS throttles, and those made in the last minute."""

    requests_per_second: float
    allowed_per_second: float
    made_per_second: float
    under_way: int
    given_up: int


@dataclass(frozen=True, slots=True)
class Operation:
    """The calls of one operation since the exporter started, and how many failed, by code."""

    operation: str
    calls: int
    errors: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class LastError:
    """The last call that failed. ``about`` and ``message`` are None if they are empty."""

    at: datetime | None
    operation: str
    about: str | None
    code: str
    message: str | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of ``discover``, how many tuning jobs match (null before the first list), and the most that it watches."""

    name: str
    matched: int | None
    max_jobs: int


@dataclass(frozen=True, slots=True)
class Failing:
    """Calls that fail now and are not about single tuning jobs. ``message`` is null if there is none."""

    operation: str
    code: str
    message: str | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Target:
    """A target. Some members are null for a moment after a target was added or removed.

    ``organization`` is the name of the organization that lists its account, null if the configuration has the account.
    """

    name: str
    region: str
    account_id: str | None
    account_name: str | None
    organization: str | None
    partition: str | None
    endpoint_url: str | None
    caller: Caller | None
    budget: Budget | None
    operations: tuple[Operation, ...]
    failing: tuple[Failing, ...]
    last_error: LastError | None
    last_answered: datetime | None
    rules: tuple[Rule, ...]
    jobs: Mapping[str, int]
    untracked_running_jobs: int | None


@dataclass(frozen=True, slots=True)
class Unread:
    """Why the last reading of an organization's accounts failed. ``message`` is null if there is none."""

    code: str
    message: str | None
    remedy: str


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization, and the state of reading its accounts: see ``OrganizationView``.

    ``account_id`` is the caller's account, null if the configuration does not tell it. ``accounts`` is the number of active
    accounts, null until they have been read.
    """

    name: str
    account_id: str | None
    include_ous: tuple[str, ...]
    caller: Caller
    operations: tuple[Operation, ...]
    accounts: int | None
    last_read: datetime | None
    next_read: datetime | None
    error: Unread | None


@dataclass(frozen=True, slots=True)
class Targets:
    """All targets at one time, and the organizations that list some of their accounts."""

    at: datetime | None
    organizations: tuple[Organization, ...]
    targets: tuple[Target, ...]


def targets(snapshot: Snapshot) -> Targets:
    """Return the targets. Those with a failure are first."""
    found = [_target(view, snapshot.states.get(view.name)) for view in snapshot.targets]
    organizations = tuple(map(_organization, snapshot.organizations))
    return Targets(moment(snapshot.now), organizations, tuple(sorted(found, key=_by_trouble)))


def _organization(state: OrganizationState) -> Organization:
    view, spec = state.view, state.spec
    failure = view.failure
    return Organization(
        name=spec.name,
        account_id=spec.account_id,
        include_ous=spec.include_ous,
        caller=_caller(state),
        operations=_operations(state),
        accounts=None if view.accounts is None else len(view.accounts),
        last_read=moment(view.last_read),
        next_read=moment(view.next_read),
        error=None if failure is None else Unread(failure.code, failure.message or None, view.remedy or ""),
    )


def _by_trouble(target: Target) -> tuple[bool, bool, str]:
    fails = bool(target.failing or target.jobs[JobState.FAILING] or target.jobs[JobState.MISSING])
    return target.last_answered is not None, not fails, target.name


def _target(view: TargetView, state: TargetState | None) -> Target:
    spec = None if state is None else state.spec
    matched = dict(view.matched)
    return Target(
        name=view.name,
        region=view.region,
        account_id=view.account_id or None,
        account_name=None if spec is None else spec.account_names.get(view.account_id),
        organization=None if spec is None else spec.organization,
        partition=None if spec is None else spec.key.partition,
        endpoint_url=None if spec is None else shown(spec.key.endpoint.url),
        caller=None if state is None else _caller(state),
        budget=None if state is None else _budget(state),
        operations=() if state is None else _operations(state),
        failing=tuple(_failing(operation, code, state) for operation, code in view.errors),
        last_error=None if state is None else _last_error(state),
        last_answered=moment(view.last_answered),
        rules=()
        if spec is None
        else tuple(Rule(each.name, matched.get(each.name), each.max_jobs) for each in spec.rules),
        jobs={each: view.states[each] for each in JobState},
        untracked_running_jobs=view.untracked_running_jobs,
    )


def _caller(state: TargetState | OrganizationState) -> Caller:
    credentials = state.spec.key.credentials
    return Caller(state.credentials, shown(credentials.profile), credentials.role_arn, credentials.sign_requests)


def _budget(state: TargetState) -> Budget:
    standing = state.standing
    return Budget(
        state.spec.requests_per_second,
        standing.allowed_per_second,
        standing.made_per_second,
        standing.under_way,
        standing.given_up,
    )


def _operations(state: TargetState | OrganizationState) -> tuple[Operation, ...]:
    requests, errors = state.totals
    return tuple(
        Operation(
            operation,
            requests.get(operation, 0),
            {code: number for (of, code), number in sorted(errors.items()) if of == operation and number},
        )
        for operation in sorted({*requests, *(of for of, _ in errors)})
    )


def _failing(operation: str, code: str, state: TargetState | None) -> Failing:
    return Failing(operation, code, said(operation, code, state), ErrorCode(code).remedy(operation))


def said(operation: str, code: str, state: TargetState | None) -> str | None:
    """Return the message of the last failure of an operation with a code. None if there is none."""
    for each in () if state is None else state.standing.failures:
        if (each.operation, each.failure.code) == (operation, code):
            return each.failure.message or None
    return None


def _last_error(state: TargetState) -> LastError | None:
    if not state.standing.failures:
        return None
    last = state.standing.failures[-1]
    code = last.failure.code
    return LastError(
        at=moment(last.at),
        operation=last.operation,
        about=last.about or None,
        code=code,
        message=last.failure.message or None,
        remedy=code.remedy(last.operation),
    )
