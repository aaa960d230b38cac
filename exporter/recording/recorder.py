"""Records what AWS answers: wraps an Api, and writes each call."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from exporter import __version__
from exporter.errors import CallFailed, ErrorCode
from exporter.recording import configuration
from exporter.recording.api import RecordingApi
from exporter.recording.calls import Call, about_list
from exporter.recording.delta import Rows, columns, leaves
from exporter.recording.listed import Listed
from exporter.recording.pseudonyms import Pseudonyms
from exporter.recording.redact import Redactor, Unredacted
from exporter.tuning_job import name_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from exporter.clock import Clock
    from exporter.config.specs import Settings
    from exporter.recording.file import Writer
    from exporter.sagemaker import Api

T = TypeVar("T")


class Recorder:
    """Writes the calls of all targets of a configuration. Thread-safe.

    ``on_failure`` is called once if the file cannot be written. After that nothing more is written.
    """

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        make_writer: Callable[[Mapping[str, Any]], Writer],
        *,
        redacts: bool = True,
        on_failure: Callable[[OSError], object] = lambda _: None,
    ) -> None:
        self._clock = clock
        self._began = clock.now()
        names = Pseudonyms(settings) if redacts else None
        self._names = names
        self._redactor = Redactor(settings, names) if names is not None else Unredacted()
        self._deadlines = [target.connection.deadline for target in settings.targets]
        self._rows: defaultdict[tuple[Call, int], Rows] = defaultdict(Rows)
        self._seen = [Listed() for _ in settings.targets]
        self._lock = threading.Lock()
        self._before = 0
        self.calls = 0
        self._on_failure = on_failure
        self._broken = False
        self._writer = make_writer(
            {
                "exporter": __version__,
                "redacted": redacts,
                "began": round(self._began.wall, 3),
                "deadline": max(self._deadlines, default=0.0),
                "configuration": configuration.document(settings, names),
                "prices": configuration.prices(settings),
            }
        )

    @property
    def bytes(self) -> int:
        """The size of the file so far."""
        return self._writer.bytes

    def close(self) -> None:
        """End the file. Calls that return later are not written."""
        with self._lock:
            broken, self._broken = self._broken, True
            if not broken:
                self._writer.close()

    def around(self, api: Api, target: int) -> Api:
        """Return an Api that makes the calls of one of the configuration's targets and records them."""
        return RecordingApi(api, self, target)

    def make(self, call: Call, target: int, make: Callable[[], T], tell: Callable[[Any], Sequence[Any]]) -> T:
        """Make a call and write its outcome. ``tell`` returns what to write for an answer, or for None if the call failed."""
        started = self._clock.monotonic()
        try:
            answer = make()
        except CallFailed as failed:
            self._write(call, target, started, failed.code, tell, None)
            raise
        self._write(call, target, started, None, tell, answer)
        return answer

    def _write(
        self,
        call: Call,
        target: int,
        started: float,
        code: ErrorCode | None,
        tell: Callable[[Any], Sequence[Any]],
        answer: Any,
    ) -> None:
        took = self._clock.monotonic() - started
        if code is None and answer is None:
            code = ErrorCode.MALFORMED_ANSWER
        if took > self._deadlines[target]:
            code = ErrorCode.TIMEOUT  # the exporter has given it up and ignores its result
        with self._lock:
            if self._broken:
                return
            try:
                about, *told = tell(None if code else answer)
            except _OddError as odd:
                code, about, told = ErrorCode.MALFORMED_ANSWER, odd.about, []
            except Exception:  # noqa: BLE001 - an unexpected answer must not stop the exporter
                code, about, told = ErrorCode.MALFORMED_ANSWER, "", []
            at = math.floor((started - self._began.monotonic) * 1000)
            line = [call.value, target, at - self._before, round(took * 1000), about, code and str(code), *told]
            while line[-1] in (None, [], {}):
                line.pop()
            self._before = at
            self.calls += 1
            self._try(lambda: self._writer.write(line))

    def flush(self) -> None:
        """Flush the file, once a minute at most. To be called regularly."""
        with self._lock:
            if not self._broken:
                self._try(self._writer.flush)

    def _try(self, write: Callable[[], None]) -> None:
        try:
            write()
        except OSError as error:
            self._broken = True
            self._on_failure(error)

    # What to write for each kind of call. These are called with the lock held.

    def describe(self, target: int, name: str, answer: Any) -> list[Any]:
        """Return what to write for a describe."""
        key = self._job(name)
        if answer is None:
            return [key]
        if not isinstance(answer, Mapping):
            raise _OddError(key)
        return [key, self._of(Call.DESCRIBE, target).told(key, self._leaves("describe", answer))]

    def tags(self, target: int, arn: str, answer: Mapping[str, str] | None) -> list[Any]:
        """Return what to write for the tags of one tuning job."""
        key = self._job(arn.rpartition("/")[2])
        if answer is None:
            return [key]
        tags = [[key, value] for key, value in self._redactor.tags(answer).items()]
        return [key, self._of(Call.TAGS, target).told(key, leaves({"Tags": tags}))]

    def listed(self, target: int, request: Mapping[str, Any], answer: Mapping[str, Any] | None) -> list[Any]:
        """Return what to write for a page of tuning jobs: rows, which tuning jobs are missing, and which are back."""
        about = about_list(self._filters(request))
        if answer is None:
            return [about]
        entries = _entries(answer, "HyperParameterTuningJobSummaries", about)
        named = [(self._job(str(entry["HyperParameterTuningJobName"])), entry) for entry in entries if _named(entry)]
        rows = self._told(Call.LIST, target, "summary", named)
        return [about, *rows, *self._seen[target].changes(request, answer, named)]

    def trainings(self, target: int, request: Mapping[str, Any], answer: Mapping[str, Any] | None) -> list[Any]:
        """Return what to write for a page of the training jobs of a tuning job."""
        about = self._job(str(request["HyperParameterTuningJobName"]))
        if answer is None:
            return [about]
        entries = [each for each in _entries(answer, "TrainingJobSummaries", about) if _named(each, "TrainingJobName")]
        named = [(f"{about}/{self._training(str(entry['TrainingJobName']))}", entry) for entry in entries]
        return [about, *self._told(Call.TRAININGS, target, "training", named)]

    def searched(self, target: int, request: Mapping[str, Any], answer: Mapping[str, Any] | None) -> list[Any]:
        """Return what to write for a page of a search."""
        about = str(request.get("Resource"))
        if answer is None:
            return [about]
        found = [each.get(about) for each in _entries(answer, "Results", about)]
        records = [each for each in found if isinstance(each, Mapping)]
        if about == "TrainingJob":
            bills = [(self._training(str(e["TrainingJobName"])), e) for e in records if _named(e, "TrainingJobName")]
            return [about, *self._told(Call.BILLS, target, "bill", bills)]
        arns = [(str(each.get("HyperParameterTuningJobArn")), each) for each in records]
        jobs = [(self._job(str(e.get("HyperParameterTuningJobName") or arn.rpartition("/")[2])), e) for arn, e in arns]
        return [about, *self._told(Call.SEARCH, target, "tagged", jobs)]

    def account(self, answer: str | None) -> list[Any]:
        """Return what to write for the account of the caller."""
        if answer is None:
            return [""]
        return ["", answer if self._names is None else self._names.account(answer)]

    def _of(self, call: Call, target: int) -> Rows:
        return self._rows[call, target]

    def _told(self, call: Call, target: int, kind: str, named: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Any]:
        """Return the keys of the new rows, and the changes of all rows."""
        rows = self._of(call, target)
        # An unexpected answer must raise an error here, before a row is stored that is then not written.
        redacted = {key: self._leaves(kind, entry) for key, entry in named}
        new = [key for key in redacted if key not in rows]
        for key in new:
            rows.add(key)
        return [new, columns((rows.add(key), rows.told(key, now)) for key, now in redacted.items())]

    def _leaves(self, kind: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        return leaves(self._redactor.row(kind, answer))

    def _job(self, name: str) -> str:
        return name_key(name if self._names is None else self._names.job(name))

    def _training(self, name: str) -> str:
        return name if self._names is None else self._names.numbered("training", name)

    def _filters(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        part = request.get("NameContains")
        if part is None or self._names is None:
            return request
        return {**request, "NameContains": self._names.part(part)}


class _OddError(Exception):
    """An answer lacks a required member. ``about`` is what the call was about."""

    def __init__(self, about: str) -> None:
        super().__init__(about)
        self.about = about


def _entries(answer: Any, member: str, about: str) -> list[Mapping[str, Any]]:
    found = answer.get(member) if isinstance(answer, Mapping) else None
    if not isinstance(found, list):
        raise _OddError(about)
    return [entry for entry in found if isinstance(entry, Mapping)]


def _named(entry: Mapping[str, Any], member: str = "HyperParameterTuningJobName") -> bool:
    return isinstance(entry.get(member), str) and bool(entry[member])
