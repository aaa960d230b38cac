"""Everyone who reads the page reads it to its end: curl, httpx, a browser, Prometheus in both of its formats."""

from __future__ import annotations

import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from support import browser
from support.processes import wait_until
from support.prometheus import Prometheus, scrape_job
from support.tools import release, require
from support.web import get

if TYPE_CHECKING:
    from pathlib import Path

    from support.stack import Moment, Stack

pytestmark = [pytest.mark.stack, pytest.mark.xdist_group("stack"), pytest.mark.timeout(900)]

# Accept headers as the servers send them.
PROMETHEUS_2_42 = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)


def tuning_jobs(text: str) -> list[str]:
    """Return the lines about tuning jobs, their health left out: it changes with every describe."""
    return [
        line
        for line in text.splitlines()
        if line.startswith("sagemaker_tuning_job_") and "_success_" not in line and "_next_" not in line
    ]


@pytest.fixture
def plain(stack: Stack, moments: dict[str, Moment]) -> list[str]:
    """Return what is served without compression, which must not depend on how it is read."""
    text = get(f"{stack.url}/metrics", headers={"Accept-Encoding": "identity"}).text
    assert "sagemaker_tuning_exporter_tracked_jobs" in text.splitlines()[-1]
    return tuning_jobs(text)


def test_curl(stack: Stack, plain: list[str]) -> None:
    done = subprocess.run(
        [require("curl"), "--silent", "--fail", "--compressed", f"{stack.url}/metrics"], capture_output=True, check=True
    )
    assert tuning_jobs(done.stdout.decode()) == plain


@pytest.mark.parametrize("accept", ["*/*", PROMETHEUS_2_42, PROMETHEUS_3], ids=["any", "2.42", "3"])
def test_httpx(stack: Stack, plain: list[str], accept: str) -> None:
    answer = get(f"{stack.url}/metrics", headers={"Accept": accept})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert tuning_jobs(answer.text) == plain
    if accept != "*/*":
        assert answer.headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        assert answer.text.endswith("\n# EOF\n")


def test_browser(stack: Stack, plain: list[str]) -> None:
    assert tuning_jobs(browser.text(f"{stack.url}/metrics")) == plain


def test_prometheus(stack: Stack, plain: list[str]) -> None:
    # Of some it may have no time for on a busy machine, and tells of the last.
    wait_until(lambda: [(each["health"], each["lastError"]) for each in stack.prometheus.targets()] == [("up", "")])
    held = stack.prometheus.query(
        'count({__name__=~"sagemaker_tuning_job_.*",__name__!~".*(success|next)_.*"})',
        at=stack.scraped_since(time.time()),
    )
    assert held[0].value == len(plain)


def test_prometheus_reads_the_same_series_in_both_formats(
    stack: Stack, moments: dict[str, Moment], tmp_path: Path
) -> None:
    address = stack.url.removeprefix("http://")
    jobs = [
        scrape_job("text", address, scrape_protocols=["PrometheusText0.0.4"]),
        scrape_job("openmetrics", address, scrape_protocols=["OpenMetricsText1.0.0"]),
    ]
    with Prometheus(release("3", "prometheus"), tmp_path, jobs) as prometheus:
        prometheus.wait_until("count(count by (job) (sagemaker_tuning_job_up)) == 2")
        asked = '{__name__=~"sagemaker_tuning_(job|exporter)_.+",job="%s"}'

        def alike() -> bool:
            text, openmetrics = (
                {tuple(sorted((k, v) for k, v in one.items() if k != "job")) for one in prometheus.series(asked % job)}
                for job in ("text", "openmetrics")
            )
            return text == openmetrics

        wait_until(alike, what="the same series in both")
        wait_until(lambda: {health["health"] for health in prometheus.targets()} == {"up"}, what="good scrapes")
        infos = {name for name, type_ in prometheus.types("openmetrics").items() if type_ == "info"}
        assert infos == {
            *("sagemaker_tuning_job", "sagemaker_tuning_job_error", "sagemaker_tuning_job_definition"),
            *("sagemaker_tuning_job_best_training_job", "sagemaker_tuning_job_parent"),
            *("sagemaker_tuning_exporter_build", "sagemaker_tuning_exporter_target"),
        }
        assert {prometheus.types("text")[f"{name}_info"] for name in infos} == {"gauge"}


def test_landing_page(stack: Stack, moments: dict[str, Moment]) -> None:
    page = browser.text(f"{stack.url}/")
    assert "sagemaker-tuning-exporter" in page.lower().replace(" ", "-")


def test_promtool_has_no_complaint(stack: Stack, moments: dict[str, Moment]) -> None:
    text = get(f"{stack.url}/metrics").text
    done = subprocess.run(
        [require("promtool"), "check", "metrics"], input=text, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
