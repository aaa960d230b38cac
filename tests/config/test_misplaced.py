"""Keys that newcomers write: each is told once, with the key to write and where."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import ConfigError, parse
from exporter.config.misplaced import _ADVICE, _RENAMED, meant_key, stands_for, unknown_key
from exporter.config.model import Aws, Config, Failures, Rule, Section, Spend, TuningJob

SECTIONS: list[type[Section]] = [Config, Aws, TuningJob, Rule, Spend, Failures]
SOUND = "aws: {region: eu-west-1}\ntuning_jobs: [a]\n"


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, "c.yaml")
    return [str(each).removeprefix("c.yaml:") for each in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{SOUND}intervall: 5s\nstale_after: 30s\n", '3: intervall: unknown key "intervall": did you mean "interval"?'),
        ("aws: {regoin: eu-west-1}\ntuning_jobs: [a]\n", '1: aws.regoin: unknown key "regoin": did you mean "region"?'),
        ("region: eu-west-1\ntuning_jobs: [a]\n", '1: region: unknown key "region" at the top: write it under aws:'),
        ("regon: eu-west-1\ntuning_jobs: [a]\n", '1: regon: unknown key "regon": did you mean "region" under aws:?'),
        (
            "jobs: [a]\n",
            ('1: jobs: unknown key "jobs": write tuning_jobs at the top for jobs by their names, or discover for rules that find'
            " jobs"),
        ),
        ("discovery: []\n", '1: discovery: unknown key "discovery": write discover'),
        (
            "regions: [eu-west-1]\ntuning_jobs: [a]\n",
            '1: regions: unknown key "regions" at the top: write it under aws: or in an entry of discover',
        ),
        (
            "aws: {region: [eu-west-1, us-east-1]}\ntuning_jobs: [a]\n",
            "1: aws.region: one region per entry: write regions for a list of them, in which rules of discover look",
        ),
        (
            "tuning_jobs:\n- {name: a, region: 'eu-west-1, us-east-1'}\n",
            ('2: tuning_jobs[0].region: "eu-west-1, us-east-1" is more than one region: an entry has one, so write an entry'
            " for each"),
        ),
        (
            "aws: {region: eu-west-1}\ntuning_jobs:\n- name: [a, b]\n",
            "3: tuning_jobs[0].name: one name per entry: write an entry of tuning_jobs or discover for each",
        ),
        (
            f"{SOUND}discover:\n- name_prefix: churn\n",
            ('4: discover[0].name_prefix: unknown key "name_prefix": write name_regex with ^ before the text, such as'
            " name_regex: ^churn-, in an entry of discover"),
        ),
        (f"{SOUND}discover:\n- namePattern: x\n", '4: discover[0].namePattern: unknown key "namePattern": write name_regex'),
        (
            f"{SOUND}discover:\n- searchTags: [x]\n",
            '4: discover[0].searchTags: unknown key "searchTags": write tags',
        ),
        (
            f"{SOUND}discover:\n- roleArn: x\n",
            '4: discover[0].roleArn: unknown key "roleArn": did you mean "role_arn"?',
        ),
        (f"{SOUND}scrape_interval: 5s\nstale_after: 30s\n", '3: scrape_interval: unknown key "scrape_interval": write interval'),
        (f"{SOUND}aws_profile: x\n", '3: aws_profile: unknown key "aws_profile": write profile under aws:'),
        (
            f"{SOUND}custom_tags: x\n",
            '3: custom_tags: unknown key "custom_tags": write labels in an entry of tuning_jobs or discover',
        ),
        (f"{SOUND}listen_address: x\n", ("3: listen_address: unknown key \"listen_address\": the address is not configured"
         " here: remove it, and use the flag --web.listen-address")),
        (
            "aws: {region: eu-west-1}\ntuning_jobs:\n  - job-1\n\n    # of the team\n    account_id: '123456789012'\n",
            "3: '- job-1' has no keys of its own, yet one follows: write '- name: job-1'",
        ),
        (
            "aws: {region: eu-west-1}\ntuning_jobs:\n  - job-1  # mine\n    account_id: '123456789012'\n  - b\n",
            "3: '- job-1' has no keys of its own, yet one follows: write '- name: job-1'",
        ),
        (
            "aws: {region: eu-west-1}\ntuning_jobs:\n- job-1:\n    account_id: '123456789012'\n",
            ("3: tuning_jobs[0].job-1: unknown key \"job-1\": if that is a job's name, write '- name: job-1', and its keys"
            " below name"),
        ),
        (
            "aws: {region: eu-west-1}\ntuning_jobs:\n  job-1:\n    account_id: '123456789012'\n",
            ("2: tuning_jobs: a list is expected here: write '- name: job-1' for each job, on a line of its own, and its keys"
            " below name"),
        ),
        (
            f"{SOUND}discover:\n- {{name: 'a b'}}\n",
            "4: discover[0].name: this contains \" \": write letters, digits, '_', '.' and '-', a letter or digit first",
        ),
        (
            f"{SOUND}discover:\n- {{name_contains: 'a_b*'}}\n",
            '4: discover[0].name_contains: this contains "_" and "*": write a part of a name: letters, digits and hyphens',
        ),
        (
            f"{SOUND}discover:\n- {{name: -x}}\n",
            "4: discover[0].name: this does not fit: write letters, digits, '_', '.' and '-', a letter or digit first",
        ),
    ],
)  # fmt: skip
def test_one_mistake_is_told_once_with_what_to_write(text: str, told: str) -> None:
    assert mistakes(text) == [told]


@pytest.mark.parametrize("key", ["access_key_id", "aws_secret_access_key", "AccessKeyId", "session-token", "password"])
@pytest.mark.parametrize("head", ["", "aws:\n  "])
def test_credentials_are_refused_with_where_they_go_and_not_repeated(key: str, head: str) -> None:
    [told] = mistakes(f"tuning_jobs: [{{name: a, region: eu-west-1}}]\n{head}{key}: VERYSECRET\n")
    assert "credentials do not belong in this file: put them into ~/.aws/credentials and write profile" in told
    assert "VERYSECRET" not in told


def test_every_table_entry_is_reached_and_leads_to_a_key_that_is_there() -> None:
    keys = {key for section in SECTIONS for key in section.model_fields}
    assert set(_RENAMED.values()) <= keys
    own = {key.replace("_", "") for key in keys}
    assert own.isdisjoint(_RENAMED)
    assert own.isdisjoint(_ADVICE)
    assert _RENAMED.keys().isdisjoint(_ADVICE)
    assert all(key == key.lower() and key.isalpha() for key in (*_RENAMED, *_ADVICE))


@given(st.sampled_from(SECTIONS), st.text(max_size=40) | st.sampled_from([*_RENAMED, *_ADVICE]))
@settings(max_examples=50)
def test_any_unknown_key_is_told_with_a_remedy(section: type[Section], key: str) -> None:
    told = unknown_key(key, section, at_top=section is Config)
    assert told.startswith("unknown key ")
    assert any(word in told for word in ("write ", "did you mean", "remove it", "set once"))
    meant = meant_key(key, section)
    assert meant is None or meant[1] in meant[0].model_fields
    assert all(each.removeprefix("aws.") for each in stands_for(key, section))


@pytest.mark.parametrize("of", ["x-common", "x-"])
def test_keys_for_anchors_are_allowed_at_the_top_and_read_by_nothing(of: str) -> None:
    text = f"{of}: &common\n  region: eu-west-1\n  nonsense: [1]\ntuning_jobs: [{{name: a, region: eu-west-1}}]\n"
    assert parse(text, "c.yaml") == parse("tuning_jobs: [{name: a, region: eu-west-1}]\n", "c.yaml")


def test_what_an_alias_repeats_counts_where_it_is_repeated() -> None:
    text = "x-ireland: &ireland {region: eu-west-1}\ntuning_jobs:\n- {<<: *ireland, name: a}\n"
    assert parse(text, "c.yaml").targets[0].key.region == "eu-west-1"
    assert mistakes("x-a: &a {lables: {}}\ntuning_jobs:\n- {<<: *a, name: a, region: eu-west-1}\n") == [
        '1: tuning_jobs[0].lables: unknown key "lables": did you mean "labels"?'
    ]


def test_they_are_for_the_top_alone_and_watch_nothing() -> None:
    assert mistakes("x-tuning_jobs: [a]\n") == [
        " neither tuning_jobs nor discover is given: write for example tuning_jobs: [my-tuning-job]"
    ]
    assert len(mistakes("aws: {x-a: b, region: eu-west-1}\ntuning_jobs: [a]\n")) == 1
