"""When the accounts of organizations are read, and what stays while that fails, on a manual clock."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from support.clock import ManualClock
from support.processes import wait_until

from exporter.config.specs import Account, Connection, Credentials, Endpoint, OrganizationSpec, TargetKey
from exporter.errors import CallFailed, ErrorCode, Failure
from exporter.fleet.organizations import PERIOD, RETRY, Organizations, OrganizationView, read_once
from exporter.telemetry import PREFIX, Telemetry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

A, B = Account("111111111111", "a"), Account("222222222222", "b")
UNIT, BELOW = "ou-ab12-11111111", "ou-ab12-22222222"
KEY = TargetKey("aws", "eu-west-1", Credentials(), Endpoint())


def spec(*units: str) -> OrganizationSpec:
    return OrganizationSpec(KEY, Connection(), "/".join(("organization", *units)), units)


class World:
    """Organizations that answer what they are told to, and what was called."""

    def __init__(self) -> None:
        self.clock = ManualClock(1_000.0)
        self.telemetry = Telemetry()
        self.answers: dict[OrganizationSpec, Sequence[Account] | Exception] = {}
        self.readings: Counter[OrganizationSpec] = Counter()
        self.changes: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.organizations = Organizations(self._read, self.telemetry, self.clock, lambda: self.changes.put(None))

    def _read(self, asked: OrganizationSpec) -> Sequence[Account]:
        self.readings[asked] += 1
        answer = self.answers[asked]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def settle(self, readings: int, asked: OrganizationSpec) -> None:
        """Wait until an organization has been read so often and its thread waits again."""
        wait_until(lambda: self.readings[asked] == readings and self.clock._waiting, what="a reading")

    def own(self, name: str) -> list[str]:
        lines = self.telemetry.render_text().decode().splitlines()
        return [line.removeprefix(f"{PREFIX}_{name}") for line in lines if line.startswith(f"{PREFIX}_{name}{{")]


def untried(world: World) -> list[str]:
    return [view.spec.name for view in world.organizations.views if not view.tried]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.organizations.keep_only(())


def test_one_whose_thread_could_not_start_is_read_after_the_next_reload(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = spec()
    world.answers[one] = (A,)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            world.organizations.keep_only([one])
    world.organizations.keep_only([one])
    world.settle(1, one)
    assert world.organizations.accounts == {one: (A,)}


def test_accounts_are_read_each_period_and_told_when_they_change(world: World) -> None:
    one = spec()
    world.answers[one] = (A,)
    world.organizations.keep_only([one])
    world.settle(1, one)
    assert (world.organizations.accounts, untried(world)) == ({one: (A,)}, [])
    assert world.changes.qsize() == 1
    world.clock.advance(PERIOD - 1)
    assert world.readings[one] == 1
    world.clock.advance(1)
    world.settle(2, one)
    assert world.changes.qsize() == 1, "nothing has changed"
    world.answers[one] = (A, B)
    world.clock.advance(PERIOD)
    world.settle(3, one)
    assert world.organizations.accounts == {one: (A, B)}
    assert world.changes.qsize() == 2
    assert world.own("organization_accounts") == ['{organization="organization"} 2.0']


@pytest.mark.parametrize(
    ("error", "code"),
    [(CallFailed(ErrorCode.ACCESS_DENIED, "no"), "access_denied"), (KeyError("Accounts"), "other")],
)
def test_failures_keep_what_is_known_and_are_tried_again_ever_later(world: World, error: Exception, code: str) -> None:
    one = spec()
    world.answers[one] = (A,)
    world.organizations.keep_only([one])
    world.settle(1, one)
    world.answers[one] = error
    world.clock.advance(PERIOD)
    world.settle(2, one)
    for number, pause in enumerate((RETRY, 2 * RETRY, 4 * RETRY, 8 * RETRY, PERIOD, PERIOD), 3):
        world.clock.advance(pause - 1)
        assert world.readings[one] == number - 1
        world.clock.advance(1)
        world.settle(number, one)
    assert world.organizations.accounts == {one: (A,)}
    assert world.changes.qsize() == 1
    [view] = world.organizations.views
    assert (view.accounts, view.last_read, view.next_read) == ((A,), 1_000.0, world.clock.time() + PERIOD)
    assert view.failure is not None
    assert (view.failure.code, view.tried) == (code, True)
    assert world.own("organization_errors_total") == [f'{{code="{code}",organization="organization"}} 7.0']
    assert world.own("organization_last_success_timestamp_seconds") == ['{organization="organization"} 1000.0']


def test_one_that_leaves_the_configuration_is_read_no_more(world: World) -> None:
    one, other = spec("ou-ab12-11111111"), spec("ou-ab12-22222222")
    world.answers |= {one: (A,), other: CallFailed(ErrorCode.TIMEOUT, "late")}
    world.organizations.keep_only([one, other])
    wait_until(lambda: not untried(world), what="both to be tried")
    assert world.organizations.accounts == {one: (A,)}, "one that fails hides nothing of another"
    world.organizations.keep_only([other])
    assert world.organizations.accounts == {}
    assert world.own("organization_accounts") == []
    wait_until(lambda: len(world.clock._waiting) == 1, what="its thread to end")
    world.clock.advance(PERIOD)
    wait_until(lambda: world.readings[other] == 2, what="the other")
    assert world.readings[one] == 1


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        (spec(), replace(spec(), connection=Connection(read_timeout=9.0)), True),
        (spec(), replace(spec(), key=replace(KEY, region="us-east-1")), True),
        (spec(UNIT), spec(UNIT, BELOW), True),
        (spec(UNIT), spec(), True),
        (spec(UNIT, BELOW), spec(UNIT), False),
        (spec(), spec(UNIT), False),
        (spec(), replace(spec(), key=replace(KEY, credentials=Credentials("other"))), False),
        (spec(), replace(spec(), key=replace(KEY, endpoint=Endpoint("http://other"))), False),
    ],
)
def test_a_reload_keeps_the_accounts_of_one_that_is_read_in_another_way(
    world: World, before: OrganizationSpec, after: OrganizationSpec, *, kept: bool
) -> None:
    world.answers |= {before: (A,), after: CallFailed(ErrorCode.ACCESS_DENIED, "no")}
    world.organizations.keep_only([before])
    world.settle(1, before)
    expected = {after: (A,)} if kept else {}
    assert world.organizations.accounts_of([after]) == expected
    assert world.organizations.accounts == {before: (A,)}
    world.organizations.keep_only([after])
    assert world.organizations.accounts == expected
    assert world.own("organization_accounts") == ([f'{{organization="{after.name}"}} 1.0'] if kept else [])
    wait_until(lambda: world.own("organization_errors_total"), what="a refusal")
    assert world.organizations.accounts == expected
    assert len(world.own("organization_last_success_timestamp_seconds")) == len(expected)
    assert world.changes.qsize() == 1


def test_what_to_do_about_a_failure_names_the_operations() -> None:
    assert OrganizationView(spec()).remedy is None
    told = {
        code: OrganizationView(spec("ou-ab12-11111111"), failure=Failure(code, "no")).remedy or "" for code in ErrorCode
    }
    assert told[ErrorCode.ACCESS_DENIED].startswith(
        "Allow organizations:ListAccountsForParent and organizations:ListOrganizationalUnitsForParent to a role in"
    )
    assert all(each and "SageMaker" not in each and "requests_per_second" not in each for each in told.values())


def test_a_command_reads_once_and_counts_it() -> None:
    clock, telemetry = ManualClock(1_000.0), Telemetry()
    assert read_once(spec(), lambda _: [A, B], telemetry, clock) == OrganizationView(spec(), (A, B), 1_000.0)

    def denied(_: OrganizationSpec) -> Sequence[Account]:
        raise CallFailed(ErrorCode.ACCESS_DENIED, "no")

    failed = read_once(spec(), denied, telemetry, clock)
    assert (failed.accounts, failed.failure) == (None, Failure(ErrorCode.ACCESS_DENIED, "no"))
    lines = telemetry.render_text().decode().splitlines()
    assert f'{PREFIX}_organization_accounts{{organization="organization"}} 2.0' in lines
    assert f'{PREFIX}_organization_errors_total{{code="access_denied",organization="organization"}} 1.0' in lines
