"""Accounts of a simulator, one clock for it and for the SDK's renewals, and no credentials but what a test puts there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import botocore.credentials
import botocore.utils
import pytest
from support.clock import ManualClock

from exporter.config import parse
from exporter.sagemaker import SageMakerApi, Sessions, session
from exporter.sagemaker.sdk import Common
from exporter.simulator.errors import ApiError
from exporter.simulator.server import Server
from exporter.simulator.service import Request, Simulator
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_764_000_000.0
REGION = "eu-west-1"
ACCOUNTS = ("111111111111", "222222222222", "333333333333")


class Watched(Simulator):
    """A simulator that notes who asked it for what, and what it refused."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock, require_signature=True)
        self.asked: list[tuple[str, str | None]] = []
        self.refused: list[str] = []

    def handle(self, request: Request) -> dict[str, Any]:
        self.asked.append((request.operation, request.access_key_id))
        try:
            return super().handle(request)
        except ApiError as error:
            self.refused.append(error.code)
            raise

    def keys(self, operation: str = "DescribeHyperParameterTuningJob") -> list[str | None]:
        """Return the access keys that an operation was asked with, in the order of their first use."""
        return [*dict.fromkeys(key for asked, key in self.asked if asked == operation)]

    def count(self, operation: str) -> int:
        """Return how often an operation was asked for."""
        return sum(asked == operation for asked, _ in self.asked)


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Leave the SDK with empty files and no variables."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> ManualClock:
    """A clock by which the SDK, too, judges how long credentials last."""
    clock = ManualClock(NOW)

    class AnyDatetime(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, datetime)

    class Moved(datetime, metaclass=AnyDatetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return cls.fromtimestamp(clock.time(), tz)

    def now(remove_tzinfo: bool = True) -> datetime:
        moment = datetime.fromtimestamp(clock.time(), UTC)
        return moment.replace(tzinfo=None) if remove_tzinfo else moment

    monkeypatch.setattr(botocore.credentials, "datetime", SimpleNamespace(datetime=Moved, timedelta=timedelta))
    monkeypatch.setattr(botocore.utils, "get_current_datetime", now)
    return clock


@pytest.fixture
def simulator(clock: ManualClock) -> Watched:
    """A simulator with a tuning job named churn in each account, which refuses unsigned requests."""
    simulator = Watched(clock)
    for account_id in ACCOUNTS:
        simulator.create("healthy", "churn", region=REGION, account_id=account_id, created=NOW - 3600)
    return simulator


@pytest.fixture
def url(simulator: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The endpoint of the simulator, which is also where the SDK itself looks for STS."""
    with Server(simulator) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", server.url)
        yield server.url


@pytest.fixture
def static_key(simulator: Watched, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key in the environment, of no account that has tuning jobs."""
    simulator.add_credentials("AKIASOURCE", "999999999999")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIASOURCE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    return "AKIASOURCE"


@pytest.fixture(scope="session")
def common() -> Common:
    """Read the service models once: it takes longer than everything else here."""
    return Common.load()


@pytest.fixture
def sessions(common: Common, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sessions]:
    """All sessions, which look for credentials as often as they are asked to."""
    monkeypatch.setattr(session, "_LEAST_SECONDS_BETWEEN_SEARCHES", 0.0)
    sessions = Sessions()
    sessions._common = common
    yield sessions
    sessions.keep_only(())


@pytest.fixture
def telemetry() -> Telemetry:
    return Telemetry()


Connect = Callable[..., list[SageMakerApi]]


@pytest.fixture
def connect(url: str, sessions: Sessions, telemetry: Telemetry) -> Connect:
    """Return a function that takes the settings of configuration entries, and returns the API of each one's target."""

    def make(*entries: str) -> list[SageMakerApi]:
        lines = "".join(f"  - {{name: churn, {entry}}}\n" for entry in entries)
        text = f"aws: {{region: {REGION}, endpoint_url: '{url}', sts_endpoint_url: '{url}'}}\ntuning_jobs:\n{lines}"
        targets = parse(text, "accounts.yaml").targets
        for target in targets:
            telemetry.add_target(target.name, ())
        return [SageMakerApi(target, sessions, telemetry) for target in targets]

    return make


def account_of(api: SageMakerApi) -> str:
    """Return the account in whose name a describe is answered."""
    return str(api.describe("churn")["HyperParameterTuningJobArn"]).split(":")[4]
