"""docs/simulator.md tells every switch, and its example works."""

from __future__ import annotations

import json
import re
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from support.clock import ManualClock

from exporter.cli import simulate
from exporter.config import parse
from exporter.simulator import fault_text
from exporter.simulator.creation import DEFAULT_SCENARIO, SCENARIO_TAG
from exporter.simulator.faults import Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

PAGE = Path(__file__, "../../../docs/simulator.md").resolve().read_text(encoding="utf-8")


def block(language: str) -> str:
    [found] = re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)
    return found


def test_every_switch_has_its_row_with_its_default(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit):
        simulate.run(["--help"])
    shown = re.sub(r"\n {10,}", " ", capsys.readouterr().out)
    told = re.findall(r"^  (--[a-z.-]+)(?:.*\[(?:\w+; )?default:? (.*)\])?", shown, re.MULTILINE)
    rows = re.findall(r"^\| `(--[a-z.-]+)[^|]*\|(?: `?([^|]*?)`?)? \|", PAGE, re.MULTILINE)
    without = {"", "no limit", "off"}
    assert len(told) > 10
    assert sorted((switch, "" if default in without else default) for switch, default in rows) == sorted(told)


def test_the_scenario_of_a_job_without_a_tag_is_named():
    assert f"| `{SCENARIO_TAG}` | `{DEFAULT_SCENARIO}` |" in PAGE


def test_every_kind_of_fault_is_named_and_the_examples_are_faults():
    operations = Simulator(ManualClock()).operations
    assert all(f"`{kind}`" in PAGE for kind in Kind)
    faults = PAGE[PAGE.index("### Faults") : PAGE.index("The kinds are")]
    examples = re.findall(r"^\| `([^`]+)`", faults, re.MULTILINE)
    assert len(examples) == 5
    for example in [*examples, *re.findall(r"--fault (\S+)\n", PAGE)]:
        fault_text.parse(example, operations)  # or it raises ValueError


def test_the_configuration_is_one():
    [target] = parse(block("yaml"), "docs").targets
    assert target.key.region == "us-east-1"


def test_the_example_is_created_stopped_and_deleted():
    simulator = Simulator(clock := ManualClock(1_764_000_000.25))
    with Server(simulator) as server:
        client = boto3.client(
            "sagemaker",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id="simulated",
            aws_secret_access_key="simulated",
            config=Config(proxies={}),
        )
        client.create_hyper_parameter_tuning_job(**json.loads(block("json")))
        name = {"HyperParameterTuningJobName": "rehearsal-1"}
        clock.advance(600)
        counters = client.describe_hyper_parameter_tuning_job(**name)["TrainingJobStatusCounters"]
        assert counters["NonRetryableError"] > counters["Completed"]
        client.stop_hyper_parameter_tuning_job(**name)
        clock.advance(60)
        assert client.describe_hyper_parameter_tuning_job(**name)["HyperParameterTuningJobStatus"] == "Stopped"
        client.delete_hyper_parameter_tuning_job(**name)
        client.close()
