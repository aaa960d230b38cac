from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sagemaker.conftest import MakeApi
from sagemaker.wire import Wire, tuning_job

from exporter.sagemaker.times import as_sent, local_time, unix_seconds


@pytest.fixture(params=["UTC", "Asia/Kathmandu", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put the machine elsewhere."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", request.param)
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("zone")
def test_times_arrive_as_unix_seconds_wherever_the_machine_stands(wire: Wire, make_api: MakeApi) -> None:
    wire.answer = tuning_job(CreationTime=1_700_000_000.25, LastModifiedTime="2023-11-14T22:13:20Z")
    answer = make_api(wire.url).describe("churn")
    assert answer["CreationTime"] == 1_700_000_000.25
    assert answer["LastModifiedTime"] == 1_700_000_000


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (1_700_000_000, 1_700_000_000),
        ("1700000000.25", 1_700_000_000.25),
        ("2023-11-14T22:13:20", 1_700_000_000),
        ("2023-11-15T03:58:20+05:45", 1_700_000_000),
        ("soon", "soon"),
        ("1e300", "1e300"),
        ("inf", "inf"),
        ("10000-01-01", "10000-01-01"),
        ("Tue, 14 Nov 2023 22:13:20 GMT", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ("2023", 2023),
        ("jan", "jan"),
        ("0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ([1], [1]),
        ({}, {}),
        (None, None),
    ],
)
def test_odd_times_are_read_or_handed_on(sent: object, expected: object) -> None:
    assert unix_seconds(sent) == expected


@pytest.mark.parametrize("piece", ["1.2.", "1", "jan ", "1:", " ", "T1", "2020-01-01 "])
def test_a_long_text_is_no_time_and_is_not_read(
    wire: Wire, make_api: MakeApi, monkeypatch: pytest.MonkeyPatch, piece: str
) -> None:
    monkeypatch.setattr("dateutil.parser.parse", lambda *_, **__: pytest.fail("read"))
    text = piece * 10_000
    assert unix_seconds(text) is text
    wire.answer = tuning_job(CreationTime=text)
    assert make_api(wire.url).describe("churn")["CreationTime"] == text


@pytest.mark.usefixtures("zone")
def test_local_times_name_the_zone_of_the_machine() -> None:
    told = local_time(1_700_000_000.25)
    assert datetime.fromisoformat(told) == datetime.fromtimestamp(1_700_000_000.25, UTC)
    assert told == datetime.fromtimestamp(1_700_000_000.25).astimezone().isoformat()
    assert local_time("soon") == "soon"
    assert local_time("1e300") == "1e300"
    assert as_sent("soon") == "soon"
