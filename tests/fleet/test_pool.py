"""Real threads on the real clock, with an API that does as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import replace
from typing import Any

import pytest
import structlog
from fleet.driver import ACCOUNT, DESCRIBE, FakeApi, Own, answer, known, target_spec
from support.processes import wait_until

from exporter.clock import SystemClock
from exporter.config.specs import Connection, TargetSpec
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet import JobState, JobView, Pool, Target
from exporter.fleet.events import Event, log_events

PATIENCE = 10.0


class HangingApi(FakeApi):
    """Hangs in the describe of ``hanging`` names until it is released."""

    def __init__(self, *hanging: str) -> None:
        super().__init__()
        self.hanging = set(hanging)
        self.asked: list[str] = []
        self.inside = threading.Semaphore(0)
        self.released = threading.Event()

    def describe(self, name: str) -> Mapping[str, Any]:
        self.asked.append(name)
        if name in self.hanging:
            self.inside.release()
            assert self.released.wait(PATIENCE * 3)
        return super().describe(name)


class Crew:
    """One target, or several, and the pool that drives them."""

    def __init__(self, spec: TargetSpec, api: FakeApi) -> None:
        self.telemetry = Own()
        self.clock = SystemClock()
        self.changes = threading.Condition()
        self.changed = 0
        self.after_change: Callable[[], object] = lambda: None
        self.apis: list[FakeApi] = []
        self.pool = Pool(self.clock, self._note)
        self.target = self.add(spec, api)

    def add(self, spec: TargetSpec, api: FakeApi) -> Target:
        target = Target(spec, self.telemetry, self.clock.now())
        self.apis.append(api)
        self.pool.drive(target, api)
        return target

    def start(self) -> None:
        self.pool.start()

    def end(self) -> None:
        """Stop, let go what hangs, and see that no thread is left."""
        self.pool.stop()
        for api in self.apis:
            if isinstance(api, HangingApi):
                api.released.set()
        self.pool.join(PATIENCE)
        assert not self.pool._watch.is_alive()
        assert not [worker for worker in self.pool._workers._all if worker.thread.is_alive()]

    def _note(self, _more: bool) -> None:
        with self.changes:
            self.changed += 1
            self.changes.notify_all()
        self.after_change()

    def await_changes(self, condition: Callable[[], bool]) -> None:
        """Wait until something holds after a change."""
        with self.changes:
            assert self.changes.wait_for(condition, PATIENCE)

    def await_view(self, condition: Callable[[dict[str, JobView]], bool], target: Target | None = None) -> None:
        self.await_changes(lambda: condition(self.views(target)))

    def views(self, target: Target | None = None) -> dict[str, JobView]:
        target = target or self.target
        with target.lock:
            return {job.name: job for job in target.view(self.clock.now()).jobs}

    def update(self, spec: TargetSpec) -> None:
        with self.target.lock:
            self.target.update(spec, self.clock.now())
        self.pool.look_at(self.target)


StartCrew = Callable[[TargetSpec, FakeApi], Crew]


@pytest.fixture(autouse=True)
def lines() -> Iterator[list[MutableMapping[str, Any]]]:
    """Every line that is logged from the first thread's start to the last one's end."""
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def start(lines: object) -> Iterator[StartCrew]:
    """Start crews that are at rest after the test."""
    crews: list[Crew] = []

    def start(spec: TargetSpec, api: FakeApi) -> Crew:
        crew = Crew(spec, api)
        crews.append(crew)
        crew.start()
        return crew

    yield start
    for crew in crews:
        crew.end()


def test_there_are_as_many_threads_as_calls_at_once(start: StartCrew) -> None:
    names = [f"job-{i}" for i in range(12)]
    api = HangingApi(*names)
    crew = start(target_spec(*names), api)
    wait_until(lambda: len(api.asked) == 8, what="the calls")
    assert crew.pool.threads == crew.pool.busy == 8
    assert all(worker.thread.daemon for worker in crew.pool._workers._all)
    api.released.set()
    crew.await_view(lambda views: all(view.state is JobState.RUNNING for view in views.values()))
    assert crew.pool.threads == 8


def test_idle_threads_end(start: StartCrew, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporter.fleet.workers._IDLE_SECONDS", 0.05)
    names = [f"job-{i}" for i in range(5)]
    crew = start(target_spec(*names), HangingApi())
    crew.await_view(lambda views: all(view.state is JobState.RUNNING for view in views.values()))
    wait_until(lambda: crew.pool.threads == 0, what="the threads to end")
    assert not crew.pool.dead
    crew.update(target_spec(*names, "late"))
    crew.await_view(lambda views: views["late"].state is JobState.RUNNING)


def test_a_thread_that_is_about_to_start_does_not_look_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[bool] = []
    crew = Crew(target_spec("a", "b"), FakeApi())
    begin = threading.Thread.start

    def watched(thread: threading.Thread) -> None:
        if thread.name.startswith("call-"):
            started.append(crew.pool._workers.alive)
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", watched)
    crew.start()
    crew.await_view(lambda views: all(view.state is JobState.RUNNING for view in views.values()))
    crew.end()
    assert started
    assert all(started)


def test_calls_past_their_deadline_fail_and_hold_up_nobody(start: StartCrew) -> None:
    stuck = [f"stuck-{i}" for i in range(10)]
    api = HangingApi(*stuck)
    quick = Connection(connect_timeout=0.05, read_timeout=0.05)
    crew = start(target_spec(*stuck, "good", connection=quick, interval=0.5, stale_after=60.0), api)
    crew.await_view(lambda views: all(views[name].failure is not None for name in stuck))
    assert {known(views.failure).code for name, views in crew.views().items() if name != "good"} == {ErrorCode.TIMEOUT}
    described = api.asked.count("good")
    wait_until(lambda: api.asked.count("good") >= described + 2, what="the good one to be described again")
    assert max(api.asked.count(name) for name in stuck) == 1, "a job is not asked for again while its call is stuck"
    assert not crew.pool.dead
    api.released.set()
    crew.await_view(lambda views: all(view.state is JobState.RUNNING for view in views.values()))


@pytest.mark.long
def test_targets_that_hang_hold_up_no_other_and_are_bounded(start: StartCrew) -> None:
    names = [f"job-{i}" for i in range(8)]
    first = HangingApi(*names)
    slow = target_spec(*names, interval=0.5, stale_after=60.0)
    crew = start(slow, first)
    hanging = [first, *(HangingApi(*names) for _ in range(49))]
    for api in hanging[1:]:
        crew.add(slow, api)
    sound = HangingApi()
    target = crew.add(target_spec(*names, interval=0.5), sound)
    wait_until(lambda: all(api.asked for api in hanging), what="a call of each that hangs")
    crew.await_view(lambda views: all(view.state is JobState.RUNNING for view in views.values()), target)
    described = sound.asked.count("job-0")
    wait_until(lambda: sound.asked.count("job-0") >= described + 3, what="more describes of the sound one")
    assert crew.pool.threads <= 50 + 32 + 8, "a first call of each, a few further ones, and the usual workers"


def test_a_target_that_hangs_makes_one_call_at_a_time_until_one_comes_back(start: StartCrew) -> None:
    names = [f"job-{i}" for i in range(8)]
    api = HangingApi(*names)
    quick = Connection(connect_timeout=0.05, read_timeout=0.05)
    crew = start(target_spec(*names, connection=quick, interval=0.5, stale_after=60.0), api)
    wait_until(lambda: crew.target.calls_given_up >= 8, what="the calls to be given up")
    (driven,) = crew.pool._driven.values()
    assert driven.hangs
    api.hanging.clear()
    api.released.set()
    crew.await_view(lambda views: all(view.state is JobState.RUNNING for view in views.values()))
    wait_until(lambda: not driven.hangs, what="it to be trusted again")


def test_a_target_that_is_removed_is_called_no_more(start: StartCrew) -> None:
    leaving, staying = HangingApi(), HangingApi()
    crew = start(target_spec("churn", interval=0.05), leaving)
    crew.add(target_spec("churn", interval=0.05), staying)
    wait_until(lambda: len(leaving.asked) >= 3, what="describes")
    crew.pool.remove(crew.target)
    wait_until(lambda: not any(driven.target is crew.target for driven in crew.pool._driven.values()), what="its end")
    asked, goes_on = len(leaving.asked), len(staying.asked)
    wait_until(lambda: len(staying.asked) >= goes_on + 10, what="describes of the other")
    assert len(leaving.asked) <= asked + 1, "one may have been on its way"


def test_another_api_takes_over_and_what_the_old_one_brings_counts(start: StartCrew) -> None:
    old, new = HangingApi("churn"), HangingApi()
    crew = start(target_spec("churn", interval=0.05), old)
    assert old.inside.acquire(timeout=PATIENCE)
    crew.apis.append(new)
    crew.pool.drive(crew.target, new)
    old.released.set()
    crew.await_view(lambda views: views["churn"].state is JobState.RUNNING)
    wait_until(lambda: new.asked, what="a call of the new one")
    assert old.asked == ["churn"]


def test_a_target_that_hangs_is_trusted_again_with_another_api(start: StartCrew) -> None:
    names = [f"job-{i}" for i in range(8)]
    old, new = HangingApi(*names), HangingApi(*names)
    crew = start(target_spec(*names, connection=Connection(connect_timeout=0.05, read_timeout=0.05)), old)
    wait_until(lambda: crew.target.calls_given_up >= 8, what="the calls to be given up")
    crew.apis.append(new)
    crew.update(target_spec(*names))
    crew.pool.drive(crew.target, new)
    wait_until(lambda: crew.pool.busy == 16, what="calls at once beside those that hang")


def test_jobs_are_described_again_and_again(start: StartCrew) -> None:
    api = HangingApi()
    crew = start(target_spec("a", "b", interval=0.05), api)
    crew.await_changes(lambda: min(api.asked.count("a"), api.asked.count("b")) >= 4)
    assert not crew.pool.dead
    assert {job.state for job in crew.views().values()} == {JobState.RUNNING}


@pytest.mark.parametrize("hanging", [(), ("late",)], ids=["at rest", "while a call hangs"])
def test_a_target_is_not_looked_at_while_nothing_is_due(start: StartCrew, hanging: tuple[str, ...]) -> None:
    api, other = HangingApi(*hanging), HangingApi()
    crew = start(target_spec("churn"), api)
    crew.update(target_spec("churn", "late"))
    wait_until(lambda: set(api.asked) == {"churn", "late"}, what="the calls")
    wait_until(lambda: crew.pool.busy == len(hanging), what="the others to come back")
    wait_until(lambda: sleeps_for_seconds(crew), what="rest")
    looks = 0
    ask = crew.target.next

    def counting(now: Any) -> Any:
        nonlocal looks
        looks += 1
        return ask(now)

    crew.target.next = counting  # type: ignore[method-assign]
    crew.add(target_spec("churn", interval=0.05), other)
    wait_until(lambda: len(other.asked) >= 10, what="describes of the other")
    assert looks == 0, "the other's calls wake the watch and a worker, but not for this target"
    assert sorted(api.asked) == ["churn", "late"]


def sleeps_for_seconds(crew: Crew) -> bool:
    """Return whether the watch has nothing to do in the next seconds."""
    with crew.pool._lock:
        at = crew.pool._looks_at
        return at is not None and at > crew.clock.monotonic() + 5.0 and not crew.pool._waiting


def test_a_call_that_hangs_holds_up_no_other_target(start: StartCrew) -> None:
    names = [f"job-{i}" for i in range(8)]
    stuck, sound = HangingApi(*names), HangingApi()
    start(target_spec(*names), stuck)
    for _ in names:
        assert stuck.inside.acquire(timeout=PATIENCE)
    crew = start(target_spec(*names, interval=0.05), sound)
    crew.await_changes(lambda: all(sound.asked.count(name) >= 3 for name in names))


def test_a_call_that_hangs_holds_up_no_other_job(start: StartCrew) -> None:
    api = HangingApi("stuck")
    crew = start(target_spec("stuck", "sound", requests_per_second=1_000.0, interval=0.05), api)
    crew.await_changes(lambda: api.asked.count("sound") >= 3)
    assert api.asked.count("stuck") == 1
    assert crew.views()["stuck"].state is JobState.PENDING


def test_an_answer_wakes_a_thread_for_a_retry(start: StartCrew) -> None:
    api = FakeApi()
    api.fail("churn", ErrorCode.THROTTLED)
    crew = start(target_spec("churn", interval=0.2), api)
    crew.await_changes(lambda: crew.changed >= 3)
    api.jobs["churn"] = answer("churn")
    crew.await_view(lambda views: views["churn"].state is JobState.RUNNING)


@pytest.mark.long
def test_a_thread_that_is_held_up_after_an_answer_holds_up_nobody(start: StartCrew) -> None:
    api = HangingApi("churn")
    crew = start(target_spec("churn", interval=0.05, requests_per_second=1.0), api)
    assert api.inside.acquire(timeout=PATIENCE)
    first = threading.Lock()

    def hold() -> None:
        if first.acquire(blocking=False):
            with crew.changes:
                assert crew.changes.wait_for(lambda: crew.changed >= 3, PATIENCE)

    # The other thread sleeps and knows of nothing to come. The one to bring the first answer goes no further.
    crew.after_change = hold
    api.hanging.clear()
    api.released.set()
    crew.await_changes(lambda: crew.changed >= 3)


def test_stop_ends_the_idle_at_once_and_waits_for_nobody_longer_than_told(start: StartCrew) -> None:
    stuck = [f"job-{i}" for i in range(6)]
    api = HangingApi(*stuck)
    crew = start(target_spec(*stuck), api)
    for _ in stuck:
        assert api.inside.acquire(timeout=PATIENCE)
    crew.pool.stop()
    started = time.monotonic()
    crew.pool.join(0.3)
    assert 0.25 < time.monotonic() - started < 0.9, "in all, however many hang"
    assert sum(worker.thread.is_alive() for worker in crew.pool._workers._all) == 6
    assert not crew.pool._watch.is_alive()


def test_what_comes_after_stop_is_dropped(start: StartCrew, lines: list[MutableMapping[str, Any]]) -> None:
    api = HangingApi("churn")
    crew = start(target_spec("churn"), api)
    assert api.inside.acquire(timeout=PATIENCE)
    crew.pool.stop()
    crew.telemetry.keep_only_targets(())
    api.released.set()
    crew.pool.join(PATIENCE)
    assert not any(worker.thread.is_alive() for worker in crew.pool._workers._all)
    assert crew.changed == 0
    assert crew.views()["churn"].state is JobState.PENDING
    assert [line["event"] for line in lines if line.get("target") == "eu"] == ["call"]
    assert b'target="eu"' not in crew.telemetry.render_text(), "series of a target that left stay away"


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("odd"),
        KeyError("x"),
        RecursionError("deep"),
        MemoryError(),
        OSError(28, "no space"),
        StopIteration(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        CallFailed(ErrorCode.CONNECTION, "no way"),
        type("AWrongOneOfOurOwn", (Exception,), {})("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_exception_ends_a_thread(start: StartCrew, error: Exception) -> None:
    api = FakeApi()
    api.jobs["churn"] = error
    crew = start(target_spec("churn", interval=0.05), api)
    crew.await_changes(lambda: crew.changed >= 2)
    failure = crew.views()["churn"].failure
    assert isinstance(failure, Failure)
    assert failure.code is (error.code if isinstance(error, CallFailed) else ErrorCode.OTHER)
    assert not crew.pool.dead
    api.jobs["churn"] = answer("churn")
    crew.await_view(lambda views: views["churn"].state is JobState.RUNNING)


def test_an_answer_of_no_type_at_all_is_a_failure(start: StartCrew) -> None:
    api = FakeApi()
    api.jobs["churn"] = None  # type: ignore[assignment]
    crew = start(target_spec("churn", interval=0.05), api)
    crew.await_changes(lambda: crew.changed >= 2)
    failure = crew.views()["churn"].failure
    assert failure is not None
    assert failure.code is ErrorCode.MALFORMED_ANSWER


def test_an_identity_is_asked_for_and_shown(start: StartCrew) -> None:
    api = FakeApi()
    api.fail("churn", ErrorCode.ACCESS_DENIED)
    crew = start(target_spec("churn", account_id=None), api)
    crew.await_view(lambda views: views["churn"].account_id == ACCOUNT)


def test_a_change_is_one_line_and_a_poll_none(start: StartCrew, lines: list[MutableMapping[str, Any]]) -> None:
    api = FakeApi()
    crew = start(target_spec("churn", interval=0.02), api)

    def poll() -> None:
        """Let a describe that begins after now come back, and two more."""
        seen = crew.changed
        crew.await_changes(lambda: crew.changed >= seen + 4)

    poll()
    api.fail("churn", ErrorCode.ACCESS_DENIED)
    poll()
    api.jobs["churn"] = answer("churn", "Stopping")
    poll()
    crew.pool.stop()
    crew.pool.join(PATIENCE)
    ours = [line for line in lines if line.get("target") == "eu"]  # what else runs in this process logs too
    calls = [line for line in ours if line["event"] == "call"]
    told = [line for line in ours if line not in calls]
    assert [(line["log_level"], line["event"]) for line in told] == [
        ("info", "tuning job found"),
        ("debug", "describe failed"),
        ("warning", "describing tuning jobs fails"),
        ("debug", "describe succeeded again"),
        ("info", "tuning job status changed"),
    ]
    assert told[1]["tuning_job"] == "churn"
    assert (told[2]["code"], told[2]["tuning_jobs"], told[2]["example"]) == ("access_denied", 1, "churn")
    assert {(line["operation"], line["outcome"]) for line in calls} == {(DESCRIBE, "ok"), (DESCRIBE, "access_denied")}


def test_events_are_logged_with_their_fields(lines: list[MutableMapping[str, Any]]) -> None:
    log_events([Event("info", "one", {"a": "1"}), Event("warning", "two", {"message": "m", "failures": 2})])
    assert lines == [
        {"event": "one", "log_level": "info", "a": "1"},
        {"event": "two", "log_level": "warning", "message": "m", "failures": 2},
    ]


def test_an_update_under_way_keeps_threads_and_counts_exact(start: StartCrew) -> None:
    api = HangingApi()
    spec = target_spec("a", "b", "c", interval=0.02)
    crew = start(spec, api)
    for names in (("a", "b"), ("b", "d"), ("a", "b", "c", "d"), ("d",)):
        crew.update(replace(target_spec(*names), interval=0.02))
        seen = len(api.asked)
        crew.await_changes(lambda seen=seen: len(api.asked) >= seen + 6)  # type: ignore[misc]
    crew.pool.stop()
    crew.pool.join(PATIENCE)
    assert crew.telemetry.value("api_requests_total", target="eu", operation=DESCRIBE) == len(api.asked)
    assert list(crew.views()) == ["d"]
