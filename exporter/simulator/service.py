"""The simulated services with their callers, limits and faults. All requests are handled here."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.simulator import names, sts
from exporter.simulator.callers import Callers
from exporter.simulator.chance import chance
from exporter.simulator.errors import ApiError, unreadable
from exporter.simulator.faults import Faults, altered, refusal, throttled
from exporter.simulator.life import Life
from exporter.simulator.limit import RateLimit
from exporter.simulator.organizations import Organization
from exporter.simulator.quotas import ServiceQuotas
from exporter.simulator.request import Request
from exporter.simulator.sagemaker import SageMaker
from exporter.simulator.scenario import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.clock import Clock
    from exporter.simulator.policy import Policies
    from exporter.simulator.sagemaker import Operation

_UNSIGNED = frozenset({"AssumeRoleWithWebIdentity"})


class Simulator(SageMaker):
    """SageMaker, STS, Organizations and Service Quotas, at the time of ``clock``. Thread-safe.

    ``requests`` counts requests by (operation, region), including those refused. ``roles`` maps the ARN of each role that
    may be assumed to the external id that it requires, or None. ``web_identities`` maps each token of an identity provider
    to the ARN of its role. ``organization`` has the accounts of Organizations, ``quotas`` those of Service Quotas. With
    ``require_signature`` an unsigned HTTP request is refused; otherwise it belongs to the default account.

    ``faults`` apply to requests: to all over HTTP, and in process to those of the API. ``requests_per_second`` is how many
    requests SageMaker accepts for an account in a region before it throttles, ``search_requests_per_second`` the same for
    Search only. ``credentials_lifetime`` limits the seconds for which a role's credentials are valid. With ``policies``,
    requests that they do not allow are denied.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        seed: int = 0,
        default_region: str = "us-east-1",
        default_account_id: str = "123456789012",
        require_signature: bool = False,
    ) -> None:
        super().__init__(clock, seed=seed, default_region=default_region, default_account_id=default_account_id)
        self.require_signature = require_signature
        self.requests: Counter[tuple[str, str]] = Counter()
        self.roles: dict[str, str | None] = {}
        self.web_identities: dict[str, str] = {}
        self.faults = Faults()
        self.requests_per_second: float | None = None
        self.credentials_lifetime: float | None = None
        self.search_requests_per_second: float | None = None
        self.policies: Policies | None = None
        self.organization = Organization()
        self.quotas = ServiceQuotas()
        self._callers = Callers(chance(seed, "access keys"))
        self._limit = RateLimit()
        self._operations: dict[tuple[str, str], Operation] = {
            **{("sagemaker", name): operation for name, operation in self._of_sagemaker.items()},
            **{("organizations", name): operation for name, operation in self.organization.operations.items()},
            **{("servicequotas", name): operation for name, operation in self.quotas.operations.items()},
            ("sts", "GetCallerIdentity"): self._get_caller_identity,
            ("sts", "AssumeRole"): self._assume_role,
            ("sts", "AssumeRoleWithWebIdentity"): self._assume_role_with_web_identity,
        }

    @property
    def operations(self) -> tuple[str, ...]:
        """The names of the operations that are simulated."""
        return tuple(operation for _, operation in self._operations)

    def create(
        self,
        scenario: str,
        name: str,
        *,
        region: str | None = None,
        account_id: str | None = None,
        created: float | None = None,
        speed: float = 1.0,
        seed: int | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> Life:
        """Create a tuning job and return its whole life.

        ``created`` is in Unix seconds, now by default. It may be in the past or in the future: the job does not exist before.
        ``speed`` divides all durations. Without a ``seed``, the life follows from the simulator's seed and the name. Raises
        KeyError on an unknown scenario, ValueError if the speed is not positive, and ApiError if the name is invalid or in use.
        """
        region, account_id = region or self.default_region, account_id or self.default_account_id
        life = Life(
            names.checked(name),
            SCENARIOS[scenario],
            region=region,
            account_id=account_id,
            created=self.clock.time() if created is None else created,
            speed=speed,
            seed=self._seed if seed is None else seed,
            tags=tags or {},
        )
        self.add(life)
        return life

    def add_credentials(
        self,
        access_key_id: str,
        account_id: str,
        *,
        session_token: str | None = None,
        expires: float | None = None,
        session: sts.Caller | None = None,
    ) -> None:
        """Assign an access key to an account. Unknown keys belong to the default account.

        HTTP requests must have the ``session_token``, if there is one. From ``expires`` (Unix seconds) on they are refused.
        ``session`` is the session of a role to which the key belongs.
        """
        caller = replace(session or sts.user(account_id), session_token=session_token, expires=expires)
        self._callers.add(access_key_id, caller)

    def describe(self, name: str, *, region: str | None = None, account_id: str | None = None) -> dict[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob now, in the form of the wire. Raise ApiError."""
        return self._call("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}, region, account_id)

    def list(self, *, region: str | None = None, account_id: str | None = None, **wire_input: Any) -> dict[str, Any]:
        """Return the answer of ListHyperParameterTuningJobs now, in the form of the wire. Raise ApiError."""
        return self._call("ListHyperParameterTuningJobs", wire_input, region, account_id)

    def list_tags(self, arn: str, *, region: str | None = None, account_id: str | None = None) -> dict[str, Any]:
        """Return the answer of ListTags for a tuning job's ARN. Raise ApiError."""
        return self._call("ListTags", {"ResourceArn": arn}, region, account_id)

    def search(self, *, region: str | None = None, account_id: str | None = None, **wire_input: Any) -> dict[str, Any]:
        """Return the answer of Search, in the form of the wire. Raise ApiError."""
        return self._call("Search", wire_input, region, account_id)

    def list_service_quotas(
        self, *, region: str | None = None, account_id: str | None = None, **wire_input: Any
    ) -> dict[str, Any]:
        """Return the answer of ListServiceQuotas, in the form of the wire. Raise ApiError."""
        return self._call("ListServiceQuotas", wire_input, region, account_id, service="servicequotas")

    def list_training_jobs(
        self, name: str, *, region: str | None = None, account_id: str | None = None, **wire_input: Any
    ) -> dict[str, Any]:
        """Return the answer of ListTrainingJobsForHyperParameterTuningJob, in the form of the wire. Raise ApiError."""
        content = {"HyperParameterTuningJobName": name, **wire_input}
        return self._call("ListTrainingJobsForHyperParameterTuningJob", content, region, account_id)

    def describe_training_job(
        self, name: str, *, region: str | None = None, account_id: str | None = None
    ) -> dict[str, Any]:
        """Return the answer of DescribeTrainingJob, in the form of the wire. Raise ApiError."""
        return self._call("DescribeTrainingJob", {"TrainingJobName": name}, region, account_id)

    def handle(self, request: Request) -> dict[str, Any]:
        """Answer one request, from HTTP or in process. Raises ApiError."""
        with self._lock:
            self.requests[request.operation, request.region] += 1
        operation = self._operations.get((request.service, request.operation))
        if operation is None:
            code = "InvalidAction" if request.service == "sts" else "UnknownOperationException"
            raise ApiError(code, f"There is no operation '{request.operation}'.")
        caller = self._authenticate(request)
        if not isinstance(request.content, dict):
            raise unreadable("The content is not a JSON object")
        self._throttle(request, caller)
        if self.policies is not None:
            self.policies.check(request, caller, request.content)
        fault = self.faults.strike(request.operation, request.region, caller.account_id, request.content)
        if fault is None:
            return operation(request.content, request.region, caller)
        refused = refusal(fault.kind, request.service, request.content, self.clock.time())
        if refused is not None:
            raise refused
        if request.spoil is not None:
            request.spoil(fault)
        return altered(fault.kind, operation(request.content, request.region, caller))

    def _call(
        self,
        operation: str,
        content: Mapping[str, Any],
        region: str | None,
        account_id: str | None,
        service: str = "sagemaker",
    ) -> dict[str, Any]:
        return self.handle(
            Request(
                service=service,
                operation=operation,
                content=content,
                region=region or self.default_region,
                account_id=account_id or self.default_account_id,
            )
        )

    def _throttle(self, request: Request, caller: sts.Caller) -> None:
        if request.service != "sagemaker":
            return
        key, now = (caller.account_id, request.region), self.clock.monotonic()
        limits: list[tuple[object, float | None]] = [(key, self.requests_per_second)]
        if request.operation == "Search":
            limits.append(((*key, "Search"), self.search_requests_per_second))
        with self._lock:
            if not all(rate is None or self._limit.admits(key, rate, now) for key, rate in limits):
                raise throttled(request.service)

    def _authenticate(self, request: Request) -> sts.Caller:
        if request.account_id is not None:
            return sts.user(request.account_id)
        if request.access_key_id is None:
            if self.require_signature and request.operation not in _UNSIGNED:
                raise ApiError("MissingAuthenticationToken", "The request is not signed.", 403)
            return sts.user(self.default_account_id)
        caller = self._callers.get(request.access_key_id, request.session_token, self.clock.time())
        return caller or sts.user(self.default_account_id)

    def _get_caller_identity(self, _content: Mapping[str, Any], _region: str, caller: sts.Caller) -> dict[str, Any]:
        return sts.identity(caller)

    def _assume_role(self, content: Mapping[str, Any], _region: str, caller: sts.Caller) -> dict[str, Any]:
        now, lifetime = self.clock.time(), self.credentials_lifetime
        return self._callers.assume_role(content, caller, self.roles, now=now, lifetime=lifetime)

    def _assume_role_with_web_identity(
        self, content: Mapping[str, Any], _region: str, _caller: sts.Caller
    ) -> dict[str, Any]:
        now, lifetime = self.clock.time(), self.credentials_lifetime
        return self._callers.assume_role_with_web_identity(content, self.web_identities, now=now, lifetime=lifetime)
