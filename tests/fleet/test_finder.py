"""Discovery, driven through a whole target against the simulated service."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fleet.account import DAY, DESCRIBE, HOUR, LIST, NOW, Account, ended_ago, exclusion, rule, rules, run
from fleet.driver import ACCOUNT, CREATED, REGION, Driver, FakeApi, answer, job_specs, known

from exporter.errors import ErrorCode
from exporter.fleet import JobState, perform
from exporter.fleet.running import MAX_PAGES
from exporter.fleet.tags import TagListings
from exporter.simulator.faults import Fault, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.specs import RuleSpec


class Listing(FakeApi):
    """Lists these tuning jobs, which run, wherever they are asked for."""

    def __init__(self, **created: float) -> None:
        super().__init__()
        counters: dict[str, Any] = {"TrainingJobStatusCounters": {}, "ObjectiveStatusCounters": {}}
        self.running = [answer(name, created=time, **counters) for name, time in created.items()]

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        found = self.running if request.get("StatusEquals", "InProgress") == "InProgress" else []
        return {"HyperParameterTuningJobSummaries": found}


class Endless(Listing):
    """Lists them too, but a look-up has empty pages without end. ``looked_up`` counts them."""

    looked_up = 0

    def list_jobs(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        if request.get("NameContains") is None:
            return super().list_jobs(request)
        self.looked_up += 1
        return {"HyperParameterTuningJobSummaries": [], "NextToken": str(self.looked_up)}


# What is found


def test_every_running_job_is_found_at_once_and_carries_the_labels_of_its_rule(account: Account) -> None:
    for i in range(250):
        account.create(f"job-{i}", "stuck", age=60.0 + i)
    driver = account.watch(rules(rule(labels={"team": "search"}, max_jobs=1000)))
    run(driver, 1)
    views = driver.views()
    assert set(views) == {f"job-{i}" for i in range(250)}
    assert {(view.labels["team"], view.state) for view in views.values()} == {("search", JobState.RUNNING)}
    assert {view.account_id for view in views.values()} == {ACCOUNT}


def test_lists_are_newest_first_a_hundred_a_page_filtered_and_never_by_their_modification(account: Account) -> None:
    for i in range(120):
        account.create(f"prod-{i}", "completed", age=40 * HOUR + i)
        account.create(f"dev-{i}", "completed", age=40 * HOUR + i)
    driver = account.watch(
        rules(rule(name_contains="prod-", statuses=frozenset({"Completed"}), created_within=7 * DAY))
    )
    run(driver, 2 * HOUR)
    asked = account.api.inputs(LIST)
    assert {(each["SortBy"], each["SortOrder"], each["MaxResults"]) for each in asked} == {
        ("CreationTime", "Descending", 100)
    }
    assert not any("LastModified" in key for each in asked for key in each)
    completed = [each for each in asked if each.get("StatusEquals") == "Completed"]
    assert {each["NameContains"] for each in completed} == {"prod-"}
    assert all(each["CreationTimeAfter"] == pytest.approx(NOW - 7 * DAY, abs=3) for each in completed)
    assert len(completed) == 2, "two pages, once"


def test_a_job_that_began_and_ended_between_two_rounds_is_found(account: Account) -> None:
    driver = account.watch(rules(rule()))
    run(driver, 10 * HOUR + 1)
    account.create("quick", "failed-at-once")
    run(driver, 40)
    assert (
        account.simulator.describe("quick", region=REGION, account_id=ACCOUNT)["HyperParameterTuningJobStatus"]
        == "Failed"
    )
    run(driver, 360)
    assert driver.views()["quick"].state is JobState.FINISHED


def test_a_job_that_ended_while_nobody_looked_is_found_while_its_end_is_young(account: Account) -> None:
    ended_ago(account, "ran-long", HOUR, ran=25 * DAY)
    ended_ago(account, "last-week", 7 * DAY)
    for i in range(150):
        account.create(f"noise-{i}", "completed", age=3 * DAY + i)
    driver = account.watch(rules(rule()))
    run(driver, 10)
    assert set(driver.views()) == {"ran-long"}


@pytest.mark.parametrize(
    ("statuses", "found"), [({"InProgress"}, set()), ({"Stopped"}, set()), ({"Completed"}, {"old"})]
)
def test_a_status_that_a_rule_excludes_is_not_picked_up(account: Account, statuses: set[str], found: set[str]) -> None:
    ended_ago(account, "old", HOUR)
    driver = account.watch(rules(rule(statuses=frozenset(statuses))))
    run(driver, HOUR)
    assert set(driver.views()) == found


@pytest.mark.parametrize("down", [False, True])
@pytest.mark.parametrize(("scenario", "status"), [("completed", "Completed"), ("stopped", "Stopped")])
def test_a_rule_for_a_final_status_finds_jobs_as_they_come_to_it(
    account: Account, scenario: str, status: str, down: bool
) -> None:
    life = account.create("wanted", scenario)
    if down:
        account.clock.set_time(life.ended - 60)
    driver = account.watch(rules(rule(statuses=frozenset({status}))))
    run(driver, 30)
    assert driver.views() == {}
    account.clock.set_time(life.ended - 30) if not down else None
    run(driver, 200)
    assert known(driver.views()["wanted"].facts).status == status


def test_a_job_stays_watched_when_it_leaves_the_status_and_the_age_of_its_rule(account: Account) -> None:
    life = account.create("churn", "completed")
    driver = account.watch(rules(rule(statuses=frozenset({"InProgress"}), created_within=HOUR)))
    run(driver, life.ended - account.clock.time() + 10 * HOUR)
    view = driver.views()["churn"]
    assert known(view.facts).status == "Completed"
    assert known(view.facts).runtime_seconds == account.api.describe("churn")["ConsumedResources"]["RuntimeInSeconds"]


def test_a_job_goes_when_its_end_is_older_than_the_retention_and_stays_away(account: Account) -> None:
    life = account.create("churn", "completed")
    driver = account.watch(rules(rule(), retention=2 * HOUR))
    run(driver, life.ended - account.clock.time() + 2 * HOUR - 1)
    target = driver.target.view(driver.now)
    assert [job.name for job in target.jobs] == ["churn"]
    assert target.changes_at == pytest.approx(driver.now.monotonic + 1, abs=1e-3)
    account.clock.advance(1.0)
    assert driver.views() == {}
    run(driver, DAY)
    assert driver.views() == {}


def test_names_are_matched_by_text_and_by_expression(account: Account) -> None:
    for name in ("prod-a-hpo", "prod-a", "my-prod-a-hpo", "dev-hpo"):
        account.create(name)
    driver = account.watch(rules(rule(name_contains="prod-", name_regex="^prod-.*-hpo$")))
    run(driver, 1)
    assert set(driver.views()) == {"prod-a-hpo"}


def test_two_rules_and_the_list_that_name_one_job_make_one_job(account: Account) -> None:
    account.create("Listed")
    account.create("found")
    driver = account.watch(
        rules(rule("first", labels={"by": "first"}), rule("second", labels={"by": "second"}), names=("listed",))
    )
    run(driver, 200)
    assert {name: dict(view.labels) for name, view in driver.views().items()} == {
        "listed": {},
        "found": {"by": "first"},
    }


# What goes


def test_a_discovered_job_that_is_deleted_leaves_nothing(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule()))
    run(driver, 30)
    account.delete("churn")
    run(driver, 60)
    assert driver.views() == {}
    assert driver.events[-1].text == "discovered tuning job no longer exists; its series end"


def test_a_finished_job_that_is_deleted_goes_within_an_hour(account: Account) -> None:
    for i in range(20):
        ended_ago(account, f"old-{i}", HOUR)
    driver = account.watch(rules(rule()))
    run(driver, HOUR)
    account.delete("old-7")
    described = len(account.api.inputs(DESCRIBE))
    run(driver, HOUR + 120)
    assert set(driver.views()) == {f"old-{i}" for i in range(20)} - {"old-7"}
    assert account.api.inputs(DESCRIBE)[described:] == ["old-7"]


def test_the_newest_are_watched_where_a_limit_bites_and_that_is_told_once(account: Account) -> None:
    for i in range(5):
        account.create(f"job-{i}", "stuck", age=100.0 - i)
    driver = account.watch(rules(rule(max_jobs=3)))
    run(driver, 300)
    assert set(driver.views()) == {"job-4", "job-3", "job-2"}
    account.create("job-5", "stuck")
    run(driver, 60)
    assert set(driver.views()) == {"job-5", "job-4", "job-3"}
    assert driver.counted("discovered_jobs_left_out_total", rule="all") == 3
    assert [event.fields["left_out"] for event in driver.events if "too many tuning jobs" in event.text] == [2]
    account.delete("job-5")
    run(driver, 120)
    assert set(driver.views()) == {"job-4", "job-3", "job-2"}, "there is room again"


def test_ended_ones_that_a_limit_leaves_out_are_counted_once(account: Account) -> None:
    ended_ago(account, "a-old", 3 * HOUR)
    for i in range(5):
        ended_ago(account, f"b-{i}", HOUR + 60.0 * i)
    driver = account.watch(rules(rule("a", name_contains="a-"), rule("b", name_contains="b-", max_jobs=1)))
    run(driver, 600)
    assert set(driver.views()) == {"a-old", "b-0"}
    told = driver.counted("discovered_jobs_left_out_total", rule="b"), len(driver.events)
    run(driver, 5 * HOUR)
    assert len([each for each in account.api.inputs(LIST) if "StatusEquals" not in each]) > 4, (
        "the sweep shows them all"
    )
    assert (driver.counted("discovered_jobs_left_out_total", rule="b"), len(driver.events)) == told


def test_tags_that_cannot_be_read_cost_nothing_at_each_describe(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(300):
        ended_ago(account, f"old-{i}", HOUR)
    for operation in ("Search", "ListTags"):
        account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=operation))
    mine = [f"mine-{i}" for i in range(20)]
    for name in mine:
        account.create(name, "stuck")
    spec = rules(rule(tags={"env": "prod"}, name_contains="old-"), names=(*mine,), requests_per_second=100.0)
    driver = account.watch(replace(spec, describe_max_age=0.0))
    run(driver, 30)
    asked: list[str] = []
    monkeypatch.setattr(TagListings, "known", lambda _, summary: asked.append(summary.name))
    before = len(driver.calls)
    run(driver, 600)
    made = Counter(call.operation for call in driver.calls[before:])
    assert made[DESCRIBE] == 200
    assert set(asked) >= {f"old-{i}" for i in range(300)}, "they still wait"
    assert len(asked) <= 2 * 300 * made[LIST]


def test_of_two_from_the_same_second_one_stays_watched_although_describes_and_lists_round_it() -> None:
    driver = Driver(rules(rule(max_jobs=1)), api=Listing(a=CREATED + 0.9, b=CREATED + 0.5))
    driver.run(1_000)
    assert set(driver.views()) == {"a"}
    assert driver.counted("discovered_jobs_left_out_total", rule="all") == 1


def test_a_look_up_without_end_is_not_repeated() -> None:
    api = Endless(x=CREATED)
    driver = Driver(rules(rule(statuses=frozenset({"Completed"}))), api=api)
    driver.run(90)
    api.running.clear()
    driver.run(10 * HOUR)
    assert api.looked_up == MAX_PAGES
    assert sum("more pages" in event.text for event in driver.events) == 1


def test_a_look_up_without_end_is_made_once_an_hour_for_one_that_cannot_be_described() -> None:
    api = Endless(x=CREATED)
    driver = Driver(rules(rule()), api=api)
    driver.run(90)
    api.running.clear()
    api.fail("x", ErrorCode.ACCESS_DENIED)
    driver.run(10 * HOUR)
    assert 9 * MAX_PAGES <= api.looked_up <= 11 * MAX_PAGES


def test_listed_jobs_are_always_watched_and_discovered_ones_up_to_the_total(account: Account) -> None:
    for i in range(6):
        account.create(f"job-{i}", "stuck", age=100.0 - i)
    driver = account.watch(rules(rule("a"), names=("job-0", "job-1"), max_tracked_jobs=4))
    run(driver, 120)
    assert set(driver.views()) == {"job-0", "job-1", "job-5", "job-4"}


def test_running_jobs_that_nobody_watches_are_counted(account: Account) -> None:
    for name in ("prod-a", "prod-b", "dev-a"):
        account.create(name, "stuck")
    account.create("old", "completed", age=30 * DAY)
    driver = account.watch(rules(rule(name_contains="prod-")))
    assert driver.target.view(driver.now).untracked_running_jobs is None
    run(driver, 1)
    assert driver.target.view(driver.now).untracked_running_jobs == 1


def test_what_nobody_watches_is_not_told_for_longer_than_a_list_says_so(account: Account) -> None:
    """Without rules a list is read only while it spares describes."""
    for name in ("a", "b", "other"):
        account.create(name, "stuck")
    driver = account.watch(rules(names=("a", "b"), describe_max_age=300))
    run(driver, 240)
    assert driver.target.view(driver.now).untracked_running_jobs == 1
    driver.target.update(rules(names=("a",), describe_max_age=300), driver.now)
    run(driver, 300)
    assert driver.target.view(driver.now).untracked_running_jobs is None


def test_while_lists_fail_what_nobody_watches_goes_stale_and_comes_back(account: Account) -> None:
    account.create("other", "stuck")
    account.create("own", "stuck")
    driver = account.watch(rules(rule(name_contains="own")))
    run(driver, 60)
    fault = account.simulator.faults.add(Fault(Kind.SERVER_ERROR, operation=LIST))
    run(driver, 120)
    assert driver.target.view(driver.now).untracked_running_jobs == 1
    run(driver, 300)
    assert driver.target.view(driver.now).untracked_running_jobs is None
    account.simulator.faults.remove(fault)
    run(driver, 60)
    assert driver.target.view(driver.now).untracked_running_jobs == 1


# Tags


def test_tags_of_many_jobs_are_searched_for_and_remembered(account: Account) -> None:
    for i in range(90):
        account.create(f"job-{i}", "stuck", age=100.0 + i, tags={"env": "prod" if i % 2 else "dev"})
    driver = account.watch(rules(rule(tags={"env": "prod"})))
    run(driver, HOUR)
    assert set(driver.views()) == {f"job-{i}" for i in range(1, 90, 2)}
    assert len(account.api.inputs("Search")) == 1
    assert account.api.inputs("ListTags") == []
    account.create("late", "stuck", tags={"env": "prod"})
    run(driver, 120)
    assert "late" in driver.views()
    assert len(account.api.inputs("Search")) == 1
    assert len(account.api.inputs("ListTags")) == 1, "for one job a list is the cheaper"


@pytest.mark.long
def test_a_tag_that_a_running_job_gets_later_is_seen_within_about_a_day(account: Account) -> None:
    life = account.create("job", "stuck")
    driver = account.watch(rules(rule(tags={"env": "prod"})))
    run(driver, HOUR)
    assert driver.views() == {}
    life.tags["env"] = "prod"
    run(driver, 1.2 * DAY)
    assert driver.views().keys() == {"job"}


def test_tags_become_labels_of_discovered_jobs_without_further_calls(account: Account) -> None:
    for i in range(150):
        account.create(f"job-{i}", "stuck", age=100.0 + i, tags={"env": "prod", "team": f"t{i}"})
    driver = account.watch(rules(rule(tags={"env": "prod"}, tag_labels={"team": "team"})))
    run(driver, HOUR)
    assert {view.tags["team"] for view in driver.views().values()} == {f"t{i}" for i in range(150)}
    assert len(account.api.inputs("Search")) == 2
    assert account.api.inputs("ListTags") == []


def test_what_a_search_does_not_find_is_listed(account: Account) -> None:
    account.simulator.search_lag = 90.0
    for i in range(4):
        account.create(f"job-{i}", "stuck", age=80.0 + 10 * i, tags={"env": "prod"})
    driver = account.watch(rules(rule(tags={"env": "prod"})))
    run(driver, 5)
    assert set(driver.views()) == {f"job-{i}" for i in range(4)}
    assert len(account.api.inputs("Search")) == 1
    assert len(account.api.inputs("ListTags")) == 1


def test_without_permission_to_search_tags_are_listed_and_that_is_told(account: Account) -> None:
    account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="Search"))
    for i in range(5):
        account.create(f"job-{i}", "stuck", age=80.0, tags={"env": "prod"})
    driver = account.watch(rules(rule(tags={"env": "prod"})))
    run(driver, HOUR - 60)
    assert len(driver.views()) == 5
    assert len(account.api.inputs("ListTags")) == 5
    assert driver.target.view(driver.now).errors == (("Search", "access_denied"),)
    assert len(account.api.inputs("Search")) == 1


CONDITIONS: dict[str, tuple[RuleSpec, set[str]]] = {
    "a value": (rule(tags={"env": "prod"}), {"prod", "both"}),
    "a list": (rule(tags={"env": ["prod", "staging"]}), {"prod", "staging", "both"}),
    "a pattern": (rule(tags={"team": {"regex": "^se.*h$"}}), {"both"}),
    "presence": (rule(tags={"env": {"exists": "true"}}), {"prod", "staging", "both"}),
    "absence": (rule(tags={"env": {"exists": "false"}}), {"bare", "team"}),
    "several": (rule(tags={"env": {"exists": "true"}, "team": ["search", "ads"]}), {"both"}),
    "an exclusion": (rule(exclude=(exclusion({"env": ["prod"]}),)), {"staging", "bare", "team"}),
    "two exclusions": (
        rule(exclude=(exclusion({"team": {"regex": "."}}, name_contains="t"), exclusion({"env": {"exists": "false"}}))),
        {"prod", "staging"},
    ),
}


@pytest.mark.parametrize("refused", [(), ("Search",), ("ListTags",), ("Search", "ListTags")], ids=" and ".join)
@pytest.mark.parametrize("condition", CONDITIONS)
def test_each_condition_about_tags_by_search_and_by_lists(
    account: Account, condition: str, refused: tuple[str, ...]
) -> None:
    tags = {
        "prod": {"env": "prod"}, "staging": {"env": "staging"}, "bare": {}, "team": {"team": "ads-2"},
        "both": {"env": "prod", "team": "search"},
    }  # fmt: skip
    for operation in refused:
        account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=operation))
    for age, name in enumerate(tags):
        account.create(name, "stuck", age=90.0 + age, tags=tags[name])
    given, wanted = CONDITIONS[condition]
    driver = account.watch(rules(given))
    run(driver, 130)
    assert set(driver.views()) == (set() if len(refused) == 2 else wanted), "what nobody has told is not made up"
    told = {operation for operation, _ in driver.target.view(driver.now).errors}
    assert told == set(refused) - ({"ListTags"} if len(refused) == 1 else set()), (
        "a call that is not needed is not made"
    )
    assert len(account.api.inputs("ListTags")) == (0 if "Search" not in refused else 5) or len(refused) == 2


# Failures


def test_a_denied_list_shows_itself_and_recovers_at_the_next_round(account: Account) -> None:
    account.create("found", "stuck")
    ended_ago(account, "ended", HOUR)
    account.create("listed", "stuck")
    fault = account.simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation=LIST))
    driver = account.watch(rules(rule(), names=("listed",)))
    run(driver, 10 * 60 + 1)
    assert set(driver.views()) == {"listed"}
    assert len(driver.times("listed")) == 11
    view = driver.target.view(driver.now)
    assert (view.errors, view.attempted, view.untracked_running_jobs) == (((LIST, "access_denied"),), True, None)
    assert [event.text for event in driver.events if "listing" in event.text] == ["listing tuning jobs fails"]
    account.simulator.faults.remove(fault)
    run(driver, 60)
    assert set(driver.views()) == {"listed", "found", "ended"}
    assert driver.target.view(driver.now).errors == ()


def test_half_a_list_is_read_again_from_its_beginning(account: Account) -> None:
    for i in range(250):
        account.create(f"job-{i}", "stuck", age=60.0 + i)
    driver = account.watch(rules(rule(max_jobs=1000)))
    pages = iter(range(1000))
    fault = Fault(Kind.THROTTLED, operation=LIST)

    def on_call(call: Any) -> None:
        if call.operation == LIST:
            number = next(pages)
            if number == 2:
                account.simulator.faults.add(fault)
            if number == 3:
                account.simulator.faults.remove(fault)

    driver.on_call = on_call
    run(driver, 50)
    assert len(driver.views()) == 250


def test_a_list_of_another_account_is_refused(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule(), account_id="999988887777"))
    run(driver, 1)
    assert driver.views() == {}
    assert driver.target.view(driver.now).errors == ((LIST, "wrong_account"),)


def test_an_entry_that_cannot_be_read_hides_no_other(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule()))
    list_jobs = account.api.list_jobs
    account.api.list_jobs = lambda request: {  # type: ignore[method-assign]
        "HyperParameterTuningJobSummaries": [{"odd": 1}, *list_jobs(request)["HyperParameterTuningJobSummaries"]]
    }
    run(driver, 1)
    assert set(driver.views()) == {"churn"}
    assert driver.target.view(driver.now).errors == ((LIST, "malformed_answer"),)


# Reload


def test_what_a_rule_found_keeps_its_values_over_a_reload_and_gets_the_new_labels(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule(labels={"team": "a"})))
    run(driver, 30)
    driver.update(rules(rule(labels={"team": "b"})))
    view = driver.views()["churn"]
    assert (known(view.facts).status, dict(view.labels)) == ("InProgress", {"team": "b"})
    assert driver.times("churn") == [0]


def test_jobs_that_no_rule_wants_any_more_vanish_at_once(account: Account) -> None:
    account.create("prod-a", "stuck")
    account.create("dev-a", "stuck")
    driver = account.watch(rules(rule()))
    run(driver, 30)
    driver.update(rules(rule(name_contains="prod-")))
    assert set(driver.views()) == {"prod-a"}
    driver.update(rules())
    assert driver.views() == {}
    run(driver, HOUR)
    assert len(account.api.inputs(LIST)) < 5, "nobody asks any more"


def test_a_discovered_job_that_gets_listed_and_the_reverse_keeps_its_values(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule(labels={"by": "rule"})))
    run(driver, 30)
    driver.update(rules(rule(labels={"by": "rule"}), names=("churn",)))
    view = driver.views()["churn"]
    assert (known(view.facts).status, dict(view.labels)) == ("InProgress", {})
    driver.update(rules(rule(labels={"by": "rule"})))
    view = driver.views()["churn"]
    assert (known(view.facts).status, dict(view.labels)) == ("InProgress", {"by": "rule"})
    driver.update(replace(rules(rule(labels={"by": "rule"})), jobs=job_specs("CHURN")))
    assert set(driver.views()) == {"CHURN"}


def test_a_new_rule_looks_back_at_once(account: Account) -> None:
    ended_ago(account, "old", HOUR)
    driver = account.watch(rules(names=("other",)))
    run(driver, 90)
    driver.update(rules(rule(), names=("other",)))
    run(driver, 5)
    assert "old" in driver.views()


def test_a_list_that_shows_nothing_new_is_no_reason_to_render(account: Account) -> None:
    ended_ago(account, "churn", HOUR)
    target = account.watch(rules(rule(max_jobs=1))).target
    now = account.clock.now

    def take(operation: str) -> bool:
        while (work := target.next(now())) is not None:
            target.apply(work, perform(account.api, work), now())
            changed = target.take_changed()
            if work.operation == operation:
                return changed
        raise AssertionError(operation)

    assert take(LIST)
    assert take(DESCRIBE)
    account.clock.advance(60)
    assert not take(LIST)
    assert take(DESCRIBE)
    account.create("newer", "stuck")
    account.clock.advance(60)
    assert take(LIST), "one came and another went"


def test_a_list_without_end_is_read_up_to_a_limit_and_that_is_told(account: Account) -> None:
    account.create("churn", "stuck")
    driver = account.watch(rules(rule(statuses=frozenset({"InProgress"}))))
    list_jobs, pages = account.api.list_jobs, iter(range(1_000))
    account.api.list_jobs = lambda request: {  # type: ignore[method-assign]
        **list_jobs({key: request[key] for key in request if key != "NextToken"}),
        "NextToken": f"page-{next(pages)}",
    }
    run(driver, 30)
    assert next(pages) == 50
    assert set(driver.views()) == {"churn"}
    run(driver, 10 * 60)
    assert next(pages) == 3 * 50 + 1, "one that takes so many calls is read in each fifth interval"
    assert len([event for event in driver.events if "pages" in event.text]) == 1
    assert driver.target.view(driver.now).untracked_running_jobs is None, "half of what runs is no count of it"
    assert len(driver.times("churn")) == 11
