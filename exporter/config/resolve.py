"""Makes targets from validated entries: applies defaults, expands short forms, and reports contradictions."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from exporter.config import defaults, places
from exporter.config.assemble import read_spend, target_specs
from exporter.config.caller import Callers, Place
from exporter.config.duration import format_duration
from exporter.config.gathered import Gathered, alike
from exporter.config.ineffective import ineffective
from exporter.config.names import tag_label
from exporter.config.pattern import named_groups
from exporter.config.places import organization_of
from exporter.config.prices import read_prices
from exporter.config.problem import ConfigError, show_path
from exporter.config.specs import (
    LISTED,
    ExclusionSpec,
    JobSpec,
    Money,
    RuleSpec,
    Settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.config.caller import Caller
    from exporter.config.load import Document
    from exporter.config.model import Config, Labelled, Rule, TuningJob
    from exporter.config.names import JobArn
    from exporter.config.places import Reach
    from exporter.config.prices import Prices
    from exporter.config.problem import Path, Problem
    from exporter.config.specs import Account, OrganizationSpec, TargetKey
    from exporter.config.validate import Validated

    Accounts = Mapping[OrganizationSpec, Sequence[Account]]

_ANY_ACCOUNT = "000000000000"


def resolve(document: Document, validated: Validated, default_region: str | None) -> tuple[Settings, list[Problem]]:
    """Return the settings and all contradictions. If there is one, the settings must not be used.

    A value that is missing because it was wrong causes no contradiction.
    """
    prices, wrong = read_prices(document, validated.config.spend)
    settings, problems = _resolved(document, validated, default_region, prices, {})
    return settings, [*wrong, *problems]


def _resolved(
    document: Document, validated: Validated, default_region: str | None, prices: Prices, accounts: Accounts
) -> tuple[Settings, list[Problem]]:
    """Return the same for these known accounts of organizations."""
    config = validated.config
    currency = config.spend.currency or prices.currency or defaults.CURRENCY
    resolution = _Resolution(document, validated, default_region, currency, accounts)
    for place, job in validated.jobs:
        resolution.add_job(("tuning_jobs", place), job)
    for place, rule in validated.rules:
        resolution.add_rule(("discover", place), rule)
    resolution.check_defaults([rule for _, rule in validated.rules])
    if not any(key.startswith("aws") for key in validated.broken):
        resolution.check_identities()
    stale_after = config.stale_after
    if stale_after is None:
        stale_after = defaults.stale_after(config.interval)
    elif stale_after < config.interval and validated.broken.isdisjoint({"interval", "stale_after"}):
        least = format_duration(config.interval)
        resolution.complain(
            ("stale_after",), f"this is shorter than interval: write at least {least}, better three times that"
        )
    resolution.check_classes(config)
    names = {**resolution.account_names, **config.account_names}
    targets = target_specs(resolution.gathered, config, stale_after, read_spend(config, prices, currency), names)
    unused = ineffective(document, validated, targets)
    settings = Settings(targets, frozenset(config.collect), unused)
    if resolution.organizations:
        expand = partial(_expanded, document, validated, default_region, prices)
        settings = replace(settings, organizations=resolution.organizations, expand=expand)
    return settings, resolution.problems


def _expanded(
    document: Document, validated: Validated, default_region: str | None, prices: Prices, accounts: Accounts
) -> Settings:
    """Return the settings with these accounts, without reading a file. Raises ConfigError if they contradict the file."""
    settings, problems = _resolved(document, validated, default_region, prices, accounts)
    if problems:
        raise ConfigError(problems)
    return settings


class _Resolution:
    """The targets made so far, and the problems found."""

    def __init__(
        self, document: Document, validated: Validated, default_region: str | None, currency: str, accounts: Accounts
    ) -> None:
        self.problems: list[Problem] = []
        self._organizations: dict[OrganizationSpec, OrganizationSpec] = {}
        self.account_names: dict[str, str] = {}
        self._accounts = accounts
        self._told: set[Problem] = set()
        self._document = document
        self._defaults = validated.config.aws
        self._broken = validated.broken
        self._callers = Callers(self._defaults, default_region, self._broken)
        self._tag_labels = _by_tag(validated.config.tag_labels)
        self._currency = currency
        self.gathered: dict[TargetKey, Gathered] = {}
        self._rule_names: dict[str, Path] = {}
        self._without_region: list[Path] = []

    def complain(self, path: Path, message: str, *keys: str) -> None:
        """Add a problem at the first of ``keys`` that is written under ``path``, else at ``path`` itself."""
        under = ((*path, key) for key in keys)
        written = (each for each in under if self._document.locate(each)[1] == each)
        problem = self._document.problem(next(written, path), message)
        if problem not in self._told:  # a rule may cause the same problem for each of its accounts
            self._told.add(problem)
            self.problems.append(problem)

    def add_job(self, path: Path, job: TuningJob) -> None:
        """Add a listed job to its target."""
        arn = job.arn
        if arn is None and job.name is None:
            self.complain(path, "neither name nor arn is given: add 'name: …' with the tuning job's name")
            return
        if arn is not None and self._contradicts(path, job, arn):
            return
        caller = self._callers.of(job, arn)
        target = self._target(path, caller)
        if target is None:
            return
        name = job.name or (arn.name if arn else "")
        if twice := target.twice(name, caller, self._place):
            self.complain(path, twice, "name", "arn")
            return
        spec = JobSpec(name, job.labels, caller.account_id, LISTED, self._tag_labels_of(job), self._budget_of(job))
        target.jobs[name.lower()] = path, spec

    def add_rule(self, path: Path, rule: Rule) -> None:
        """Add a rule to its targets."""
        name = rule.name or show_path(path)
        if name == LISTED:
            self.complain(path, f'"{LISTED}" means the jobs of tuning_jobs: write another name', "name")
        first = self._rule_names.setdefault(name, path)
        if first != path:
            self.complain(path, f"{self._place(first)} has the same name: write another", "name")
        for group in () if rule.name_regex is None else named_groups(rule.name_regex):
            if group in rule.labels:
                message = f"name_regex has a group {group}, which becomes the same label: rename one of the two"
                self.complain((*path, "labels", group), message)
        spec = RuleSpec(
            name=name,
            name_contains=rule.name_contains,
            name_regex=rule.name_regex,
            statuses=frozenset(rule.statuses),
            created_within=rule.created_within,
            tags=rule.tags,
            max_jobs=rule.max_jobs,
            labels=rule.labels,
            tag_labels=self._tag_labels_of(rule),
            budget=self._budget_of(rule),
            exclude=self._exclusions(path, rule),
        )
        contradictions = list(places.conflicts(rule, self._defaults, self._broken))
        for conflict in contradictions:
            self.complain(path, conflict.message, *conflict.keys)
        if contradictions:
            return
        where = places.reach(rule, self._defaults)
        organization = self._organization(path, rule, where)
        members = () if organization is None else self._accounts.get(organization, ())
        self.account_names |= {each.id: each.name for each in members if each.name}
        for place in where.places(members):
            target = self._target(path, self._callers.of(rule, place=place))
            if target is None:
                break  # the other places have the same mistake
            target.rules.append(spec)
            if organization is not None and target.organization is None:
                target.organization = organization.name

    @property
    def organizations(self) -> tuple[OrganizationSpec, ...]:
        """The organizations that rules use, each once."""
        return tuple(self._organizations.values())

    def _organization(self, path: Path, rule: Rule, where: Reach) -> OrganizationSpec | None:
        """Return the organization that a rule uses. None if it uses none, or if it is not valid."""
        if where.organization is None:
            return None
        region = where.regions[0]
        # Report its mistakes even if no account is known yet.
        if not self._is_sound(path, self._callers.of(rule, place=Place(region, _ANY_ACCOUNT, where.role_name))):
            return None
        spec = organization_of(self._callers.of(rule, place=Place(region)), where.organization)
        # An organization belongs to the partition, so rules of all regions read the same one.
        same = replace(spec, key=replace(spec.key, region=""))
        if same not in self._organizations:
            uses = sum(each.name == spec.name for each in self._organizations)
            self._organizations[same] = replace(spec, name=f"{spec.name}/{uses + 1}") if uses else spec
        return self._organizations[same]

    def _exclusions(self, path: Path, rule: Rule) -> tuple[ExclusionSpec, ...]:
        for place, each in enumerate(rule.exclude):
            if not (each.name_contains or each.name_regex or each.statuses or each.tags):
                self.complain(
                    (*path, "exclude", place), "this has no condition and leaves out every job: write one, or remove it"
                )
        return tuple(
            ExclusionSpec(each.name_contains, each.name_regex, frozenset(each.statuses), each.tags)
            for each in rule.exclude
        )

    def check_defaults(self, rules: Sequence[Rule]) -> None:
        """Report contradictions within ``aws``, and entries without a region."""
        of_places = places.conflicts_of_defaults(self._defaults, rules, self._broken)
        for conflict in (*self._callers.defaults_conflicts(), *of_places):
            self.complain(("aws",), conflict.message, *conflict.keys)
        if self._without_region:
            first, *others = self._without_region
            also = f" (nor for {len(others)} more)" if others else ""
            self.complain(first, f"no region is given{also}: write region under aws: or here, or set AWS_REGION")

    def check_identities(self) -> None:
        """Report jobs of different targets that would have the same labels on /metrics."""
        for path, message in alike(self.gathered.values(), self._place):
            self.complain(path, message, "name", "arn")

    def check_classes(self, config: Config) -> None:
        """Report classes of failed training jobs that are incomplete."""
        for place, each in enumerate(config.failures.classes):
            if each.reason is None or each.regex is None:
                missing = "reason: the label's value" if each.reason is None else "regex: what is in the failure's text"
                self.complain(("failures", "classes", place), f"a class needs both reason and regex: add {missing}")

    def _budget_of(self, entry: Labelled) -> Money | None:
        return None if entry.budget is None else Money(entry.budget, self._currency)

    def _tag_labels_of(self, entry: Labelled) -> Mapping[str, str]:
        return self._tag_labels if entry.tag_labels is None else _by_tag(entry.tag_labels)

    def _contradicts(self, path: Path, job: TuningJob, arn: JobArn) -> bool:
        """Report keys of an entry that contradict its ARN."""
        wrong = {
            "name": job.name is not None and job.name.lower() != arn.name.lower(),
            "region": job.region is not None and job.region != arn.region,
            "account_id": job.account_id is not None and job.account_id != arn.account_id,
        }
        for key in (key for key, differs in wrong.items() if differs):
            self.complain(
                path, f"the ARN of this entry says {getattr(arn, key)}: remove {key}, or correct the ARN", key
            )
        return any(wrong.values())

    def _target(self, path: Path, caller: Caller) -> Gathered | None:
        """Return the target of an entry. None if the entry cannot belong to one."""
        if not self._is_sound(path, caller):
            return None
        target = self.gathered.get(caller.key)
        if target is None:
            target = self.gathered[caller.key] = Gathered(path, caller)
        elif caller is not target.caller:
            for key, message in target.unlike(caller, self._place):
                self.complain(path, message, key)
        if caller.account_id is not None:
            target.claims.add(caller.account_id)
        return target

    def _is_sound(self, path: Path, caller: Caller) -> bool:
        """Report conflicts between the keys of an entry, and return whether there are none."""
        for conflict in caller.conflicts:
            self.complain(path, conflict.message, *conflict.keys, "arn", "name")
        if not caller.has_region and path not in self._without_region:
            self._without_region.append(path)
        return not caller.conflicts and caller.has_region

    def _place(self, path: Path) -> str:
        line, _ = self._document.locate(path)
        return f"{show_path(path)} on line {line}"


def _by_tag(keys: Iterable[str]) -> Mapping[str, str]:
    return {key: tag_label(key) for key in keys}
