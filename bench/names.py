"""The names of the tuning jobs that are measured."""

from __future__ import annotations


def names(jobs: int) -> list[str]:
    """Return so many names."""
    return [f"team-{number % 23}-search-{number:05d}" for number in range(jobs)]
