"""``describe`` beside the AWS CLI: the same arguments, the same output."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support.aws_cli import AwsCli, Done
from support.clock import ManualClock
from support.terminal import cells, terminal

from exporter.cli import main
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("aws")]

NOW = 1_764_000_000.25
AGE = 3 * 3600.0
AWS = ("sagemaker", "describe-hyper-parameter-tuning-job")
FORMATS = ("json", "text", "table")

QUERIES = (
    "HyperParameterTuningJobStatus",
    "BestTrainingJob.TunedHyperParameters",
    "TrainingJobStatusCounters.[Completed, InProgress, NonRetryableError]",
    "[HyperParameterTuningJobName, CreationTime]",
    "{name: HyperParameterTuningJobName, best: BestTrainingJob.FinalHyperParameterTuningJobObjectiveMetric.Value}",
    "TrainingJobDefinitions[].AlgorithmSpecification.MetricDefinitions[]",
    "TrainingJobDefinitions[*].{name: DefinitionName, ranges: HyperParameterRanges.ContinuousParameterRanges[].Name}",
    "sum(values(TrainingJobStatusCounters))",
    "keys(@) | sort(@)",
    "TrainingJobDefinitions[].HyperParameterRanges.*[] | []",
    "TrainingJobDefinitions[?DefinitionName=='nowhere']",
    "NoSuchMember",
    "ObjectiveStatusCounters.Failed == `0`",
    "[TrainingJobDefinitions[].[DefinitionName, RoleArn], [['a', 'b']]]",
    "{jobs: [[TrainingJobDefinitions[].{name: DefinitionName, where: OutputDataConfig}]]}",
)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """A simulator whose time stands still, with one tuning job of each scenario in the midst of its life."""
    simulator = Simulator(ManualClock(NOW))
    for scenario in SCENARIOS:
        simulator.create(scenario, scenario, created=NOW - AGE, speed=1.0)
    with Server(simulator) as server:
        yield server.url


@pytest.fixture(scope="module")
def configuration(tmp_path_factory: pytest.TempPathFactory) -> str:
    file = tmp_path_factory.mktemp("aws") / "config"
    file.write_text("[default]\ncli_timestamp_format = iso8601\n")
    return str(file)


@pytest.fixture(scope="module")
def aws(endpoint: str, configuration: str) -> Iterator[Callable[..., Done]]:
    with AwsCli({"AWS_CONFIG_FILE": configuration, "TZ": "Asia/Kolkata"}) as cli:

        def run(*arguments: str, columns: int | None = None) -> Done:
            return cli.run(*AWS, *arguments, f"--endpoint-url={endpoint}", "--region=us-east-1", columns=columns)

        yield run


def ended(arguments: list[str]) -> Any:
    """Return the exit code of the command line."""
    try:
        return main(arguments)
    except SystemExit as end:
        return end.code


@pytest.fixture
def ours(
    endpoint: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, kolkata: None
) -> Callable[..., Done]:
    def run(*arguments: str, columns: int | None = None) -> Done:
        shown: list[str] = []
        with monkeypatch.context() as patch:
            given = ["describe", *arguments, f"--endpoint-url={endpoint}", "--region=us-east-1"]
            if columns is None:
                code = ended(given)
                return Done(code, *capsys.readouterr())
            with terminal(columns, shown) as output:
                patch.setattr(sys, "stdout", output)
                code = ended(given)
        return Done(code, shown[0], capsys.readouterr().err)

    return run


@pytest.fixture
def kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A time zone that is not that of the test machine."""
    import time

    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


def test_every_scenario_looks_the_same(aws: Callable[..., Done], ours: Callable[..., Done]) -> None:
    for scenario in SCENARIOS:
        for form in FORMATS:
            theirs = aws("--hyper-parameter-tuning-job-name", scenario, "--output", form)
            assert theirs.code == 0
            assert ours(scenario, "--output", form) == theirs, (scenario, form)


def test_every_query_finds_the_same(aws: Callable[..., Done], ours: Callable[..., Done]) -> None:
    job = ("--hyper-parameter-tuning-job-name", "several-definitions")
    for query in QUERIES:
        for form in FORMATS:
            theirs = aws(*job, "--output", form, "--query", query)
            assert theirs.code == 0, (query, form, theirs.errors)
            assert ours(*job, "--output", form, "--query", query) == theirs, (query, form)


@pytest.mark.parametrize("columns", [40, 80, 400])
@pytest.mark.parametrize("color", ["on", "off", "auto"])
def test_tables_look_the_same_on_a_terminal(
    columns: int, color: str, aws: Callable[..., Done], ours: Callable[..., Done]
) -> None:
    job = ("--hyper-parameter-tuning-job-name", "warm-start", "--output", "table", "--color", color)
    theirs, found = aws(*job, columns=columns), ours(*job, columns=columns)
    assert found.code == theirs.code == 0
    assert cells(found.output) == cells(theirs.output)
    assert ("\x1b" in found.output) == (color != "off")


def test_input_options_mean_the_same(aws: Callable[..., Done], ours: Callable[..., Done], tmp_path: Any) -> None:
    file = tmp_path / "input.json"
    file.write_text('{"HyperParameterTuningJobName": "healthy"}')
    for given in (
        ("--cli-input-json", file.read_text()),
        ("--cli-input-json", f"file://{file}"),
        ("--cli-input-json", f"file://{file}", "--hyper-parameter-tuning-job-name", "stopped"),
        ("--no-paginate", "--no-sign-request", "--cli-read-timeout", "0", "--cli-input-json", f"fileb://{file}"),
    ):
        theirs = aws(*given)
        assert theirs.code == 0
        assert ours(*given) == theirs, given


def test_skeletons_are_the_same(aws: Callable[..., Done], ours: Callable[..., Done]) -> None:
    for given in (("--generate-cli-skeleton",), ("--generate-cli-skeleton", "input")):
        theirs = aws(*given)
        assert theirs.code == 0
        assert ours(*given) == theirs
    job = ("--hyper-parameter-tuning-job-name", "any", "--generate-cli-skeleton", "output")
    theirs, found = aws(*job), ours(*job)
    assert found.code == theirs.code == 0
    # Each has a model of its own, which may be older or newer by some members.
    assert common(json.loads(found.output), json.loads(theirs.output)) == common(
        json.loads(theirs.output), json.loads(found.output)
    )
    for form in ("text", "table", "json"):
        query = ("--query", "[BestTrainingJob.[TrainingJobName, CreationTime]]", "--output", form)
        assert ours(*job, *query) == aws(*job, *query)


def common(one: Any, other: Any) -> Any:
    """Return what the two have both, as the one has it."""
    if isinstance(one, dict) and isinstance(other, dict):
        return {name: common(value, other[name]) for name, value in one.items() if name in other}
    if isinstance(one, list) and isinstance(other, list):
        return [common(*pair) for pair in zip(one, other, strict=True)]
    return one


@pytest.mark.parametrize(
    "given",
    [
        ("--hyper-parameter-tuning-job-name", "nowhere"),
        ("--hyper-parameter-tuning-job-name", "not_a_name"),
        ("--hyper-parameter-tuning-job-name", ""),
        ("--cli-input-json", '{"TuningJobName": "healthy"}'),
        ("--cli-input-json", '{"HyperParameterTuningJobName": 5}'),
        ("--cli-input-json", "["),
        ("--hyper-parameter-tuning-job-name", "healthy", "--query", "a..b"),
        ("--hyper-parameter-tuning-job-name", "healthy", "--query", "abs('a')"),
        ("--hyper-parameter-tuning-job-name", "healthy", "--output", "csv"),
        ("--hyper-parameter-tuning-job-name", "healthy", "--color", "red"),
        ("--hyper-parameter-tuning-job-name", "healthy", "--colour", "on"),
        ("--generate-cli-skeleton", "output"),
        (),
    ],
    ids=" ".join,
)
def test_what_the_one_refuses_the_other_refuses(
    given: tuple[str, ...],
    aws: Callable[..., Done],
    ours: Callable[..., Done],
) -> None:
    theirs, found = aws(*given), ours(*given)
    assert theirs.code not in {0, None}
    assert (found.output, theirs.output) == ("", "")
    if "An error occurred" in theirs.errors:
        assert found.code == 254
        assert found.errors.partition("describe: ")[2].strip() == theirs.errors.strip()
    else:
        assert found.code == (255 if "abs('a')" in given else 252)
    assert len(found.errors.splitlines()) == 1
