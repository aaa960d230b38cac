"""The resolved, complete and immutable configuration, which the rest of the exporter uses."""

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
    """The source of AWS credentials. If all are None and requests are signed: the SDK's default provider chain."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = field(default=None, repr=False)
    sign_requests: bool = defaults.SIGN_REQUESTS


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The service endpoint. ``url`` None: the public endpoint of the region."""

    url: str | None = None
    use_fips: bool = defaults.USE_FIPS


@dataclass(frozen=True, slots=True)
class TargetKey:
    """The identity of a target. Calls with the same key share one budget."""

    partition: str
    region: str
    credentials: Credentials
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Connection:
    """How to connect to a target's endpoints. Times are seconds.

    ``sts_endpoint_url`` None: STS of the region. ``quotas_endpoint_url`` None: Service Quotas of the region. ``ca_bundle``
    None: the SDK's default trust store.
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

        They are enough for the call and for the renewal of credentials, which is another call.
        """
        return 2.0 * (self.connect_timeout + self.read_timeout)


LISTED = "listed"
"""The source of a job that the configuration lists. No rule can have this name."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency."""

    amount: float
    currency: str


@dataclass(frozen=True, slots=True)
class JobSpec:
    """One tuning job to watch.

    ``labels`` has the configured labels and those that a rule takes from the name, without prefix. ``account_id`` is the
    account in the configuration (from an ARN, a role, or ``account_id``), None if there is none. ``source`` is ``LISTED`` or
    the name of the rule that discovered it. ``tag_labels`` maps the key of each AWS tag that becomes a label to the label's
    name, without prefix; names are unique. ``budget`` is what its training jobs may cost.
    """

    name: str
    labels: Mapping[str, str]
    account_id: str | None = None
    source: str = LISTED
    tag_labels: Mapping[str, str] = field(default_factory=dict)
    budget: Money | None = None


@dataclass(frozen=True, slots=True)
class ExclusionSpec:
    """The jobs that a rule leaves out: those that meet all these conditions. Empty ``statuses`` means any."""

    name_contains: str | None = None
    name_regex: str | None = None
    statuses: frozenset[str] = frozenset()
    tags: Mapping[str, TagCondition] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RuleSpec:
    """One ``discover`` rule. ``created_within`` is in seconds; empty ``statuses`` means any.

    ``tags`` has the conditions on tags by key. ``labels`` and ``tag_labels`` are those of the JobSpec that a job gets. A job
    that meets one of ``exclude`` is left out.
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
        """Whether the rule may need a job's tags to decide whether it matches."""
        return bool(self.tags) or any(each.tags for each in self.exclude)


@dataclass(frozen=True, slots=True)
class FailureClass:
    """A class of failures of training jobs: those whose text matches the pattern."""

    reason: str
    regex: str


@dataclass(frozen=True, slots=True)
class SpendSpec:
    """How training jobs are read.

    ``interval`` is how long after a change (seconds), ``max_training_jobs`` how many of a tuning job. ``failure_classes`` has
    the configured classes, which are tried before those of the exporter. ``prices`` has the price of an instance per hour in
    the target's region, by type; None if costs are not wanted. ``billable`` says how to find the instances and billed seconds.
    """

    interval: float = defaults.SPEND_INTERVAL
    max_training_jobs: int = defaults.MAX_TRAINING_JOBS
    failure_classes: tuple[FailureClass, ...] = ()
    prices: Mapping[str, float] | None = None
    currency: str = defaults.CURRENCY
    billable: Billable = defaults.BILLABLE


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """One account and region to call: with which credentials, how, how often, and for which jobs.

    ``name`` is the stable value of the label ``target``. ``account_id`` is the account that the configuration claims, None if
    it claims none. ``interval``, ``stale_after``, ``retention`` and ``describe_max_age`` are seconds. ``describe_max_age`` is
    how long a running job may go without a describe while lists show no change; 0 means never. ``max_tracked_jobs`` limits the
    discovered jobs. ``spend`` is None if training jobs are not read. ``account_names`` has the names of accounts by id.
    ``quotas`` is True if the account's quotas are read. ``organization`` is the name of the organization that lists its
    account, None if the configuration has the account itself.
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
    """An account of an organization, with its name there."""

    id: str
    name: str


LIST_ACCOUNTS = "ListAccounts"
LIST_ACCOUNTS_OF_UNIT = "ListAccountsForParent"
LIST_UNITS = "ListOrganizationalUnitsForParent"
"""The operations of Organizations that are called."""


@dataclass(frozen=True, slots=True)
class OrganizationSpec:
    """An organization whose accounts are read: with which credentials, and how.

    ``include_ous`` has the ids of organizational units. Only their accounts count, including those of units below them; if it
    is empty, all accounts count. ``name`` identifies the organization in logs and metrics. ``account_id`` is the caller's
    account, None if the configuration does not tell it.
    """

    key: TargetKey
    connection: Connection
    name: str
    include_ous: tuple[str, ...] = ()
    account_id: str | None = None

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that are needed to read its accounts."""
        return (LIST_ACCOUNTS_OF_UNIT, LIST_UNITS) if self.include_ous else (LIST_ACCOUNTS,)


@dataclass(frozen=True, slots=True)
class Settings:
    """A whole configuration, ready to use: the targets and the opt-in families of metrics.

    ``ineffective`` has the problems of settings without effect. They do not change what runs.

    ``organizations`` has the organizations that rules use; ``targets`` has only the accounts of these that are known.
    ``expand`` returns the settings for the given accounts of each organization. It raises ConfigError if these contradict the
    file.
    """

    targets: tuple[TargetSpec, ...]
    collect: frozenset[str] = frozenset()
    ineffective: tuple[Problem, ...] = field(default=(), compare=False)
    organizations: tuple[OrganizationSpec, ...] = ()
    expand: Callable[[Mapping[OrganizationSpec, Sequence[Account]]], Settings] | None = field(
        default=None, compare=False, repr=False
    )

    def with_accounts(self, accounts: Mapping[OrganizationSpec, Sequence[Account]]) -> Settings:
        """Return the settings with the targets for these accounts. Raises ConfigError as ``expand`` does."""
        return self if self.expand is None else self.expand(accounts)
