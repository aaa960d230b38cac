"""Gathers the entries of a target, and finds entries that contradict each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.config.duration import format_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from exporter.config.caller import Caller
    from exporter.config.problem import Path
    from exporter.config.specs import JobSpec, RuleSpec

    Shown = Callable[[Path], str]
    """Returns the place of an entry as text for a message."""


@dataclass(slots=True)
class Gathered:
    """A target whose entries are being gathered. ``path`` is its first entry; ``jobs`` are by name in lower case."""

    path: Path
    caller: Caller
    jobs: dict[str, tuple[Path, JobSpec]] = field(default_factory=dict)
    rules: list[RuleSpec] = field(default_factory=list)
    claims: set[str] = field(default_factory=set)
    organization: str | None = None

    @property
    def account_id(self) -> str | None:
        """The account that the entries claim. It is the same for all, because credentials belong to one account."""
        return next(iter(self.claims)) if len(self.claims) == 1 else None

    def unlike(self, caller: Caller, place: Shown) -> Iterator[tuple[str, str]]:
        """Yield each key of another entry that contradicts this target's settings, and what to write instead."""
        theirs = self.caller.shared
        for key, value in caller.shared.items():
            if value != theirs[key]:
                here, there = _written(key, value), _written(key, theirs[key])
                message = (
                    f"{key} is {here} here but {there} for {place(self.path)}, which has the same region, credentials and"
                    " endpoint: write the same value for both, or write it once under aws:"
                )
                yield key, message

    def twice(self, name: str, caller: Caller, place: Shown) -> str | None:
        """Return why a job with this name cannot be listed again. None if it is not listed yet.

        Names are independent of case in the API.
        """
        if name.lower() not in self.jobs:
            return None
        path, job = self.jobs[name.lower()]
        if job.account_id and caller.account_id and job.account_id != caller.account_id:
            return (
                f"{place(path)} names the same job of account {job.account_id} with the same credentials, which reach only"
                " one account: give one of the two its own role_arn or profile"
            )
        case = "" if job.name == name else ", and names that differ only in case are the same"
        return f"this job is listed already: {place(path)}{case}; remove one of them"


def alike(targets: Iterable[Gathered], place: Shown) -> Iterator[tuple[Path, str]]:
    """Yield the jobs of different targets that would have the same labels on /metrics, each with what to write."""
    found: dict[tuple[str, str], list[tuple[Path, str, str | None]]] = {}
    for target in targets:
        for folded, (path, job) in target.jobs.items():
            known = job.account_id or target.account_id
            found.setdefault((target.caller.key.region, folded), []).append((path, job.name, known))
    for (region, _), entries in found.items():
        earlier: dict[str | None, tuple[Path, str]] = {}
        for path, name, account_id in sorted(entries, key=lambda entry: entry[0][1]):
            same = next(iter(earlier.values()), None) if account_id is None else earlier.get(account_id)
            other = same or earlier.get(None)
            if other is not None:
                case = "" if other[1] == name else " (the same except for case)"
                where = f"{place(other[0])} names {other[1]}{case} in {region} too, with other credentials or endpoint"
                if account_id is not None and account_id in earlier:
                    yield path, f"{where} but of the same account: remove one of them"
                else:
                    yield path, f"{where}, and /metrics could not tell them apart: give both an account_id"
            earlier.setdefault(account_id, (path, name))


def _written(key: str, value: object) -> str:
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format_duration(value) if key.endswith("_timeout") else format(value, "g")
    return str(value)
