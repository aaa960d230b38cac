"""An environment of the tests' own, and the real API on a wire of the tests' own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sagemaker.wire import Wire, target_spec

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker import SageMakerApi, Sessions, session
from exporter.sagemaker.sdk import Common
from exporter.telemetry import PREFIX, Telemetry

if TYPE_CHECKING:
    from pathlib import Path

ACCESS_KEY = "AKIDSOURCE"


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give the SDK one static key and nothing else; return the shared credentials file, which does not exist."""
    for name in list(os.environ):
        if name.startswith("AWS_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    file = tmp_path / "credentials"
    for name, value in {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(file),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": "source-secret",
    }.items():
        monkeypatch.setenv(name, value)
    return file


@pytest.fixture
def no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the static key away."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")


@pytest.fixture
def wire() -> Iterator[Wire]:
    with Wire() as wire:
        yield wire


@pytest.fixture
def sts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Wire]:
    """Put a fake STS where every client of STS looks."""
    with Wire() as wire:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", wire.url)
        yield wire


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


class Own(Telemetry):
    """The exporter's own metrics, with a way to read them."""

    def value(self, name: str, **labels: str) -> float | None:
        for family in text_string_to_metric_families(self.render_text().decode()):
            for sample in family.samples:
                if sample.name == f"{PREFIX}_{name}" and sample.labels == labels:
                    return sample.value
        return None


@pytest.fixture
def telemetry() -> Own:
    return Own()


def failing(call: Callable[[], object]) -> ErrorCode:
    with pytest.raises(CallFailed) as raised:
        call()
    return raised.value.code


def write_keys(file: Path, profile: str, access_key: str) -> None:
    file.write_text(f"[{profile}]\naws_access_key_id = {access_key}\naws_secret_access_key = hidden\n")


MakeApi = Callable[..., SageMakerApi]


@pytest.fixture
def make_api(sessions: Sessions, telemetry: Own) -> MakeApi:
    """Return a maker of APIs; takes the endpoint and what ``target_spec`` takes."""

    def make(url: str | None, **options: Any) -> SageMakerApi:
        spec = target_spec(url, **options)
        telemetry.add_target(spec.name, ())
        return SageMakerApi(spec, sessions, telemetry)

    return make
