"""Nothing that may name anybody or anything passes, and the exporter makes the same of what does."""

from __future__ import annotations

import json
import random
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.answers import build, leaves, output_of, random_leaf

from exporter.config import parse
from exporter.recording.pseudonyms import PLACEHOLDERS, Pseudonyms
from exporter.recording.redact import SHAPES, Redactor
from exporter.tuning_job import REASONS, failure_class, reduce, reduce_bills, reduce_summary, reduce_trainings
from exporter.tuning_job.fields import FIELDS, NotExported
from exporter.tuning_job.training_fields import BILL_FIELDS, TRAINING_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from botocore.model import Shape

ACCOUNT = "613204817755"
SECRET = "acme-churn-q3"
CONFIGURATION = f"""
aws: {{region: eu-west-1}}
tag_labels: [cost-center]
collect: [training_jobs]
failures:
  classes: [{{reason: acme_disk, regex: "quota of scratch"}}, {{reason: acme_mount, regex: "efs mount"}}]
discover:
  - {{name: acme-rule, name_contains: churn-, tags: {{acme-env: prod}}, labels: {{owner: acme-anna, team: acme-search}}}}
  - {{name_regex: "^acme-.*-q[34]$"}}
tuning_jobs: [{{name: {SECRET}, account_id: "{ACCOUNT}"}}]
"""
NUMBERS = {"integer", "long", "float", "double", "timestamp"}
OUTPUTS = {
    "describe": ("DescribeHyperParameterTuningJob", ()),
    "summary": ("ListHyperParameterTuningJobs", ("HyperParameterTuningJobSummaries",)),
    "training": ("ListTrainingJobsForHyperParameterTuningJob", ("TrainingJobSummaries",)),
    "tagged": ("Search", ("Results", "HyperParameterTuningJob")),
    "bill": ("Search", ("Results", "TrainingJob")),
}


def redactor() -> Redactor:
    configured = parse(CONFIGURATION, "c.yaml")
    return Redactor(configured, Pseudonyms(configured))


def shape_of(kind: str) -> Shape:
    operation, path = OUTPUTS[kind]
    shape = output_of(operation)
    for member in path:
        shape = shape.members[member]
        shape = shape.member if shape.type_name == "list" else shape
    return shape


def full(kind: str, rng: random.Random) -> dict[str, Any]:
    """Return a row whose texts all tell what nobody may know: names, ARNs, accounts, buckets, reasons."""
    telling = (
        SECRET,
        SECRET.title(),
        f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:hyper-parameter-tuning-job/{SECRET}",
        f"arn:aws:iam::{ACCOUNT}:role/{SECRET}",
        f"s3://{SECRET}-data/train",
        f"AlgorithmError: {SECRET} of {ACCOUNT} is out of memory",
        ACCOUNT,
    )
    tuned = rng.choice([True, False])

    def leaf(shape: Shape) -> Any:
        if shape.type_name == "string":
            return rng.choice(shape.enum) if shape.enum and tuned else rng.choice(telling)
        return random_leaf(rng, shape)

    row: dict[str, Any] = build(shape_of(kind), leaf, lambda: rng.random() < 0.9, lambda _: rng.randint(0, 2))
    if kind in {"describe", "summary", "tagged"}:
        row["HyperParameterTuningJobName"], row["HyperParameterTuningJobArn"] = SECRET, telling[2]
    return row


@pytest.mark.parametrize("kind", OUTPUTS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_nothing_that_names_anything_passes(kind: str, seed: int) -> None:
    redacted = json.dumps(redactor().row(kind, full(kind, random.Random(seed)))).casefold()
    for part in ("acme", "churn", ACCOUNT, "s3://", "iam", "role/"):
        assert part not in redacted
    assert set(re.findall(r"arn:[^\"]*?([0-9]{12})", redacted)) <= {f"{n:012}" for n in range(1, 9)}


@settings(max_examples=40, deadline=None)
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.just(SECRET), st.just(ACCOUNT)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.sampled_from([SECRET, *SHAPES["describe"], "Name", "MinValue", "Tags"]), inner, max_size=4
            ),
        ),
        max_leaves=12,
    )
)
def test_whatever_an_answer_is_made_of(value: Any) -> None:
    for kind, shape in SHAPES.items():
        row = dict.fromkeys(shape, value) | (value if isinstance(value, dict) else {})
        redacted = json.dumps(redactor().row(kind, row))
        assert SECRET not in redacted
        assert ACCOUNT not in redacted


def paths(shape: Any, path: str = "") -> set[str]:
    """Return the paths of the leaves that are kept, spelled as in the coverage table."""
    if isinstance(shape, list):
        return paths(shape[0], f"{path}[]")
    if not isinstance(shape, str):
        return {each for member, inner in shape.items() for each in paths(inner, f"{path}.{member}".lstrip("."))}
    return {f"{path}{{key}}", f"{path}{{value}}"} if shape == "tuned" else {path}


@pytest.mark.parametrize(
    ("kind", "fields", "prefix"),
    [
        ("describe", FIELDS, ""),
        ("training", TRAINING_FIELDS, "TrainingJobSummaries[]."),
        ("bill", BILL_FIELDS, "Results[].TrainingJob."),
    ],
)
def test_every_member_that_becomes_a_series_is_kept(kind: str, fields: Mapping[str, Any], prefix: str) -> None:
    kinds = dict(leaves(shape_of(kind)))
    read = {
        path.removeprefix(prefix)
        for path, uses in fields.items()
        if not all(isinstance(use, NotExported) for use in uses) and path != "NextToken"
    }
    read = {path for path in read if path not in kinds or kinds[path].type_name not in NUMBERS}
    kept = paths(SHAPES[kind])
    assert read <= kept
    assert kept <= {path for path, _ in leaves(shape_of(kind))} | {"HyperParameterTuningJobStatus", "Tags"}


def test_a_number_or_time_that_no_table_names_is_kept_and_one_as_long_as_an_accounts_is_not() -> None:
    told = {"NewTime": 1.7e9, "NewNumber": 7, "NewAccount": int(ACCOUNT), "NewText": SECRET, "new": 1, "NewFlag": True}
    kept = redactor().row("describe", {"BestTrainingJob": dict(told), "NewPart": dict(told)})
    assert kept == {"BestTrainingJob": {"NewTime": 1.7e9, "NewNumber": 7}}


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_exporter_makes_the_same_of_what_is_kept(seed: int) -> None:
    rng, keeps = random.Random(seed), redactor()
    for kind, made in (("describe", reduce), ("summary", reduce_summary)):
        answer = full(kind, rng) | {"HyperParameterTuningJobStatus": "Stopping"}
        plain, redacted = made(answer), made(keeps.row(kind, answer))
        for member in (
            "status",
            "training_jobs",
            "objectives",
            "creation_time",
            "last_modified_time",
            "end_time",
            "region",
        ):
            assert getattr(redacted, member) == getattr(plain, member)
    described = full("describe", rng) | {"HyperParameterTuningJobStatus": "Completed"}
    plain, redacted = reduce(described), reduce(keeps.row("describe", described))
    for member in ("limits", "runtime_seconds", "convergence_detected_time", "training_jobs_not_improving"):
        assert repr(getattr(redacted, member)) == repr(getattr(plain, member))
    assert len(redacted.ranges) == len(plain.ranges)
    assert len(redacted.definitions) == len(plain.definitions)
    assert (redacted.failure_reason is None) == (plain.failure_reason is None)
    training = full("training", rng) | {"TrainingJobName": SECRET, "TrainingJobStatus": "Failed"}
    [one], [other] = (
        reduce_trainings({"TrainingJobSummaries": [row]}).trainings
        for row in (training, keeps.row("training", training))
    )
    assert (one.start_time, one.end_time, one.status) == (other.start_time, other.end_time, other.status)
    assert failure_class(one.failure_reason) == failure_class(other.failure_reason)
    bill = full("bill", rng) | {"TrainingJobName": SECRET, "TrainingJobStatus": "Failed"}
    [one_bill], [other_bill] = (
        reduce_bills({"Results": [{"TrainingJob": row}]}).bills for row in (bill, keeps.row("bill", bill))
    )
    assert (one_bill.billable_seconds, one_bill.spot) == (other_bill.billable_seconds, other_bill.spot)


def test_placeholders_are_of_their_class() -> None:
    assert [*PLACEHOLDERS] == [*REASONS]
    assert {reason: failure_class(text) for reason, text in PLACEHOLDERS.items()} == {
        reason: reason for reason in REASONS
    }


def test_a_failure_of_a_configured_class_stays_one() -> None:
    configured = parse(CONFIGURATION, "c.yaml")
    names = Pseudonyms(configured)
    text = names.reason(f"AlgorithmError: {SECRET} cannot do an efs mount, out of memory")
    assert text == "configured class 2 (redacted)"
    reason, pattern = names.failure_class("acme_mount", "efs mount")
    assert reason == "class_2"
    assert re.search(pattern, text)
    assert not re.search(names.failure_class("acme_disk", "quota of scratch")[1], text)


def test_a_name_has_one_pseudonym_whatever_its_case_with_the_marks_of_what_it_matches() -> None:
    names = Pseudonyms(parse(CONFIGURATION, "c.yaml"))
    assert names.job("Acme-churn-q3") == "Job0001x0"  # the second pattern wants a small letter
    assert names.job("acme-churn-q3") == "job0001x0"
    assert names.arn(f"arn:aws-cn:sagemaker:cn-north-1:{ACCOUNT}:hyper-parameter-tuning-job/acme-churn-q3") == (
        "arn:aws-cn:sagemaker:cn-north-1:000000000001:hyper-parameter-tuning-job/job0001x0"
    )
    assert names.job("acme-basket-q4") == "job0002x1"
    assert names.job("other") == "job0003"
    assert names.pattern("contains", "churn-") == names.part("churn-") == "x0"
    assert names.arn(f"arn:aws:iam::{ACCOUNT}:role/acme") == "arn:redacted"


@pytest.mark.parametrize(
    ("range_", "values"),
    [
        ({"MinValue": "2", "MaxValue": "12"}, {"2": "0", "12": "1", "7": "0.5", '"7"': "0.5"}),
        (
            {"MinValue": "0.0001", "MaxValue": "0.1", "ScalingType": "Logarithmic"},
            {"0.0001": "0.001", "0.1": "1", "0.001": "0.01"},
        ),
        ({"MinValue": "5", "MaxValue": "5"}, {"5": "0"}),
    ],
)
def test_a_hyperparameter_tells_where_it_is_in_its_range(range_: dict[str, str], values: dict[str, str]) -> None:
    kind = {"ContinuousParameterRanges": [{"Name": "acme-rate", **range_}]}
    for value, shown in values.items():
        row = redactor().row(
            "describe",
            {
                "HyperParameterTuningJobConfig": {"ParameterRanges": kind},
                "BestTrainingJob": {
                    "TunedHyperParameters": {"acme-rate": value, "acme-kind": "gbtree", "acme-size": "512"}
                },
            },
        )
        tuned = row["BestTrainingJob"]["TunedHyperParameters"]
        assert tuned == {"hyperparameter-1": shown, "hyperparameter-2": "category-1", "hyperparameter-3": "1"}
