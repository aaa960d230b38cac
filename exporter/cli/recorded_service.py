"""Serves a recording with the simulator's HTTP server, for any client of SageMaker."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from exporter.errors import ErrorCode
from exporter.recording import Call, Refused
from exporter.recording.calls import about_list
from exporter.simulator.errors import ApiError
from exporter.simulator.faults import Fault, Faults, Kind
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from exporter.clock import Clock
    from exporter.recording import World
    from exporter.simulator.request import Request

# Errors that the exporter classifies as the recorded error codes. For TLS and roles there are only similar ones.
_CODES = {
    ErrorCode.NOT_FOUND: ("ResourceNotFound", 400),
    ErrorCode.THROTTLED: ("ThrottlingException", 400),
    ErrorCode.ACCESS_DENIED: ("AccessDeniedException", 400),
    ErrorCode.ASSUME_ROLE_DENIED: ("AccessDeniedException", 400),
    ErrorCode.NO_CREDENTIALS: ("UnrecognizedClientException", 400),
    ErrorCode.EXPIRED_CREDENTIALS: ("ExpiredTokenException", 400),
    ErrorCode.CLOCK_SKEW: ("RequestTimeTooSkewed", 403),
    ErrorCode.TIMEOUT: ("RequestTimeout", 408),
    ErrorCode.SERVER_ERROR: ("InternalFailure", 500),
}
_ACCIDENTS = {
    ErrorCode.CONNECTION: Kind.RESET,
    ErrorCode.TLS: Kind.RESET,
    ErrorCode.MALFORMED_ANSWER: Kind.GARBAGE,
}

_Operation = Callable[[int, Mapping[str, Any], float], dict[str, Any]]


class RecordedService:
    """Answers requests from the recording, after the recorded duration divided by the speed.

    The first part of the URL's path is the number of the target. Without it, the first target of the region is used.
    """

    def __init__(self, world: World, clock: Clock, regions: Mapping[str, int], speed: float) -> None:
        self.default_region = next(iter(regions), "us-east-1")
        self.faults = Faults()
        self._world = world
        self._clock = clock
        self._regions = regions
        self._speed = speed
        self._operations: dict[str, tuple[Callable[[Mapping[str, Any]], tuple[Call, str]], _Operation]] = {
            "DescribeHyperParameterTuningJob": (
                lambda given: (Call.DESCRIBE, name_key(_name(given))),
                lambda target, given, now: dict(world.describe(target, _name(given), now)),
            ),
            "ListHyperParameterTuningJobs": (
                lambda given: (Call.LIST, about_list(given)),
                lambda target, given, now: dict(world.list_jobs(target, given, now)),
            ),
            "ListTrainingJobsForHyperParameterTuningJob": (
                lambda given: (Call.TRAININGS, name_key(_name(given))),
                lambda target, given, now: dict(world.list_training_jobs(target, given, now)),
            ),
            "Search": (
                lambda given: (
                    Call.BILLS if given.get("Resource") == "TrainingJob" else Call.SEARCH,
                    str(given.get("Resource")),
                ),
                lambda target, given, now: dict(world.search(target, given, now)),
            ),
            "ListTags": (
                lambda given: (Call.TAGS, name_key(str(given.get("ResourceArn")).rpartition("/")[2])),
                self._list_tags,
            ),
            "GetCallerIdentity": (lambda _: (Call.ACCOUNT, ""), self._get_caller_identity),
        }

    def handle(self, request: Request) -> dict[str, Any]:
        """Return the answer to a request, as in the API. Raises ApiError."""
        known = self._operations.get(request.operation)
        if known is None:
            raise ApiError("UnknownOperationException", f"A recording does not answer '{request.operation}'.")
        if not isinstance(request.content, dict):
            raise ApiError("SerializationException", "The content is not a JSON object")
        target = self._target(request)
        tells, operation = known
        call, about = tells(request.content)
        took = self._world.took(call, target, about)
        if request.spoil is not None and took > 0:
            request.spoil(Fault(Kind.SLOW, seconds=took / self._speed))
        try:
            return operation(target, request.content, self._clock.time())
        except Refused as refused:
            if request.spoil is not None and refused.code in _ACCIDENTS:
                request.spoil(Fault(_ACCIDENTS[refused.code]))
                return {}
            _refuse(refused)

    def _target(self, request: Request) -> int:
        first = request.path.strip("/").partition("/")[0]
        target = int(first) if first.isascii() and first.isdecimal() else self._regions.get(request.region)
        if target is None or target >= self._world.targets:
            raise ApiError("UnrecognizedClientException", f"The recording has no target in {request.region}.", 403)
        return target

    def _list_tags(self, target: int, given: Mapping[str, Any], now: float) -> dict[str, Any]:
        tags = self._world.list_tags(target, str(given.get("ResourceArn")), now)
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def _get_caller_identity(self, target: int, _: Mapping[str, Any], now: float) -> dict[str, Any]:
        account = self._world.caller_account(target, now)
        return {"UserId": "AIDARECORDED", "Account": account, "Arn": f"arn:aws:iam::{account}:user/recorded"}


def _name(given: Mapping[str, Any]) -> str:
    return str(given.get("HyperParameterTuningJobName"))


def _refuse(refused: Refused) -> NoReturn:
    code, status = _CODES.get(refused.code, ("ValidationException", 400))
    raise ApiError(code, refused.message, status) from None
