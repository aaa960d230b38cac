"""Reading the members of an operation's input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from exporter.simulator.errors import unreadable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

STATUSES = ("Completed", "InProgress", "Failed", "Stopped", "Stopping", "Deleting", "DeleteFailed")
"""The statuses of a tuning job."""


def text(content: Mapping[str, Any], member: str) -> str | None:
    """Return a text, None if it is missing. Raises ApiError if it has another type."""
    value = content.get(member)
    if isinstance(value, str | None):
        return value
    raise unreadable(f"{member} must be a string")


def choice(content: Mapping[str, Any], member: str, allowed: Collection[str], problems: list[str]) -> str | None:
    """Return a text, None if it is missing. Adds it to ``problems`` if it is not allowed. Raises ApiError as ``text`` does."""
    value = text(content, member)
    if value is not None and value not in allowed:
        problems.append(f"Value '{value}' at '{member}' is none of [{', '.join(allowed)}]")
    return value


def whole_number(content: Mapping[str, Any], member: str, default: int) -> int:
    """Return a whole number. Raises ApiError if it has another type."""
    value = content.get(member, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise unreadable(f"{member} must be a whole number")
    return value


def moment(content: Mapping[str, Any], member: str, default: float) -> float:
    """Return a time in Unix seconds. Raises ApiError if it has another type."""
    value = content.get(member, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise unreadable(f"{member} must be a number of seconds")
    return float(value)


def structure(value: object, what: str) -> Mapping[str, Any]:
    """Return a structure. Raises ApiError if it has another type."""
    if isinstance(value, dict):
        return value
    raise unreadable(f"{what} must be a structure")


def structures(content: Mapping[str, Any], member: str) -> list[Mapping[str, Any]]:
    """Return a list of structures, empty if it is missing. Raises ApiError if it has another type."""
    value = content.get(member, [])
    if not isinstance(value, list):
        raise unreadable(f"{member} must be a list")
    return [structure(item, f"What {member} holds") for item in value]
