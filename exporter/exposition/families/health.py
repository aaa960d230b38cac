"""What the exporter itself knows about a tuning job. Only these families remain when the facts are stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import ErrorCode
from exporter.exposition.family import Family, Sample, Section

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.fleet import JobView


def _up(view: JobView) -> Iterable[Sample]:
    return (((), int(view.failure is None)),) if view.attempted else ()


def _error_info(view: JobView) -> Iterable[Sample]:
    return () if view.failure is None else (((("code", view.failure.code),), 1),)


def _last_success(view: JobView) -> Iterable[Sample]:
    return () if view.last_success is None else (((), view.last_success),)


def _labels(view: JobView) -> Iterable[Sample]:
    pairs = [(f"label_{key}", value) for key, value in view.labels.items()]
    pairs += [(f"tag_{key}", value) for key, value in view.tags.items()]
    if view.account_name:
        pairs.append(("aws_account_name", view.account_name))
    return ((tuple(pairs), 1),)


HEALTH = Section(
    "Health",
    (
        Family(
            name="up",
            help="Whether the last describe of the tuning job succeeded.",
            source="the last DescribeHyperParameterTuningJob call",
            absent="no describe has ended yet",
            example="max by (aws_account_id, aws_region, tuning_job) (sagemaker_tuning_job_up) == 0",
            samples=_up,
        ),
        Family(
            name="error_info",
            help="Why the last describe failed; always 1, and absent unless it failed.",
            source="the last DescribeHyperParameterTuningJob call",
            absent="describes succeed",
            example="count by (code) (sagemaker_tuning_job_error_info)",
            values={"code": tuple(ErrorCode)},
            labels=("code",),
            samples=_error_info,
        ),
        Family(
            name="last_success_timestamp_seconds",
            help="When the tuning job was last described successfully.",
            source="the last successful DescribeHyperParameterTuningJob call",
            absent="no describe has succeeded yet",
            example="time() - sagemaker_tuning_job_last_success_timestamp_seconds and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_up == 0",
            samples=_last_success,
        ),
        Family(
            name="next_describe_timestamp_seconds",
            help="When the next describe of the tuning job is due.",
            source="the schedule",
            absent="never",
            example="time() - sagemaker_tuning_job_next_describe_timestamp_seconds > 600",
            samples=lambda view: (((), view.next_describe),),
        ),
        Family(
            name="labels",
            help="Labels from the configuration and AWS tags of the tuning job; always 1.",
            source="labels, named groups of name_regex and account_names in the configuration, ListTags",
            absent="never",
            example='sagemaker_tuning_job_up == 0 and on (aws_account_id, aws_region, tuning_job) sagemaker_tuning_job_labels{label_team="search"}',
            labels=("label_*", "tag_*", "aws_account_name"),
            samples=_labels,
        ),
    ),
)
