"""The two ways into the package: ``read`` and ``parse``."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import ConfigError, Problem, Settings, environment_region, parse, read, source
from exporter.config.model import AWS_KEYS, Config, Rule, TuningJob

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config.specs import TargetSpec


def the_problem(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        read(path)
    [problem] = caught.value.problems
    return problem


def test_a_file_is_read_as_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes("\ufefftuning_jobs: [{name: a, labels: {team: süche}}]\r\n".encode())
    assert read(path, "eu-west-1").targets[0].jobs[0].labels == {"team": "süche"}


def test_what_cannot_be_read_is_told_with_the_file(tmp_path: Path) -> None:
    missing = tmp_path / "none.yaml"
    message = "cannot be read (No such file or directory): name the right file with --config.file"
    assert the_problem(missing) == Problem(str(missing), None, "", message)
    assert the_problem(tmp_path).message == "cannot be read (Is a directory): name the right file with --config.file"
    assert "null byte" in the_problem(tmp_path / "a\0b").message


def test_bytes_that_are_no_text_are_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(b"# one\ntuning_jobs: [\xe4]\n")
    assert the_problem(path) == Problem(str(path), 2, "", "the byte 0xe4 is not UTF-8: save the file as UTF-8")


@pytest.mark.parametrize("text", ["tuning_jobs: []", "discover: []", "tuning_jobs: []\ndiscover: []"])
def test_an_empty_list_is_a_fresh_install(text: str) -> None:
    assert parse(text, "c") == Settings(())


def test_neither_list_is_a_mistake_with_an_example() -> None:
    with pytest.raises(ConfigError, match="neither tuning_jobs nor discover is given: write for example tuning_jobs: "):
        parse("aws: {region: eu-west-1}", "c.yaml")


def test_a_misspelt_list_is_told_once() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("tuning-jobs: [a]", "c.yaml")
    assert [problem.path for problem in caught.value.problems] == ["tuning-jobs"]


def test_a_region_of_the_environment_is_checked_when_it_is_used() -> None:
    with pytest.raises(ConfigError) as caught:
        parse("tuning_jobs: [a]", "c.yaml", "Ireland")
    [problem] = caught.value.problems
    assert problem.message.startswith("AWS_REGION or AWS_DEFAULT_REGION in the environment: ")
    assert problem.message.endswith("did you mean eu-west-1?")
    assert parse("aws: {region: eu-west-1}\ntuning_jobs: [a]", "c.yaml", "Ireland").targets[0].key.region == "eu-west-1"


@pytest.mark.parametrize(
    ("environment", "region"),
    [
        ({"AWS_REGION": "a", "AWS_DEFAULT_REGION": "b"}, "a"),
        ({"AWS_REGION": "", "AWS_DEFAULT_REGION": "b"}, "b"),
        ({}, None),
    ],
)
def test_the_environment_may_give_a_region(environment: dict[str, str], region: str | None) -> None:
    assert environment_region(environment) == region


KEYS = st.sampled_from(
    sorted({*Config.model_fields, *AWS_KEYS, *Rule.model_fields, *TuningJob.model_fields, "team", "<<"})
)
ARNS = (
    "arn:aws:iam::123456789012:role/r",
    "arn:aws:sagemaker:us-east-1:111111111111:hyper-parameter-tuning-job/a",
)
PLAIN = "a b a_ 5m 60 true no eu-west-1 cn-north-1 123456789012 p http://x warm_start_parents Failed [ (a"
WORDS = st.sampled_from([*PLAIN.split(), *ARNS])
SCALARS = WORDS | st.none() | st.integers() | st.booleans() | st.floats() | st.text(max_size=40)
TREES = st.recursive(
    SCALARS, lambda each: st.lists(each, max_size=4) | st.dictionaries(KEYS | st.text(max_size=5), each, max_size=5)
)
AWS = st.dictionaries(st.sampled_from(AWS_KEYS), WORDS, max_size=3)
JOBS = st.lists(
    WORDS | st.dictionaries(st.sampled_from(sorted(TuningJob.model_fields)), WORDS, max_size=4) | TREES, max_size=6
)
RULES = st.lists(st.dictionaries(st.sampled_from(sorted(Rule.model_fields)), WORDS, max_size=4) | TREES, max_size=4)
CONFIGS = st.fixed_dictionaries(
    {}, optional={"aws": AWS | TREES, "tuning_jobs": JOBS, "discover": RULES, "interval": WORDS | TREES}
)


def settle(text: str) -> None:
    problems: tuple[Problem, ...] = ()
    targets: tuple[TargetSpec, ...] = ()
    try:
        targets = parse(text, "c.yaml").targets
    except ConfigError as error:
        problems = error.problems
    assert len({target.name for target in targets}) == len(targets)
    for problem in problems:
        assert len(str(problem).splitlines()) == 1
        assert problem.line is None or 1 <= problem.line <= text.count("\n") + 1


@given(CONFIGS | TREES)
def test_any_yaml_is_settled_or_told_what_is_wrong(tree: object) -> None:
    settle(yaml.dump(tree, allow_unicode=True))


@given(st.text(alphabet=st.sampled_from("ab:-[]{},&*!|>'\"%@`#?<~\n\t \\0")))
def test_any_text_is_settled_or_told_what_is_wrong(text: str) -> None:
    settle(text)
    settle(f"tuning_jobs:\n{text}")


@given(st.binary())
def test_any_bytes_are_settled_or_told_what_is_wrong(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(content)
    # It waits between two looks.
    with patch.object(source, "read_bytes", type(path).read_bytes), contextlib.suppress(ConfigError):
        read(path)


def test_ten_thousand_jobs_are_settled_in_seconds() -> None:
    jobs = "".join(f"- {{name: job-{n}, account_id: 012345670123, labels: {{team: t{n}}}}}\n" for n in range(10_000))
    started = time.thread_time()
    [target] = parse(f"aws: {{region: eu-west-1}}\ntuning_jobs:\n{jobs}", "c").targets
    assert time.thread_time() - started < 20
    assert len(target.jobs) == 10_000


def test_a_file_beyond_all_measure_is_refused_without_being_read(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    with file.open("wb") as written:
        written.truncate(1 << 40)  # sparse: it takes no room, and could not be read whole
    with pytest.raises(ConfigError) as caught:
        read(file)
    assert (
        str(caught.value) == f"{file}: cannot be read (it has more than 16 MiB): name the right file with --config.file"
    )
