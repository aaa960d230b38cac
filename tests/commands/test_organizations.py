"""The commands that read everything once, on the accounts of an organization, against a simulated AWS on a wire."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from support.processes import Child
from support.web import get

from exporter.cli import main
from exporter.clock import SystemClock
from exporter.recording import Recording
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNTS = tuple(f"{number:012}" for number in range(1, 4))
DENIES = ACCOUNTS[1]
REGIONS = ("eu-west-1", "us-east-1")
UNIT = "ou-ab12-11111111"
READER = "arn:aws:iam::999999999999:role/reader"


@pytest.fixture
def simulator() -> Iterator[tuple[Simulator, str]]:
    """Three accounts, of which one lets nobody assume the role, and one has a tuning job in one region only."""
    simulator = Simulator(SystemClock())
    simulator.organization.add_unit(UNIT)
    simulator.roles[READER] = None
    for account in ACCOUNTS:
        simulator.organization.join(account, f"team-{account[-1]}", parent=UNIT)
        if account != DENIES:
            simulator.roles[f"arn:aws:iam::{account}:role/metrics"] = None
        for region in REGIONS[: 1 if account == ACCOUNTS[2] else 2]:
            simulator.create(
                "healthy", f"search-{account[-1]}", region=region, account_id=account, created=time.time() - 4_000
            )
    with Server(simulator) as server:
        yield simulator, server.url


@pytest.fixture
def config(tmp_path: Path, simulator: tuple[Simulator, str]) -> Path:
    return written(tmp_path / "config.yaml", simulator[1])


def written(file: Path, url: str, organization: Any = None, **more: Any) -> Path:
    aws = {
        "endpoint_url": url,
        "sts_endpoint_url": url,
        "requests_per_second": 1000,
        "regions": REGIONS,
        "organization": {"role_name": "metrics", "endpoint_url": url, **(organization or {})},
    }
    file.write_text(
        yaml.safe_dump(
            {
                "aws": aws,
                "discover": [{"name": "all", "name_contains": "search"}, {"name": "none", "name_contains": "nothing"}],
            }
            | more
        )
    )
    return file


def deny(simulator: tuple[Simulator, str]) -> None:
    simulator[0].faults.add(Fault(Kind.ACCESS_DENIED, "ListAccounts"))


def test_check_lists_the_accounts_and_tries_each(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(config), "--online"]) == 1
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[:6] == [
        f"{config}: ok, 0 tuning jobs and 2 discover rules in 0 targets, and in the accounts of 1 organization, shown below",
        "",
        "organization: 3 active accounts",
        *(f"  {account}  team-{account[-1]}" for account in ACCOUNTS),
    ]
    for account in ACCOUNTS:
        for region in REGIONS:
            place = lines.index(f"{region}/{account}/metrics: account {account} (team-{account[-1]}), region {region}")
            tried = lines[place + 1 : place + 12]
            if account == DENIES:
                assert any("Allow sts:AssumeRole on arn:aws:iam::000000000002:role/metrics" in line for line in tried)
            else:
                assert any(line.startswith("    ListHyperParameterTuningJobs     permitted") for line in tried)
    # One rule finds something in one account or region at least: that it finds nothing elsewhere is no doubt.
    assert [line.partition(": finds")[0] for line in err.splitlines()] == [
        f"warning: {config}: organization, rule none"
    ]


def test_check_as_json_has_accounts_and_their_names(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(config), "--online", "--format=json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["targets"] == len(told["online"]) == 6
    assert told["organizations"] == [
        {
            "name": "organization",
            "accounts": [{"id": account, "name": f"team-{account[-1]}"} for account in ACCOUNTS],
            "error": None,
        }
    ]
    assert {(each["account_name"], each["organization"]) for each in told["online"]} == {
        (f"team-{account[-1]}", "organization") for account in ACCOUNTS
    }
    assert [each["account_id"] for each in told["online"] if each["error"]] == [DENIES] * 2


def test_accounts_that_cannot_be_read_are_an_error_and_the_rest_is_tried(
    config: Path, simulator: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    deny(simulator)
    alone = {"name": "search-1", "region": REGIONS[0], "role_arn": f"arn:aws:iam::{ACCOUNTS[0]}:role/metrics"}
    written(config, simulator[1], tuning_jobs=[alone])
    assert main(["check", str(config), "--online"]) == 1
    out, _ = capsys.readouterr()
    assert "\norganization:\n  error: the accounts cannot be read: access_denied: " in out
    assert "\n    Allow organizations:ListAccounts to a role in the management account or in that of a delegated" in out
    assert re.search("^    search-1  InProgress", out, re.MULTILINE)
    assert main(["once", str(config)]) == 1
    out, err = capsys.readouterr()
    assert re.fullmatch(
        r"error: the accounts of organization cannot be read, access_denied: .+ \| Allow organizations:ListAccounts .+\n",
        err,
    )
    assert "sagemaker_tuning_job_up{" in out
    assert 'organization_errors_total{code="access_denied",organization="organization"} 1.0' in out
    assert main(["check", str(config), "--online", "--format=json"]) == 1
    [organization] = json.loads(capsys.readouterr().out)["organizations"]
    assert (organization["accounts"], organization["error"]["code"]) == (None, "access_denied")


def test_accounts_that_contradict_the_file_are_mistakes(
    config: Path, simulator: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    slow = {"region": REGIONS[0], "role_arn": f"arn:aws:iam::{ACCOUNTS[0]}:role/metrics", "requests_per_second": 1}
    written(config, simulator[1], discover=[{"name": "all"}, {"name": "slow", **slow}])
    assert main(["check", str(config), "--online"]) == 1
    out, err = capsys.readouterr()
    assert f"\n{REGIONS[0]}/{ACCOUNTS[0]}/metrics: account" in out, "what the file itself names is tried"
    assert "requests_per_second is 1 here but 1000 for " in err
    assert main(["once", str(config)]) == 1
    assert "requests_per_second is 1 here but 1000 for " in capsys.readouterr().err


def test_once_prints_what_every_account_has(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["once", str(config)]) == 1
    out, err = capsys.readouterr()
    found = re.findall(
        r'^sagemaker_tuning_job_up\{aws_account_id="(\d+)",aws_region="([\w-]+)".*\} 1$', out, re.MULTILINE
    )
    assert sorted(found) == [(ACCOUNTS[0], REGIONS[0]), (ACCOUNTS[0], REGIONS[1]), (ACCOUNTS[2], REGIONS[0])]
    assert 'aws_account_name="team-3"' in out
    assert 'sagemaker_tuning_exporter_organization_accounts{organization="organization"} 3.0\n' in out
    assert (
        'api_requests_total{aws_account_id="",aws_region="",operation="ListAccounts",target="organization"} 1.0' in out
    )
    assert err.startswith("error: ListHyperParameterTuningJobs fails with assume_role_denied in ")


def test_no_page_is_read_once_time_is_up(
    config: Path, simulator: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    simulator[0].faults.add(Fault(Kind.SLOW, "ListAccountsForParent", seconds=1.2))
    written(config, simulator[1], {"include_ous": [UNIT]})
    assert main(["once", str(config), "--timeout=1s"]) == 1
    assert (
        "the accounts of organization/ou-ab12-11111111 cannot be read, timeout: time was up" in capsys.readouterr().err
    )
    assert simulator[0].requests["ListOrganizationalUnitsForParent", "us-east-1"] == 0


def test_plan_takes_the_accounts_from_aws_or_is_told_their_number(
    config: Path, simulator: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["plan", str(config)])
    assert refused.value.code == 2
    assert (
        "only AWS knows the accounts of the organization: give their number, or use --online" in capsys.readouterr().err
    )
    assert main(["plan", str(config), "--accounts=5", "--jobs=2", "--running=1", "--format=json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (len(told["targets"]), told["tuning_jobs"]) == (10, 20)
    assert sum(simulator[0].requests.values()) == 0
    assert main(["plan", str(config), "--online", "--format=json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [(each["account_id"], each["tuning_jobs"]) for each in told["targets"] if each["tuning_jobs"]] == [
        *((ACCOUNTS[0], 1), (ACCOUNTS[0], 1), (ACCOUNTS[2], 1))
    ]
    assert len(told["targets"]) == 6


def test_plan_refuses_accounts_where_there_is_no_organization(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("aws: {region: us-east-1}\ntuning_jobs: [a]\n")
    for arguments, says in (
        (
            ["--accounts=3"],
            "--accounts: it says what an organization has, and the configuration has none: leave it out",
        ),
        (["--accounts=3", "--online"], "--online: AWS tells how many accounts and tuning jobs there are"),
        (["--accounts=0"], "'0' is not a whole number from 1 to 10,000"),
    ):
        with pytest.raises(SystemExit):
            main(["plan", str(file), *arguments])
        assert says in capsys.readouterr().err


@pytest.mark.long
def test_record_has_the_accounts_that_there_are_when_it_starts(tmp_path: Path, config: Path) -> None:
    file = tmp_path / "fleet.rec"
    program: list[str | Path] = [
        sys.executable,
        "-m",
        "exporter",
        "record",
        file,
        f"--config.file={config}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with Child(program, log=tmp_path / "log") as child:
        url = child.wait_until(lambda: re.search(r"Metrics: +(\S+)", child.output()))[1]
        child.wait_until(lambda: get(url).text.count("sagemaker_tuning_job_up{") == 3)
        child.send(signal.SIGINT)
        assert child.wait() == 0
        assert re.search(r"calls to 6 targets in", child.output())
    recording = Recording(file)
    assert recording.survey().jobs == 3
    assert len(recording.settings("http://127.0.0.1:1").targets) == 6
    assert not recording.settings("http://127.0.0.1:1").organizations


def test_record_does_not_begin_where_the_accounts_cannot_be_read(
    tmp_path: Path, config: Path, simulator: tuple[Simulator, str], capsys: pytest.CaptureFixture[str]
) -> None:
    deny(simulator)
    file = tmp_path / "fleet.rec"
    assert main(["record", str(file), f"--config.file={config}"]) == 1
    assert "the accounts of organization cannot be read, access_denied: " in capsys.readouterr().err
    assert not file.exists()
