"""Answers as AWS would at a time of a recording, from everything that was recorded up to that time.

So it can also answer calls that the recorded exporter did not make, as far as their result is known.
"""

from __future__ import annotations

import base64
import threading
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from exporter.errors import CallFailed, ErrorCode
from exporter.recording.calls import Call, about_list, is_listed
from exporter.statuses import IN_PROGRESS
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from exporter.recording.events import Event, Recording, Survey
    from exporter.recording.pace import Pace

_SOON = 300.0
"""Seconds by which a first answer may be in the future and still be used: two exporters never start at the same time."""

_DEFAULT_PAGE, _LONGEST_PAGE = 10, 100
_NAME, _ARN = "HyperParameterTuningJobName", "HyperParameterTuningJobArn"
_LISTED = (
    _NAME,
    _ARN,
    "HyperParameterTuningJobStatus",
    "CreationTime",
    "LastModifiedTime",
    "HyperParameterTuningEndTime",
    "TrainingJobStatusCounters",
    "ObjectiveStatusCounters",
)


class Refused(CallFailed):
    """A call that failed in the recording. ``took`` is how many seconds it took there."""

    def __init__(self, code: ErrorCode, message: str, took: float) -> None:
        super().__init__(code, message)
        self.took = took


@dataclass(slots=True)
class _Target:
    """What is known about one target. Rows are by the keys of the recording."""

    described: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    listed: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    tags: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    found: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    bills: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    trainings: dict[str, dict[str, Mapping[str, Any]]] = field(default_factory=dict)
    account: str | None = None
    hidden: set[str] = field(default_factory=set)
    outcomes: dict[tuple[Call, str], tuple[ErrorCode | None, float]] = field(default_factory=dict)
    last: dict[Call, ErrorCode | None] = field(default_factory=dict)

    def unlisted(self) -> Iterator[Mapping[str, Any]]:
        """Yield the entries that a list would have for tuning jobs that were described but never listed.

        If there are any lists, running tuning jobs are left out: an exporter that lists always lists the running ones, and
        lists are late. So a running one that was not listed must not be on the list yet.
        """
        for key, row in self.described.items():
            runs = row.get("HyperParameterTuningJobStatus") == IN_PROGRESS
            if key not in self.listed and key not in self.hidden and not (runs and self.listed):
                yield {member: row[member] for member in _LISTED if member in row}


class World:
    """Answers from a recording. Thread-safe. Calls must not go back in time.

    Answers are as of ``slack`` seconds later, because calls do not come at exactly the same time as the recorded ones.
    """

    def __init__(self, recording: Recording, survey: Survey, pace: Pace, *, slack: float = 0.0) -> None:
        self._began = recording.began
        self._pace = pace
        self._slack = slack
        self._firsts = survey.firsts
        self._targets = [_Target() for _ in recording.prices]
        self._events = recording.timeline()
        self._next: Event | None = next(self._events, None)
        self._lock = threading.Lock()

    @property
    def targets(self) -> int:
        """The number of targets in the recording."""
        return len(self._targets)

    def took(self, call: Call, target: int, about: str) -> float:
        """Return how many seconds the last such call took in the recording, 0 if there was none."""
        with self._lock:
            return self._targets[target].outcomes.get((call, about), (None, 0.0))[1]

    def describe(self, target: int, name: str, now: float) -> Mapping[str, Any]:
        """Return the answer of DescribeHyperParameterTuningJob. Raises Refused if it failed, or if the name is unknown."""
        key = name_key(name)
        with self._lock:
            known = self._known(Call.DESCRIBE, target, key, now)
            if key not in known.described:
                raise self._refused(known, Call.DESCRIBE, key, ErrorCode.NOT_FOUND)
            return self._moved(known.described[key])

    def list_jobs(self, target: int, request: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        """Return the answer of ListHyperParameterTuningJobs. Raises Refused if it failed."""
        request = self._pace.asked(request)
        with self._lock:
            known = self._known(Call.LIST, target, about_list(request), now)
            rows = [row for row in (*known.listed.values(), *known.unlisted()) if is_listed(row, request)]
            return self._page("HyperParameterTuningJobSummaries", rows, request, _NAME)

    def list_training_jobs(self, target: int, request: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        """Return the answer of ListTrainingJobsForHyperParameterTuningJob. Raises Refused if it failed."""
        key = name_key(str(request.get(_NAME)))
        with self._lock:
            known = self._known(Call.TRAININGS, target, key, now)
            if (Call.TRAININGS, key) not in known.outcomes:
                raise self._refused(known, Call.TRAININGS, key, ErrorCode.NOT_FOUND)
            status = request.get("StatusEquals")
            rows = (row for row in known.trainings.get(key, {}).values())
            wanted = [row for row in rows if status is None or row.get("TrainingJobStatus") == status]
            return self._page("TrainingJobSummaries", wanted, request, "TrainingJobName")

    def search(self, target: int, request: Mapping[str, Any], now: float) -> Mapping[str, Any]:
        """Return the answer of Search, from all results of recorded searches. Raises Refused if it failed."""
        request = self._pace.asked(request)
        resource = str(request.get("Resource"))
        call = Call.BILLS if resource == "TrainingJob" else Call.SEARCH
        with self._lock:
            known = self._known(call, target, resource, now)
            rows = known.bills if call is Call.BILLS else known.found
            wanted = [row for row in rows.values() if _matches(row, request.get("SearchExpression"))]
            page = self._page("Results", wanted, request, "TrainingJobName" if call is Call.BILLS else _NAME)
            return {**page, "Results": [{resource: row} for row in page["Results"]]}

    def list_tags(self, target: int, arn: str, now: float) -> Mapping[str, str]:
        """Return the tags of a tuning job by key. Raises Refused if this failed, or if they are unknown."""
        key = name_key(arn.rpartition("/")[2])
        with self._lock:
            known = self._known(Call.TAGS, target, key, now)
            if key in known.tags:
                return {each[0]: each[1] for each in known.tags[key].get("Tags", [])}
            if key in known.found:
                tags = known.found[key].get("Tags") or []
                return {str(tag.get("Key")): str(tag.get("Value")) for tag in tags if isinstance(tag, dict)}
            raise self._refused(known, Call.TAGS, key, ErrorCode.NOT_FOUND)

    def caller_account(self, target: int, now: float) -> str:
        """Return the account of the caller. Raises Refused if this failed or is unknown."""
        with self._lock:
            known = self._known(Call.ACCOUNT, target, "", now)
            if known.account is not None:
                return known.account
            for row in (*known.described.values(), *known.listed.values()):
                if len(parts := str(row.get(_ARN)).split(":")) > 4:
                    return parts[4]
            raise self._refused(known, Call.ACCOUNT, "", ErrorCode.NOT_FOUND)

    # The methods below are called with the lock held.

    def _known(self, call: Call, target: int, about: str, now: float) -> _Target:
        """Return what is known about a target at the time of a call. Raises Refused if the call failed at that time."""
        at = self._pace.then(now) - self._began + self._slack
        known = self._targets[target]
        self._advance(at)
        first = self._firsts.get((call, target, about))
        if (call, about) not in known.outcomes and first is not None and first <= at + _SOON:
            self._advance(first)
        code, took = known.outcomes.get((call, about), (None, 0.0))
        if code is not None:
            raise Refused(code, f"the recorded call failed: {code}", took)
        return known

    def _advance(self, at: float) -> None:
        while self._next is not None and self._next.at <= at + 0.0005:  # times are recorded in milliseconds
            self._apply(self._next)
            self._next = next(self._events, None)

    def _apply(self, event: Event) -> None:
        known = self._targets[event.target]
        known.outcomes[event.call, event.about] = event.code, event.took
        known.last[event.call] = event.code
        rows = event.rows or {}
        match event.call:
            case Call.DESCRIBE:
                known.described.update(rows)
                if event.code is ErrorCode.NOT_FOUND:
                    known.described.pop(event.about, None)
            case Call.LIST:
                known.listed.update(rows)
                for key in event.gone:
                    known.listed.pop(key, None)
                known.hidden.update(event.gone)
                known.hidden.difference_update(rows)
            case Call.TRAININGS:
                known.trainings.setdefault(event.about, {}).update(rows)
            case Call.TAGS:
                known.tags.update(rows)
            case Call.SEARCH:
                known.found.update(rows)
            case Call.BILLS:
                known.bills.update(rows)
            case Call.ACCOUNT:
                known.account = event.account or known.account

    def _refused(self, known: _Target, call: Call, about: str, otherwise: ErrorCode) -> Refused:
        """Return the failure of a call that was not recorded: a lasting failure of other such calls, else ``otherwise``."""
        code = known.last.get(call)
        if code is None or code.transient or code is ErrorCode.NOT_FOUND:
            code = otherwise
        return Refused(code, f"the recording tells nothing of {about}" if about else "the recording does not tell", 0.0)

    def _moved(self, row: Mapping[str, Any]) -> Mapping[str, Any]:
        moved: Mapping[str, Any] = self._pace.told(row)
        return moved

    def _page(
        self, member: str, rows: Iterable[Mapping[str, Any]], request: Mapping[str, Any], name: str
    ) -> dict[str, Any]:
        """Return a page of rows in the requested order. A token has the name of the last row of the previous page."""
        by = request.get("SortBy")
        descending = request.get("SortOrder", "Descending" if member == "Results" else "Ascending") == "Descending"
        key = _order(by, name)
        ordered = sorted(rows, key=key, reverse=descending)
        token = request.get("NextToken")
        if isinstance(token, str):
            last = base64.urlsafe_b64decode(token).decode()
            names = [str(row.get(name)) for row in ordered]
            ordered = ordered[names.index(last) + 1 :] if last in names else []
        size = request.get("MaxResults", _DEFAULT_PAGE)
        size = min(max(size, 1), _LONGEST_PAGE) if isinstance(size, int) else _DEFAULT_PAGE
        page: dict[str, Any] = {member: [self._moved(row) for row in ordered[:size]]}
        if len(ordered) > size:
            page["NextToken"] = base64.urlsafe_b64encode(str(ordered[size - 1].get(name)).encode()).decode()
        return page


def _order(by: object, name: str) -> Callable[[Mapping[str, Any]], tuple[float, str]]:
    """Return the function for the sort key of rows: a time, or the name."""

    def key(row: Mapping[str, Any]) -> tuple[float, str]:
        moment = row.get(str(by)) if str(by).endswith("Time") else None
        return (moment if isinstance(moment, int | float) else 0.0), str(row.get(name))

    return key


def _matches(row: Mapping[str, Any], expression: object) -> bool:
    """Return whether a search finds a row. It supports filters by name and creation time."""
    if not isinstance(expression, dict):
        return True
    filters = [each for each in expression.get("Filters", []) if isinstance(each, dict)]
    passed = [_passes(row, each) for each in filters]
    return not passed or (any(passed) if expression.get("Operator") == "Or" else all(passed))


def _passes(row: Mapping[str, Any], wanted: Mapping[str, Any]) -> bool:
    found, value = row.get(str(wanted.get("Name"))), wanted.get("Value")
    if wanted.get("Operator") == "In":
        return name_key(str(found)) in {name_key(each) for each in str(value).split(",")}
    if isinstance(found, int | float):
        try:
            moment = datetime.fromisoformat(str(value)).timestamp()
        except ValueError:
            return False
        compared = _COMPARED.get(str(wanted.get("Operator")))
        return compared is not None and compared(found, moment)
    return name_key(str(found)) == name_key(str(value))


_COMPARED: Mapping[str, Callable[[float, float], bool]] = {
    "GreaterThan": lambda found, value: found > value,
    "GreaterThanOrEqualTo": lambda found, value: found >= value,
    "LessThan": lambda found, value: found < value,
    "LessThanOrEqualTo": lambda found, value: found <= value,
}
