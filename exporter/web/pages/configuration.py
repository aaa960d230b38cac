"""The active configuration, its source, and the mistakes in one that was refused. It never has a secret."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.config.specs import LISTED, Money
from exporter.web.pages.figures import moment
from exporter.web.pages.secrets import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from exporter.config.specs import ExclusionSpec, JobSpec, OrganizationSpec, RuleSpec, SpendSpec, TargetSpec
    from exporter.config.tag_condition import TagCondition
    from exporter.web.pages.snapshot import Refused, Snapshot, WebConfiguration


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake: its file, line and key (null for the whole file), and what to write instead."""

    file: str
    line: int | None
    key: str | None
    message: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """A configuration that was refused: when, why it was read, and all mistakes."""

    at: datetime | None
    trigger: str
    mistakes: tuple[Mistake, ...]


@dataclass(frozen=True, slots=True)
class Web:
    """The web configuration file: its active settings, when they were loaded, and the mistakes in the present file."""

    file: str
    serving: str
    loaded: datetime | None
    refused: Refusal | None


@dataclass(frozen=True, slots=True)
class Job:
    """A tuning job that the configuration lists."""

    name: str
    account_id: str | None
    labels: Mapping[str, str]
    tag_labels: Mapping[str, str]
    budget: Money | None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """Tuning jobs that a rule leaves out. Empty conditions mean any."""

    name_contains: str | None
    name_regex: str | None
    statuses: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that finds tuning jobs. Empty conditions mean any. Conditions on tags are as in the file."""

    name: str
    name_contains: str | None
    name_regex: str | None
    statuses: tuple[str, ...]
    created_within_seconds: float | None
    tags: Mapping[str, str]
    exclude: tuple[Exclusion, ...]
    max_jobs: int
    labels: Mapping[str, str]
    tag_labels: Mapping[str, str]
    budget: Money | None


@dataclass(frozen=True, slots=True)
class Spend:
    """How training jobs are read. ``priced_instance_types`` is null without prices."""

    interval_seconds: float
    max_training_jobs: int
    billable: str
    currency: str
    priced_instance_types: int | None
    failure_classes: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A target with all its settings, including defaults. ``external_id`` only says whether there is one."""

    name: str
    partition: str
    region: str
    account_id: str | None
    organization: str | None
    profile: str | None
    role_arn: str | None
    external_id: bool
    sign_requests: bool
    endpoint_url: str | None
    sts_endpoint_url: str | None
    quotas_endpoint_url: str | None
    use_fips: bool
    verify_ssl: bool
    ca_bundle: str | None
    connect_timeout_seconds: float
    read_timeout_seconds: float
    interval_seconds: float
    stale_after_seconds: float
    retention_seconds: float
    describe_max_age_seconds: float
    requests_per_second: float
    max_tracked_jobs: int
    account_names: Mapping[str, str]
    spend: Spend | None
    quotas: bool
    rules: tuple[Rule, ...]
    tuning_jobs: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization whose accounts rules use. ``include_ous`` is empty if all accounts count."""

    name: str
    partition: str
    account_id: str | None
    profile: str | None
    role_arn: str | None
    external_id: bool
    endpoint_url: str | None
    include_ous: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """The active configuration at one time: when and why it was loaded, and what was refused since then.

    ``web`` is null without a web configuration file.
    """

    at: datetime | None
    file: str
    flags: Mapping[str, str]
    applied: datetime | None
    trigger: str
    refused: Refusal | None
    web: Web | None
    collect: tuple[str, ...]
    organizations: tuple[Organization, ...]
    targets: tuple[Target, ...]


def config(snapshot: Snapshot) -> Config:
    """Return the active configuration."""
    configuration = snapshot.configuration
    settings = configuration.settings
    return Config(
        at=moment(snapshot.now),
        file=shown(configuration.origin.file),
        flags={flag: shown(value) for flag, value in configuration.origin.flags.items()},
        applied=moment(configuration.applied_at),
        trigger=configuration.trigger,
        refused=_refusal(configuration.refused),
        web=None if snapshot.web is None else _web(snapshot.web),
        collect=tuple(sorted(settings.collect)),
        organizations=tuple(map(_organization, settings.organizations)),
        targets=tuple(_target(spec) for spec in settings.targets),
    )


def _organization(spec: OrganizationSpec) -> Organization:
    credentials = spec.key.credentials
    return Organization(
        name=spec.name,
        partition=spec.key.partition,
        account_id=spec.account_id,
        profile=shown(credentials.profile),
        role_arn=credentials.role_arn,
        external_id=credentials.external_id is not None,
        endpoint_url=shown(spec.key.endpoint.url),
        include_ous=spec.include_ous,
    )


def _web(web: WebConfiguration) -> Web:
    return Web(shown(web.file), web.serving, moment(web.loaded_at), _refusal(web.refused))


def _refusal(refused: Refused | None) -> Refusal | None:
    if refused is None:
        return None
    mistakes = (
        Mistake(shown(each.file), each.line, shown(each.path or None), shown(each.message)) for each in refused.problems
    )
    return Refusal(moment(refused.at), refused.trigger, tuple(mistakes))


def _target(spec: TargetSpec) -> Target:
    credentials, connection = spec.key.credentials, spec.connection
    return Target(
        name=spec.name,
        partition=spec.key.partition,
        region=spec.key.region,
        account_id=spec.account_id,
        organization=spec.organization,
        profile=shown(credentials.profile),
        role_arn=credentials.role_arn,
        external_id=credentials.external_id is not None,
        sign_requests=credentials.sign_requests,
        endpoint_url=shown(spec.key.endpoint.url),
        sts_endpoint_url=shown(connection.sts_endpoint_url),
        quotas_endpoint_url=shown(connection.quotas_endpoint_url),
        use_fips=spec.key.endpoint.use_fips,
        verify_ssl=connection.verify_ssl,
        ca_bundle=shown(connection.ca_bundle),
        connect_timeout_seconds=connection.connect_timeout,
        read_timeout_seconds=connection.read_timeout,
        interval_seconds=spec.interval,
        stale_after_seconds=spec.stale_after,
        retention_seconds=spec.retention,
        describe_max_age_seconds=spec.describe_max_age,
        requests_per_second=spec.requests_per_second,
        max_tracked_jobs=spec.max_tracked_jobs,
        account_names=_texts(spec.account_names),
        spend=None if spec.spend is None else _spend(spec.spend),
        quotas=spec.quotas,
        rules=tuple(map(_rule, spec.rules)),
        tuning_jobs=tuple(_job(job) for job in spec.jobs if job.source == LISTED),
    )


def _spend(spec: SpendSpec) -> Spend:
    return Spend(
        interval_seconds=spec.interval,
        max_training_jobs=spec.max_training_jobs,
        billable=spec.billable,
        currency=spec.currency,
        priced_instance_types=None if spec.prices is None else len(spec.prices),
        failure_classes={each.reason: shown(each.regex) for each in spec.failure_classes},
    )


def _rule(spec: RuleSpec) -> Rule:
    return Rule(
        name=spec.name,
        name_contains=shown(spec.name_contains),
        name_regex=shown(spec.name_regex),
        statuses=tuple(sorted(spec.statuses)),
        created_within_seconds=spec.created_within,
        tags=_conditions(spec.tags),
        exclude=tuple(map(_exclusion, spec.exclude)),
        max_jobs=spec.max_jobs,
        labels=_texts(spec.labels),
        tag_labels=spec.tag_labels,
        budget=spec.budget,
    )


def _exclusion(spec: ExclusionSpec) -> Exclusion:
    return Exclusion(
        name_contains=shown(spec.name_contains),
        name_regex=shown(spec.name_regex),
        statuses=tuple(sorted(spec.statuses)),
        tags=_conditions(spec.tags),
    )


def _conditions(tags: Mapping[str, TagCondition]) -> Mapping[str, str]:
    return {key: shown(str(condition)) for key, condition in tags.items()}


def _job(spec: JobSpec) -> Job:
    return Job(spec.name, spec.account_id, _texts(spec.labels), spec.tag_labels, spec.budget)


def _texts(texts: Mapping[str, str]) -> Mapping[str, str]:
    return {key: shown(value) for key, value in texts.items()}
