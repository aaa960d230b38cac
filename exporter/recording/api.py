"""A recording as the Api that a target calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.recording.calls import Call, about_list
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.clock import Clock
    from exporter.recording.world import World


class RecordedApi:
    """One target of a recording. ``pause`` is given how many seconds each call took in the recording."""

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
