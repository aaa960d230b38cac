"""The simulated service: its jobs, its callers, and the one place through which every request passes."""

from __future__ import annotations

import re
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.simulator import listing, sts
from exporter.simulator.chance import chance
from exporter.simulator.errors import ApiError, invalid, not_found, unreadable
from exporter.simulator.faults import Faults, altered, refusal, throttled
from exporter.simulator.life import Life
from exporter.simulator.limit import RateLimit
from exporter.simulator.scenario import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.clock import Clock
    from exporter.simulator.faults import Fault

_NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}")
_LONGEST_NAME = 32
_ARN = re.compile(r"arn:aws[a-z-]*:sagemaker:([a-z0-9-]*):(\d{12}):hyper-parameter-tuning-job/(.+)")


@dataclass(frozen=True, slots=True)
class Request:
    """One request, in process or from the wire.

    ``service`` is ``sagemaker`` or ``sts``. ``content`` is the decoded input; anything but a mapping is refused.
    ``account_id`` is given in process only; from the wire it follows from ``access_key_id``, None when unsigned.
    ``spoil`` is told, from the wire only, of the fault that shall strike the answer on its way.
    """

    service: str
    operation: str
    content: object
    region: str
    account_id: str | None = None
    access_key_id: str | None = None
    spoil: Callable[[Fault], None] | None = None


class Simulator:
    """Tuning jobs in any account and region, answering like SageMaker at the time of its clock.

    ``requests`` counts every request by (operation, region), refused ones too. ``roles`` maps the ARN of each role
    that may be assumed to the external id it demands, or None. With ``require_signature`` an unsigned request from
    the wire is refused; without, it speaks for the default account. All methods may be called from any thread.

    ``faults`` strike requests, in process those of the API and on the wire all. ``requests_per_second``, when set, is
    what SageMaker takes from an account in a region before it throttles. ``credentials_lifetime``, when set, bounds
    the seconds for which a role's credentials last.
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
        self.faults = Faults()
        self.requests_per_second: float | None = None
        self.credentials_lifetime: float | None = None
        self.clock = clock
        self._seed = seed
        self._lock = threading.Lock()
        self._lives: dict[tuple[str, str], dict[str, Life]] = {}
        self._callers: dict[str, sts.Caller] = {}
        self._limit = RateLimit()
        self._keys = chance(seed, "access keys")
        self._operations: dict[tuple[str, str], Callable[[Mapping[str, Any], str, sts.Caller], dict[str, Any]]] = {
            ("sagemaker", "DescribeHyperParameterTuningJob"): self._describe,
            ("sagemaker", "ListHyperParameterTuningJobs"): self._list,
            ("sagemaker", "ListTags"): self._list_tags,
            ("sts", "GetCallerIdentity"): self._get_caller_identity,
            ("sts", "AssumeRole"): self._assume_role,
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
            lives = self._lives.setdefault((account_id, region), {})
            earlier = lives.get(name)
            if earlier is not None and (earlier.gone is None or now < earlier.gone):
                raise ApiError("ResourceInUse", f"A tuning job named {name} exists already in this account and region.")
            lives[name] = life
        return life

    def delete(self, name: str, *, region: str | None = None, account_id: str | None = None) -> None:
        """Let a tuning job vanish at once; its name may be used again. Raise ApiError when there is none."""
        key = (account_id or self.default_account_id, region or self.default_region)
        with self._lock:
            if self._lives.get(key, {}).pop(name, None) is None:
                raise not_found(name)

    def add_credentials(self, access_key_id: str, account_id: str) -> None:
        """Let an access key speak for an account; unknown keys speak for the default account."""
        with self._lock:
            self._callers[access_key_id] = sts.user(account_id)

    def describe(self, name: str, *, region: str | None = None, account_id: str | None = None) -> dict[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob now, in the form of the wire. Raise ApiError."""
        return self._call("DescribeHyperParameterTuningJob", {"HyperParameterTuningJobName": name}, region, account_id)

    def list(self, *, region: str | None = None, account_id: str | None = None, **wire_input: Any) -> dict[str, Any]:
        """Return the answer of ListHyperParameterTuningJobs now, in the form of the wire. Raise ApiError."""
        return self._call("ListHyperParameterTuningJobs", wire_input, region, account_id)

    def list_tags(self, arn: str, *, region: str | None = None, account_id: str | None = None) -> dict[str, Any]:
        """Return the answer of ListTags for a tuning job's ARN. Raise ApiError."""
        return self._call("ListTags", {"ResourceArn": arn}, region, account_id)

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
            if self.require_signature:
                raise ApiError("MissingAuthenticationToken", "The request is not signed.", 403)
            return sts.user(self.default_account_id)
        with self._lock:
            caller = self._callers.get(request.access_key_id)
        if caller is None:
            return sts.user(self.default_account_id)
        if caller.expires is not None and caller.expires <= self.clock.time():
            raise ApiError("ExpiredTokenException", "The security token of the request has expired.")
        return caller

    def _life(self, account_id: str, region: str, name: str) -> Life:
        with self._lock:
            life = self._lives.get((account_id, region), {}).get(name)
        if life is None:
            raise not_found(name)
        return life

    def _describe(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        name = content.get("HyperParameterTuningJobName")
        if name is not None and not isinstance(name, str):
            raise unreadable("HyperParameterTuningJobName must be a string")
        return self._life(caller.account_id, region, _checked_name(name)).at(self.clock.time())

    def _list(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        query = listing.read(content)
        with self._lock:
            lives = [*self._lives.get((caller.account_id, region), {}).values()]
        return listing.page(lives, query, now=self.clock.time(), owner=f"{self._seed}/{caller.account_id}/{region}")

    def _list_tags(self, content: Mapping[str, Any], region: str, caller: sts.Caller) -> dict[str, Any]:
        arn = content.get("ResourceArn")
        if arn is not None and not isinstance(arn, str):
            raise unreadable("ResourceArn must be a string")
        named = _ARN.fullmatch(arn or "")
        if named is None:
            raise invalid(["Value at 'ResourceArn' is not the ARN of a tuning job"])
        with self._lock:
            lives = [*self._lives.get((caller.account_id, region), {}).values()]
        # An ARN has lost the case of the name, so the job is found by it, not by the name.
        life = next((life for life in lives if life.arn == arn), None)
        if life is None or not life.exists(self.clock.time()):
            raise not_found(named[3])
        return {"Tags": [{"Key": key, "Value": value} for key, value in life.tags.items()]}

    def _get_caller_identity(self, _content: Mapping[str, Any], _region: str, caller: sts.Caller) -> dict[str, Any]:
        return sts.identity(caller)

    def _assume_role(self, content: Mapping[str, Any], _region: str, caller: sts.Caller) -> dict[str, Any]:
        with self._lock:
            answer, key, assumed = sts.assume_role(
                content, caller, self.roles, now=self.clock.time(), rng=self._keys, lifetime=self.credentials_lifetime
            )
            self._callers[key] = assumed
        return answer


def _checked_name(name: str | None) -> str:
    """Return a name. Raise ApiError unless it follows the API's rule."""
    if name is None:
        raise invalid(["Value at 'HyperParameterTuningJobName' must be given"])
    if len(name) > _LONGEST_NAME:
        raise invalid([f"Value '{name}' at 'HyperParameterTuningJobName' is longer than {_LONGEST_NAME} characters"])
    if not _NAME.fullmatch(name):
        raise invalid([f"Value '{name}' at 'HyperParameterTuningJobName' does not match the pattern {_NAME.pattern}"])
    return name
