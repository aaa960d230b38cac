"""Two implementations of ``Api`` for targets: one answers from a recording, the other makes a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from exporter.errors import CallFailed, ErrorCode
from exporter.recording.calls import Call, about_list
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.clock import Clock
    from exporter.recording.recorder import Recorder
    from exporter.recording.world import World
    from exporter.sagemaker import Api

T = TypeVar("T")


class RecordedApi:
    """Answers for one target of a recording. ``pause`` is called with the seconds that each call took in the recording."""

    def __init__(
        self, world: World, target: int, clock: Clock, pause: Callable[[float], object] = lambda _: None
    ) -> None:
        self._world = world
        self._target = target
        self._clock = clock
        self._pause = pause

    def describe(self, name: str) -> Mapping[str, Any]:
        """See ``Api``."""
        self._take(Call.DESCRIBE, name_key(name))
        return self._world.describe(self._target, name, self._clock.time())

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``."""
        self._take(Call.LIST, about_list(request))
        return self._world.list_jobs(self._target, request, self._clock.time())

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``."""
        self._take(Call.TRAININGS, name_key(str(request.get("HyperParameterTuningJobName"))))
        return self._world.list_training_jobs(self._target, request, self._clock.time())

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``."""
        resource = str(request.get("Resource"))
        self._take(Call.BILLS if resource == "TrainingJob" else Call.SEARCH, resource)
        return self._world.search(self._target, request, self._clock.time())

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG002 - an Api
        """Raise CallFailed, because a recorded configuration asks for no quotas."""
        raise CallFailed(ErrorCode.OTHER, "a recording has no quotas")

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """See ``Api``."""
        self._take(Call.TAGS, name_key(arn.rpartition("/")[2]))
        return self._world.list_tags(self._target, arn, self._clock.time())

    def caller_account(self) -> str:
        """See ``Api``."""
        self._take(Call.ACCOUNT, "")
        return self._world.caller_account(self._target, self._clock.time())

    def _take(self, call: Call, about: str) -> None:
        self._pause(self._world.took(call, self._target, about))


class RecordingApi:
    """Makes the calls of one target, and writes each to the recording."""

    def __init__(self, api: Api, recorder: Recorder, target: int) -> None:
        self._api = api
        self._recorder = recorder
        self._target = target

    def describe(self, name: str) -> Mapping[str, Any]:
        """See ``Api``."""
        tell = self._recorder.describe
        return self._make(Call.DESCRIBE, lambda: self._api.describe(name), lambda a: tell(self._target, name, a))

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``."""
        tell = self._recorder.listed
        return self._make(Call.LIST, lambda: self._api.list_jobs(request), lambda a: tell(self._target, request, a))

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``."""
        tell = self._recorder.trainings
        make = lambda: self._api.list_training_jobs(request)  # noqa: E731 - like the other methods
        return self._make(Call.TRAININGS, make, lambda a: tell(self._target, request, a))

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``."""
        tell = self._recorder.searched
        call = Call.BILLS if request.get("Resource") == "TrainingJob" else Call.SEARCH
        return self._make(call, lambda: self._api.search(request), lambda a: tell(self._target, request, a))

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        """See ``Api``. This is not recorded: quotas are private to the account and say nothing about tuning jobs."""
        return self._api.list_service_quotas(request)

    def list_tags(self, arn: str) -> Mapping[str, str]:
        """See ``Api``."""
        tell = self._recorder.tags
        return self._make(Call.TAGS, lambda: self._api.list_tags(arn), lambda a: tell(self._target, arn, a))

    def caller_account(self) -> str:
        """See ``Api``."""
        return self._make(Call.ACCOUNT, self._api.caller_account, self._recorder.account)

    def _make(self, call: Call, make: Callable[[], T], tell: Callable[[Any], Sequence[Any]]) -> T:
        return self._recorder.make(call, self._target, make, tell)
