"""What the rest of the exporter knows of the configuration: resolved, complete, immutable."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.config import defaults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.config.defaults import Billable
    from exporter.config.problem import Problem
    from exporter.config.tag_condition import TagCondition


@dataclass(frozen=True, slots=True)
class Credentials:
    """Where a set of AWS credentials comes from. All ``None`` and signed: the SDK's default provider chain."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    sign_requests: bool = defaults.SIGN_REQUESTS


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Which service endpoint is called. ``url`` None: the region's public one."""

    url: str | None = None
    use_fips: bool = defaults.USE_FIPS


@dataclass(frozen=True, slots=True)
class TargetKey:
    """What makes calls share one budget and one set of threads."""

    partition: str
    region: str
    credentials: Credentials
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Connection:
    """How a target's endpoint is reached; times in seconds.

    ``sts_endpoint_url`` None: the region's own STS. ``quotas_endpoint_url`` None: the region's own Service Quotas.
    ``ca_bundle`` None: the SDK's default trust store.
    """

    sts_endpoint_url: str | None = None
    verify_ssl: bool = defaults.VERIFY_SSL
    ca_bundle: str | None = None
    connect_timeout: float = defaults.CONNECT_TIMEOUT
    read_timeout: float = defaults.READ_TIMEOUT
    quotas_endpoint_url: str | None = None

    @property
    def deadline(self) -> float:
        """The seconds after which a call has failed, whatever it waits for.

        Enough for credentials to be renewed, which is a call of its own, and for the call itself.
        """
        return 2.0 * (self.connect_timeout + self.read_timeout)


LISTED = "listed"
"""The source of a job that the configuration names; no rule is called so."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One tuning job to watch.

    ``labels`` are the configured ones and those that a rule takes from the name, without prefix. ``account_id`` is the account the configuration names
    for it (an ARN's, a role's, or ``account_id``), None when it names none. ``source`` is ``LISTED`` or the
    name of the rule that discovered it. ``tag_labels`` gives the key of each AWS tag that becomes a label the label's
    name, without prefix; no two are the same. ``budget`` is what its training jobs may cost.
    """

    name: str
    labels: Mapping[str, str]
    account_id: str | None = None
    source: str = LISTED
    tag_labels: Mapping[str, str] = field(default_factory=dict)
    budget: Money | None = None


@dataclass(frozen=True, slots=True)
class ExclusionSpec:
    """What a rule leaves out: jobs that satisfy all these conditions. Empty ``statuses`` means any."""

    name_contains: str | None = None
    name_regex: str | None = None
    statuses: frozenset[str] = frozenset()
    tags: Mapping[str, TagCondition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One ``discover`` rule; ``created_within`` in seconds, empty ``statuses`` means any.

    ``tags`` is what a job's must be like by their keys, ``labels`` and ``tag_labels`` what its JobSpec gets. A job that
    satisfies one of ``exclude`` is left out.
    """

    name: str
    name_contains: str | None
    name_regex: str | None
    statuses: frozenset[str]
    created_within: float | None
    tags: Mapping[str, TagCondition]
    max_jobs: int
    labels: Mapping[str, str]
    tag_labels: Mapping[str, str] = field(default_factory=dict)
    budget: Money | None = None
    exclude: tuple[ExclusionSpec, ...] = ()

    @property
    def asks_tags(self) -> bool:
        """Whether it may take a job's tags to tell if it is one of the rule's."""
        return bool(self.tags) or any(each.tags for each in self.exclude)


@dataclass(frozen=True, slots=True)
class FailureClass:
    """A class of failures of training jobs: those whose text the pattern is found in."""

    reason: str
    regex: str


@dataclass(frozen=True, slots=True)
class SpendSpec:
    """How training jobs are read: how long after a change (seconds), how many of a tuning job, and why they fail.

    ``failure_classes`` are the configuration's own, tried before the exporter's. ``prices`` are those of an instance for an
    hour in the target's region, by its type; None where no money is told. ``billable`` says how to know on what instances
    training jobs ran, and for how long they are billed.
    """

    interval: float = defaults.SPEND_INTERVAL
    max_training_jobs: int = defaults.MAX_TRAINING_JOBS
    failure_classes: tuple[FailureClass, ...] = ()
    prices: Mapping[str, float] | None = None
    currency: str = defaults.CURRENCY
    billable: Billable = defaults.BILLABLE


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """One account and region to call: who calls, how, how often, and for which jobs.

    ``name`` is the stable value of the label ``target``. ``account_id`` is the account the configuration
    claims, None when it claims none. ``interval``, ``stale_after``, ``retention`` and ``describe_max_age`` are seconds:
    when a list tells that nothing changed, a running job may go without a describe for the last of them, which 0
    keeps from happening. ``max_tracked_jobs`` bounds the jobs, those that are listed excepted. ``spend`` is None where
    training jobs are not read. ``account_names`` has what accounts are called, by their ids. ``quotas`` tells whether those
    of the account are read. ``organization`` is the name of the organization that lists its account, None where the
    configuration names the account itself.
    """

    key: TargetKey
    name: str
    account_id: str | None
    connection: Connection
    interval: float
    stale_after: float
    retention: float
    describe_max_age: float
    requests_per_second: float
    max_tracked_jobs: int
    jobs: tuple[JobSpec, ...]
    rules: tuple[RuleSpec, ...] = ()
    spend: SpendSpec | None = None
    account_names: Mapping[str, str] = field(default_factory=dict)
    quotas: bool = False
    organization: str | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """An account of an organization; ``name`` is what the organization calls it."""

    id: str
    name: str


LIST_ACCOUNTS = "ListAccounts"
LIST_ACCOUNTS_OF_UNIT = "ListAccountsForParent"
LIST_UNITS = "ListOrganizationalUnitsForParent"
"""Operations of Organizations."""


@dataclass(frozen=True, slots=True)
class OrganizationSpec:
    """An organization whose accounts are read: who calls Organizations, and how.

    ``include_ous`` are the ids of the organizational units whose accounts count, with those of the units below them;
    all count where it is empty. ``name`` tells it from others in the log and in metrics. ``account_id`` is the account of who
    calls, None where the configuration does not tell it.
    """

    key: TargetKey
    connection: Connection
    name: str
    include_ous: tuple[str, ...] = ()
    account_id: str | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that it takes to read its accounts."""
        return (LIST_ACCOUNTS_OF_UNIT, LIST_UNITS) if self.include_ous else (LIST_ACCOUNTS,)


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration, ready to run: the targets and the opt-in families of metrics.

    ``ineffective`` is what it gives without effect. That is in the file and changes nothing that runs.

    ``organizations`` are those whose accounts rules look in; ``targets`` has only those of the accounts that were known.
    ``expand`` returns the settings for the accounts of each organization, or raises ConfigError where these contradict
    something in the file.
    """

    targets: tuple[TargetSpec, ...]
    collect: frozenset[str] = frozenset()
    ineffective: tuple[Problem, ...] = field(default=(), compare=False)
    organizations: tuple[OrganizationSpec, ...] = ()
    expand: Callable[[Mapping[OrganizationSpec, Sequence[Account]]], Settings] | None = field(
        default=None, compare=False, repr=False
    )

    def with_accounts(self, accounts: Mapping[OrganizationSpec, Sequence[Account]]) -> Settings:
        """Return the settings with the targets in the accounts of organizations; raise ConfigError as ``expand`` does."""
        return self if self.expand is None else self.expand(accounts)
