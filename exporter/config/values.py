"""The types of configuration values. Each converts a text, or says what to write instead."""

# Pydantic reads these annotations at run time, so there is no "from __future__ import annotations".
from functools import partial
from typing import Annotated, Literal, TypeVar, get_args

from pydantic import AfterValidator, Field, PlainValidator

from exporter.config import bounds, defaults
from exporter.config.conversions import (
    LONGEST_LABEL,
    LONGEST_TAG_KEY,
    MOST_CLASSES,
    billable,
    boolean,
    count,
    duration,
    each_once,
    failure_pattern,
    few,
    from_text,
    label_key,
    matching,
    name_pattern,
    one_of,
    rate,
    role_name,
    tag_key,
    text,
    text_up_to,
    told_apart,
    url,
)
from exporter.config.money import (
    INSTANCE_TYPE_PATTERN,
    LARGEST_AMOUNT,
    parse_amount,
    parse_currency,
    parse_instance_type,
)
from exporter.config.names import (
    ACCOUNT_PATTERN,
    JOB_ARN_PATTERN,
    JOB_NAME_LENGTH,
    JOB_NAME_PATTERN,
    ROLE_ARN_PATTERN,
    ROLE_NAME_PATTERN,
    JobArn,
    RoleArn,
    parse_account_id,
    parse_job_arn,
    parse_job_name,
    parse_role_arn,
)
from exporter.config.pattern import PATTERN_LENGTH
from exporter.config.regions import REGION_PATTERN, parse_region
from exporter.statuses import TUNING_JOB_STATUSES, TuningJobStatus

T = TypeVar("T")

FamilyName = Literal["definitions", "best_training_job", "hyperparameters", "warm_start_parents", "training_jobs"]
"""The opt-in families of tuning jobs."""

CollectName = Literal[FamilyName, "quotas"]
"""All values of ``collect``."""

Interval = Annotated[float, duration(*bounds.INTERVAL)]
Timeout = Annotated[float, duration(*bounds.TIMEOUT)]
StaleAfter = Annotated[float, duration(*bounds.STALE_AFTER)]
Retention = Annotated[float, duration(*bounds.RETENTION)]
MaxAge = Annotated[float, duration(*bounds.DESCRIBE_MAX_AGE)]
Age = Annotated[float, duration(*bounds.CREATED_WITHIN)]
SpendInterval = Annotated[float, duration(*bounds.SPEND_INTERVAL)]
Rate = Annotated[float, PlainValidator(
    lambda value: rate(text(value)), json_schema_input_type=Annotated[float, Field(ge=bounds.REQUESTS_PER_SECOND[0], le=bounds.REQUESTS_PER_SECOND[1])]
)]  # fmt: skip
Count = Annotated[
    int, PlainValidator(count, json_schema_input_type=Annotated[int, Field(ge=bounds.COUNT[0], le=bounds.COUNT[1])])
]
Flag = Annotated[bool, PlainValidator(boolean, json_schema_input_type=bool)]
Region = Annotated[str, from_text(parse_region, pattern=f"^{REGION_PATTERN}$", examples=["eu-west-1"])]
AccountId = Annotated[str, from_text(parse_account_id, pattern=f"^{ACCOUNT_PATTERN}$")]
Regions = Annotated[list[Region], AfterValidator(each_once), Field(json_schema_extra={"minItems": 1})]
Accounts = Annotated[list[AccountId], AfterValidator(each_once), Field(json_schema_extra={"minItems": 1})]
OrganizationalUnits = Annotated[
    list[
        Annotated[
            str,
            matching("(r-[0-9a-z]{4,32}|ou-[0-9a-z]{4,32}-[a-z0-9]{8,32})", 68, "an id such as ou-ab12-34cd56ef"),
        ]
    ],
    AfterValidator(each_once),
    Field(json_schema_extra={"minItems": 1}),
]
AssumedRole = Annotated[
    str, matching(ROLE_NAME_PATTERN, 512, "the name of a role, such as tuning-metrics"), AfterValidator(role_name)
]
JobName = Annotated[str, from_text(parse_job_name, pattern=f"^{JOB_NAME_PATTERN}$", max_length=JOB_NAME_LENGTH)]
TuningJobArn = Annotated[JobArn, from_text(parse_job_arn, pattern=f"^{JOB_ARN_PATTERN}$")]
Role = Annotated[RoleArn, from_text(parse_role_arn, pattern=f"^{ROLE_ARN_PATTERN}$")]
Profile = Annotated[
    str, matching(r"[^\x00-\x1f\x7f]+", 128, "the name of a profile in ~/.aws/config, without control characters")
]
ExternalId = Annotated[
    str,
    matching(r"[\w+=,.@:/-]{2,}", 1224, "2 or more letters, digits or any of _ + = , . @ : / -", of=r"[\w+=,.@:/-]"),
]
URL_PATTERN = "^[hH][tT][tT][pP][sS]?://"
Url = Annotated[str, from_text(url, pattern=URL_PATTERN)]
FilePath = Annotated[str, matching(r"[^\x00-\x1f\x7f]+", 4096, "the path of a file, without control characters")]
NamePart = Annotated[
    str, matching(r"[a-zA-Z0-9-]+", 63, "a part of a name: letters, digits and hyphens", of="[a-zA-Z0-9-]")
]
FailureRegex = Annotated[
    str, from_text(failure_pattern, min_length=1, max_length=PATTERN_LENGTH, json_schema_extra={"format": "regex"})
]
NameRegex = Annotated[str, from_text(name_pattern, max_length=PATTERN_LENGTH, json_schema_extra={"format": "regex"})]
Amount = Annotated[float, PlainValidator(
    lambda value: parse_amount(text(value)), json_schema_input_type=Annotated[float, Field(gt=0, le=LARGEST_AMOUNT)]
)]  # fmt: skip
Billable = Annotated[defaults.Billable, PlainValidator(
    lambda value: billable(text(value)), json_schema_input_type=Literal[*get_args(defaults.Billable), False]
)]  # fmt: skip
Currency = Annotated[str, from_text(parse_currency, pattern="^[A-Z]{3}$")]
InstanceType = Annotated[str, from_text(parse_instance_type, pattern=f"^{INSTANCE_TYPE_PATTERN}$")]
FailureReason = Annotated[
    str, matching("[a-z][a-z0-9_]*", 40, "lower case letters, digits and '_', a letter first", of="[a-z0-9_]")
]
RuleName = Annotated[
    str,
    matching(
        r"[a-zA-Z0-9][a-zA-Z0-9_.-]*",
        64,
        "letters, digits, '_', '.' and '-', a letter or digit first",
        of="[a-zA-Z0-9_.-]",
    ),
]
Status = Annotated[TuningJobStatus, one_of(TUNING_JOB_STATUSES)]
Collected = Annotated[CollectName, one_of(get_args(CollectName), {"parents": "warm_start_parents"})]
LabelKey = Annotated[str, from_text(label_key, pattern="^[a-zA-Z0-9_]{1,128}$")]
LabelValue = Annotated[str, PlainValidator(
    partial(text_up_to, LONGEST_LABEL), json_schema_input_type=Annotated[str, Field(max_length=LONGEST_LABEL)]
)]  # fmt: skip
TagKey = Annotated[str, from_text(tag_key, pattern=rf"^[\p{{L}}\p{{Z}}\p{{N}}_.:/=+@-]{{1,{LONGEST_TAG_KEY}}}$")]
TagLabels = Annotated[list[TagKey], AfterValidator(told_apart)]
FewClasses = Annotated[list[T], AfterValidator(few), Field(json_schema_extra={"maxItems": MOST_CLASSES})]
