from __future__ import annotations

from dataclasses import replace

from replay.faults import Fault, Kind
from replay.firing import Firing
from replay.fleet import DAY, Fleet
from replay.promises import PROMISES
from replay.truth import Trouble
from replay.verdict import AFTERWARDS, Verdict, by_kind, judge, table

HOUR, MINUTE = 3600.0, 60.0
ALERT, OTHER = "SageMakerTuningJobDeleteFailed", "SageMakerTuningJobFailed"
STATED = PROMISES[ALERT]
LABELS = {"tuning_job": "a", "aws_region": "eu-west-1"}


def fleet(*faults: Fault) -> Fleet:
    return Fleet(0, MINUTE, 0.0, DAY, (), (), (), faults)


def trouble(began: float = HOUR, **changes: object) -> Trouble:
    about = {"visible": began, "ended": 10 * HOUR, "must": True, "where": "eu-west-1", "name": "a"}
    return Trouble((ALERT, OTHER), LABELS, began, **(about | changes))  # type: ignore[arg-type]


def firing(since: float, **labels: str) -> Firing:
    return Firing(ALERT, LABELS | {"label_team": "search"} | labels, since, since + HOUR)


def verdict(troubles: list[Trouble], firings: list[Firing], *faults: Fault) -> Verdict:
    return judge(fleet(*faults), troubles, firings)


def in_time(fired: float, *faults: Fault) -> bool:
    [outcome] = verdict([trouble()], [firing(fired)], *faults).outcomes
    return outcome.in_time


def test_found_until_the_stated_time_is_over() -> None:
    due = HOUR + STATED + fleet().lag
    assert in_time(due)
    assert not in_time(due + 1)


def test_missed_when_nothing_fires_about_it() -> None:
    [outcome] = verdict([trouble()], [firing(2 * HOUR, tuning_job="b")]).outcomes
    assert outcome.fired is None
    assert not outcome.in_time


def test_late_when_it_is_never_visible() -> None:
    [outcome] = verdict([trouble(visible=None)], [firing(2 * HOUR)]).outcomes
    assert not outcome.in_time


def test_missed_when_only_its_cause_was_there_to_see() -> None:
    [outcome] = verdict([trouble(visible=None)], []).outcomes
    assert (outcome.fired, outcome.due) == (None, None)


def test_not_asked_for_when_it_is_over_before() -> None:
    found = verdict([trouble(ended=HOUR + STATED)], [])
    assert (found.outcomes, len(found.brief)) == ((), 1)


def test_another_alert_may_tell_of_it() -> None:
    told = replace(firing(HOUR + MINUTE), alert=OTHER)
    [outcome] = verdict([trouble()], [told]).outcomes
    assert outcome.in_time


def test_not_asked_for_when_it_need_not_be_told_but_right() -> None:
    found = verdict([trouble(must=False)], [firing(2 * HOUR)])
    assert (found.outcomes, found.false_alarms) == ((), ())


def test_told_twice_is_of_no_use() -> None:
    found = verdict([trouble()], [firing(2 * HOUR), firing(4 * HOUR), replace(firing(5 * HOUR), alert=OTHER)])
    assert found.repeated == (firing(4 * HOUR),)
    assert not found.false_alarms


def test_told_anew_of_a_new_trouble_is_of_use() -> None:
    """Though the alert about the one before had just gone on when it began."""
    before, new = firing(HOUR), firing(2.5 * HOUR)
    found = verdict([trouble(ended=1.2 * HOUR), trouble(1.9 * HOUR)], [before, new])
    assert (found.repeated, found.false_alarms) == ((), ())
    assert verdict([trouble()], [before, new]).repeated == (new,)


def test_false_when_nothing_explains_it() -> None:
    before, other = firing(HOUR / 2 - HOUR), firing(2 * HOUR, tuning_job="b")
    after = firing(10 * HOUR + fleet().lag + AFTERWARDS + 1)
    assert verdict([trouble()], [before, other, after, firing(2 * HOUR)]).false_alarms == (before, other, after)


def test_the_time_counts_anew_after_the_exporter_saw_nothing() -> None:
    until = 2 * HOUR
    fired = until + STATED + fleet().lag
    assert not in_time(fired)
    assert in_time(fired, Fault(Kind.DOWN, HOUR, until))
    assert in_time(fired, Fault(Kind.REFUSED, HOUR, until, region="eu-west-1"))
    assert not in_time(fired, Fault(Kind.REFUSED, HOUR, until, region="us-east-1"))
    assert not in_time(fired, Fault(Kind.REFUSED, HOUR, until, region="eu-west-1", name="b"))
    assert not in_time(fired, Fault(Kind.REFUSED, HOUR, until, region="eu-west-1", share=0.9))
    assert not in_time(fired, Fault(Kind.RESTART, HOUR, HOUR + 1))


def test_who_looks_seldom_may_look_late_after_the_exporter_saw_nothing() -> None:
    denied = Fault(Kind.REFUSED, HOUR, 2 * HOUR, region="eu-west-1", operations=frozenset({"Describe"}))
    [outcome] = verdict([trouble(HOUR + MINUTE, unseen=HOUR)], [firing(2 * HOUR)], denied).outcomes
    assert outcome.due == denied.until + HOUR + STATED + 2 * fleet().lag


def test_the_time_counts_anew_after_a_long_change_of_pods() -> None:
    change = Fault(Kind.RESTART, HOUR, HOUR + 3 * MINUTE)
    fault_itself = trouble(where=None, name=None)
    [outcome] = verdict([fault_itself], [firing(2 * HOUR)], change).outcomes
    assert outcome.due == change.until + STATED + 2 * fleet().lag
    [outcome] = verdict([fault_itself], [firing(2 * HOUR)], Fault(Kind.DOWN, HOUR, 2 * HOUR)).outcomes
    assert outcome.due == HOUR + STATED + fleet().lag


def test_while_lists_fail_only_they_can_tell_of_is_not_seen() -> None:
    until = 2 * HOUR
    lists = Fault(Kind.REFUSED, HOUR, until, region="eu-west-1", operations=frozenset({"List"}))

    def asked_for(**about: object) -> float | None:
        [outcome] = verdict([trouble(HOUR + MINUTE, **about)], [firing(2 * HOUR)], lists).outcomes
        return outcome.due

    known = asked_for()
    assert known is not None
    assert known < until
    assert asked_for(appeared=HOUR / 2) == known
    for about in ({"appeared": HOUR + MINUTE}, {"unseen": MINUTE}):
        assert (asked_for(**about) or 0) > until + STATED


def test_a_pod_that_starts_while_lists_fail_sees_none_of_what_only_they_can_tell_of() -> None:
    until = 2 * HOUR
    lists = Fault(Kind.REFUSED, HOUR / 2, until, region="eu-west-1", operations=frozenset({"List"}))
    restart = Fault(Kind.RESTART, HOUR - 2, HOUR - 1)
    [before] = verdict([trouble()], [firing(2 * HOUR)], lists).outcomes
    [after] = verdict([trouble()], [firing(2 * HOUR)], lists, restart).outcomes
    assert (before.due or 0) < until < (after.due or 0)


def test_table() -> None:
    found = verdict([trouble(), trouble(3 * HOUR)], [firing(HOUR + 8 * MINUTE), firing(2 * HOUR, tuning_job="b")])
    text = table([ALERT], [replace(found, searches=40)])
    row = "| 2 | 1 | 0 | 1 | 50% | 0 | 8 min | 8 min | 15 min | 1 | 0 | 0.50 |"
    assert f"| `{ALERT}` {row}" in text.splitlines()
    assert text.splitlines()[-1] == "| **all** | 2 | 1 | 0 | 1 | 50% | 0 |  |  |  | 1 | 0 | 0.50 |"


def test_table_of_kinds() -> None:
    found = verdict([trouble(kind="late"), trouble(3 * HOUR, kind="early")], [firing(HOUR + 8 * MINUTE)])
    assert by_kind([found]).splitlines()[2:] == ["| early | 0 | 0 | 1 |", "| late | 1 | 0 | 0 |"]
