"""The simulated service: its jobs, its callers, and the one place through which every request passes."""

from __future__ import annotations

import re
import threading
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exporter.simulator import listing, search, sts
from exporter.simulator.chance import chance
from exporter.simulator.errors import ApiError, invalid, not_found, unreadable
from exporter.simulator.faults import Faults, altered, refusal, throttled
from exporter.simulator.jobs import Jobs
from exporter.simulator.life import Life
from exporter.simulator.limit import RateLimit
from exporter.simulator.scenario import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.clock import Clock
    from exporter.simulator.faults import Fault

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_LONGEST_NAME = 32
_UNSIGNED = frozenset({"AssumeRoleWithWebIdentity"})
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]*):(\d{12}):hyper-parameter-tuning-job/(.+)")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, in process or from the wire.

    ``service`` is ``sagemaker`` or ``sts``. ``content`` is the decoded input; anything but a mapping is refused.
    ``account_id`` is given in process only; from the wire it follows from ``access_key_id``, None when unsigned, with
    which comes the ``session_token`` if there is one.
    ``spoil`` is told, from the wire only, of the fault that shall strike the answer on its way.
    """

    service: str
    operation: str
    content: object
    region: str
    account_id: str | None = None
    access_key_id: str | None = None
    session_token: str | None = None
    spoil: Callable[[Fault], None] | None = None


class Simulator:
    """Tuning jobs in any account and region, answering like SageMaker at the time of its clock.

    ``requests`` counts every request by (operation, region), refused ones too. ``roles`` maps the ARN of each role
    that may be assumed to the external id it demands, or None; ``web_identities`` maps each token of an identity
    provider to the ARN of its role. With ``require_signature`` an unsigned request from the wire is refused; without,
    it speaks for the default account. All methods may be called from any thread.

    ``faults`` strike requests, in process those of the API and on the wire all. ``requests_per_second``, when set, is
    what SageMaker takes from an account in a region before it throttles. ``credentials_lifetime``, when set, bounds
    the seconds for which a role's credentials last. What Search finds and tells is of ``search_lag`` seconds ago, since
    its index lags behind; younger jobs are not in it yet.
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
        self.default_region = default_region
        self.default_account_id = default_account_id
        self.require_signature = require_signature
        self.requests: Counter[tuple[str, str]] = Counter()
        self.roles: dict[str, str | None] = {}
        self.web_identities: dict[str, str] = {}
        self.faults = Faults()
        self.requests_per_second: float | None = None
        self.credentials_lifetime: float | None = None
        self.search_lag = 0.0
        self.clock = clock
        self._seed = seed
        self._lock = threading.Lock()
        self._jobs: defaultdict[tuple[str, str], Jobs] = defaultdict(Jobs)
        self._callers: dict[str, sts.Caller] = {}
        self._limit = RateLimit()
        self._keys = chance(seed, "access keys")
        self._operations: dict[tuple[str, str], Callable[[Mapping[str, Any], str, sts.Caller], dict[str, Any]]] = {
            ("sagemaker", "DescribeHyperParameterTuningJob"): self._describe,
            ("sagemaker", "ListHyperParameterTuningJobs"): self._list,
            ("sagemaker", "ListTags"): self._list_tags,
            ("sagemaker", "Search"): self._search,
            ("sts", "GetCallerIdentity"): self._get_caller_identity,
            ("sts", "AssumeRole"): self._assume_role,
            ("sts", "AssumeRoleWithWebIdentity"): self._assume_role_with_web_identity,
        }

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

        ``created`` is Unix seconds, now by default; it may lie in the past, or in the future: then the job does not
        exist before. ``speed`` divides every duration. Without a ``seed`` the life follows from the simulator's seed
        and the name. Raise KeyError on an unknown scenario, ValueError on a speed that is not positive, and ApiError
        on a bad name or one in use.
        """
        region, account_id = region or self.default_region, account_id or self.default_account_id
        _checked_name(name)
        now = self.clock.time()
        life = Life(
            name,
            SCENARIOS[scenario],
            region=region,
            account_id=account_id,
            created=now if created is None else created,
            speed=speed,
            seed=self._seed if seed is None else seed,
            tags=tags or {},
        )
        with self._lock:
            jobs = self._jobs[account_id, region]
            earlier = jobs.get(name)
            if earlier is not None and (earlier.gone is None or now < earlier.gone):
                raise ApiError("ResourceInUse", f"A tuning job named {name} exists already in this account and region.")
            jobs.put(life)
        return life

    def delete(self, name: str, *, region: str | None = None, account_id: str | None = None) -> None:
        """Let a tuning job vanish at once; its name may be used again. Raise ApiError when there is none."""
        key = (account_id or self.default_account_id, region or self.default_region)
        with self._lock:
            if not self._jobs[key].remove(name):
                raise not_found(name)

    def add_credentials(
        self, access_key_id: str, account_id: str, *, session_token: str | None = None, expires: float | None = None
    ) -> None:
        """Let an access key speak for an account; unknown keys speak for the default account.

        With a ``session_token`` requests from the wire must carry it; from ``expires`` (Unix seconds) on they are
        refused.
        """
        with self._lock:
            self._callers[access_key_id] = replace(sts.user(account_id), session_token=session_token, expires=expires)

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

    def handle(self, request: Request) -> dict[str, Any]:
        """Answer one request: every one passes here, whether from the wire or in process. Raise ApiError."""
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
        self, operation: str, content: Mapping[str, Any], region: str | None, account_id: str | None
    ) -> dict[str, Any]:
        return self.handle(
            Request(
                service="sagemaker",
                operation=operation,
                content=content,
                region=region or self.default_region,
                account_id=account_id or self.default_account_id,
            )
        )

    def _throttle(self, request: Request, caller: sts.Caller) -> None:
        if self.requests_per_second is None or request.service != "sagemaker":
            return
        key, now = (caller.account_id, request.region), self.clock.monotonic()
        with self._lock:
            if not self._limit.admits(key, self.requests_per_second, now):
                raise throttled(request.service)

    def _authenticate(self, request: Request) -> sts.Caller:
        if request.account_id is not None:
            return sts.user(request.account_id)
        if request.access_key_id is None:
            if self.require_signature and request.operation not in _UNSIGNED:
                raise ApiError("MissingAuthenticationToken", "The request is not signed.", 403)
            return sts.user(self.default_account_id)
        with self._lock:
            caller = self._callers.get(request.access_key_id)
        if caller is None:
            return sts.user(self.default_account_id)
        if caller.expires is not None and caller.expires <= self.clock.time():
            raise ApiError("ExpiredTokenException", "The security token of the request has expired.")
        if caller.session_token != request.session_token:
            raise ApiError("UnrecognizedClientException", "The security token of the request is invalid.")
        return caller

    def _life(self, account_id: str, region: str, name: str) -> Life:
        with self._lock:
            life = self._jobs[account_id, region].get(name)
        if life is None:
            raise not_found(name)
        return life

    def _describe(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        name = content.get("HyperParameterTuningJobName")
        if name is not None and not isinstance(name, str):
            raise unreadable("HyperParameterTuningJobName must be a string")
        return self._life(caller.account_id, region, _checked_name(name)).at(self.clock.time())

    def _list(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        now = self.clock.time()
        query = listing.read(content, owner=self._owner(caller, region), now=now)
        with self._lock:
            return listing.answer(self._jobs[caller.account_id, region], query, now=now)

    def _search(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        indexed = self.clock.time() - self.search_lag
        query = search.read(content, owner=self._owner(caller, region), now=indexed)
        with self._lock:
            return search.answer(self._jobs[caller.account_id, region], query, now=indexed)

    def _owner(self, caller: sts.Caller, region: str) -> str:
        return f"{self._seed}/{caller.account_id}/{region}"

    def _list_tags(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        arn = content.get("ResourceArn")
        if arn is not None and not isinstance(arn, str):
            raise unreadable("ResourceArn must be a string")
        named = _ARN.fullmatch(arn or "")
        if named is None:
            raise invalid(["Value at 'ResourceArn' is not the ARN of a tuning job"])
        with self._lock:
            # An ARN has lost the case of the name, so the job is found by it, not by the name.
            life = next((life for life in self._jobs[caller.account_id, region] if life.arn == arn), None)
        if life is None or not life.exists(self.clock.time()):
            raise not_found(named[3])
        return {"Tags": life.tag_list()}

    def _get_caller_identity(self, _content: Mapping[str, Any], _region: str, caller: sts.Caller) -> dict[str, Any]:
        return sts.identity(caller)

    def _assume_role(self, content: Mapping[str, Any], _region: str, caller: sts.Caller) -> dict[str, Any]:
        with self._lock:
            answer, key, assumed = self._issuer().assume_role(content, caller, self.roles)
            self._callers[key] = assumed
        return answer

    def _assume_role_with_web_identity(
        self, content: Mapping[str, Any], _region: str, _caller: sts.Caller
    ) -> dict[str, Any]:
        with self._lock:
            answer, key, assumed = self._issuer().assume_role_with_web_identity(content, self.web_identities)
            self._callers[key] = assumed
        return answer

    def _issuer(self) -> sts.Issuer:
        return sts.Issuer(self._keys, now=self.clock.time(), lifetime=self.credentials_lifetime)


def _checked_name(name: str | None) -> str:
    """Return a name. Raise ApiError unless it follows the API's rule."""
    if name is None:
        raise invalid(["Value at 'HyperParameterTuningJobName' must be given"])
    if len(name) > _LONGEST_NAME:
        raise invalid([f"Value '{name}' at 'HyperParameterTuningJobName' is longer than {_LONGEST_NAME} characters"])
    if not _NAME.fullmatch(name):
        raise invalid([f"Value '{name}' at 'HyperParameterTuningJobName' does not match the pattern {_NAME.pattern}"])
    return name
