"""``check --online``: tries all targets once, with the calls that the daemon would make first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.cli.at_once import THREADS, at_once
from exporter.cli.drive import Round, Tried
from exporter.cli.permission import remedy
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import Operation
from exporter.sagemaker import SageMakerApi, one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.cli.drive import Driven
    from exporter.clock import Clock
    from exporter.config import Settings
    from exporter.config.specs import Account, TargetSpec
    from exporter.fleet import OrganizationView, TargetView
    from exporter.sagemaker import Sessions
    from exporter.telemetry import Telemetry


_Caller = tuple[str | None, str | None, Failure | None]
"""Account and ARN of the caller, and why they are not known."""

_NOBODY: _Caller = (None, None, None)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why something fails: code, message, and what to do."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Right:
    """Whether an operation that the configuration needs is permitted. ``allowed`` is null if this is not known.

    ``calls`` is the number of calls, ``failed`` for how many subjects the operation still fails.
    """

    operation: str
    allowed: bool | None
    calls: int
    failed: int
    error: Trouble | None


@dataclass(frozen=True, slots=True)
class Matched:
    """How many tuning jobs match a rule, without listed ones, and how many of them are watched."""

    rule: str
    matched: int
    watched: int


@dataclass(frozen=True, slots=True)
class Listed:
    """The result for a tuning job that the configuration lists."""

    name: str
    state: str
    status: str | None
    training_jobs: Mapping[str, float]
    error: Trouble | None


@dataclass(frozen=True, slots=True)
class Organization:
    """The accounts of an organization. If they could not be read, they are null and ``error`` is why."""

    name: str
    accounts: tuple[Account, ...] | None
    error: Trouble | None

    @classmethod
    def of(cls, view: OrganizationView) -> Organization:
        """Return the result of a reading."""
        failure, accounts = view.failure, view.accounts
        error = None if failure is None else Trouble(failure.code, one_line(failure.message), view.remedy or "")
        return cls(view.spec.name, None if accounts is None else tuple(accounts), error)


@dataclass(frozen=True, slots=True)
class Reached:
    """The result of trying a target. ``caller`` is the ARN of the caller, ``credentials`` the source of its credentials.

    ``organization`` is the name of the organization that lists its account, None if the configuration has the account.
    ``complete`` is False if the first round did not end in time, or if calls failed for a reason that affects all calls.
    """

    target: str
    region: str
    account_id: str | None
    account_name: str | None
    organization: str | None
    caller: str | None
    credentials: str | None
    error: Trouble | None
    rights: tuple[Right, ...]
    rules: tuple[Matched, ...]
    tuning_jobs: tuple[Listed, ...]
    complete: bool

    @property
    def sound(self) -> bool:
        """Whether nothing failed."""
        errors = [self.error, *(right.error for right in self.rights), *(job.error for job in self.tuning_jobs)]
        return self.complete and not any(errors)

    @property
    def empty_rules(self) -> list[str]:
        """The names of the rules without matches, although lists were read."""
        listed = any(right.operation == Operation.LIST and right.allowed for right in self.rights)
        return [rule.rule for rule in self.rules if rule.matched == 0] if listed and self.complete else []


def reach(
    settings: Settings,
    sessions: Sessions,
    telemetry: Telemetry,
    clock: Clock,
    ends: float,
    on_step: Callable[[], object],
) -> tuple[Reached, ...]:
    """Try all targets once and return the results. No call begins after ``ends`` (monotonic seconds)."""
    apis = {spec.name: SageMakerApi(spec, sessions, telemetry) for spec in settings.targets}

    def caller(spec: TargetSpec) -> _Caller:
        return _caller(spec, apis[spec.name]) if clock.monotonic() < ends else _NOBODY

    def complete(each: Driven) -> bool:
        whole = each.over and not each.given_up and clock.monotonic() < ends
        if whole:
            _probe(each, apis[each.spec.name], each.view)
        return whole

    callers = at_once(caller, settings.targets)
    on_step()
    round_ = Round(settings.targets, lambda spec: apis[spec.name], telemetry, clock, THREADS)
    round_.run(ends - clock.monotonic(), on_step)
    told = zip(round_.targets, callers, at_once(complete, round_.targets), strict=True)
    return tuple(_reached(each, called, sessions, complete=whole) for each, called, whole in told)


def _reached(driven: Driven, caller: _Caller, sessions: Sessions, *, complete: bool) -> Reached:
    spec, view = driven.spec, driven.view
    account, arn, failure = caller
    account = view.account_id or account

    def trouble(operation: str, name: str, failed: Failure) -> Trouble:
        return Trouble(failed.code, failed.message, remedy(spec, operation, name, failed, account, arn))

    return Reached(
        target=spec.name,
        region=spec.key.region,
        account_id=account,
        account_name=spec.account_names.get(account or "") or None,
        organization=spec.organization,
        caller=arn,
        credentials=sessions.source(spec),
        error=None if failure is None else trouble(Operation.IDENTIFY, "", failure),
        rights=tuple(_rights(driven, trouble)),
        rules=_matched(driven.spec, view),
        tuning_jobs=tuple(_listed(view, spec, trouble)),
        complete=complete,
    )


def _caller(spec: TargetSpec, api: SageMakerApi) -> _Caller:
    """Return account and ARN of the caller, and why they are not known."""
    if not spec.key.credentials.sign_requests:
        return _NOBODY
    try:
        told = api.caller()
    except CallFailed as failed:
        return None, None, Failure(failed.code, one_line(failed.message))
    return told["Account"], told.get("Arn"), None


def _probe(driven: Driven, api: SageMakerApi, view: TargetView) -> None:
    """Try each operation once that the daemon may need later and the first round did not need."""
    arn = next((job.facts.arn for job in view.jobs if job.facts is not None), None)
    name = next((job.name for job in view.jobs if job.facts is not None), "")
    of_one: dict[Operation, Callable[[], object]] = {}
    if arn is not None:
        asked = {"HyperParameterTuningJobName": name, "MaxResults": 1}
        of_one[Operation.LIST_TAGS] = lambda: api.list_tags(arn)
        of_one[Operation.LIST_TRAINING_JOBS] = lambda: api.list_training_jobs(asked)
    calls: dict[Operation, Callable[[], object]] = {
        Operation.LIST: lambda: api.list_jobs({"MaxResults": 1}),
        Operation.SEARCH: lambda: api.search({"Resource": "HyperParameterTuningJob", "MaxResults": 1}),
        **of_one,
    }
    for operation in set(driven.operations) - driven.tried.keys():
        if (call := calls.get(operation)) is not None:
            about = name if operation.concerns_one_job else ""
            tried = driven.tried[operation] = Tried()
            try:
                tried.take(about, call())
            except CallFailed as failed:
                tried.take(about, Failure(failed.code, one_line(failed.message)))


def _rights(driven: Driven, trouble: Callable[[str, str, Failure], Trouble]) -> Iterator[Right]:
    for operation in driven.operations:
        tried = driven.tried.get(operation, Tried())
        # "No such tuning job" is an answer. It is reported with the tuning job.
        failing = {about: failed for about, failed in tried.failing.items() if failed.code is not ErrorCode.NOT_FOUND}
        denied = [about for about, failed in failing.items() if failed.code is ErrorCode.ACCESS_DENIED]
        about = next(iter(denied or failing), None)
        allowed = False if denied else True if tried.calls > len(failing) else None
        error = None if about is None else trouble(operation, about, failing[about])
        yield Right(operation, allowed, tried.calls, len(failing), error)


def _matched(spec: TargetSpec, view: TargetView) -> tuple[Matched, ...]:
    most = {rule.name: rule.max_jobs for rule in spec.rules}
    return tuple(Matched(rule, count, min(count, most[rule])) for rule, count in view.matched)


def _listed(view: TargetView, spec: TargetSpec, trouble: Callable[[str, str, Failure], Trouble]) -> Iterator[Listed]:
    named = {job.name for job in spec.jobs}
    for job in view.jobs:
        if job.name in named:
            yield Listed(
                name=job.name,
                state=job.state,
                status=None if job.facts is None else job.facts.status,
                training_jobs={} if job.facts is None else job.facts.training_jobs,
                error=None if job.failure is None else trouble(Operation.DESCRIBE, job.name, job.failure),
            )
