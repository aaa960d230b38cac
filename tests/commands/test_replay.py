"""``replay``: what it refuses, and the endpoint that it serves to any client."""

from __future__ import annotations

import re
import signal
import socket
import sys
from typing import TYPE_CHECKING, Any

import pytest
from recording.files import BEGAN, CALL, CONFIGURATION, LIST, USABLE, flat, gz, summary, written
from support.processes import Child
from support.text import found

from exporter.cli import failures, replay
from exporter.cli.recorded_service import RecordedService
from exporter.clock import SystemClock
from exporter.config import parse
from exporter.errors import CallFailed, ErrorCode
from exporter.recording import Pace, Recording, World
from exporter.recording import file as file_of
from exporter.sagemaker import SageMakerApi, Sessions
from exporter.simulator.server import Server
from exporter.telemetry import Telemetry

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.config.specs import TargetSpec


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run it in this process, and return what it ends with."""
    try:
        given = [*map(str, arguments)]
        code: object = failures.guarded(lambda: replay.run(given), given)
    except SystemExit as usage:
        code = usage.code
    told = capsys.readouterr().err
    assert code == (2 if "error: " in told else 1)
    return told


def test_tells_what_is_wrong_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.rec"
    assert refused(capsys, file) == f"cannot read {file}: No such file or directory\n"
    file.write_text("interval: 60s\n")
    assert refused(capsys, file).startswith(f"{file} is not a recording: name a file that")
    file.write_bytes(gz({"format": file_of.FORMAT, "version": 7}))
    assert "newer exporter wrote: this one reads up to 1; install a newer one\n" in refused(capsys, file)
    file.write_bytes(gz({**USABLE, "format": file_of.FORMAT, "version": 1}, ["D"]))
    assert refused(capsys, file) == f"{file}: line 2 is not one of a recording: the file is damaged\n"
    file.unlink()
    assert refused(capsys, written(file, header=USABLE)) == f"{file} has no calls yet: record for longer\n"
    file.unlink()
    broken = USABLE | {"configuration": {"tuning_jobs": [], "discover": [], "colect": []}}
    told = refused(capsys, written(file, CALL, header=broken))
    assert told.startswith(f"{file} carries a configuration that cannot be used: ")
    assert "colect" in told
    for odd in ({"tuning_jobs": 3}, {"tuning_jobs": [{"endpoint": 9}]}, {**CONFIGURATION, "interval": "soon"}):
        file.unlink()
        assert "the file is damaged" in refused(capsys, written(file, CALL, header=USABLE | {"configuration": odd}))
    for option in ("--speed=0", "--speed=1e-9", "--speed=nan", "--speed=fast", "--speed=1e9"):
        assert "write a number from 0.01 to 3600" in refused(capsys, file, option)
    assert "is not a listen address" in refused(capsys, file, "--web.listen-address=8080")
    two = ("--endpoint-only", "--web.listen-address=:1", "--web.listen-address=:2")
    assert "with --endpoint-only there is one address" in refused(capsys, file, *two)


def test_tells_that_a_file_ends_early_and_that_an_address_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "a.rec", *[CALL] * 3, header=USABLE)
    file.write_bytes(file.read_bytes()[:-8])
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        for option in ((), ("--endpoint-only",)):
            early, listen = refused(capsys, file, f"--web.listen-address={address}", *option).splitlines()
            assert early == f"{file} ends early, as when `record` is killed: its first 0s are replayed"
            assert listen.startswith(f"cannot listen on {address}: ")


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        replay.run(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for option in ("FILE", "--speed", "--endpoint-only", "--web.listen-address", "docs/recording.md"):
        assert option in told


def api_for(spec: TargetSpec) -> SageMakerApi:
    return SageMakerApi(spec, Sessions(), Telemetry())


@pytest.mark.long
def test_serves_the_endpoint_alone_with_the_configuration_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(
        tmp_path / "a.rec", ["D", 0, 0, 9, "job0001", None, flat(summary("job0001", BEGAN - 60))], header=USABLE
    )
    arguments: list[str | Path] = [sys.executable, "-m", "exporter", "replay", file, "--endpoint-only", "--speed=60"]
    with Child([*arguments, "--web.listen-address=127.0.0.1:0"], log=tmp_path / "log") as child:
        child.wait_until(lambda: "stale_after" in child.output())
        assert found(r"endpoint: (\S+)", child.output())[1].startswith("http://127.0.0.1:")
        printed = child.output().partition("The recording has ended")[0]
        [target] = parse(printed, "printed").targets
        assert (target.interval, target.stale_after, target.requests_per_second) == (1.0, 5.0, 300.0)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "recorded")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "recorded")
        assert api_for(target).describe("job0001")["HyperParameterTuningJobName"] == "job0001"
        child.wait_until(lambda: re.search("has ended", child.output()))
        child.send(signal.SIGTERM)
        assert child.wait() == 0
        assert "Traceback" not in child.output()


def test_the_sdk_is_answered_as_in_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[Any] = [["D", 0, 0, 3, code, str(code)] for code in ErrorCode]
    named = flat(summary("a", BEGAN - 60))
    lines += [LIST, ["D", 0, -1_000, 20, "a", None, named], ["G", 0, 0, 0, "a", None, {"/Tags": [[["k", "v"]]]}]]
    lines += [["A", 0, 0, 0, "", None, "000000000001"]]
    recording = Recording(written(tmp_path / "a.rec", *lines, header=USABLE))
    clock = SystemClock()
    world = World(recording, recording.survey(), Pace(BEGAN, clock.time()), slack=2.0)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "recorded")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "recorded")
    told = {}
    with Server(RecordedService(world, clock, {"eu-west-1": 0}, 1.0)) as server:
        url = f"endpoint_url: '{server.url}/0', sts_endpoint_url: '{server.url}'"
        [spec] = parse(f"aws: {{region: eu-west-1, {url}}}\ntuning_jobs: [a]\n", "c").targets
        api = api_for(spec)
        assert api.describe("a")["HyperParameterTuningJobName"] == "a"
        assert api.list_tags("arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/a") == {"k": "v"}
        assert api.caller_account() == "000000000001"
        listed = api.list_jobs(
            {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 2, "StatusEquals": "InProgress"}
        )
        assert [each["HyperParameterTuningJobName"] for each in listed["HyperParameterTuningJobSummaries"]] == [
            "C",
            "b",
        ]
        assert listed["NextToken"]
        for code in ErrorCode:
            with pytest.raises(CallFailed) as failed:
                api.describe(code)
            told[code] = failed.value.code
        with pytest.raises(CallFailed) as failed:
            api.list_training_jobs({"HyperParameterTuningJobName": "a"})
        assert failed.value.code is ErrorCode.NOT_FOUND
    near = {ErrorCode.TLS: ErrorCode.CONNECTION, ErrorCode.ASSUME_ROLE_DENIED: ErrorCode.ACCESS_DENIED}
    near |= {ErrorCode.WRONG_ACCOUNT: ErrorCode.OTHER}  # which the exporter finds out itself
    assert told == {code: near.get(code, code) for code in ErrorCode}
