"""What AWS answers, byte for byte: read by the SDK under the exporter's transport, taken by a target, and shown everywhere.

A case is the name of an operation on the first line, and below it the HTTP answers to the calls of it, in turn. Any further
call gets the last one again. All other operations are answered well.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import zlib
from typing import TYPE_CHECKING, Any

import structlog
from fuzz.mutate import another_tree, gathered, other_bytes
from fuzz.target import Defect, Outcome, Target
from fuzz.wire import ACCOUNT, ARN, NAME, NOW, REGION, Wire, good_bodies, identity, json_answer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from support.answers import random_answer
from support.clock import ManualClock
from support.snapshots import snapshot
from support.views import ANSWERS

from exporter.cli.drive import Round
from exporter.config import parse
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.exposition import Format, families_in_force
from exporter.exposition.publish import publish
from exporter.sagemaker import SageMakerApi, Sessions, transport
from exporter.telemetry import Telemetry
from exporter.web.pages import as_json, html
from exporter.web.pages.fleet import choices, jobs
from exporter.web.pages.job import job
from exporter.web.pages.query import SORTS, Query
from exporter.web.pages.targets import targets
from exporter.web.pages.troubles import status

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from prometheus_client import Metric

    from exporter.config import Settings
    from exporter.config.specs import TargetSpec

SEPARATOR = b"\n=====\n"

_ENDPOINTS = 'endpoint_url: "http://127.0.0.1:1", sts_endpoint_url: "http://127.0.0.1:1", requests_per_second: 1000'
_SETTINGS = f"""
aws: {{region: {REGION}, sign_requests: false, {_ENDPOINTS}}}
collect: [training_jobs, definitions, hyperparameters]
spend: {{billable: search, prices: {{ml.m5.large: 0.1, ml.p3.2xlarge: 3.6}}}}
tag_labels: [team]
tuning_jobs: [{{name: {NAME}, budget: 5, labels: {{a: b}}}}]
"""
_RULES = "discover: [{name_contains: chu, tags: {team: {exists: true}}}, {created_within: 7d}]\n"
_BY_OPERATION = {
    # Tags of few tuning jobs are read one by one.
    "ListTags": _SETTINGS,
    # AWS is asked whose credentials they are where they are used, and nothing else tells the account.
    "GetCallerIdentity": f"aws: {{region: {REGION}, {_ENDPOINTS}}}\ntuning_jobs: [{NAME}]\n",
}

_METHODS = {
    "DescribeHyperParameterTuningJob": "describe",
    "ListHyperParameterTuningJobs": "list_jobs",
    "ListTrainingJobsForHyperParameterTuningJob": "list_training_jobs",
    "Search": "search",
    "ListTags": "list_tags",
    "GetCallerIdentity": "caller_account",
}
_SHALLOW = {ErrorCode.MALFORMED_ANSWER, ErrorCode.CONNECTION, ErrorCode.TIMEOUT}
_CLASS = re.compile(r"[A-Za-z_.]+")
"""The message of an error of which the exporter knows nothing but its class."""

_THOROUGH = 6
"""Each so manieth case is also read back as Prometheus does, and shown on pages: that takes longer than all the rest."""

_STEPS = 400
"""More calls than the longest list that the exporter may read."""

_HEADS = (
    b"HTTP/1.1 200 OK", b"HTTP/1.1 400 Bad Request", b"HTTP/1.1 403 Forbidden", b"HTTP/1.1 404 Not Found", b"HTTP/1.1 429 Slow",
    b"HTTP/1.1 500 Oh", b"HTTP/1.1 503 Busy", b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:9/x", b"HTTP/1.1 204 Empty",
    b"HTTP/1.0 200 OK", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", b"HTTP/1.1 999 Odd", b"HTTP/2 200", b"ICY 200 OK",
)  # fmt: skip
_FIELDS = (
    b"Content-Type: application/x-amz-json-1.1", b"Content-Type: text/html", b"Content-Type: text/xml", b"Content-Type:",
    b"Transfer-Encoding: chunked", b"Content-Encoding: gzip", b"Content-Encoding: deflate", b"Content-Length: -1",
    b"Content-Length: 99999999999999999999", b"Content-Length: 0", b"Connection: close", b"Connection: keep-alive",
    b"x-amzn-RequestId: \xff\xfe", b"x-amzn-ErrorType: ThrottlingException:http://x/", b"Set-Cookie: a=b", b"X: " + b"y" * 70_000,
    b"X-Amz-Crc32: 1", b" folded", b"No colon", b"Date: Thu, 01 Jan 1970 00:00:00 GMT", b"x-amzn-query-error: A;B",
)  # fmt: skip
_ERRORS = [
    {"__type": code, "message": "Rate exceeded"}
    for code in (
        "ThrottlingException",
        "ResourceNotFound",
        "AccessDeniedException",
        "ValidationException",
        "a#b",
        "x:http://",
    )
]


class Answers(Target):
    """See above."""

    def __init__(self, directory: Path) -> None:
        del directory
        self._settings = {name: parse(_BY_OPERATION.get(name, _SETTINGS + _RULES), "config.yaml") for name in _METHODS}
        self._sessions = Sessions()
        self._log: list[Mapping[str, Any]] = []
        self._wire = Wire()
        transport._Timed._new_conn = lambda _: self._wire.connect()  # type: ignore[method-assign, assignment]
        self._seeds = list(self._all_seeds())
        self._known = gathered([tree for seed in self._seeds if (tree := _body(seed)[1]) is not None])
        self._keys = [*self._known]

    def seeds(self) -> Sequence[bytes]:
        """Return an answer of each operation, stored ones, some by the API's own model, and errors."""
        return self._seeds

    def mutate(self, rng: random.Random, case: bytes) -> bytes:
        """Change a value of the body, else the head, else bytes."""
        chance = rng.random()
        head, tree, rest = _body(case)
        if tree is None or chance < 0.12:
            return other_bytes(rng, case, _FIELDS, self._seeds)
        operation = head.partition(b"\n")[0].decode("latin-1")
        if chance < 0.3:
            return _with_odd_head(rng, operation, tree) + rest
        if chance < 0.33:
            return case + SEPARATOR + case.partition(b"\n")[2]
        for _ in range(rng.choice([1, 1, 2, 4])):
            tree = another_tree(rng, tree, self._keys, self._known)
        return operation.encode("latin-1") + b"\n" + json_answer(tree) + rest

    def run(self, case: bytes) -> Outcome:
        """Make a round of calls, and show what came of it."""
        operation, answers = _parts(case)
        clock, telemetry, settings = _Clock(NOW), Telemetry(lasts=False), self._settings[operation]
        [spec] = settings.targets
        real = SageMakerApi(spec, self._sessions, telemetry)
        apis: list[_Mixed] = []

        def make(_: TargetSpec) -> _Mixed:
            telemetry.add_target(spec.name, ())
            apis.append(_Mixed(real, operation, self._wire, answers))
            return apis[0]

        self._log.clear()
        structlog.configure(processors=[self._take_line])
        steps = iter(range(_STEPS))

        def stepped() -> None:
            clock.advance(0.25)
            if next(steps, None) is None:
                raise Defect("a round of calls does not end")

        round_ = Round([spec], make, telemetry, clock)
        round_.run(8.0, stepped)
        self._check_log()
        [driven] = round_.targets
        for tried in driven.tried.values():
            for failure in tried.failing.values():
                _check_failure(failure)
        _show(round_, clock, settings, thoroughly=zlib.crc32(case) % _THOROUGH == 0)
        [api] = apis
        return Outcome(f"{operation}: {api.outcome}", api.deep)

    def _take_line(self, _logger: object, _name: str, event: Mapping[str, Any]) -> Any:
        self._log.append(event)
        raise structlog.DropEvent

    def _check_log(self) -> None:
        for event in self._log:
            if "please report" in str(event.get("event")) or event.get("exc_info"):
                raise Defect(f"the exporter tells of a defect of its own: {event.get('event')}") from event.get("error")

    def _all_seeds(self) -> Iterator[bytes]:
        bodies = good_bodies()
        for operation in _METHODS:
            yield operation.encode() + b"\n" + (json_answer(bodies[operation]) if operation in bodies else identity())
            for error in _ERRORS:
                yield operation.encode() + b"\n" + json_answer(error, 400)
        renamed = {"HyperParameterTuningJobName": NAME, "HyperParameterTuningJobArn": ARN}
        for file in sorted(ANSWERS.glob("*.json")):
            tree = json.loads(file.read_text())
            if isinstance(tree, dict):
                own = {key: value for key, value in renamed.items() if key in tree}
                yield b"DescribeHyperParameterTuningJob\n" + json_answer(tree | own)
        for seed in range(20):
            yield b"DescribeHyperParameterTuningJob\n" + json_answer(random_answer(random.Random(seed), NAME) | renamed)
        yield b"Search\n" + b"\n=====\n".join(json_answer({"Results": [], "NextToken": "again"}) for _ in range(2))
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"
        yield b"ListTags\n" + chunked


class _Clock(ManualClock):
    """A clock on which nobody has to wait."""

    def wait(self, condition: threading.Condition, until: float | None) -> None:
        """Let the time come."""
        del condition
        if until is not None and until > self.monotonic():
            self.advance(until - self.monotonic())


class _Mixed:
    """An API in which one operation goes over the wire, and the answers to all others are good."""

    def __init__(self, real: SageMakerApi, operation: str, wire: Wire, answers: Sequence[bytes]) -> None:
        self._real = real
        self._wire = wire
        self._answers = answers
        self._operation = operation
        self._calls = 0
        self.outcome = "not called"
        self.deep = False

    def __getattr__(self, method: str) -> Callable[..., Any]:
        [operation] = [name for name, each in _METHODS.items() if each == method]
        if operation != self._operation:
            return lambda *_: self._well(operation)
        return lambda *arguments: self._call(getattr(self._real, method), arguments)

    def _well(self, operation: str) -> Any:
        if self._operation == "GetCallerIdentity":  # which is called where no other answer tells the account
            raise CallFailed(ErrorCode.ACCESS_DENIED, "no")
        return _GOOD[operation]

    def _call(self, method: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
        # A list of tags has pages of its own within one call.
        self._wire.answers = [*self._answers[min(self._calls, len(self._answers) - 1) :]]
        self._calls += 1
        try:
            answer = method(*arguments)
        except CallFailed as failed:
            if _CLASS.fullmatch(failed.message):
                raise Defect(f"{self._operation} failed by {failed.message}, which nobody foresaw") from failed
            self.outcome = failed.code
            self.deep |= failed.code not in _SHALLOW
            raise
        self.outcome = "answered" if answer else "empty"
        self.deep |= bool(answer)
        return answer


_GOOD: dict[str, Any] = good_bodies() | {"ListTags": {"team": "search"}, "GetCallerIdentity": ACCOUNT}
"""What an Api returns."""


def _parts(case: bytes) -> tuple[str, list[bytes]]:
    first, _, rest = case.partition(b"\n")
    operation = first.decode("latin-1").strip()
    if operation not in _METHODS:
        operation = [*_METHODS][zlib.crc32(first) % len(_METHODS)]
    return operation, rest.split(SEPARATOR)


def _body(case: bytes) -> tuple[bytes, Any, bytes]:
    """Return the head of the first answer with the operation, its body if that is JSON, and what follows."""
    first, separator, rest = case.partition(SEPARATOR)
    head, _, body = first.partition(b"\r\n\r\n")
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        tree = None
    return head, tree, separator + rest


def _with_odd_head(rng: random.Random, operation: str, tree: Any) -> bytes:
    body = json.dumps(tree).encode()
    fields = [b"Content-Length: %d" % len(body), *rng.sample(_FIELDS, rng.choice([0, 1, 1, 2]))]
    if b"Content-Encoding: gzip" in fields and rng.random() < 0.7:
        body = gzip.compress(body, 1)
    if b"Transfer-Encoding: chunked" in fields and rng.random() < 0.7:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    head = rng.choice(_HEADS) + b"\r\n" + b"\r\n".join(fields)
    return operation.encode("latin-1") + b"\n" + head + b"\r\n\r\n" + body


def _show(round_: Round, clock: ManualClock, settings: Settings, *, thoroughly: bool) -> None:
    views = round_.views()
    published = publish(1, views, families_in_force(settings.collect))
    text, openmetrics = (b"".join(published.bodies[each].inflated()).decode() for each in Format)
    if not thoroughly:
        return
    if {*_samples(parse_text(text))} != {*_samples(parse_openmetrics(openmetrics + "# EOF\n"))}:
        raise Defect("the two formats tell different things")
    shown = snapshot(views, settings, now=clock.time())
    fleet = jobs(shown, Query())
    for model in (status(shown), fleet, targets(shown), *(job(shown, each) for view in views for each in view.jobs)):
        json.loads(as_json.encoded(model), parse_constant=_no_constant)
    common: dict[str, Any] = {"root": "./", "here": "status", "query": Query(), "sorts": SORTS}
    html.page("status.html", status=status(shown), fleet=fleet, choices=choices(shown), **common)
    for each in views[0].jobs[:2]:
        html.page("job.html", root="../", here="", page=job(shown, each), version="1")


def _samples(families: Iterable[Metric]) -> Iterator[tuple[str, ...]]:
    for family in families:
        for sample in family.samples:
            yield (
                sample.name,
                repr(sample.value),
                *(f"{name}={value}" for name, value in sorted(sample.labels.items()) if value),
            )


def _check_failure(failure: Failure) -> None:
    if failure.message.startswith("the call failed by a"):
        raise Defect(failure.message)


def _no_constant(name: str) -> None:
    raise Defect(f"JSON has no {name}")
