"""The keys of a configuration file: names, types, descriptions."""

# Pydantic reads these annotations at run time, so there is no "from __future__ import annotations".
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from exporter.config import conversions, defaults, values
from exporter.config.duration import format_duration
from exporter.config.names import ARN_START
from exporter.config.tag_condition import Condition

EXTENSION = "x-"
"""The prefix of top-level keys for values that YAML aliases repeat. Nothing else reads these keys."""


def _stated(default: float) -> str:
    """Return a default as written in a file: a duration for seconds as a float, true or false for a flag."""
    return str(default).lower() if isinstance(default, bool) else format_duration(default)


def _without_null(schema: dict[str, Any]) -> None:
    """Remove null from a JSON Schema: None means that a key is not written, and null may not be written."""
    for described in schema.get("properties", {}).values():
        choices = described.get("anyOf", [])
        if {"type": "null"} in choices:
            del described["anyOf"], described["default"]
            described.update(next(choice for choice in choices if choice != {"type": "null"}))


def _with_extensions(schema: dict[str, Any]) -> None:
    """Allow the top-level keys for YAML aliases in a JSON Schema."""
    _without_null(schema)
    schema["patternProperties"] = {f"^{EXTENSION}": {}}


class Section(BaseModel):
    """A mapping of known keys. A key that is not written is not set."""

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_without_null)

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object) -> object:
        return conversions.text(value) if value is None else value


class Aws(Section):
    """How to call AWS: credentials, endpoints and limits. A job or rule without one of these keys uses that of aws."""

    region: values.Region | None = Field(
        None, description="AWS region. Default: the environment's AWS_REGION or AWS_DEFAULT_REGION."
    )
    account_id: values.AccountId | None = Field(
        None, description="Account of the jobs. Default: that of the ARN or role, else the exporter asks AWS."
    )
    profile: values.Profile | None = Field(
        None, description="Profile of the shared AWS files. With role_arn: the profile that assumes the role."
    )
    role_arn: values.Role | None = Field(None, description="IAM role to assume.")
    external_id: values.ExternalId | None = Field(
        None, description="External id that the role's trust policy requires."
    )
    endpoint_url: values.Url | None = Field(None, description="SageMaker endpoint. Default: the region's public one.")
    sts_endpoint_url: values.Url | None = Field(None, description="STS endpoint. Default: the region's public one.")
    quotas_endpoint_url: values.Url | None = Field(
        None, description="Service Quotas endpoint, if collect has quotas. Default: the region's public one."
    )
    use_fips: values.Flag | None = Field(
        None, description=f"Use the region's FIPS endpoint. Default: {_stated(defaults.USE_FIPS)}."
    )
    verify_ssl: values.Flag | None = Field(
        None, description=f"Verify TLS certificates. Default: {_stated(defaults.VERIFY_SSL)}."
    )
    ca_bundle: values.FilePath | None = Field(None, description="PEM file of the CAs to trust. Default: the SDK's.")
    sign_requests: values.Flag | None = Field(
        None, description=f"Sign requests with credentials. Default: {_stated(defaults.SIGN_REQUESTS)}."
    )
    connect_timeout: values.Timeout | None = Field(
        None, description=f"Longest wait for a connection. Default: {_stated(defaults.CONNECT_TIMEOUT)}."
    )
    read_timeout: values.Timeout | None = Field(
        None, description=f"Longest wait for the next byte. Default: {_stated(defaults.READ_TIMEOUT)}."
    )
    requests_per_second: values.Rate | None = Field(
        None,
        description=f"Most requests per second to one account and region. Default: {defaults.REQUESTS_PER_SECOND:g}.",
    )


AWS_KEYS = tuple(Aws.model_fields)


class Organization(Section):
    """The accounts of an AWS organization. The exporter reads them regularly."""

    role_name: values.AssumedRole | None = Field(
        None, description="Name of the role to assume in each account. Default: role_name next to organization."
    )
    include_ous: values.OrganizationalUnits | None = Field(
        None, description="Only accounts in these organizational units, by their ids, or in units below. Default: all."
    )
    exclude_accounts: values.Accounts | None = Field(None, description="Accounts to leave out.")
    endpoint_url: values.Url | None = Field(None, description="Organizations endpoint. Default: the partition's.")


class Places(Section):
    """The accounts and regions of rules. Each rule applies to all of them."""

    regions: values.Regions | None = Field(None, description="Regions to look in, instead of region.")
    accounts: values.Accounts | None = Field(None, description="Accounts to look in, with the role role_name in each.")
    organization: Organization | None = Field(
        None, description="Look in the accounts of the organization, instead of accounts."
    )
    role_name: values.AssumedRole | None = Field(None, description="Name of the role to assume in each account.")


PLACE_KEYS = tuple(Places.model_fields)


class AwsDefaults(Aws, Places):
    """Defaults for all jobs and rules: how to call AWS, and the accounts and regions of rules."""


class Labelled(Aws):
    """The keys that listed jobs and discovery rules share."""

    labels: dict[values.LabelKey, values.LabelValue] = Field(
        {}, description="Labels label_<key> of the series sagemaker_tuning_job_labels."
    )
    tag_labels: values.TagLabels | None = Field(
        None,
        description="Keys of AWS tags that become labels tag_<key> of that series. Default: tag_labels at the top.",
    )
    budget: values.Amount | None = Field(
        None, description="What a job's training jobs may cost, in the currency of spend."
    )


class TuningJob(Labelled):
    """One job to watch: its name or ARN, labels, and any key of aws that differs."""

    name: values.JobName | None = Field(None, description="Name of the tuning job.")
    arn: values.TuningJobArn | None = Field(None, description="ARN of the tuning job; gives region and account too.")


class Conditions(Section):
    """Conditions on a job. It must meet all that are written."""

    name_contains: values.NamePart | None = Field(
        None, description="Text in the name, case-sensitive. AWS filters by that of a rule."
    )
    name_regex: values.NameRegex | None = Field(
        None,
        description="Regular expression (RE2) that matches a part of the name; use ^ and $ to match the whole name."
        " A rule's named groups become labels label_<group>.",
    )
    statuses: list[values.Status] = Field([], description="Statuses of the job. Default: any.")
    tags: dict[values.TagKey, Condition] = Field(
        {},
        description="AWS tags of the job: each with its value, a list of values, {regex: …} or {exists: true}. Default: any.",
    )


class Exclusion(Conditions):
    """Jobs that a rule leaves out: those that meet all these conditions."""


def in_list(item: Any) -> Any:
    """Return a mapping as a list of it."""
    return [item] if isinstance(item, dict) else item


class Rule(Labelled, Places, Conditions):
    """One rule that finds jobs. A job must meet all its conditions."""

    name: values.RuleName | None = Field(None, description="Name of the rule. Default: discover[0], discover[1], …")
    created_within: values.Age | None = Field(
        None, description="Only jobs that run or were created within this time. Default: any."
    )
    exclude: Annotated[
        list[Exclusion], BeforeValidator(in_list, json_schema_input_type=Exclusion | list[Exclusion])
    ] = Field(
        [], description="Jobs to leave out: those that satisfy all conditions written here, or in an item of a list."
    )
    max_jobs: values.Count = Field(defaults.MAX_JOBS, description="Most jobs that the rule watches at once.")


class Spend(Section):
    """How training jobs are read, if collect has training_jobs."""

    interval: values.SpendInterval = Field(
        defaults.SPEND_INTERVAL,
        description="Time from a change to the reading of a job's training jobs, which then has all changes in between.",
        json_schema_extra={"default": _stated(defaults.SPEND_INTERVAL)},
    )
    max_training_jobs: values.Count = Field(
        defaults.MAX_TRAINING_JOBS,
        description="Most training jobs that are read at once for one job; the newest are read.",
    )
    billable: values.Billable = Field(
        defaults.BILLABLE,
        description="Where instances and billed seconds come from: the definitions (list), also a search for the training"
        " jobs (search), or nowhere (off).",
    )
    prices: dict[values.InstanceType, values.Amount] = Field(
        {}, description="Price of an instance per hour, by type; takes precedence over that of prices_file."
    )
    prices_file: values.FilePath | None = Field(
        None, description="YAML file of prices by region and instance type, as printed by the subcommand prices."
    )
    currency: values.Currency | None = Field(
        None, description=f"Currency of prices and budgets. Default: that of prices_file, else {defaults.CURRENCY}."
    )


class PricesFile(Section):
    """A file of prices."""

    currency: values.Currency | None = Field(None, description="Currency of the prices.")
    prices: dict[values.Region, dict[values.InstanceType, values.Amount]] = Field(
        {}, description="Price of an instance per hour, by region and instance type."
    )


class FailureClass(Section):
    """A class of failed training jobs that you define."""

    reason: values.FailureReason | None = Field(None, description="Value of the label reason.")
    regex: values.FailureRegex | None = Field(
        None, description="Regular expression (RE2) that matches a part of the failure's text; (?i) ignores case."
    )


class Failures(Section):
    """How failed training jobs are classified, if collect has training_jobs."""

    classes: values.FewClasses[FailureClass] = Field(
        [], description="Classes that are tried before the exporter's own, in this order; up to ten."
    )


def expand(item: Any) -> Any:
    """Return a listed job as a mapping. A text alone is a name or an ARN, and a name may be an ARN."""
    if isinstance(item, str):
        return {"arn" if item.startswith(ARN_START) else "name": item}
    if isinstance(item, dict) and "arn" not in item:
        name = item.get("name")
        if isinstance(name, str) and name.startswith(ARN_START):
            return {("arn" if key == "name" else key): value for key, value in item.items()}
    return item


ListedJob = Annotated[TuningJob, BeforeValidator(expand, json_schema_input_type=str | TuningJob)]


class Config(Section):
    """A whole configuration file."""

    model_config = ConfigDict(json_schema_extra=_with_extensions)

    interval: values.Interval = Field(
        defaults.INTERVAL,
        description="How often the exporter looks for changes of the running jobs.",
        json_schema_extra={"default": _stated(defaults.INTERVAL)},
    )
    aws: AwsDefaults = Field(default_factory=AwsDefaults, description="Defaults for every job and rule.")
    tuning_jobs: list[ListedJob] = Field([], description="Jobs to watch, by name or ARN.")
    discover: list[Rule] = Field([], description="Rules that find jobs to watch.")
    account_names: dict[values.AccountId, values.LabelValue] = Field(
        {}, description="Names of accounts: the label aws_account_name of the series sagemaker_tuning_job_labels."
    )
    tag_labels: values.TagLabels = Field(
        [], description="Keys of AWS tags that become labels tag_<key> of the series sagemaker_tuning_job_labels."
    )
    stale_after: values.StaleAfter | None = Field(
        None,
        description="A job's values are no longer shown when a describe that was due has not succeeded for this long."
        f" Default: {_stated(defaults.STALE_AFTER)}, or three intervals if that is longer.",
    )
    retention: values.Retention = Field(
        defaults.RETENTION,
        description="How long the series of a discovered job stay after it has ended.",
        json_schema_extra={"default": _stated(defaults.RETENTION)},
    )
    describe_max_age: values.MaxAge = Field(
        defaults.DESCRIBE_MAX_AGE,
        description="How long a running job goes without a describe while lists show no change. 0s: describe it in each interval.",
        json_schema_extra={"default": _stated(defaults.DESCRIBE_MAX_AGE)},
    )
    max_tracked_jobs: values.Count = Field(
        defaults.MAX_TRACKED_JOBS,
        description="Most jobs watched in one account and region; listed jobs are always watched.",
    )
    collect: list[values.Collected] = Field([], description="Opt-in families of metrics.")
    spend: Spend = Field(default_factory=Spend, description="How training jobs are read: see collect.")
    failures: Failures = Field(default_factory=Failures, description="How failed training jobs are classified.")
