"""Converts times of a recording to times of its replay, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_MOMENT = "Time"
"""The ends of the names of members that are times."""


@dataclass(frozen=True, slots=True)
class Pace:
    """What was recorded at ``recorded`` is replayed at ``begun``, and later events ``speed`` times as fast (Unix seconds)."""

    recorded: float
    begun: float
    speed: float = 1.0

    @property
    def moves(self) -> bool:
        """Whether the two times differ."""
        return self.speed != 1 or self.begun != self.recorded

    def then(self, now: float) -> float:
        """Return the time of the recording for a time of the replay."""
        return self.recorded + (now - self.begun) * self.speed if self.moves else now

    def now(self, then: float) -> float:
        """Return the time of the replay for a time of the recording."""
        return round(self.begun + (then - self.recorded) / self.speed, 3) if self.moves else then

    def told(self, answer: Any) -> Any:
        """Return an answer with its times converted to those of the replay."""
        return self._moved(answer, self.now) if self.moves else answer

    def asked(self, request: Any) -> Any:
        """Return a request with its times converted to those of the recording."""
        return self._asked(request) if self.moves else request

    def _moved(self, value: Any, move: Any) -> Any:
        if isinstance(value, list):
            return [self._moved(each, move) for each in value]
        if not isinstance(value, dict):
            return value
        return {
            member: move(inner) if _is_moment(member, inner) else self._moved(inner, move)
            for member, inner in value.items()
        }

    def _asked(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._asked(each) for each in value]
        if not isinstance(value, dict):
            return value
        moved = {}
        named = str(value.get("Name", ""))
        for member, inner in value.items():
            if _is_moment(member.removesuffix("After").removesuffix("Before"), inner):
                moved[member] = self.then(inner)
            elif member == "Value" and named.endswith(_MOMENT):
                moved[member] = self._text(inner)
            else:
                moved[member] = self._asked(inner)
        return moved

    def _text(self, value: Any) -> Any:
        try:
            moment = datetime.fromisoformat(value)
            return datetime.fromtimestamp(self.then(moment.timestamp()), UTC).isoformat()
        except (TypeError, ValueError, OverflowError, OSError):
            return value


def _is_moment(member: str, value: Any) -> bool:
    return member.endswith(_MOMENT) and isinstance(value, int | float) and not isinstance(value, bool)
