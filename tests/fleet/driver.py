"""A target driven by one thread and a clock that is moved by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from prometheus_client.parser import text_string_to_metric_families
from support.clock import ManualClock

from exporter.clock import Instant
from exporter.config.specs import Connection, Credentials, Endpoint, JobSpec, TargetKey, TargetSpec
from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import JobView, Target, perform
from exporter.fleet.events import Event
from exporter.telemetry import PREFIX, Telemetry

START = float(2**20)
"""Unix time at monotonic 0; whole, so that sums are exact."""

REGION = "eu-west-1"
ACCOUNT = "111122223333"
OTHER_ACCOUNT = "999988887777"
CREATED = 1_000_000.0
DESCRIBE = "DescribeHyperParameterTuningJob"
IDENTIFY = "GetCallerIdentity"
LIST_TAGS = "ListTags"
SIGNED = Credentials()
T = TypeVar("T")


def known(value: T | None) -> T:
    """Return a value that must be there."""
    assert value is not None
    return value


def job_specs(*names: str, **members: Any) -> tuple[JobSpec, ...]:
    """Return the specification of each name."""
    return tuple(JobSpec(name, **({"labels": {}} | members)) for name in names)


def target_spec(
    *names: str, account_id: str | None = ACCOUNT, credentials: Credentials = SIGNED, **changes: Any
) -> TargetSpec:
    """Return a target of these tuning jobs: once a minute, stale after five, and a budget that does not matter."""
    spec = TargetSpec(
        key=TargetKey("aws", REGION, credentials, Endpoint()),
        name="eu",
        account_id=account_id,
        connection=Connection(),
        interval=60.0,
        stale_after=300.0,
        retention=86_400.0,
        describe_max_age=0.0,
        requests_per_second=1_000.0,
        max_tracked_jobs=10_000,
        jobs=job_specs(*names),
    )
    return replace(spec, **changes)


def arn_of(name: str, *, partition: str = "aws", region: str = REGION, account: str = ACCOUNT) -> str:
    """Return the ARN of a tuning job."""
    return f"arn:{partition}:sagemaker:{region}:{account}:hyper-parameter-tuning-job/{name}"


def answer(
    name: str,
    status: str = "InProgress",
    *,
    account: str = ACCOUNT,
    region: str = REGION,
    created: float | None = CREATED,
    **members: Any,
) -> dict[str, Any]:
    """Return an answer of DescribeHyperParameterTuningJob."""
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": arn_of(name, region=region, account=account),
        "HyperParameterTuningJobStatus": status,
        "CreationTime": created,
    } | members


class FakeApi:
    """Answers as it is told to: ``jobs`` holds for each name an answer or what to raise, ``account`` the identity.

    ``tags`` holds for each ARN its tags or what to raise; without an entry there are none. ``trainings`` holds for each
    name its training jobs, newest first, or what to raise; ``pages`` the requests for them.
    """

    def __init__(self) -> None:
        self.jobs: dict[str, Mapping[str, Any] | Exception] = {}
        self.account: str | Exception = ACCOUNT
        self.tags: dict[str, Mapping[str, str] | Exception] = {}
        self.trainings: dict[str, list[dict[str, Any]] | Exception] = {}
        self.pages: list[Mapping[str, Any]] = []

    def describe(self, name: str) -> Mapping[str, Any]:
        told = self.jobs.get(name, answer(name))
        if isinstance(told, Exception):
            raise told
        return told

    def list_service_quotas(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise CallFailed(ErrorCode.ACCESS_DENIED, f"no quotas for {request}")

    def list_tags(self, arn: str) -> Mapping[str, str]:
        told = self.tags.get(arn, {})
        if isinstance(told, Exception):
            raise told
        return told

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise CallFailed(ErrorCode.ACCESS_DENIED, f"no list of {request}")

    def list_training_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        self.pages.append(request)
        told = self.trainings.get(request["HyperParameterTuningJobName"], [])
        if isinstance(told, Exception):
            raise told
        start, size = int(request.get("NextToken", 0)), request["MaxResults"]
        more = {"NextToken": str(start + size)} if start + size < len(told) else {}
        return {"TrainingJobSummaries": told[start : start + size], **more}

    def search(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        raise CallFailed(ErrorCode.ACCESS_DENIED, f"no search for {request}")

    def caller_account(self) -> str:
        if isinstance(self.account, Exception):
            raise self.account
        return self.account

    def fail(self, name: str, code: ErrorCode) -> None:
        self.jobs[name] = CallFailed(code, f"it is {code}")


class Own(Telemetry):
    """The exporter's own metrics, with a way to read them."""

    def value(self, name: str, **labels: str) -> float | None:
        for family in text_string_to_metric_families(self.render_text().decode()):
            for sample in family.samples:
                if sample.name == f"{PREFIX}_{name}" and sample.labels == labels:
                    return sample.value
        return None


@dataclass(frozen=True)
class Call:
    """One call as it was handed out, at a monotonic time."""

    at: float
    operation: str
    name: str


class Driver:
    """Makes every call of a target when it says so. ``latency`` is how long each takes."""

    def __init__(
        self, spec: TargetSpec, *, api: Any = None, latency: float = 0.0, clock: ManualClock | None = None
    ) -> None:
        self.clock = clock or ManualClock(START)
        self.telemetry = Own()
        self.api = api or FakeApi()
        self.latency = latency
        self.target = Target(spec, self.telemetry, self.clock.now())
        self.calls: list[Call] = []
        self.events: list[Event] = []
        self.on_call: Callable[[Call], None] = lambda _: None

    @property
    def now(self) -> Instant:
        return self.clock.now()

    def run(self, until: float) -> None:
        """Make every call that falls due up to a monotonic time, and stop there."""
        while True:
            self.events += self.target.expire(self.now)
            work = self.target.next(self.now)
            if work is not None:
                call = Call(work.started, str(work.operation), work.name)
                self.calls.append(call)
                self.on_call(call)
                outcome = perform(self.api, work)
                self._move_to(self.now.monotonic + self.latency)
                self.events += self.target.apply(work, outcome, self.now)
                continue
            wakes_at = self.target.wakes_at(self.now)
            assert wakes_at is None or wakes_at > self.now.monotonic, "a thread would spin"
            if wakes_at is None or wakes_at > until:
                self._move_to(until)
                return
            self._move_to(wakes_at)

    def _move_to(self, monotonic: float) -> None:
        while self.now.monotonic < monotonic:
            # The sum may fall short of the time by a rounding error.
            self.clock.advance(max(monotonic - self.now.monotonic, 1e-9))

    def update(self, spec: TargetSpec) -> None:
        self.target.update(spec, self.now)

    def times(self, name: str, operation: str = DESCRIBE) -> list[float]:
        """Return when a tuning job was described."""
        return [call.at for call in self.calls if call.name == name and call.operation == operation]

    def listed(self, name: str) -> list[float]:
        """Return when a tuning job's tags were listed."""
        return self.times(name, LIST_TAGS)

    def identified(self) -> list[float]:
        return self.times("", IDENTIFY)

    def views(self, after: float = 0.0) -> dict[str, JobView]:
        """Return the view of each tuning job as it will be in a while without calls."""
        now = self.now
        view = self.target.view(Instant(now.wall + after, now.monotonic + after))
        return {job.name: job for job in view.jobs}

    def counted(self, name: str, **labels: str) -> float | None:
        """Return an own metric of the target."""
        return self.telemetry.value(name, target="eu", **labels)
