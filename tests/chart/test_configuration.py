"""The configuration in values arrives at the exporter as it was meant, and mistakes in it do not get so far."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from chart.rendering import CASES, HELMS, find, template, values
from support.tools import ROOT

from exporter.config import ConfigError, Settings, parse, read
from exporter.config.model import Aws, Config, Rule, TuningJob

pytestmark = pytest.mark.xdist_group("helm")


@pytest.mark.parametrize("case", [case for case in CASES if case not in {"demo", "existing"}])
def test_is_what_the_exporter_takes(case: str) -> None:
    [config] = [each for each in find(case, "ConfigMap") if "config.yaml" in each.get("data", {})]
    settings = parse(config["data"]["config.yaml"], case, "eu-west-1")
    assert sum(len(target.jobs) for target in settings.targets) == len(values(case)["config"].get("tuning_jobs", []))


def test_the_cases_have_every_key() -> None:
    config = values("everything")["config"]
    mappings = [each for each in config["tuning_jobs"] if isinstance(each, dict)]
    assert set(config) == set(Config.model_fields)
    assert set(config["aws"]) | set().union(*mappings) >= set(Aws.model_fields) - {
        "use_fips"
    }  # not with an endpoint_url
    assert set().union(*mappings) >= set(TuningJob.model_fields) - set(Aws.model_fields) - {"arn"}
    assert set().union(*config["discover"]) >= set(Rule.model_fields) - set(TuningJob.model_fields)


@pytest.mark.parametrize("key", Config.model_fields)
def test_no_key_is_without_effect(key: str) -> None:
    config = values("everything")["config"]
    without = {name: value for name, value in config.items() if name != key}
    assert settled(without) != settled(config)


def settled(config: Any) -> Settings | str:
    """Return what a configuration comes to, or what is wrong with it: that a key is missed is an effect too."""
    try:
        return parse(yaml.dump(config), "values", "us-east-1")
    except ConfigError as error:
        return str(error)


@pytest.mark.parametrize("program", HELMS)
def test_the_example_means_the_same_in_values(program: str, tmp_path: Path) -> None:
    example = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
    file = tmp_path / "values.yaml"
    file.write_text("config:\n" + re.sub("^", "  ", example, flags=re.MULTILINE), encoding="utf-8")
    done = template(program, "--values", file, "--show-only", "templates/configmap.yaml")
    assert done.returncode == 0, done.stderr
    rendered = yaml.safe_load(done.stdout)["data"]["config.yaml"]
    assert parse(rendered, "rendered") == read(ROOT / "config.example.yaml")


def test_texts_that_look_like_numbers_stay() -> None:
    [config] = [each for each in find("everything", "ConfigMap") if "config.yaml" in each.get("data", {})]
    assert yaml.safe_load(config["data"]["config.yaml"]) == values("everything")["config"]


AS_HELM_WRITES_THEM = """
config:
  collect: [training_jobs]
  aws: {region: eu-west-1, requests_per_second: 0.123456789}
  spend: {billable: off, prices: {ml.m5.xlarge: 0.0000112, ml.c5.large: 1250000.5}}
  tuning_jobs:
    - {name: a, budget: 1250000.5}
    - {name: b, budget: 2.5e+06}
    - {name: c, budget: 1000000000}
  discover:
    - {budget: 0.00001, max_jobs: 1e3}
"""


@pytest.mark.parametrize("program", HELMS)
def test_numbers_and_words_that_helm_writes_in_its_own_way_mean_the_same(program: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(AS_HELM_WRITES_THEM, encoding="utf-8")
    done = template(program, "--values", file, "--show-only", "templates/configmap.yaml")
    assert done.returncode == 0, done.stderr
    rendered = yaml.safe_load(done.stdout)["data"]["config.yaml"]
    assert "1.2500005e+06" in rendered
    assert "billable: false" in rendered
    [target] = parse(rendered, "rendered").targets
    assert [job.budget and job.budget.amount for job in target.jobs] == [1_250_000.5, 2_500_000.0, 1e9]
    assert [(rule.budget and rule.budget.amount, rule.max_jobs) for rule in target.rules] == [(1e-5, 1000)]
    assert target.requests_per_second == 0.123456789
    assert target.spend is not None
    assert target.spend.billable == "off"
    assert target.spend.prices == {"ml.m5.xlarge": 1.12e-05, "ml.c5.large": 1_250_000.5}


MISTAKEN = """
config:
  tuning_job: []
  interval: 60
  collect: [everything]
  spend: {billable: on, prices: {ml.m5.xlarge: 0}}
  aws: {regoin: x, account_id: 123456789012}
  tuning_jobs:
    - a-name
    - {name: a, lables: {}}
    - {name: b, labels: {cost: 4711}}
  discover:
    - {name_contain: x}
    - {statuses: [Running]}
serviceMonitr: {}
image: {tga: "1"}
log: {level: verbose}
shards: "3"
replicas: -1
aws: {roleArn: tuning-exporter}
prometheusRule:
  alerts:
    SageMakerTuningJobFaild: {}
    SageMakerTuningJobStuck: {form: 1m, thresholds: {agee: 1, window: 45}}
"""
COMPLAINTS = [
    "at '/config': additional properties 'tuning_job' not allowed",
    "at '/config/interval': got number, want string",
    "at '/config/collect/0': value must be one of",
    "at '/config/spend/billable': value must be one of",
    "at '/config/spend/prices/ml.m5.xlarge': exclusiveMinimum: got 0, want 0",
    "at '/config/aws': additional properties 'regoin' not allowed",
    "at '/config/aws/account_id': got number, want string",  # Helm would make 1.23456789012e+11 of it
    "at '/config/tuning_jobs/1': additional properties 'lables' not allowed",
    "at '/config/tuning_jobs/2/labels/cost': got number, want string",
    "at '/config/discover/0': additional properties 'name_contain' not allowed",
    "at '/config/discover/1/statuses/0': value must be one of",
    "at '': additional properties 'serviceMonitr' not allowed",
    "at '/image': additional properties 'tga' not allowed",
    "at '/log/level': value must be one of",
    "at '/shards': got string, want integer",
    "at '/replicas': minimum: got -1, want 0",
    "at '/aws/roleArn': 'tuning-exporter' does not match pattern",
    "at '/prometheusRule/alerts': additional properties 'SageMakerTuningJobFaild' not allowed",
    "at '/prometheusRule/alerts/SageMakerTuningJobStuck': additional properties 'form' not allowed",
    "at '/prometheusRule/alerts/SageMakerTuningJobStuck/thresholds': additional properties 'agee' not allowed",
    "at '/prometheusRule/alerts/SageMakerTuningJobStuck/thresholds/window': got number, want string",
]


@pytest.mark.parametrize("program", HELMS)
def test_mistakes_are_refused_by_name_and_all_at_once(program: str, tmp_path: Path) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(MISTAKEN, encoding="utf-8")
    done = template(program, "--values", file)
    assert done.returncode != 0
    assert not done.stdout
    told = [each for each in re.findall(r"^ *- (at .+)$", done.stderr, re.MULTILINE) if "validation failed" not in each]
    assert len(told) == len(COMPLAINTS)
    for complaint in COMPLAINTS:
        assert any(each.startswith(complaint) for each in told), complaint
