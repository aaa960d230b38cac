"""The configuration in a recording: what was watched, with the names that the recording uses."""

from __future__ import annotations

from collections import ChainMap, Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import yaml

from exporter.config import bounds, defaults, parse
from exporter.config.duration import format_duration, parse_duration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config.specs import ExclusionSpec, JobSpec, Money, RuleSpec, Settings, TargetSpec
    from exporter.config.tag_condition import TagCondition
    from exporter.recording.pseudonyms import Pseudonyms

_ENDPOINT = "endpoint"
"""The placeholder in a recording for the URL of the endpoint that will replay it."""

_BOUNDS = {
    "interval": bounds.INTERVAL,
    "stale_after": bounds.STALE_AFTER,
    "created_within": bounds.CREATED_WITHIN,
    "spend": bounds.SPEND_INTERVAL,
    "retention": bounds.RETENTION,
    "describe_max_age": bounds.DESCRIBE_MAX_AGE,
}
_LONGEST_NAME = 58
"""The longest name of a rule, so that the number of a target can be added."""


def document(settings: Settings, names: Pseudonyms | None) -> dict[str, Any]:
    """Return the configuration that was watched, with durations in seconds. Without ``names`` nothing is redacted.

    Each target has its own endpoint, so that they differ without credentials.
    """
    first = next(iter(settings.targets), None)
    found: dict[str, Any] = {"collect": sorted(settings.collect - {"quotas"}), "tuning_jobs": [], "discover": []}
    if first is not None:
        found |= {
            "interval": first.interval,
            "stale_after": first.stale_after,
            "retention": first.retention,
            "describe_max_age": first.describe_max_age,
            "max_tracked_jobs": first.max_tracked_jobs,
            "account_names": {
                account_id if names is None else names.account(account_id): (
                    name if names is None else names.numbered("account-name", name)
                )
                for target in settings.targets
                for account_id, name in target.account_names.items()
            },
        }
    if first is not None and (spend := first.spend) is not None:
        found["spend"] = {
            "interval": spend.interval,
            "max_training_jobs": spend.max_training_jobs,
            "billable": spend.billable,
            "currency": spend.currency,
        }
        classes = [(each.reason, each.regex) for each in spend.failure_classes]
        told = classes if names is None else [names.failure_class(*each) for each in classes]
        found["failures"] = {"classes": [{"reason": reason, "regex": regex} for reason, regex in told]}
    uses = Counter(rule.name for target in settings.targets for rule in target.rules)
    for number, target in enumerate(settings.targets):
        where = _where(target, number)
        found["tuning_jobs"] += [_job(job, target, names) | where for job in target.jobs]
        found["discover"] += [
            _rule(rule, target, names) | _named(rule, number, uses, names) | where for rule in target.rules
        ]
    return found


def prices(settings: Settings) -> list[Mapping[str, float] | None]:
    """Return the prices of each target's region."""
    return [None if target.spend is None else target.spend.prices for target in settings.targets]


def text(found: Mapping[str, Any], endpoint: str, speed: float = 1.0) -> str:
    """Return the text of a recorded configuration for an endpoint that replays it ``speed`` times as fast.

    Durations are divided by the speed, within the limits of the configuration.
    """
    given = dict(found)
    for key in _BOUNDS.keys() & given.keys() - {"spend"}:
        given[key] = _duration(key, given[key], speed)
    if "stale_after" in given:
        given["stale_after"] = _duration("stale_after", max(found["stale_after"], found["interval"]), speed)
    if "spend" in given:
        # A recording must not make the exporter read files of this machine.
        spend = {key: value for key, value in given["spend"].items() if key != "prices_file"}
        given["spend"] = {**spend, "interval": _duration("spend", spend["interval"], speed)}
    for key in ("tuning_jobs", "discover"):
        given[key] = [_entry(entry, endpoint, speed) for entry in given[key]]
    return str(yaml.safe_dump(given, sort_keys=False))


def settings(
    found: Mapping[str, Any],
    prices: list[Mapping[str, float] | None],
    endpoint: str,
    speed: float = 1.0,
) -> Settings:
    """Return the settings of a recorded configuration. Raises ConfigError or another error if it is not valid."""
    parsed = parse(text(found, endpoint, speed), "the recording's configuration")
    currency = found.get("spend", {}).get("currency", defaults.CURRENCY)
    return replace(parsed, targets=tuple(_priced(target, prices, currency) for target in parsed.targets))


def number_of(target: TargetSpec) -> int:
    """Return the number of the recorded target that ``target`` of ``settings`` is."""
    return int((target.key.endpoint.url or "").rpartition("/")[2])


def all_prices(prices: list[Mapping[str, float] | None]) -> dict[str, float]:
    """Return the prices of all regions in one table. If regions differ, the first one counts."""
    return dict(ChainMap(*(dict(each) for each in prices if each)))


def _priced(target: TargetSpec, prices: list[Mapping[str, float] | None], currency: str) -> TargetSpec:
    spend, of_region = target.spend, prices[number_of(target)]
    if spend is None or of_region is None:
        return target
    return replace(target, spend=replace(spend, prices=of_region, currency=currency))


def _duration(key: str, seconds: float, speed: float) -> str:
    least, most = map(parse_duration, _BOUNDS[key])
    return format_duration(min(max(seconds / speed, least), most))


def _entry(entry: Mapping[str, Any], endpoint: str, speed: float) -> dict[str, Any]:
    given = {key: value for key, value in entry.items() if key != _ENDPOINT}
    if "created_within" in given:
        given["created_within"] = _duration("created_within", given["created_within"], speed)
    least, most = bounds.REQUESTS_PER_SECOND
    given["requests_per_second"] = min(max(given["requests_per_second"] * speed, least), most)
    url = f"{endpoint}/{entry[_ENDPOINT]}"
    return {**given, "endpoint_url": url, "sts_endpoint_url": url}


def _where(target: TargetSpec, number: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "region": target.key.region,
        "requests_per_second": target.requests_per_second,
        _ENDPOINT: number,
    }
    if not target.key.credentials.sign_requests:
        found["sign_requests"] = False
    return found


def _job(job: JobSpec, target: TargetSpec, names: Pseudonyms | None) -> dict[str, Any]:
    account_id = job.account_id or target.account_id
    name = job.name if names is None else names.job(job.name)
    return {"name": name, **_account(account_id, names), **_labelled(job, names)}


def _named(rule: RuleSpec, number: int, uses: Mapping[str, int], names: Pseudonyms | None) -> dict[str, str]:
    """Return a unique name for a target's rule. A rule of several accounts and regions has the same name in each."""
    if names is not None:
        name = names.numbered("rule", rule.name)
    elif rule.name.endswith("]"):  # a rule without a name is named by its place, and names must not look like this
        return {}
    else:
        name = rule.name
    return {"name": f"{name[:_LONGEST_NAME]}-{number}" if uses[rule.name] > 1 else name}


def _rule(rule: RuleSpec, target: TargetSpec, names: Pseudonyms | None) -> dict[str, Any]:
    found = _conditions(rule, names)
    if rule.created_within is not None:
        found["created_within"] = rule.created_within
    if rule.exclude:
        found["exclude"] = [_conditions(each, names) for each in rule.exclude]
    found["max_jobs"] = rule.max_jobs
    return {**found, **_account(target.account_id, names), **_labelled(rule, names)}


def _conditions(asked: RuleSpec | ExclusionSpec, names: Pseudonyms | None) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if asked.name_contains is not None:
        found["name_contains"] = (
            asked.name_contains if names is None else names.pattern("contains", asked.name_contains)
        )
    if asked.name_regex is not None:
        found["name_regex"] = asked.name_regex if names is None else names.pattern("regex", asked.name_regex)
    if asked.statuses:
        found["statuses"] = sorted(asked.statuses)
    if asked.tags:
        found["tags"] = {
            key if names is None else names.numbered("tag", key): _condition(condition, names)
            for key, condition in asked.tags.items()
        }
    return found


def _condition(condition: TagCondition, names: Pseudonyms | None) -> Any:
    if condition.values is not None:
        return sorted(condition.values if names is None else map(names.value, condition.values))
    if condition.regex is not None:
        return {"regex": condition.regex if names is None else names.value_pattern(condition.regex)}
    return {"exists": condition.exists}


def _account(account_id: str | None, names: Pseudonyms | None) -> dict[str, str]:
    if account_id is None:
        return {}
    return {"account_id": account_id if names is None else names.account(account_id)}


def _labelled(entry: JobSpec | RuleSpec, names: Pseudonyms | None) -> dict[str, Any]:
    labels, tag_labels = dict(entry.labels), sorted(entry.tag_labels)
    if names is not None:
        labels = {names.label(key): names.numbered("value", value) if value else value for key, value in labels.items()}
        tag_labels = [names.numbered("tag", key) for key in tag_labels]
    return {"labels": labels, "tag_labels": tag_labels, **_budget(entry.budget)}


def _budget(budget: Money | None) -> dict[str, float]:
    return {} if budget is None else {"budget": budget.amount}
