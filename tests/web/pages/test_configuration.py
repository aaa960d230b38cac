"""The configuration in force, without its secrets."""

from __future__ import annotations

from dataclasses import fields, replace

from support.snapshots import NOW, settings, snapshot

from exporter.config import Problem
from exporter.config.specs import (
    Connection,
    Credentials,
    Endpoint,
    JobSpec,
    Money,
    RuleSpec,
    SpendSpec,
    TargetSpec,
)
from exporter.web.pages import Origin, Refused, WebConfiguration
from exporter.web.pages.as_json import encoded
from exporter.web.pages.configuration import Job, Mistake, Refusal, Rule, Spend, Target, Web, config
from exporter.web.pages.figures import moment

CANARY = "CaNaRy-external-id"

FULL = f"""\
interval: 2m
aws: {{region: eu-west-1, requests_per_second: 3}}
collect: [training_jobs, definitions]
spend: {{prices: {{ml.p3.2xlarge: 3.6}}, currency: EUR}}
failures: {{classes: [{{reason: nan_loss, regex: "loss is nan"}}]}}
tuning_jobs:
  - {{name: churn, labels: {{team: search}}, budget: 50}}
  - {{name: other, region: us-east-1, role_arn: "arn:aws:iam::123456789012:role/metrics", external_id: {CANARY}}}
discover:
  - {{name: prod, name_contains: prod-, statuses: [InProgress], tags: {{env: prod}}, created_within: 7d, max_jobs: 20}}
"""


def test_every_setting_is_told_with_its_defaults() -> None:
    found = config(snapshot([], settings(FULL)))
    assert (found.file, found.flags, found.trigger) == ("config.yaml", {"--config.file": "config.yaml"}, "start")
    assert found.applied == moment(NOW - 7_500)
    assert found.collect == ("definitions", "training_jobs")
    assert found.refused is None
    here, there = found.targets
    assert (here.region, here.interval_seconds, here.requests_per_second) == ("eu-west-1", 120.0, 3.0)
    assert (here.read_timeout_seconds, here.verify_ssl, here.endpoint_url) == (15.0, True, None)
    assert here.spend is not None
    assert (here.spend.currency, here.spend.priced_instance_types) == ("EUR", 1)
    assert here.spend.failure_classes == {"nan_loss": "loss is nan"}
    [job] = here.tuning_jobs
    assert (job.name, job.labels, job.budget) == ("churn", {"team": "search"}, Money(50.0, "EUR"))
    [rule] = here.rules
    assert (rule.name, rule.statuses, rule.tags, rule.max_jobs) == ("prod", ("InProgress",), {"env": "prod"}, 20)
    assert rule.created_within_seconds == 7 * 86_400
    assert (there.role_arn, there.external_id) == ("arn:aws:iam::123456789012:role/metrics", True)
    assert here.external_id is False


def names(*models: type) -> set[str]:
    return {field.name for model in models for field in fields(model)}


def test_no_setting_is_forgotten() -> None:
    renamed = {"jobs": "tuning_jobs", "url": "endpoint_url"}
    settled = names(TargetSpec, Connection, Credentials, Endpoint) - {"key", "connection"} | {"region", "partition"}
    told = {name.removesuffix("_seconds") for name in names(Target)}
    assert {renamed.get(name, name) for name in settled} == told
    assert names(RuleSpec) == {name.removesuffix("_seconds") for name in names(Rule)}
    assert names(JobSpec) - {"source"} == names(Job)
    assert names(SpendSpec) - {"prices"} == {
        name.removesuffix("_seconds") for name in names(Spend) - {"priced_instance_types"}
    }


def test_no_secret_is_in_it() -> None:
    seen = snapshot([], settings(FULL))
    origin = Origin("/etc/config.yaml", {"--web.external-url": "https://user:CaNaRy@example.com/"})
    problem = Problem("config.yaml", 3, "aws", "https://me:CaNaRy@example.com is wrong, token=CaNaRy too")
    refused = Refused(NOW, "file", (problem,))
    web = WebConfiguration("web.yaml", "http, users: 1", NOW, refused)
    seen = replace(seen, configuration=replace(seen.configuration, origin=origin, refused=refused), web=web)
    text = encoded(config(seen)).decode()
    assert "CaNaRy" not in text
    assert '"external_id": true' in text
    assert "example.com" in text


def test_the_mistakes_of_a_refused_one_have_file_and_line() -> None:
    seen = snapshot()
    problems = (
        Problem("config.yaml", 7, "interval", "write 30s"),
        Problem("config.yaml", None, "", "the file is empty"),
    )
    refused = Refused(NOW - 60, "SIGHUP", problems)
    found = config(replace(seen, configuration=replace(seen.configuration, refused=refused))).refused
    assert found is not None
    assert (found.at, found.trigger) == (moment(NOW - 60), "SIGHUP")
    assert found.mistakes == (
        Mistake("config.yaml", 7, "interval", "write 30s"),
        Mistake("config.yaml", None, None, "the file is empty"),
    )


def test_the_web_configuration_is_told_where_there_is_one() -> None:
    assert config(snapshot()).web is None
    web = WebConfiguration("web.yaml", "https, users: 2", NOW - 7_500)
    found = config(snapshot(web=web)).web
    assert found == Web("web.yaml", "https, users: 2", moment(NOW - 7_500), None)
    refused = Refused(NOW - 60, "file", (Problem("web.yaml", 7, "rate_limit", "write a number"),))
    found = config(snapshot(web=replace(web, refused=refused))).web
    assert found is not None
    assert found.refused == Refusal(moment(NOW - 60), "file", (Mistake("web.yaml", 7, "rate_limit", "write a number"),))


def test_organizations_are_told_without_their_secrets() -> None:
    of = settings(
        f"aws: {{region: eu-west-1, role_arn: 'arn:aws:iam::123456789012:role/reader', external_id: {CANARY}}}\n"
        "discover: [{organization: {role_name: r, include_ous: [ou-ab12-34cd56ef]}}]\n"
    )
    seen = snapshot([], of)
    [found] = config(seen).organizations
    assert (found.name, found.account_id) == ("organization/123456789012/ou-ab12-34cd56ef", "123456789012")
    assert (found.role_arn, found.external_id) == ("arn:aws:iam::123456789012:role/reader", True)
    assert found.include_ous == ("ou-ab12-34cd56ef",)
    assert CANARY not in encoded(config(seen)).decode()
