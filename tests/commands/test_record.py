"""``record`` and then ``replay``, as somebody with a fleet runs them: in a pipe and on a terminal."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from support.processes import Child
from support.text import found
from support.web import get

from exporter.cli import failures, record
from exporter.clock import SystemClock
from exporter.recording import Recording
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PROGRAM = [sys.executable, "-m", "exporter"]
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_"))},
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_EC2_METADATA_DISABLED": "true",
    "NO_PROXY": "*",
    "TERM": "xterm",
}


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """Yield the configuration for a simulated fleet of two tuning jobs."""
    simulator = Simulator(SystemClock(), default_region="eu-west-1")
    for name in ("churn-a", "churn-b"):
        simulator.create("healthy", name, created=simulator.clock.time() - 3600)
    with Server(simulator) as server:
        file = tmp_path / "config.yaml"
        file.write_text(
            f"interval: 1s\naws: {{region: eu-west-1, endpoint_url: '{server.url}', sts_endpoint_url: '{server.url}'}}\n"
            "discover: [{name_contains: churn-, labels: {owner: anna}}]\ntuning_jobs: [nobody]\n"
        )
        yield file


@pytest.mark.long
def test_records_while_it_serves_and_replays_what_was_so(tmp_path: Path, config: Path) -> None:
    file = tmp_path / "fleet.rec"
    arguments: list[str | Path] = [
        *PROGRAM,
        "record",
        file,
        f"--config.file={config}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with Child(arguments, log=tmp_path / "log", environment=ENVIRONMENT) as child:
        url = child.wait_until(lambda: re.search(r"Metrics: +(\S+)", child.output()))[1]
        child.wait_until(lambda: 'churn-b"} ' in get(url).text)
        child.send(signal.SIGINT)
        assert child.wait() == 0
        told = found(
            r"fleet\.rec: ([\d,]+) calls to 1 target in \d+s, [\d.]+ kB\. Watch it with: .* replay \S+fleet\.rec\n",
            child.output(),
        )
        assert "Traceback" not in child.output()
        assert "\x1b" not in child.output()  # nobody looks: no progress
    survey = Recording(file).survey()
    assert (survey.calls, survey.jobs, survey.whole) == (int(told[1].replace(",", "")), 3, True)
    with Child(
        [*PROGRAM, "replay", file, "--web.listen-address=127.0.0.1:0"], log=tmp_path / "log", environment=ENVIRONMENT
    ) as child:
        url = child.wait_until(lambda: re.search(r"Metrics: +(\S+)", child.output()))[1]
        text = child.wait_until(lambda: (text := get(url).text).count("job_created_timestamp_seconds{") == 2 and text)
        jobs = dict(re.findall(r'job_up\{[^}]*tuning_job="([^"]*)"\} (\d)', text))
        assert jobs == {"job0001": "0", "job0002x0": "1", "job0003x0": "1"}
        assert 'label_label_1="value-1"' in text
        assert set(re.findall(r'aws_account_id="([^"]*)"', text)) <= {"000000000001", ""}
        child.wait_until(lambda: "The recording has ended." in child.output())
        child.send(signal.SIGINT)
        assert child.wait() == 0
        assert "Traceback" not in child.output()


@pytest.mark.long
def test_on_a_terminal_it_shows_how_far_it_is(tmp_path: Path, config: Path) -> None:
    file = tmp_path / "fleet.rec"
    arguments = ["record", str(file), f"--config.file={config}", "--duration=2s", "--no-redact"]
    with on_terminal(arguments) as (child, terminal):
        shown = b"".join(iter(lambda: _read(terminal), b""))
        assert child.wait() == 0
    assert b"recording: " in shown
    assert b" of 2s" in shown
    assert b"Traceback" not in shown
    recording = Recording(file)
    assert recording.redacted is False
    assert any(event.about == "churn-a" for event in recording.events())
    with on_terminal(["replay", str(file), "--web.listen-address=127.0.0.1:0"]) as (child, terminal):
        shown = b""
        while b"Status page:" not in shown:
            shown += (piece := _read(terminal))
            assert piece, shown
        child.send_signal(signal.SIGINT)
        shown += b"".join(iter(lambda: _read(terminal), b""))
        assert child.wait() == 0
    assert b"Traceback" not in shown


@contextmanager
def on_terminal(arguments: list[str]) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run the program on a terminal, and yield it with the terminal's other side."""
    ours, theirs = pty.openpty()
    command = [*PROGRAM, *arguments]
    try:
        with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=ENVIRONMENT) as child:
            os.close(theirs)
            try:
                yield child, ours
            finally:
                child.kill()
    finally:
        os.close(ours)


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # the other side has gone
        return b""


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run it in this process, and return the one sentence that it ends with."""
    try:
        given = [*map(str, arguments)]
        code: object = failures.guarded(lambda: record.run(given), given)
    except SystemExit as usage:
        code = usage.code
    [*_, told] = capsys.readouterr().err.splitlines()
    assert code == (2 if "error: " in told else 1)
    return told


def test_tells_what_is_wrong_in_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("aws: {region: eu-west-1}\ntuning_jobs: [a]\n")
    given = f"--config.file={config}"
    there = tmp_path / "there.rec"
    there.touch()
    assert refused(capsys, there, given) == f"{there} exists already: name another file, or remove it"
    lost = tmp_path / "no" / "a.rec"
    assert refused(capsys, lost, given) == f"cannot write {lost}: No such file or directory"
    assert "argument --duration: " in refused(capsys, lost, given, "--duration=soon")
    assert "0s is no time to record for: write for example 30m or 24h" in refused(capsys, lost, given, "--duration=0s")
    assert "the following arguments are required: FILE" in refused(capsys, given)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        assert refused(capsys, tmp_path / "a.rec", given, f"--web.listen-address={address}").startswith(
            "cannot listen on"
        )
    assert not (tmp_path / "a.rec").exists()
    assert "config.yaml" in refused(capsys, tmp_path / "a.rec", f"--config.file={tmp_path}/no/config.yaml")
    config.write_text("tuning_jobs: []\n")
    assert refused(capsys, tmp_path / "a.rec", given).endswith(
        "watches nothing: add tuning_jobs or discover rules to it"
    )


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        record.run(["--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    for option in ("FILE", "--duration", "--no-redact", "--config.file", "--web.listen-address", "docs/recording.md"):
        assert option in told
