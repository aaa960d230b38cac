"""The values of every scenario, from the simulated API through the daemon to a real Prometheus' answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.golden import Golden
from support.stack import ACCOUNT, HOURS, JOBS, MISSING, REGIONS, Job, Moment, Stack
from support.truth import P, expected_series, key

from exporter.simulator.scenario import SCENARIOS

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]

EXPECTED = Path(__file__).parent / "expected"

# They tell when the exporter looked, in real time.
POLLING = {f"{P}last_success_timestamp_seconds", f"{P}next_describe_timestamp_seconds"}


def held(moment: Moment, name: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return what Prometheus holds of a tuning job, its own labels of the scrape left out."""
    found = {}
    for sample in moment.samples:
        labels = {label: value for label, value in sample.labels.items() if label not in {"instance", "job"}}
        if labels.get("tuning_job") == name and labels["__name__"] not in POLLING:
            found[key(labels["__name__"], labels)] = sample.value
    return found


def exposed(moment: Moment, name: str) -> str:
    """Return the lines of a tuning job's series, as exposed."""
    return "".join(line for line in moment.text.splitlines(keepends=True) if f'tuning_job="{name}"' in line)


@pytest.mark.parametrize("hours", HOURS)
@pytest.mark.parametrize("job", JOBS, ids=[job.scenario for job in JOBS])
def test_prometheus_holds_what_the_api_says(moments: dict[str, Moment], job: Job, hours: str) -> None:
    answer = moments[hours].answers[job.name]
    health = {key(f"{P}labels", {**job.identity, "label_team": job.name[:8]}): 1.0}
    if answer is None:
        health |= {key(f"{P}up", job.identity): 0.0, key(f"{P}error_info", {**job.identity, "code": "not_found"}): 1.0}
        assert held(moments[hours], job.name) == health
    else:
        health |= {key(f"{P}up", job.identity): 1.0}
        assert held(moments[hours], job.name) == health | expected_series(answer, job.identity)


def test_the_missing_job_has_its_error_and_nothing_else(moments: dict[str, Moment]) -> None:
    identity = {"aws_account_id": ACCOUNT, "aws_region": REGIONS[0], "tuning_job": MISSING}
    for moment in moments.values():
        assert held(moment, MISSING) == {
            key(f"{P}up", identity): 0.0,
            key(f"{P}error_info", {**identity, "code": "not_found"}): 1.0,
            key(f"{P}labels", {**identity, "label_team": MISSING[:8]}): 1.0,
        }


WRITTEN = sorted(EXPECTED.glob("*.txt"))


def test_every_scenario_has_a_written_expectation() -> None:
    assert {file.stem.rsplit("@", 1)[0] for file in WRITTEN} == set(SCENARIOS)


@pytest.mark.parametrize("file", WRITTEN, ids=[file.stem for file in WRITTEN])
def test_written_by_hand(moments: dict[str, Moment], file: Path) -> None:
    scenario, hours = file.stem.rsplit("@", 1)
    moment, name = moments[hours], f"stack-{scenario}"
    golden = Golden(file)
    assert golden.part_of(exposed(moment, name)) == golden.families
    written = {
        key(sample.name, sample.labels): sample.value
        for family in text_string_to_metric_families(golden.series)
        for sample in family.samples
    }
    compared = {
        series: value for series, value in held(moment, name).items() if golden.names(series[0].removeprefix(P))
    }
    assert compared == written


def test_facts_that_the_api_never_told_have_no_series(stack: Stack, moments: dict[str, Moment]) -> None:
    """``series`` also shows what a scrape between two of the moments may have held."""
    vintage = stack.prometheus.series(
        f'{{tuning_job="stack-vintage-2020",__name__=~"{P}(runtime_seconds|.*not_improving)"}}'
    )
    silent = stack.prometheus.series(f'{{tuning_job="stack-objective-never-emitted",__name__=~"{P}.*best.*"}}')
    assert (vintage, silent) == ([], [])


def test_no_describe_failed_but_those_of_the_missing(stack: Stack, moments: dict[str, Moment]) -> None:
    failed = {
        (sample.labels["code"], sample.labels["aws_region"])
        for sample in stack.prometheus.query(
            "sum by (code, aws_region) (sagemaker_tuning_exporter_api_errors_total) > 0"
        )
    }
    deleted = {job.region for job in JOBS if moments[HOURS[-1]].answers[job.name] is None}
    assert failed == {("not_found", region) for region in deleted | {REGIONS[0]}}
