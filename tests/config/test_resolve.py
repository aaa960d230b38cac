from __future__ import annotations

from typing import Any

import pytest

from exporter.config import ConfigError, Settings, parse
from exporter.config.specs import (
    Credentials,
    Endpoint,
    ExclusionSpec,
    FailureClass,
    JobSpec,
    RuleSpec,
    SpendSpec,
    TargetKey,
)
from exporter.config.tag_condition import TagCondition, parse_tag_condition

A, B = "111111111111", "222222222222"
ARN = "arn:aws:sagemaker:{region}:{account}:hyper-parameter-tuning-job/{name}"
ARN_A = ARN.format(region="eu-west-1", account=A, name="churn")
ROLE_A, ROLE_B = (f"arn:aws:iam::{account}:role/r" for account in (A, B))
HEAD = "aws: {region: eu-west-1}\n"


def settings(*jobs: str, head: str = HEAD) -> Settings:
    return parse(listing(*jobs, head=head), "c.yaml")


def listing(*jobs: str, head: str = HEAD) -> str:
    return head + "tuning_jobs:\n" + "".join(f"- {job}\n" for job in jobs)


def problems(text: str, default_region: str | None = None) -> list[tuple[int | None, str, str]]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml", default_region)
    return [(each.line, each.path, each.message) for each in caught.value.problems]


def one_problem(*jobs: str, head: str = HEAD) -> tuple[int | None, str, str]:
    [problem] = problems(listing(*jobs, head=head))
    return problem


def asked(**tags: Any) -> dict[str, TagCondition]:
    return {key: parse_tag_condition(value) for key, value in tags.items()}


def test_entries_gather_in_targets_in_the_order_of_the_file() -> None:
    text = listing(
        "churn", f"{{name: ranker, role_arn: '{ROLE_A}', labels: {{team: search}}}}", "{arn: '" + ARN_A + "2'}"
    )
    text += "discover:\n- {name_contains: prod, statuses: [Failed], created_within: 7d, tags: {env: prod}, labels: {a: b}}\n"
    text += "- {name: mine, region: us-east-1, max_jobs: 3, name_regex: ^x}\ninterval: 30s\nretention: 0s\ncollect: [warm_start_parents]\n"
    found = parse(text, "c.yaml")
    plain, role, rules = found.targets
    assert plain.key == TargetKey("aws", "eu-west-1", Credentials(), Endpoint())
    assert plain.jobs == (JobSpec("churn", {}), JobSpec("churn2", {}, A))
    assert plain.rules == (
        RuleSpec("discover[0]", "prod", None, frozenset({"Failed"}), 604_800.0, asked(env="prod"), 200, {"a": "b"}),
    )
    assert role.jobs == (JobSpec("ranker", {"team": "search"}, A, "listed"),)
    assert role.key.credentials == Credentials(role_arn=ROLE_A)
    assert rules.rules == (RuleSpec("mine", None, "^x", frozenset(), None, {}, 3, {}),)
    assert [target.account_id for target in found.targets] == [A, A, None]
    assert {(target.interval, target.stale_after, target.retention) for target in found.targets} == {(30.0, 300.0, 0.0)}
    assert found.collect == {"warm_start_parents"}


@pytest.mark.parametrize(
    ("written", "stale_after"),
    [("", 300), ("interval: 100s", 300), ("interval: 10m", 1800), ("interval: 10m\nstale_after: 10m", 600)],
)
def test_values_are_stale_after_five_minutes_or_three_intervals(written: str, stale_after: float) -> None:
    assert settings("churn", head=f"{HEAD}{written}\n").targets[0].stale_after == stale_after


def test_stale_after_may_not_be_shorter_than_the_interval() -> None:
    [(line, path, message)] = problems(f"{HEAD}interval: 10m\nstale_after: 5m\ntuning_jobs: []\n")
    assert (line, path) == (3, "stale_after")
    assert "write at least 10m" in message


@pytest.mark.parametrize(
    ("keys", "key", "told"),
    [
        ("name: other", "name", "the ARN of this entry says churn: remove name, or correct the ARN"),
        ("region: us-east-1", "region", "the ARN of this entry says eu-west-1: remove region"),
        (f"account_id: {B}", "account_id", f"the ARN of this entry says {A}: remove account_id"),
        (f"role_arn: '{ROLE_B}'", "role_arn", f"the role belongs to account {B} but the job to account {A}"),
    ],
)
def test_an_arn_that_contradicts_its_entry_is_told(keys: str, key: str, told: str) -> None:
    line, path, message = one_problem("first", f"arn: {ARN_A}\n  {keys}")
    assert (line, path) == (5, f"tuning_jobs[1].{key}")
    assert told in message


def test_an_arn_of_another_account_than_the_role_for_all_is_told_at_the_entry() -> None:
    line, path, message = one_problem("first", ARN_A, head=f"aws: {{region: eu-west-1, role_arn: '{ROLE_B}'}}\n")
    assert (line, path) == (4, "tuning_jobs[1]")
    assert f"write a role_arn of account {A}" in message


def test_the_name_wins_over_the_lower_case_of_its_arn() -> None:
    [job] = settings(f"{{name: Churn, arn: '{ARN_A}', region: eu-west-1, account_id: '{A}'}}").targets[0].jobs
    assert (job.name, job.account_id) == ("Churn", A)


def test_an_arn_may_stand_under_name() -> None:
    assert settings(f"{{name: '{ARN_A}'}}") == settings(ARN_A)


def test_an_entry_without_name_is_told() -> None:
    line, path, message = one_problem("first", "{labels: {a: b}}")
    assert (line, path, message) == (
        4,
        "tuning_jobs[1]",
        "neither name nor arn is given: add 'name: …' with the tuning job's name",
    )


def test_a_missing_region_is_told_once() -> None:
    text = listing("one", "two", ARN_A, "{name: three, region: eu-west-1}", head="")
    [(line, path, message)] = problems(text)
    assert (line, path) == (2, "tuning_jobs[0]")
    assert "no region is given (nor for 1 more): write region under aws: or here, or set AWS_REGION" in message
    assert parse(text, "c.yaml", "us-east-1").targets[0].key.region == "us-east-1"


@pytest.mark.parametrize(
    ("second", "path"),
    [
        ("churn", "tuning_jobs[1]"),
        ("{name: churn, read_timeout: 15s}", "tuning_jobs[1].name"),
        (ARN_A, "tuning_jobs[1]"),
    ],
)
def test_a_job_listed_twice_is_told_where_it_was_first(second: str, path: str) -> None:
    line, found, message = one_problem("churn", second)
    assert (line, found) == (4, path)
    assert message == "this job is listed already: tuning_jobs[0] on line 3; remove one of them"


def test_names_are_the_same_in_either_case() -> None:
    _, _, message = one_problem("churn", "Churn")
    assert "names that differ only in case are the same; remove one" in message


def test_one_set_of_credentials_reaches_one_account() -> None:
    line, path, message = one_problem(ARN_A, ARN_A.replace(A, B))
    assert (line, path) == (4, "tuning_jobs[1]")
    assert f"the same job of account {A} with the same credentials" in message
    assert "give one of the two its own role_arn or profile" in message


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("read_timeout", "20s", "read_timeout is 20s here but 15s for"),
        ("requests_per_second", "1", "requests_per_second is 1 here but 5 for"),
        ("verify_ssl", "false", "verify_ssl is false here but true for"),
        ("ca_bundle", "/x.pem", "ca_bundle is /x.pem here but not set for"),
    ],
)
def test_entries_of_one_target_must_agree_on_the_connection(key: str, value: str, shown: str) -> None:
    line, path, message = one_problem("one", f"name: two\n  {key}: {value}")
    assert (line, path) == (5, f"tuning_jobs[1].{key}")
    assert f"{shown} tuning_jobs[0] on line 3" in message
    assert "write it once under aws:" in message


def test_rules_must_agree_with_jobs_on_the_connection() -> None:
    [(line, path, message)] = problems(listing("one") + "discover:\n- read_timeout: 1s\n")
    assert (line, path) == (5, "discover[0].read_timeout")
    assert "tuning_jobs[0] on line 3" in message


PAIR = "with other credentials or endpoint"


@pytest.mark.parametrize(
    "second",
    ["{name: churn, profile: p}", f"{{name: churn, role_arn: '{ROLE_A}'}}", "{name: churn, endpoint_url: 'http://x'}"],
)
def test_pairs_of_unknown_account_are_told(second: str) -> None:
    line, path, message = one_problem("churn", second)
    assert (line, path) == (4, "tuning_jobs[1].name")
    assert message == (
        f"tuning_jobs[0] on line 3 names churn in eu-west-1 too, {PAIR}, and /metrics could not tell them apart:"
        " give both an account_id"
    )


def test_pairs_of_the_same_account_are_told() -> None:
    line, path, message = one_problem(ARN_A, f"{{name: churn, role_arn: '{ROLE_A}'}}")
    assert (line, path) == (4, "tuning_jobs[1].name")
    assert message.endswith("but of the same account: remove one of them")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        (ARN_A, f"{{name: Churn, role_arn: '{ROLE_A}'}}", "of the same account: remove one of them"),
        (ARN_A.replace("churn", "CHURN"), f"{{name: churn, role_arn: '{ROLE_A}'}}", "of the same account"),
        ("churn", "{name: Churn, profile: p}", "give both an account_id"),
    ],
)
def test_pairs_that_differ_only_in_case_are_told(first: str, second: str, told: str) -> None:
    line, path, message = one_problem(first, second)
    assert (line, path) == (4, "tuning_jobs[1].name")
    assert " (the same except for case) in eu-west-1 too" in message
    assert told in message


@pytest.mark.parametrize(
    "jobs",
    [
        (f"{{name: churn, role_arn: '{ROLE_A}'}}", f"{{name: Churn, role_arn: '{ROLE_B}'}}"),
        (f"{{name: churn, role_arn: '{ROLE_A}'}}", f"{{name: churn, role_arn: '{ROLE_B}'}}"),
        (f"{{name: churn, account_id: '{A}'}}", f"{{name: churn, profile: p, account_id: '{B}'}}"),
        ("churn", "{name: churn, region: us-east-1}"),
        ("churn", f"{{name: other, account_id: '{A}'}}", f"{{name: churn, role_arn: '{ROLE_B}'}}"),
    ],
)
def test_pairs_that_differ_in_account_or_region_are_fine(jobs: tuple[str, ...]) -> None:
    assert len(settings(*jobs).targets) == 2


def test_a_third_job_of_unknown_account_is_told_against_those_before() -> None:
    jobs = [f"{{name: churn, role_arn: '{role}'}}" for role in (ROLE_A, ROLE_B)] + ["{name: churn, profile: p}"]
    line, path, message = one_problem(*jobs)
    assert (line, path) == (5, "tuning_jobs[2].name")
    assert "tuning_jobs[0] on line 3" in message


@pytest.mark.parametrize(
    ("claims", "account"), [(["a"], None), ([ARN_A, "a"], A), ([ARN_A, ARN_A.replace(A, B) + "2"], None)]
)
def test_a_target_has_the_account_all_claims_agree_on(claims: list[str], account: str | None) -> None:
    [target] = settings(*claims).targets
    assert target.account_id == account


def test_rules_have_names_of_their_own() -> None:
    text = HEAD + "discover:\n- name: a\n- {}\n- name: a\n- name: listed\n"
    [(line, path, message), (other_line, other_path, other)] = problems(text)
    assert (line, path, message) == (5, "discover[2].name", "discover[0] on line 3 has the same name: write another")
    assert (other_line, other_path) == (6, "discover[3].name")
    assert "write another name" in other


def test_a_conflict_within_the_defaults_is_told_there() -> None:
    [(line, path, message)] = problems(
        "aws:\n  region: eu-west-1\n  verify_ssl: false\n  ca_bundle: /x\ntuning_jobs: [a, b]\n"
    )
    assert (line, path) == (4, "aws.ca_bundle")
    assert "remove ca_bundle, or write verify_ssl: true" in message


def test_a_conflict_with_a_default_is_told_at_the_key_that_is_written() -> None:
    line, path, _ = one_problem(
        f"name: a\n  account_id: '{A}'", head=f"aws: {{region: eu-west-1, role_arn: '{ROLE_B}'}}\n"
    )
    assert (line, path) == (4, "tuning_jobs[0].account_id")


TAGS = "tag_labels: [team, cost-center]\n"


def test_the_tags_of_the_top_are_labels_of_every_entry_without_a_list_of_its_own() -> None:
    text = listing("one", "{name: two, tag_labels: [Größe]}", "{name: three, tag_labels: []}", head=HEAD + TAGS)
    text += "discover:\n- {tags: {env: prod}}\n- {tag_labels: ['aws:createdBy']}\n"
    [target] = parse(text, "c.yaml").targets
    common = {"team": "team", "cost-center": "cost_center"}
    assert [job.tag_labels for job in target.jobs] == [common, {"Größe": "Gr__e"}, {}]
    assert [rule.tag_labels for rule in target.rules] == [common, {"aws:createdBy": "aws_createdBy"}]
    assert [rule.tags for rule in target.rules] == [asked(env="prod"), {}]


def test_an_entry_may_name_a_tag_that_would_collide_with_one_of_the_top() -> None:
    [target] = settings("{name: a, tag_labels: [cost_center]}", head=HEAD + TAGS).targets
    assert target.jobs[0].tag_labels == {"cost_center": "cost_center"}


def test_tags_become_labels_only_where_the_configuration_says_so() -> None:
    assert settings("churn").targets[0].jobs[0].tag_labels == {}


class TestSpend:
    """How training jobs are read: nothing of it without ``collect``."""

    def spend(self, text: str) -> SpendSpec | None:
        [target] = parse(f"aws: {{region: eu-west-1}}\ntuning_jobs: [churn]\n{text}", "x").targets
        return target.spend

    def test_is_none_where_training_jobs_are_not_collected(self) -> None:
        assert self.spend("spend: {interval: 1m}") is None

    def test_has_defaults(self) -> None:
        assert self.spend("collect: [training_jobs]") == SpendSpec(300.0, 1_000, ())

    def test_is_what_is_written(self) -> None:
        text = (
            "collect: [training_jobs]\nspend: {interval: 10m, max_training_jobs: 50}\n"
            "failures: {classes: [{reason: bad_batch, regex: 'batch [0-9]+'}, {reason: out_of_memory, regex: GPU}]}"
        )
        own = (FailureClass("bad_batch", "batch [0-9]+"), FailureClass("out_of_memory", "GPU"))
        assert self.spend(text) == SpendSpec(600.0, 50, own)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("spend: 5m", "x:3: spend: a mapping is expected here: write 'key: value' on a line of its own for each"),
            ("spend:\n  interval: 5s", 'x:4: spend.interval: "5s" is too short: write at least 1m'),
            ("spend:\n  interval: 2d", 'x:4: spend.interval: "2d" is too long: write at most 24h'),
            (
                "spend:\n  max_training_jobs: 0",
                'x:4: spend.max_training_jobs: "0" is not a whole number from 1 to 10000: write for example 200',
            ),
            (
                "spend:\n  billable: always",
                'x:4: spend.billable: "always" is unknown: write one of list, search, off',
            ),
            ("spend:\n  intervall: 5m", 'x:4: spend.intervall: unknown key "intervall": did you mean "interval"?'),
            (
                "failures:\n  classes:\n    - {reason: Bad, regex: a}",
                "x:5: failures.classes[0].reason: this contains \"B\": write lower case letters, digits and '_', a letter first",
            ),
            (
                "failures:\n  classes:\n    - {reason: bad}",
                "x:5: failures.classes[0]: a class needs both reason and regex: add regex: what is in the failure's text",
            ),
            (
                "failures:\n  classes:\n    - {regex: bad}",
                "x:5: failures.classes[0]: a class needs both reason and regex: add reason: the label's value",
            ),
            (
                "failures:\n  classes:\n    - {reason: bad, regexp: a}",
                'x:5: failures.classes[0].regexp: unknown key "regexp": did you mean "regex"?',
            ),
            (
                "failures:\n  classes: [{reason: bad, regex: '(?=a)'}]",
                (
                    'x:4: failures.classes[0].regex: "(?=a)" is not a regular expression that RE2 accepts: "(?=" is a lookahead,'
                    " which RE2 does not have; write the parts in the order they come in, each order as an alternative, (?:…|…)"
                ),
            ),
            (
                "failures:\n  classes: [{reason: bad, regex: 'a*'}]",
                'x:4: failures.classes[0].regex: "a*" matches any text: write what only texts of this class contain',
            ),
            (
                "failures:\n  classes: [{reason: bad, regex: ''}]",
                'x:4: failures.classes[0].regex: "" matches any text: write what only texts of this class contain',
            ),
            (
                f"failures:\n  classes: [{', '.join(['{reason: a, regex: b}'] * 11)}]",
                "x:4: failures.classes: there are 11 classes: write at most 10, and (a|b) for several texts of one class",
            ),
            (
                "failures:\n  classes: {reason: a}",
                "x:4: failures.classes: a list is expected here: write '- …' on a line of its own for each item, or [] for none",
            ),
        ],
    )
    def test_what_is_wrong_is_refused_with_the_line_and_the_remedy(self, text: str, problem: str) -> None:
        with pytest.raises(ConfigError) as raised:
            self.spend(text)
        assert str(raised.value) == problem


def test_what_a_rule_leaves_out_is_one_mapping_or_a_list_of_them() -> None:
    text = HEAD + "discover:\n- exclude: {name_contains: test, tags: {env: [dev, ci]}}\n"
    text += "- exclude:\n  - {name_regex: ^x}\n  - {statuses: [Failed]}\n- {}\n"
    one, several, none = parse(text, "c.yaml").targets[0].rules
    assert one.exclude == (ExclusionSpec("test", tags=asked(env=["ci", "dev"])),)
    assert several.exclude == (ExclusionSpec(name_regex="^x"), ExclusionSpec(statuses=frozenset({"Failed"})))
    assert (one.asks_tags, several.asks_tags, none.exclude) == (True, False, ())


@pytest.mark.parametrize(("written", "line", "path"), [("{}", 3, ""), ("[{name_contains: a}, {}]", 3, "[1]")])
def test_leaving_out_every_job_is_refused(written: str, line: int, path: str) -> None:
    [problem] = problems(f"{HEAD}discover:\n- exclude: {written}\n")
    assert problem == (
        *(line, f"discover[0].exclude{path}"),
        "this has no condition and leaves out every job: write one, or remove it",
    )


def test_a_group_that_would_be_the_same_label_as_a_configured_one_is_refused() -> None:
    text = f"{HEAD}discover:\n- name_regex: ^(?P<search>.+)-(?P<day>[0-9]+)$\n  labels:\n    team: a\n    search: b\n"
    [problem] = problems(text)
    assert problem[:2] == (6, "discover[0].labels.search")
    assert problem[2].endswith("becomes the same label: rename one of the two")


class TestQuotas:
    TEXT = "aws: {{region: eu-west-1, quotas_endpoint_url: {url}}}\ntuning_jobs: [churn]\ncollect: [{collect}]\n"

    def test_are_read_where_they_are_collected(self) -> None:
        [without] = parse("aws: {region: eu-west-1}\ntuning_jobs: [churn]\n", "x").targets
        assert (without.quotas, without.connection.quotas_endpoint_url) == (False, None)
        settings = parse(self.TEXT.format(url="'https://vpce.example:8443'", collect="quotas, definitions"), "x")
        [target] = settings.targets
        assert (target.quotas, target.connection.quotas_endpoint_url) == (True, "https://vpce.example:8443")
        assert settings.collect == {"quotas", "definitions"}

    @pytest.mark.parametrize(
        ("url", "collect", "problem"),
        [
            ("'https://a.example'", "quota", 'x:3: collect[0]: "quota" is unknown: did you mean "quotas"?'),
            ("vpce.example", "quotas", "x:1: aws.quotas_endpoint_url: "),
        ],
    )
    def test_are_refused_with_the_line_and_what_to_write(self, url: str, collect: str, problem: str) -> None:
        with pytest.raises(ConfigError) as caught:
            parse(self.TEXT.format(url=url, collect=collect), "x")
        [told] = map(str, caught.value.problems)
        assert told.startswith(problem)
        assert "write" in told or "did you mean" in told

    def test_entries_of_one_target_have_one_endpoint(self) -> None:
        text = self.TEXT.format(url="'https://a.example'", collect="quotas").replace(
            "[churn]", "[churn, {name: ranker, quotas_endpoint_url: 'https://b.example'}]"
        )
        with pytest.raises(ConfigError, match="quotas_endpoint_url"):
            parse(text, "x")
