"""Unknown keys: finds the right place of a misplaced key, and the name here of a key of another program."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING

from exporter.config.model import PLACE_KEYS, AwsDefaults, Config, Failures, Rule, Spend, TuningJob
from exporter.config.problem import instead, quote

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config.model import Section

_CLOSE = 0.6
_PLACES: tuple[tuple[type[Section], str], ...] = (
    (Config, "at the top of the file"),
    (AwsDefaults, "under aws:"),
    (TuningJob, "in an entry of tuning_jobs"),
    (Rule, "in an entry of discover"),
    (Spend, "under spend:"),
    (Failures, "under failures:"),
)

# The names here of keys of YACE, cloudwatch_exporter, Prometheus, boto3 and the AWS API.
_RENAMED = {
    "regionname": "region", "awsregion": "region", "defaultregion": "region", "stsregion": "region",
    "awsregions": "regions", "regionnames": "regions", "accountids": "accounts", "awsaccounts": "accounts",
    "assumerolename": "role_name", "accountaliases": "account_names",
    "account": "account_id", "awsaccount": "account_id", "awsaccountid": "account_id",
    "profilename": "profile", "awsprofile": "profile",
    "role": "role_arn", "assumerole": "role_arn", "assumerolearn": "role_arn", "iamrole": "role_arn", "awsrolearn": "role_arn",
    "endpoint": "endpoint_url", "awsendpointurl": "endpoint_url", "stsendpoint": "sts_endpoint_url",
    "servicequotasendpointurl": "quotas_endpoint_url", "quotasendpoint": "quotas_endpoint_url",
    "fips": "use_fips", "usefipsendpoint": "use_fips", "fipsenabled": "use_fips",
    "verify": "verify_ssl", "sslverify": "verify_ssl", "tlsverify": "verify_ssl",
    "cafile": "ca_bundle", "cabundlepath": "ca_bundle",
    "timeout": "read_timeout", "scrapetimeout": "read_timeout",
    "qps": "requests_per_second", "rps": "requests_per_second", "concurrency": "requests_per_second",
    "scrapeinterval": "interval", "scrapinginterval": "interval", "pollinterval": "interval", "pollinginterval": "interval",
    "refreshinterval": "interval", "period": "interval", "periodseconds": "interval", "every": "interval",
    "job": "name", "jobname": "name", "tuningjobname": "name", "hyperparametertuningjobname": "name",
    "jobarn": "arn", "hyperparametertuningjobarn": "arn", "tuningjobarn": "arn",
    "contains": "name_contains", "substring": "name_contains", "searchstring": "name_contains",
    "pattern": "name_regex", "namepattern": "name_regex", "regexp": "name_regex", "nameregexp": "name_regex",
    "statusequals": "statuses", "state": "statuses", "states": "statuses",
    "creationtimeafter": "created_within", "createdafter": "created_within", "maxage": "created_within",
    "lookback": "created_within", "maxresults": "max_jobs", "maxitems": "max_jobs", "limit": "max_jobs",
    "ignore": "exclude", "excludes": "exclude", "except": "exclude", "searchtags": "tags", "awstagselect": "tags", "tagselections": "tags", "tagfilters": "tags", "filters": "tags",
    "exportedtagsonmetrics": "tag_labels", "exporttags": "tag_labels", "tagsaslabels": "tag_labels",
    "customtags": "labels", "staticlabels": "labels", "externallabels": "labels", "extralabels": "labels",
    "static": "tuning_jobs", "discovery": "discover", "rules": "discover", "autodiscover": "discover",
    "metrics": "collect", "optional": "collect", "ttl": "retention", "keep": "retention", "staleness": "stale_after",
    "cost": "spend", "pricing": "spend",
}  # fmt: skip

_NO_SECRETS = (
    "credentials do not belong in this file: put them into ~/.aws/credentials and write profile under aws:, or leave"
    " them to the environment or a role"
)
_CLOUDWATCH = "this is about CloudWatch, which has no metrics of tuning jobs: remove it"
_IN_PROMETHEUS = "this belongs in the configuration of Prometheus, not of the exporter: remove it"
_IN_WEB_CONFIG = "this belongs in the file of --web.config.file: remove it here, and write it there"
_LISTEN = "the address is not configured here: remove it, and use the flag --web.listen-address"
_LOG = "the log is not configured here: remove it, and use the flags --log.level and --log.format"
_RETRIES = "the exporter tries again by itself: remove it"
_UNVERIFIED = "write verify_ssl: false under aws:, or better ca_bundle with the CA's certificate"
_PROXY = "a proxy is not configured here: remove it, and set HTTPS_PROXY and NO_PROXY in the environment"

# Keys that have no equivalent here, or another form, and what to do.
_ADVICE = {
    "jobs": "write tuning_jobs at the top for jobs by their names, or discover for rules that find jobs",
    "roles": "one role per entry: write role_arn in each entry of tuning_jobs and discover",
    "rolearns": "one role per entry: write role_arn in each entry of tuning_jobs and discover",
    "names": "one job per entry: write '- name: …' under tuning_jobs for each",
    "nameprefix": "write name_regex with ^ before the text, such as name_regex: ^churn-, in an entry of discover",
    "prefix": "write name_regex with ^ before the text, such as name_regex: ^churn-, in an entry of discover",
    "startswith": "write name_regex with ^ before the text, such as name_regex: ^churn-, in an entry of discover",
    "namesuffix": "write name_regex with $ after the text, such as name_regex: -prod$, in an entry of discover",
    "glob": "write name_regex with .* for *, such as name_regex: ^churn-.*$, in an entry of discover",
    "accesskeyid": _NO_SECRETS, "awsaccesskeyid": _NO_SECRETS, "accesskey": _NO_SECRETS, "secretkey": _NO_SECRETS,
    "secretaccesskey": _NO_SECRETS, "awssecretaccesskey": _NO_SECRETS, "sessiontoken": _NO_SECRETS,
    "awssessiontoken": _NO_SECRETS, "credentials": _NO_SECRETS, "token": _NO_SECRETS, "password": _NO_SECRETS,
    "namespace": _CLOUDWATCH, "awsnamespace": _CLOUDWATCH, "awsmetricname": _CLOUDWATCH, "awsdimensions": _CLOUDWATCH,
    "awsstatistics": _CLOUDWATCH, "statistics": _CLOUDWATCH, "dimensions": _CLOUDWATCH, "delay": _CLOUDWATCH,
    "delayseconds": _CLOUDWATCH, "rangeseconds": _CLOUDWATCH, "niltozero": _CLOUDWATCH, "length": _CLOUDWATCH,
    "dimensionnamerequirements": _CLOUDWATCH,
    "scrapeconfigs": _IN_PROMETHEUS, "rulefiles": _IN_PROMETHEUS, "alerting": _IN_PROMETHEUS, "remotewrite": _IN_PROMETHEUS,
    "relabelconfigs": _IN_PROMETHEUS, "metricrelabelconfigs": _IN_PROMETHEUS, "alerts": _IN_PROMETHEUS,
    "global": "there is no such level: write interval at the top of the file, and what is about AWS under aws:",
    "insecure": _UNVERIFIED, "insecureskipverify": _UNVERIFIED, "noverifyssl": _UNVERIFIED,
    "nosignrequest": "write sign_requests: false under aws:",
    "apiversion": "the file has no version: remove it", "version": "the file has no version: remove it",
    "tlsconfig": "write ca_bundle or verify_ssl under aws: for calls to AWS; how metrics are served is in the file of"
    " --web.config.file",
    "tlsserverconfig": _IN_WEB_CONFIG, "httpserverconfig": _IN_WEB_CONFIG, "basicauthusers": _IN_WEB_CONFIG,
    "basicauth": _IN_WEB_CONFIG, "ratelimit": _IN_WEB_CONFIG,
    "listenaddress": _LISTEN, "listen": _LISTEN, "port": _LISTEN, "bind": _LISTEN, "web": _LISTEN,
    "log": _LOG, "logging": _LOG, "loglevel": _LOG, "logformat": _LOG, "debug": _LOG,
    "retries": _RETRIES, "maxretries": _RETRIES, "maxattempts": _RETRIES, "retrymode": _RETRIES,
    "proxy": _PROXY, "proxyurl": _PROXY, "httpproxy": _PROXY, "httpsproxy": _PROXY, "noproxy": _PROXY,
}  # fmt: skip


def meant_key(key: str, section: type[Section]) -> tuple[type[Section], str] | None:
    """Return the section and key that an unknown key of ``section`` probably means. None if there is no similar key."""
    places = [section, *(each for each, _ in _PLACES if each is not section)]
    for exact in (key, _RENAMED.get(_letters(key))):
        if found := next((each for each in places if exact in each.model_fields), None):
            return found, str(exact)
    if _letters(key) in _ADVICE:
        return None
    near = {each: _nearest(key, each.model_fields) for each in places}
    # Prefer a key of the same section, unless one of another section is clearly more similar.
    best = max(places, key=lambda each: near[each][0] + (0.1 if each is section else 0))
    closeness, name = near[best]
    return (best, name) if closeness >= _CLOSE else None


def stands_for(key: str, section: type[Section]) -> set[str]:
    """Return which keys an unknown top-level key or key of ``aws`` may mean, such as ``interval`` or ``aws.region``."""
    if _letters(key) == "jobs":
        return {"tuning_jobs", "discover"}
    meant = meant_key(key, section)
    if meant is None:
        return set()
    home, name = meant
    if name == "regions":
        return {"aws.region", "aws.regions"}
    return {name} if home is Config else {f"aws.{name}"} if home is AwsDefaults else set()


def unknown_key(key: str, section: type[Section], *, at_top: bool) -> str:
    """Return the message for an unknown key, with what to write instead."""
    said = f"unknown key {quote(key)}"
    advice = _ADVICE.get(_letters(key))
    meant = meant_key(key, section)
    if meant is None:
        return f"{said}: {advice or instead(key, section.model_fields)}"
    home, name = meant
    if name == key:
        return f"{said} {'at the top' if at_top else 'here'}: {_where(key)}"
    if _letters(key) in _RENAMED:
        return f"{said}: write {name}{'' if home is section else f' {_place(name)}'}"
    return f"{said}: did you mean {quote(name)}{'' if home is section else f' {_place(name)}'}?"


def _where(key: str) -> str:
    """Return the text that says where a key of another section belongs."""
    if key in Config.model_fields:
        return "it is set once for all, at the top of the file"
    return f"write it {_place(key)}"


def _place(key: str) -> str:
    if key in Config.model_fields:
        return "at the top of the file"
    if key in AwsDefaults.model_fields:
        return "under aws: or in an entry of discover" if key in PLACE_KEYS else "under aws:"
    both = all(key in each.model_fields for each in (TuningJob, Rule))
    return (
        "in an entry of tuning_jobs or discover"
        if both
        else next(place for each, place in _PLACES if key in each.model_fields)
    )


def _nearest(key: str, known: Iterable[str]) -> tuple[float, str]:
    """Return the similarity of the most similar known key, from 0 to 1, and the key."""
    folded = _folded(key[:80])
    return max((difflib.SequenceMatcher(None, each, folded).ratio(), each) for each in known)


def _folded(key: str) -> str:
    """Return a key in snake case: camel case, dashes and spaces are converted."""
    return re.sub(r"[\s.-]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", key)).casefold()


def _letters(key: str) -> str:
    return _folded(key).replace("_", "")
