"""Which jobs rules find: a random fleet compared, over days, with what the simulator knows of every job's life."""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from fleet.account import DAY, HOUR, Account, exclusion, rule, rules, run

from exporter.clock import Instant
from exporter.config.specs import RuleSpec
from exporter.fleet.rules import Match, created_between, first_lists, job_spec
from exporter.fleet.rules import match as match_rules
from exporter.simulator.life import Life
from exporter.simulator.scenario import SCENARIOS
from exporter.tuning_job import Summary, reduce_summary

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.tag_condition import TagCondition

STATUSES = ("InProgress", "Completed", "Failed", "Stopping", "Stopped", "Deleting")
LATE = 11 * 60.0
"""Lists of what was created lately are read about every five minutes, and a job's last status a round later."""


ASKED: list[dict[str, Any]] = [
    {"env": "prod"}, {"env": "prod", "team": "a"}, {"env": ["prod", "test"]}, {"team": {"regex": "^a"}},
    {"team": {"exists": "true"}, "owner": {"exists": "false"}}, {"owner": {"exists": "true"}},
]  # fmt: skip
EXCLUSIONS = [
    (exclusion(name_contains="a"),), (exclusion({"team": {"regex": "b$"}}),), (exclusion(statuses=frozenset({"Stopped"})),),
    (exclusion({"env": "dev"}, name_regex="^prod-"), exclusion({"owner": {"exists": "true"}}, statuses=frozenset({"Failed"}))),
]  # fmt: skip


def random_rule(random: Random, number: int) -> RuleSpec:
    return rule(
        f"rule-{number}",
        name_contains=random.choice([None, None, "a", "prod-"]),
        name_regex=random.choice([None, None, "[02468]$", "^prod-"]),
        statuses=frozenset(random.sample(STATUSES, random.choice([0, 0, 1, 2, 3]))),
        created_within=random.choice([None, None, HOUR, 5 * HOUR]),
        tags=random.choice([{}, {}, *ASKED]),
        exclude=random.choice([(), (), *EXCLUSIONS]),
        max_jobs=10_000,
    )


def carries(life: Life, tags: Mapping[str, TagCondition]) -> bool:
    for key, asked in tags.items():
        value = life.tags.get(key)
        if asked.values is not None and value not in asked.values:
            return False
        if asked.regex is not None and (value is None or not re.search(asked.regex, value)):
            return False
        if asked.values is None and asked.regex is None and asked.exists != (key in life.tags):
            return False
    return True


def wanted(each: RuleSpec, life: Life, t: float, retention: float) -> bool:
    """Tell, without asking the exporter's code, whether a rule wants a job at a moment."""
    if not life.exists(t):
        return False
    summary = life.summary(t)
    status = summary["HyperParameterTuningJobStatus"]
    return (
        (each.name_contains or "") in life.name
        and (each.name_regex != "[02468]$" or life.name[-1] in "02468")
        and (each.name_regex != "^prod-" or life.name.startswith("prod-"))
        and (not each.statuses or status in each.statuses)
        and (
            status in {"InProgress", "Stopping"}
            or each.created_within is None
            or t - life.created <= each.created_within
        )
        and carries(life, each.tags)
        and not any(
            (out.name_contains or "") in life.name
            and (out.name_regex is None or life.name.startswith("prod-"))
            and (not out.statuses or status in out.statuses)
            and carries(life, out.tags)
            for out in each.exclude
        )
        and (status not in {"Completed", "Failed", "Stopped"} or t < summary["HyperParameterTuningEndTime"] + retention)
    )


@pytest.mark.long
@pytest.mark.parametrize("seed", range(12))
def test_rules_find_what_they_should_and_nothing_else(seed: int) -> None:
    random = Random(seed)
    account = Account()
    given = [random_rule(random, number) for number in range(random.choice([1, 1, 2]))]
    retention = random.choice([2 * HOUR, DAY])
    lives: dict[str, Life] = {}
    begin, end = account.clock.time() - 2 * DAY, account.clock.time() + 0.75 * DAY
    for number in range(45):
        name = random.choice(["prod-", "dev-", "a-"]) + str(number)
        lives[name] = account.simulator.create(
            random.choice(sorted(SCENARIOS)),
            name,
            region="eu-west-1",
            account_id="111122223333",
            created=random.uniform(begin, end),
            speed=random.choice([0.3, 1, 3]),
            tags={"env": random.choice(["prod", "dev"]), "team": random.choice("ab")}
            | random.choice([{}, {"owner": "someone"}]),
        )
    started = account.clock.time()
    driver = account.watch(rules(*given, retention=retention, describe_max_age=random.choice([0.0, 300.0])))
    first_wanted: dict[str, float] = {}
    moments = {name: sorted({state.since for state in life._states}) for name, life in lives.items()}
    looked = started
    while account.clock.time() < end:
        run(driver, 1_200)
        now = account.clock.time()
        for name, life in lives.items():
            times = [t for t in moments[name] if looked <= t <= now]
            times += [looked + 60 * i for i in range(21) if looked + 60 * i <= now]
            for t in sorted(times):
                if name not in first_wanted and any(wanted(each, life, t, retention) for each in given):
                    first_wanted[name] = t
        looked = now
        watched = driver.views().keys()
        assert watched <= first_wanted.keys()
        for name in watched:
            assert now < (lives[name].gone or now) + 3_800, "one that was deleted goes within the hour"
            assert not over(lives[name], now, retention)
        for name, since in first_wanted.items():
            if now - since > LATE and lives[name].exists(now) and not over(lives[name], now, retention):
                settled = any(wanted(each, lives[name], since + LATE / 2, retention) for each in given)
                assert name in watched or not settled, (name, since - started, now - started)


def over(life: Life, t: float, retention: float) -> bool:
    return life.ended is not None and t >= life.ended + retention


def summary(name: str = "prod-a", **members: Any) -> Summary:
    return reduce_summary(
        {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": f"arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/{name}",
            "HyperParameterTuningJobStatus": "InProgress",
            "CreationTime": 1_000.0,
        }
        | members
    )


def match(given: RuleSpec, found: Summary, *, tags: Any = None, now: float = 2_000.0) -> Match:
    return match_rules([given], found, lambda _: tags, DAY, Instant(now, 0.0))


def test_a_rule_without_conditions_wants_every_job_that_has_not_ended_too_long_ago() -> None:
    assert match(rule(), summary()).rule == rule()
    ended = summary(HyperParameterTuningJobStatus="Failed", LastModifiedTime=1_500.0)
    assert match(rule(), ended).rule == rule()
    assert match(rule(), ended, now=1_500.0 + DAY).rule is None


def test_the_first_rule_that_wants_a_job_has_it_unless_an_earlier_one_still_needs_tags() -> None:
    now, tagged, other = Instant(2_000.0, 0.0), rule("tagged", tags={"env": "prod"}), rule("other")
    found = match_rules([tagged, other], summary(), lambda _: None, DAY, now)
    assert (found.rule, found.tags_needed) == (None, True)
    assert match_rules([tagged, other], summary(), lambda _: {"env": "dev"}, DAY, now).rule == other
    assert match_rules([tagged, other], summary(), lambda _: {"env": "prod"}, DAY, now).rule == tagged


def test_a_pattern_is_one_of_re2_found_anywhere_in_a_name() -> None:
    given = rule(name_regex=r"-hpo\z")
    assert match(given, summary("prod-a-hpo")).rule == given
    assert match(given, summary("prod-hpo-a")).rule is None
    slow = rule(name_regex="^([a-z0-9]+-?)+-hpo$")
    assert match(slow, summary("churn-xgboost-hpo")).rule == slow


def test_a_job_in_another_status_may_be_wanted_later_until_it_has_ended() -> None:
    completed = rule(statuses=frozenset({"Completed"}))
    assert match(completed, summary()).later
    stopped = summary(HyperParameterTuningJobStatus="Stopped", LastModifiedTime=1_900.0)
    assert not match(completed, stopped).later


@pytest.mark.parametrize("status", ["Completed", "Failed", "Stopped", "Deleting", "DeleteFailed"])
def test_an_age_counts_from_creation_and_an_unknown_creation_is_too_old(status: str) -> None:
    young = rule(created_within=HOUR)
    found = summary(HyperParameterTuningJobStatus=status)
    assert match(young, found, now=1_000.0 + HOUR).rule == young
    assert match(young, found, now=1_001.0 + HOUR).rule is None
    undated = summary(HyperParameterTuningJobStatus=status, CreationTime=None)
    assert match(young, undated).rule is None
    assert match(rule(), undated).rule == rule()


@pytest.mark.parametrize("status", ["InProgress", "Stopping", "StatusOfTomorrow"])
def test_a_job_that_runs_is_never_too_old(status: str) -> None:
    young = rule(created_within=HOUR)
    found = summary(HyperParameterTuningJobStatus=status)
    assert match(young, found, now=1_000.0 + 29 * DAY).rule == young
    assert match(young, summary(HyperParameterTuningJobStatus=status, CreationTime=None)).rule == young


def test_the_first_look_reaches_back_to_old_jobs_that_are_being_stopped() -> None:
    ended, stopping = first_lists(rule(created_within=HOUR), DAY, Instant(100 * DAY, 0.0))
    assert ended == {"CreationTimeAfter": 100 * DAY - HOUR - 1}
    assert stopping == {"CreationTimeAfter": 69 * DAY - 1, "StatusEquals": "Stopping"}
    by_status = first_lists(rule(created_within=HOUR, statuses=frozenset({"Failed"})), DAY, Instant(100 * DAY, 0.0))
    assert {each["StatusEquals"]: each["CreationTimeAfter"] for each in by_status} == {
        "Deleting": 100 * DAY - HOUR - 1,
        "Failed": 100 * DAY - HOUR - 1,
        "Stopping": 69 * DAY - 1,
    }


def test_requests_carry_whole_seconds_that_lose_no_job() -> None:
    filters = created_between(1_000.9, 1_000.9)
    assert filters["CreationTimeAfter"] < 1_000
    assert filters["CreationTimeBefore"] > 1_001


def test_the_first_look_reaches_back_as_far_as_a_job_may_have_run() -> None:
    [filters] = first_lists(rule(name_contains="x"), DAY, Instant(100 * DAY, 0.0))
    assert filters == {"CreationTimeAfter": 69 * DAY - 1, "NameContains": "x"}
    assert [*first_lists(rule(statuses=frozenset({"InProgress"})), DAY, Instant(100 * DAY, 0.0))] == []
    asked = first_lists(rule(statuses=frozenset({"InProgress", "Stopped"})), DAY, Instant(100 * DAY, 0.0))
    assert [each["StatusEquals"] for each in asked] == ["Deleting", "Stopped", "Stopping"]


def test_what_a_rule_leaves_out_takes_all_conditions_of_one_exclusion() -> None:
    given = rule(exclude=(exclusion({"env": "dev"}, name_contains="prod"), exclusion({"keep": {"exists": "false"}})))
    assert match(given, summary(), tags={"env": "dev", "keep": ""}).rule is None
    assert match(given, summary("a"), tags={"env": "dev", "keep": ""}).rule == given
    assert match(given, summary("a"), tags={}).rule is None
    assert match(given, summary(), tags=None) == (None, True, False)


def test_tags_are_asked_for_only_where_they_decide() -> None:
    def asked(_: Summary) -> None:
        raise AssertionError("nothing hangs on tags")

    given = rule(exclude=(exclusion(name_contains="test"), exclusion({"env": "dev"}, name_regex="^dev")))
    for name, found in (("a-test", None), ("dev-test", None), ("prod", given)):
        assert match_rules([given], summary(name), asked, DAY, Instant(2_000.0, 0.0)).rule == found


def test_a_job_that_is_left_out_for_its_status_may_be_wanted_in_another() -> None:
    given = rule(exclude=(exclusion(statuses=frozenset({"InProgress", "Stopped"})),))
    assert match(given, summary()) == (None, False, True)
    stopped = summary(HyperParameterTuningJobStatus="Stopped", LastModifiedTime=1_900.0)
    assert match(given, stopped) == (None, False, False)
    failed = summary(HyperParameterTuningJobStatus="Failed", LastModifiedTime=1_900.0)
    assert match(given, failed).rule == given


def test_named_groups_are_labels_beside_the_configured_ones() -> None:
    given = rule(name_regex="^(?P<search>.+?)(-(?P<day>[0-9]{6}))?$", labels={"team": "a"})
    assert job_spec(given, "churn-251125").labels == {"team": "a", "search": "churn", "day": "251125"}
    assert job_spec(given, "churn").labels == {"team": "a", "search": "churn"}
    plain = rule(name_regex="^c", labels={"team": "a"})
    assert job_spec(plain, "churn").labels is plain.labels
