"""What is written of calls that fail, that come late, or whose answers are odd; and what is missing on lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from recording.files import NEWEST, summary
from support.api import RefusingApi
from support.clock import ManualClock

from exporter.config import parse
from exporter.errors import CallFailed, ErrorCode
from exporter.recording import Call, Recorder, Recording, Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from exporter.recording.events import Event
    from exporter.sagemaker import Api

SETTINGS = parse("aws: {region: eu-west-1}\ntuning_jobs: [a, b]\n", "c.yaml")


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


class Answers(RefusingApi):
    """Answers whatever it is given next, or raises it."""

    def __init__(self, clock: ManualClock) -> None:
        self.next: Any = None
        self.takes = 0.0
        self._clock = clock

    def _answer(self) -> Any:
        self._clock.advance(self.takes)
        if isinstance(self.next, Exception):
            raise self.next
        return self.next

    def describe(self, name: str) -> Mapping[str, Any]:
        return self._answer()

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        return self._answer()


class Rig:
    def __init__(self, path: Path, **how: Any) -> None:
        self.clock = ManualClock(1_764_000_000.0)
        self.path = path
        self.answers = Answers(self.clock)
        how.setdefault("redacts", False)
        self.recorder = Recorder(SETTINGS, self.clock, lambda header: Writer(path, header, self.clock.monotonic), **how)
        self.api: Api = self.recorder.around(self.answers, 0)

    def show(self, *rows: Any, **request: Any) -> None:
        token = request.pop("after", None)
        self.clock.advance(1)
        self.answers.next = {"HyperParameterTuningJobSummaries": [*rows], "NextToken": token}
        self.api.list_jobs(NEWEST | request)

    def events(self) -> list[Event]:
        self.recorder.close()
        return [*Recording(self.path).events()]


@pytest.fixture
def rig(tmp_path: Path) -> Rig:
    return Rig(tmp_path / "a.rec")


def gone(events: list[Event]) -> list[tuple[str, ...]]:
    return [event.gone for event in events]


def test_what_a_list_would_show_and_does_not_is_gone_until_one_shows_it(rig: Rig) -> None:
    running = {"StatusEquals": "InProgress"}
    rig.show(summary("b", 20.0), summary("a", 10.0), **running)
    rig.show(summary("b", 20.0), **running)
    rig.show(summary("b", 20.0), summary("a", 10.0), **running)
    rig.show(summary("z", 30.0, "Failed"), NameContains="z", **running)
    first, second, third, fourth = rig.events()
    assert gone([first, second, third, fourth]) == [(), ("a",), (), ()]
    assert first.rows is not None
    assert first.rows.keys() == {"a", "b"}
    assert second.rows == {}
    assert third.rows == {"a": first.rows["a"]}  # as it was, and there all the same


def test_a_page_tells_nothing_of_what_is_on_others(rig: Rig) -> None:
    rig.show(summary("c", 30.0), summary("b", 20.0), summary("a", 10.0))
    rig.show(summary("c", 30.0), after="more")
    rig.show(summary("a", 10.0), NextToken="more")
    rig.show(after="on")  # empty, and leads on
    rig.show(NextToken="unknown")
    rig.show(LastModifiedTimeAfter=5.0)
    rig.show(SortBy="Name")
    assert gone(rig.events()) == [(), (), ("b",), (), (), (), ()]


def test_a_failure_is_told_by_its_code_alone(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "a.rec", redacts=True)
    rig.answers.next, rig.answers.takes = CallFailed(ErrorCode.ACCESS_DENIED, "user anna may not"), 0.25
    with pytest.raises(CallFailed, match="anna"):
        rig.api.describe("a")
    [event] = rig.events()
    assert (event.call, event.about, event.code, event.took) == (
        Call.DESCRIBE,
        "job0001",
        ErrorCode.ACCESS_DENIED,
        0.25,
    )


def test_a_call_that_the_exporter_has_given_up_has_timed_out(rig: Rig) -> None:
    rig.answers.next, rig.answers.takes = summary("a", 10.0), 41.0
    rig.api.describe("a")
    [event] = rig.events()
    assert event.code is ErrorCode.TIMEOUT


@pytest.mark.parametrize(
    ("make", "answer"),
    [
        (lambda api: api.describe("a"), "<html>"),
        (lambda api: api.list_jobs(NEWEST), {"HyperParameterTuningJobSummaries": 3}),
        (lambda api: api.list_jobs(NEWEST), None),
        (lambda api: api.list_jobs(NEWEST), {"HyperParameterTuningJobSummaries": [summary("c", CIRCLE)]}),  # type: ignore[arg-type]
        (
            lambda api: api.list_jobs(NEWEST),
            {"HyperParameterTuningJobSummaries": [{"HyperParameterTuningJobName": ["a"]}, 1]},
        ),
    ],
)
@pytest.mark.parametrize("redacts", [True, False])
def test_the_exporter_gets_an_odd_answer_as_it_is(
    tmp_path: Path, redacts: bool, make: Callable[[Api], Any], answer: Any
) -> None:
    rig = Rig(tmp_path / "a.rec", redacts=redacts)
    rig.show(summary("a", 10.0))
    rig.answers.next = answer
    assert make(rig.api) is answer
    rig.show(summary("a", 10.0), summary("b", 20.0))  # what comes later is written all the same
    events = rig.events()
    assert len(events) == 3
    assert events[-1].rows is not None
    times = [row["CreationTime"] for row in events[-1].rows.values()]
    assert times in ([20.0], [20.0, 10.0])  # the other one too, where it was missing meanwhile


def test_what_cannot_be_written_is_told_once_and_the_exporter_goes_on(tmp_path: Path) -> None:
    failures: list[OSError] = []
    rig = Rig(tmp_path / "a.rec", on_failure=failures.append)
    rig.recorder._writer._file.close()
    rig.recorder._writer._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the recorder owns it
    for _ in range(2):
        rig.clock.advance(61)
        rig.answers.next = summary("a", 10.0)
        assert rig.api.describe("a") is rig.answers.next
    assert [failure.strerror for failure in failures] == ["No space left on device"]
    rig.recorder._writer._file.close()
