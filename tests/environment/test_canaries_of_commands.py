"""The same secrets, and those of files and answers, looked for in what each command prints and writes, in pages and in JSON."""

from __future__ import annotations

import gzip
import json
import signal
import sys
from typing import TYPE_CHECKING, NamedTuple

import pytest
from environment.echo import CANARY, KEYS, PATHS, Echo, refusal
from environment.process import REGION, Exporter
from recording.files import CALL, USABLE, written
from support.processes import wait_until
from support.views import answer

from exporter.cli import COMMANDS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JOB = "one"
BROKEN_KEY = KEYS | {"AWS_SECRET_ACCESS_KEY": f"{CANARY}\n"}
ENVIRONMENT = {"AWS_REGION": REGION, "SAGEMAKER_TUNING_EXPORTER_LOG_LEVEL": "debug", "NO_PROXY": "*"}
HASH = f"$2b$04${CANARY.replace('+', '.').replace('=', '.'):.<53}"
WEB_CANARY = HASH[7:19]


class Given(NamedTuple):
    """What a command may be given, all of it with secrets in it."""

    config: Path
    broken: Path
    web: Path
    recording: Path
    offer: Path
    url: str


class Row(NamedTuple):
    """A command line, what it has printed when it may be ended, none if it ends itself, and whether it calls AWS."""

    words: Callable[[Given], list[str]]
    ready: str = ""
    calls: bool = False


LISTEN = "--web.listen-address=127.0.0.1:0"
ROWS: dict[str, tuple[Row, ...]] = {
    "check": (
        Row(lambda at: [str(at.config), "--web.config.file", str(at.web), "--online", "--timeout=5s"], calls=True),
        Row(lambda at: [str(at.config), "--online", "--timeout=5s", "--format=json"], calls=True),
        Row(lambda at: [str(at.broken)]),
    ),
    "completion": (Row(lambda _: ["bash"]),),
    "demo": (Row(lambda at: [LISTEN, "--web.config.file", str(at.web)], ready="/metrics"),),
    # Without --metrics it prints all that AWS says, which is what it is for.
    "describe": (
        Row(lambda at: [JOB, "--metrics", "--debug", "--endpoint-url", at.url], calls=True),
        Row(lambda at: ["refused", "--debug", "--endpoint-url", at.url], calls=True),
    ),
    "iam-policy": (
        Row(lambda at: [str(at.config)]),
        Row(lambda at: [str(at.config), "--format=terraform"]),
        Row(lambda at: [str(at.broken)]),
    ),
    "once": (
        Row(lambda at: [str(at.config), "--timeout=5s"], calls=True),
        Row(lambda at: [str(at.config), "--timeout=5s", "--format=json"], calls=True),
        Row(lambda at: [str(at.broken)]),
    ),
    "plan": (
        Row(lambda at: [str(at.config), "--online", "--timeout=5s"], calls=True),
        Row(lambda at: [str(at.broken)]),
    ),
    "prices": (Row(lambda at: [f"--region={REGION}", "--from", str(at.offer)]),),
    "record": (Row(lambda at: [str(at.recording), "--config.file", str(at.config), "--duration=2s"], calls=True),),
    "replay": (Row(lambda at: [str(at.recording), "--endpoint-only", LISTEN], ready="Recorded SageMaker endpoint"),),
    "schema": (Row(lambda _: []),),
    "simulate": (Row(lambda _: [LISTEN], ready="http://"),),
    "version": (Row(lambda _: []),),
}


def test_every_command_is_looked_at() -> None:
    assert ROWS.keys() == COMMANDS.keys()


def telling(sent: str) -> tuple[str, int, dict[str, str]]:
    """Answer a describe with secrets in all that the exporter keeps to itself, and refuse everything else with an echo."""
    if "DescribeHyperParameterTuningJob" not in sent or f'"{JOB}"' not in sent:
        return refusal(sent)
    arn = f"arn:aws:sagemaker:{REGION}:111122223333:hyper-parameter-tuning-job/{JOB}"
    job = answer("everything") | {"HyperParameterTuningJobName": JOB, "HyperParameterTuningJobArn": arn}
    hidden = {
        "StaticHyperParameters": {"password": CANARY},
        "Environment": {"TOKEN": CANARY},
        "OutputDataConfig": {"S3OutputPath": f"s3://bucket/{CANARY}", "KmsKeyId": CANARY},
        "AlgorithmSpecification": {"TrainingImage": f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/{CANARY}"},
        "VpcConfig": {"SecurityGroupIds": [CANARY], "Subnets": [CANARY]},
    }
    for definition in (job["TrainingJobDefinition"], *job.get("TrainingJobDefinitions", [])):
        definition.update(hidden)
    return json.dumps(job), 200, {"Content-Type": "application/x-amz-json-1.1", "X-Echo": CANARY}


@pytest.fixture
def given(tmp_path: Path, echo: Echo) -> Given:
    echo.answer = telling
    at = Given(
        tmp_path / "config.yaml",
        tmp_path / "broken.yaml",
        tmp_path / "web.yaml",
        tmp_path / "a.rec",
        tmp_path / "offer.json",
        echo.url,
    )
    aws = f"region: {REGION}, endpoint_url: '{echo.url}', sts_endpoint_url: '{echo.url}'"
    at.config.write_text(
        f"interval: 1s\naws: {{{aws}, requests_per_second: 100}}\ntuning_jobs: [{JOB}, refused]\n"
        f"discover: [{{role_arn: 'arn:aws:iam::111122223333:role/r', external_id: '{CANARY}'}}]\n"
    )
    at.broken.write_text(
        f"aws: {{region: {REGION}, endpoint_url: 'http://user:{CANARY}@127.0.0.1:1', secret_access_key: {CANARY}}}\n"
        f"tuning_job: [{CANARY}]\ndiscover: [&{CANARY} {{tags: *{CANARY}}}]\n"
    )
    at.web.write_text(f"basic_auth_users: {{alice: {HASH}}}\n")
    at.offer.write_text(json.dumps({"token": CANARY, "products": {}, "terms": {}}))
    return at


def check(text: str) -> None:
    for secret in ("canary", WEB_CANARY.lower(), CANARY.encode().hex(" ")):
        assert secret not in text.lower()
    assert "Traceback" not in text or "Error: " not in text.partition("Traceback")[2]


def ran(exporter: Exporter, row: Row) -> str:
    """Return all that a command has printed, once it has ended."""
    if row.ready:
        wait_until(lambda: row.ready in exporter.output(), what=f"{row.ready} in the output")
        exporter.send(signal.SIGTERM)
    exporter.wait()
    return exporter.output()


CASES = [
    pytest.param(command, row, environment, id=f"{command}-{number}-{name}")
    for command, rows in ROWS.items()
    for number, row in enumerate(rows)
    for name, environment in (("echoed", KEYS), ("broken", BROKEN_KEY))
    if row.calls or environment is KEYS
]


@pytest.mark.long
@pytest.mark.parametrize(("command", "row", "environment"), CASES)
def test_no_command_prints_a_secret(
    run: Callable[..., Exporter], given: Given, echo: Echo, command: str, row: Row, environment: dict[str, str | None]
) -> None:
    if command == "replay":
        written(given.recording, CALL, header=USABLE | {"token": CANARY})
    words = [sys.executable, "-m", "exporter", command, *row.words(given)]
    said = ran(run(None, arguments=words, environment=ENVIRONMENT | environment), row)
    assert said
    check(said)
    if command == "record" and given.recording.exists():
        check(gzip.decompress(given.recording.read_bytes()).decode())
    assert bool(echo.asked) == (row.calls and environment is KEYS)


@pytest.mark.long
def test_no_page_and_no_answer_has_what_is_kept_back(run: Callable[..., Exporter], given: Given) -> None:
    exporter = run(given.config, "--log.level=debug", environment=ENVIRONMENT | KEYS)
    wait_until(lambda: exporter.up().get(JOB) == 1.0, what="the tuning job")
    texts = [exporter.get(path.replace("/one", f"/{JOB}")) for path in PATHS]
    assert [text.status_code for text in texts if text.status_code not in (200, 404, 503)] == []
    assert sum(JOB in text.text for text in texts) > 4
    for text in (*(text.text for text in texts), exporter.output()):
        check(text)
