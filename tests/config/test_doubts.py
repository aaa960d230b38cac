from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.clock import Instant
from exporter.config import examine
from exporter.config.doubts import covers, known_profiles
from exporter.config.specs import ExclusionSpec, RuleSpec
from exporter.config.tag_condition import parse_tag_condition
from exporter.fleet import rules
from exporter.tuning_job import reduce_page

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

HEAD = "aws: {region: eu-west-1}\n"


def told(text: str, **environment: str) -> list[str]:
    """Return the doubts about a sound configuration."""
    examined = examine(text, "c.yaml", None, environment)
    assert examined.errors == ()
    return [str(each) for each in examined.doubts]


@pytest.mark.parametrize(
    "text",
    [
        HEAD + "tuning_jobs: [a]\n",
        HEAD + "discover: [{}]\n",
        HEAD + "discover: [{name_contains: a}, {}]\n",
        HEAD + "discover: [{created_within: 1h}, {created_within: 2h}]\n",
        HEAD + "discover: [{statuses: [Completed]}, {name_regex: '^a{2}$'}]\n",
        HEAD + "tuning_jobs: [{name: a, labels: {cost: $5, team: '{search}'}}]\n",
        HEAD + "tuning_jobs: [{name: a, labels: {alerts: 'off'}}, {name: b, labels: {alerts: 'off: Stuck, Failed'}}]\n",
        HEAD + "discover: [{labels: {alerts: 'off:Stuck'}}]\n",
    ],
)
def test_what_people_mean_is_not_doubted(text: str) -> None:
    assert told(text) == []


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        (
            "tuning_jobs:\n- name: a\n  region: eu-wset-1\n",
            'c.yaml:3: tuning_jobs[0].region: "eu-wset-1" is not a region that AWS is known to have: did you mean eu-west-1?',
        ),
        (
            HEAD + "discover:\n- labels:\n    alerts: Stuck\n",
            ('c.yaml:4: discover[0].labels.alerts: "Stuck" turns no alert off: write "off" for all of them, or "off: Stuck'
            ' Failed" for some'),
        ),
        (
            HEAD + "tuning_jobs:\n- {name: a, labels: {alerts: 'off:'}}\n",
            ('c.yaml:3: tuning_jobs[0].labels.alerts: "off:" turns no alert off: write "off" for all of them, or "off: Stuck'
            ' Failed" for some'),
        ),
        ("tuning_jobs: []\n", "c.yaml: nothing is watched: add entries under tuning_jobs or discover"),
        (
            HEAD + "tuning_jobs:\n- name: a\n  labels: {team: '${TEAM}'}\n",
            ('c.yaml:4: tuning_jobs[0].labels.team: "${TEAM}" is taken literally, because variables are not expanded: write the'
            " value, or let a tool such as envsubst write the file"),
        ),
        (
            "aws:\n  region: eu-west-1\n  requests_per_second: 0.01\ntuning_jobs: [a]\n",
            ("c.yaml:3: aws.requests_per_second: eu-west-1: requests_per_second 0.01 is one call in 100s, fewer than one in each"
            " interval of 60s: write at least 0.02"),
        ),
        (
            f"interval: 1h\naws:\n  region: eu-west-1\n  requests_per_second: 0.01\ntuning_jobs: {[f'j{n}' for n in range(5_000)]}\n",
            ("c.yaml:4: aws.requests_per_second: eu-west-1: at requests_per_second 0.01, the first describes of its 5,000 tuning"
            " jobs take 5d18h53m20s: write at least 1.4"),
        ),
        (
            HEAD + "discover:\n- {name_contains: search}\n- {name_contains: my-search, statuses: [Failed]}\n",
            ("c.yaml:4: discover[1]: the rule finds nothing, because the one on line 3 takes all that it matches: write it"
            " before that one, or remove it"),
        ),
        (
            HEAD + f"discover:\n- name_contains: {'a' * 33}\n",
            f'c.yaml:3: discover[0]: no tuning job\'s name contains "{"a" * 33}": names have 32 characters at most',
        ),
        (
            HEAD + "retention: 0s\ndiscover:\n- statuses: [Completed, Failed]\n",
            ("c.yaml:4: discover[0]: the rule asks for tuning jobs that have ended, but with retention 0s they are not watched:"
            " raise retention"),
        ),
        (
            HEAD + "max_tracked_jobs: 1\ntuning_jobs: [a]\ndiscover: [{}]\n",
            ("c.yaml:2: max_tracked_jobs: eu-west-1: the 1 listed tuning jobs use up max_tracked_jobs, so rules watch"
            " nothing there: raise it"),
        ),
        (
            "aws:\n  region: eu-west-1\n  ca_bundle: /none/ca.pem\ntuning_jobs: [a]\n",
            'c.yaml:3: aws.ca_bundle: there is no file "/none/ca.pem" on this machine: the exporter makes no calls until the file exists',
        ),
        (
            HEAD + "tuning_jobs:\n- {name: a, profile: production}\n",
            'c.yaml:3: tuning_jobs[0].profile: the AWS configuration files have no profile "production": none is known here',
        ),
    ],
)  # fmt: skip
def test_what_is_surely_wrong_is_told_with_its_line(text: str, doubt: str, tmp_path: Path) -> None:
    assert told(text, HOME=str(tmp_path)) == [doubt]


def test_variables_are_told_beside_mistakes_too() -> None:
    examined = examine("aws: {region: '${REGION}'}\ntuning_jobs: [a]\n", "c.yaml", None, {})
    assert examined.settings is None
    assert [each.line for each in examined.errors] == [1]
    assert [str(each).partition(" is taken")[0] for each in examined.doubts] == ['c.yaml:1: aws.region: "${REGION}"']


def test_what_has_no_effect_is_told_with_the_others_in_the_order_of_lines(tmp_path: Path) -> None:
    text = HEAD + "tuning_jobs:\n- {name: a, budget: 5}\n- {name: b, region: eu-west-2, ca_bundle: none.pem}\n"
    lines = told(text, HOME=str(tmp_path))
    assert [line.split(": ")[:2] for line in lines] == [
        ["c.yaml:3", "tuning_jobs[0].budget"],
        ["c.yaml:4", "tuning_jobs[1].ca_bundle"],
    ]


@pytest.mark.parametrize(
    ("config", "credentials", "profiles"),
    [
        ("[default]\n[profile a]\nregion = x\n[profile 'b c']\n[sso-session d]\n", "", {"default", "a", "b c"}),
        ("", "[default]\n[e]\naws_access_key_id = x\n", {"default", "e"}),
        ("[profile a]\n[profile a]\nrole_arn\n", "[f]\n", {"a", "f"}),
        ("no section\n", "[g]\n", {"g"}),
    ],
)
def test_profiles_are_those_that_the_sdk_finds(
    tmp_path: Path, config: str, credentials: str, profiles: set[str]
) -> None:
    (tmp_path / "config").write_text(config)
    (tmp_path / "credentials").write_text(credentials)
    where = {
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
    }
    assert known_profiles(where) == profiles
    (tmp_path / ".aws").mkdir()
    for name, text in (("config", config), ("credentials", credentials)):
        (tmp_path / ".aws" / name).write_text(text)
    assert known_profiles({"HOME": str(tmp_path)}) == profiles


CONDITIONS = st.sampled_from(["x", ["x", "y"], {"regex": "x"}, {"exists": "true"}]).map(parse_tag_condition)
RULES = st.builds(
    RuleSpec,
    name=st.just("r"),
    name_contains=st.sampled_from([None, "a", "ab"]),
    name_regex=st.sampled_from([None, "^a", "b"]),
    statuses=st.frozensets(st.sampled_from(["InProgress", "Completed"])),
    created_within=st.sampled_from([None, 100.0, 1_000.0]),
    tags=st.dictionaries(st.just("env"), CONDITIONS, max_size=1),
    exclude=st.lists(st.builds(ExclusionSpec, name_contains=st.sampled_from(["a", "b"])), max_size=2).map(tuple),
    max_jobs=st.just(10),
    labels=st.just({}),
)
JOBS = reduce_page(
    {
        "HyperParameterTuningJobSummaries": [
            {
                "HyperParameterTuningJobName": f"{name}-{number}",
                "HyperParameterTuningJobArn": f"arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/{name}-{number}",
                "HyperParameterTuningJobStatus": status,
                "CreationTime": created,
                "HyperParameterTuningEndTime": 9_990.0 if status == "Completed" else None,
            }
            for name in ("a", "ab", "b", "bab")
            for number, (status, created) in enumerate(
                (status, created) for status in ("InProgress", "Completed") for created in (5_000.0, 9_500.0, 9_950.0)
            )
        ]
    }
).summaries


@settings(max_examples=200)
@given(first=RULES, other=RULES, tags=st.dictionaries(st.just("env"), st.sampled_from(["x", "y", "z"])))
def test_a_rule_that_covers_another_wants_all_that_this_one_wants(
    first: RuleSpec, other: RuleSpec, tags: Mapping[str, str]
) -> None:
    if not covers(first, other):
        return
    now = Instant(10_000.0, 0.0)
    for job in JOBS:
        if rules.match([other], job, lambda _: tags, 86_400.0, now).rule is not None:
            assert rules.match([first], job, lambda _: tags, 86_400.0, now).rule is not None


def test_a_rule_is_doubted_only_where_another_takes_all_in_each_of_its_places() -> None:
    here = "discover:\n- region: eu-west-1\n- regions: [eu-west-1, us-east-1]\n  name: both\n"
    assert told(here) == []
    everywhere = "discover:\n- regions: [eu-west-1, us-east-1]\n- regions: [eu-west-1, us-east-1]\n  name: both\n"
    [doubt] = told(everywhere)
    assert "the rule finds nothing, because the one on line 2 takes all" in doubt


def test_a_rule_without_conditions_covers_every_rule() -> None:
    everything = RuleSpec("all", None, None, frozenset(), None, {}, 10, {})
    other = replace(everything, name_contains="a", tags={"env": parse_tag_condition("x")})
    assert covers(everything, other)
    assert not covers(other, everything)
    assert not covers(replace(everything, exclude=(ExclusionSpec("a"),)), everything)
