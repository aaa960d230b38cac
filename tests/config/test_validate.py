from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import AfterValidator, Field

from exporter.config import ConfigError, parse
from exporter.config.load import load
from exporter.config.model import Section
from exporter.config.validate import validate, validate_section

HEAD = "aws: {region: eu-west-1}\n"


def problems(text: str) -> list[tuple[int | None, str, str]]:
    return [(each.line, each.path, each.message) for each in validate(load(text, "c.yaml")).problems]


@pytest.mark.parametrize(
    ("text", "line", "path", "told"),
    [
        ("tuning_job: []\n", 1, "tuning_job", 'unknown key "tuning_job": did you mean "tuning_jobs"?'),
        ("\nregion: eu-west-1\n", 2, "region", 'unknown key "region" at the top: write it under aws:'),
        (
            "budget: 5\n",
            1,
            "budget",
            'unknown key "budget" at the top: write it in an entry of tuning_jobs or discover',
        ),
        ("labels: {a: b}\n", 1, "labels", "at the top: write it in an entry of tuning_jobs or discover"),
        ("arn: x\n", 1, "arn", "at the top: write it in an entry of tuning_jobs"),
        ("name_regex: x\n", 1, "name_regex", "at the top: write it in an entry of discover"),
        ("prices: {ml.m5.xlarge: 1}\n", 1, "prices", 'unknown key "prices" at the top: write it under spend:'),
        ("classes: []\n", 1, "classes", "at the top: write it under failures:"),
        ("spend:\n  budget: 5\n", 2, "spend.budget", "here: write it in an entry of tuning_jobs or discover"),
        ("spend:\n  region: eu-west-1\n", 2, "spend.region", "here: write it under aws:"),
        ("discover:\n- currency: EUR\n", 2, "discover[0].currency", "here: write it under spend:"),
        ("discover:\n- arn: x\n", 2, "discover[0].arn", "here: write it in an entry of tuning_jobs"),
        ("discover:\n- regex: x\n", 2, "discover[0].regex", 'did you mean "name_regex"?'),
        (
            "failures:\n  classes:\n  - name: x\n",
            3,
            "failures.classes[0].name",
            'unknown key "name": write one of reason, regex',
        ),
        ("aws:\n  acount_id: x\n", 2, "aws.acount_id", 'did you mean "account_id"?'),
        ("'[key]': x\n", 1, '["[key]"]', "unknown key"),
        ("discover:\n- tags:\n    a,b: x\n", 3, 'discover[0].tags["a,b"]', 'contains ",", which no AWS tag'),
        ("aws:\n  interval: 5s\n", 2, "aws.interval", "it is set once for all, at the top of the file"),
        ("tuning_jobs:\n- name: a\n  lables: {}\n", 3, "tuning_jobs[0].lables", 'did you mean "labels"?'),
        ("discover:\n- name_contain: a\n", 2, "discover[0].name_contain", 'did you mean "name_contains"?'),
        ("aws:\n", 1, "aws", "there is no value: write one, or remove the key"),
        ("aws: x\n", 1, "aws", "a mapping is expected here: write 'key: value'"),
        ("tuning_jobs:\n", 1, "tuning_jobs", "there is no value: write [] for none"),
        ("tuning_jobs: churn\n", 1, "tuning_jobs", 'a list is expected here: write ["churn"]'),
        ("tuning_jobs: {name: x}\n", 1, "tuning_jobs", "a list is expected here"),
        ("collect: definitions\n", 1, "collect", "a list is expected here"),
        ("collect:\n- warm_start_parents\n- definition\n", 3, "collect[1]", 'did you mean "definitions"?'),
        ("tuning_jobs:\n-\n", 2, "tuning_jobs[0]", "there is no value: write one, or remove the line"),
        ("tuning_jobs:\n- [a]\n", 2, "tuning_jobs[0]", "a mapping is expected here"),
        ("tuning_jobs:\n- a\n- b_c\n", 3, "tuning_jobs[1]", 'did you mean "b-c"?'),
        ("tuning_jobs:\n- arn:aws:x\n", 2, "tuning_jobs[0]", "is not an ARN"),
        ("tuning_jobs:\n- region: eu-west-1\n  name: arn:aws:x\n", 3, "tuning_jobs[0].name", "is not an ARN"),
        ("tuning_jobs:\n- name: a\n  labels:\n    a-b: x\n", 4, "tuning_jobs[0].labels.a-b", "write a_b"),
        ("tuning_jobs:\n- name: a\n  labels:\n    team:\n", 4, "tuning_jobs[0].labels.team", "there is no value"),
        ("tuning_jobs:\n- name: a\n  labels: [x]\n", 3, "tuning_jobs[0].labels", "a mapping is expected here"),
        ("tuning_jobs:\n- name: a\n  read_timeout: 0s\n", 3, "tuning_jobs[0].read_timeout", "write at least 1ms"),
        ("tuning_jobs:\n- name: a\n  region: Ireland\n", 3, "tuning_jobs[0].region", "did you mean eu-west-1?"),
        (
            "tuning_jobs:\n- name: a\n  role_arn: x\n",
            3,
            "tuning_jobs[0].role_arn",
            "is not an ARN: write it like arn:aws:iam",
        ),
        (
            "discover:\n- statuses: [Completed, inprogress]\n",
            2,
            "discover[0].statuses[1]",
            'did you mean "InProgress"?',
        ),
        ("discover:\n- name_regex: (\n", 2, "discover[0].name_regex", "is not a regular expression"),
        ("discover:\n- max_jobs: 0\n", 2, "discover[0].max_jobs", "from 1 to 10000"),
        ("discover:\n- tags: {env: [[x]]}\n", 2, "discover[0].tags.env", "a single value is expected here"),
        ("discover:\n- name_regex: (?P<é>x)\n", 2, "discover[0].name_regex", "write (?P<_>…)"),
        ("discover:\n- name_regex: (?P<a>x)|(?P<a>y)\n", 2, "discover[0].name_regex", "write one group of the name"),
        (
            "discover:\n- name_regex: " + "".join(f"(?P<g{i}>x)" for i in range(11)) + "\n",
            2,
            "discover[0].name_regex",
            "at most 10",
        ),
        ("discover:\n- tags:\n    env: []\n", 3, "discover[0].tags.env", "write those that the tag may have"),
        (
            "discover:\n- tags:\n    env: {}\n",
            3,
            "discover[0].tags.env",
            "one condition is expected here, not none: write",
        ),
        ("discover:\n- tags: {env: {regexp: x}}\n", 2, "discover[0].tags.env", 'did you mean "regex"?'),
        (
            "discover:\n- tags: {env: {regex: '(?=x)'}}\n",
            2,
            "discover[0].tags.env",
            "is a lookahead, which RE2 does not",
        ),
        ("discover:\n- tags: {env: {exists: si}}\n", 2, "discover[0].tags.env", "write true or false"),
        ("discover:\n- tags: {env: {exists: true, regex: a}}\n", 2, "discover[0].tags.env", "not 2: write a value"),
        ("discover:\n- exclude:\n    name_regex: (\n", 3, "discover[0].exclude.name_regex", "write ) where it ends"),
        (
            "discover:\n- exclude:\n  - tags: {a: x}\n  - statuses: [Done]\n",
            4,
            "discover[0].exclude[1].statuses[0]",
            "write one of InProgress",
        ),
        (
            "discover:\n- exclude:\n    tags: {a: []}\n",
            3,
            "discover[0].exclude.tags.a",
            "the list has no values: write",
        ),
        (
            "discover:\n- exclude:\n    created_within: 7d\n",
            3,
            "discover[0].exclude.created_within",
            "write it in an entry of discover",
        ),
        (
            "discover:\n- exclude:\n    name_contain: x\n",
            3,
            "discover[0].exclude.name_contain",
            'did you mean "name_contains"?',
        ),
        ("tag_labels: team\n", 1, "tag_labels", 'a list is expected here: write ["team"]'),
        ("tag_labels:\n", 1, "tag_labels", "there is no value"),
        ("tag_labels:\n- team\n- a*b\n", 3, "tag_labels[1]", 'contains "*", which no AWS tag'),
        ("tag_labels:\n- team\n- {team: x}\n", 3, "tag_labels[1]", "a single value is expected here"),
        ("tag_labels: [team, env, team]\n", 1, "tag_labels", '"team" is listed twice: remove one of them'),
        (
            "tuning_jobs:\n- name: a\n  tag_labels: [cost_center, cost-center]\n",
            3,
            "tuning_jobs[0].tag_labels",
            '"cost_center" and "cost-center" become the same label, tag_cost_center: remove one of them',
        ),
        (
            "discover:\n- {}\n- tag_labels: ['ä', 'ö']\n",
            3,
            "discover[1].tag_labels",
            "become the same label, tag__: remove",
        ),
        ("discover:\n- tag_labels: [env, '']\n", 2, "discover[0].tag_labels[1]", "the tag's key is empty"),
        ("aws:\n  tag_labels: [env]\n", 2, "aws.tag_labels", "at the top of the file"),
        ("interval: 60\n", 1, "interval", "write 60s if seconds are meant"),
        ("interval: 0s\n", 1, "interval", "write at least 1s"),
        ("retention: forever\n", 1, "retention", "is not a duration"),
        ("aws:\n  account_id: 0x1F\n", 2, "aws.account_id", "write its 12 digits"),
        ("aws:\n  verify_ssl: no\n", 2, "aws.verify_ssl", "write true or false"),
        ("aws:\n  endpoint_url: vpce.example\n", 2, "aws.endpoint_url", "is not an http or https URL"),
        ("aws:\n  requests_per_second: fast\n", 2, "aws.requests_per_second", "write for example 5 or 0.5"),
    ],
)
def test_each_mistake_has_line_path_and_remedy(text: str, line: int, path: str, told: str) -> None:
    [(found_line, found_path, message)] = problems(text)
    assert (found_line, found_path) == (line, path)
    assert told in message


def test_numbers_dates_and_times_stay_as_written() -> None:
    text = (
        HEAD
        + "tuning_jobs:\n- {name: 12345, account_id: 012345670123, labels: {at: 12:30, yes: no, day: 2025-11-25}}\n"
    )
    [job] = parse(text, "c").targets[0].jobs
    assert (job.name, job.account_id) == ("12345", "012345670123")
    assert job.labels == {"at": "12:30", "yes": "no", "day": "2025-11-25"}


def test_the_sound_part_is_kept_with_its_places() -> None:
    text = "interval: 5\naws: {region: x, profile: p}\ntuning_jobs: [a_, b, c_, d]\ndiscover: [x, {}]\ncollect: [x, warm_start_parents]\n"
    validated = validate(load(text, "c"))
    assert [(place, job.name) for place, job in validated.jobs] == [(1, "b"), (3, "d")]
    assert [place for place, _ in validated.rules] == [1]
    assert (validated.config.collect, validated.config.aws.profile) == (["warm_start_parents"], "p")
    assert validated.broken == {"interval", "aws.region"}


def test_all_mistakes_come_at_once_in_the_order_of_the_lines() -> None:
    text = "aws: {region: eu-west-1}\ntuning_jobs:\n- a\n- b_\n- a\n- {name: c, name: d}\n- {name: e, read_timeout: 1s}\ninterval: 5\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml")
    assert [(each.line, each.path) for each in caught.value.problems] == [
        (4, "tuning_jobs[1]"),
        (5, "tuning_jobs[2]"),
        (6, "tuning_jobs[3].name"),
        (7, "tuning_jobs[4].read_timeout"),
        (8, "interval"),
    ]
    assert (
        str(caught.value)
        .splitlines()[1]
        .startswith("c.yaml:5: tuning_jobs[2]: this job is listed already: tuning_jobs[0] on line 3")
    )


def test_nothing_is_concluded_from_a_default_that_was_wrong() -> None:
    text = "aws: {region: Ireland, role_arn: x}\ntuning_jobs:\n- {name: a, external_id: abc}\n- a\n- {name: a, profile: p}\n"
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml")
    assert [each.path for each in caught.value.problems] == ["aws.region", "aws.role_arn"]


def test_a_job_listed_twice_is_told_whatever_the_defaults_are() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("aws: x\ntuning_jobs:\n- a\n- a\n", "c.yaml")
    assert [each.path for each in caught.value.problems] == ["aws", "tuning_jobs[1]"]


def test_the_sound_keys_of_a_list_are_kept() -> None:
    assert validate(load("tag_labels: [team, a*b, env]\n", "c")).config.tag_labels == ["team", "env"]


class Inner(Section):
    known_key: str = "x"
    spelt: str = Field("x", alias="Spelt-Otherwise")


def lower(key: str) -> str:
    if key != key.lower():
        raise ValueError("write small letters")
    return key


class Outer(Section):
    inner: Inner | None = None
    named: dict[Annotated[str, AfterValidator(lower)], str] = {}  # noqa: RUF012 - pydantic copies it


@pytest.mark.parametrize(
    ("text", "line", "path", "told"),
    [
        ("iner: {}\n", 1, "iner", 'unknown key "iner": did you mean "inner"?'),
        ("inner:\n  known_kay: y\n", 2, "inner.known_kay", 'did you mean "known_key"?'),
        ("inner:\n  spelt-otherwise: y\n", 2, "inner.spelt-otherwise", 'did you mean "Spelt-Otherwise"?'),
        ("inner:\n  spelt: y\n", 2, "inner.spelt", "unknown key"),
        ("inner:\n  x: y\n", 2, "inner.x", "write one of known_key, Spelt-Otherwise"),
        ("inner: x\n", 1, "inner", "a mapping is expected here"),
        ("inner:\n", 1, "inner", "there is no value"),
        ("named:\n  a: b\n  C: d\n", 3, "named.C", "write small letters"),
    ],
)
def test_any_section_is_validated_with_line_path_and_remedy(text: str, line: int, path: str, told: str) -> None:
    found, [problem] = validate_section(load(text, "c"), Outer)
    assert found is None
    assert (problem.line, problem.path) == (line, path)
    assert told in problem.message


def test_a_sound_section_comes_with_what_the_file_had_already() -> None:
    found, problems = validate_section(load("inner: {Spelt-Otherwise: y}\nnamed: {a: b, a: c}\n", "c"), Outer)
    assert found == Outer(inner=Inner(**{"Spelt-Otherwise": "y"}), named={"a": "b"})
    assert [problem.path for problem in problems] == ["named.a"]
