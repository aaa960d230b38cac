"""The demo fleet with all opt-ins, watched by two replicas, in a Prometheus with the shipped rules."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, NamedTuple, get_args

import pytest
from grafana import DIRECTORY
from support.clock import ManualClock
from support.processes import PATIENCE, wait_until
from support.prometheus import Prometheus, scrape_job
from support.simulated import search_of
from support.tools import RELEASES, release

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.config.values import CollectName
from exporter.daemon import Daemon
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.fleet import SECOND_REGION, Member, mixed_fleet
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import open_socket, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.config import Settings

TEAMS = ("search", "risk")
REPLICAS = ("replica-a", "replica-b")
MISSING = Member("no-such-job", SECOND_REGION, "123456789012", "missing", "nobody")
SCRAPED = f'sum(up{{job=~"{"|".join(REPLICAS)}"}}) == {len(REPLICAS)}'
UNWATCHED = "nobody-watches-me"
DENIED_REGION = "ap-southeast-2"
RULES_SECONDS = 2.0
"""So seldom that two servers that evaluate all rules leave time for the queries."""
HISTORY = 3.0
"""Seconds that queries over a range of time, or of rates, are to see of it all."""


class Demo(NamedTuple):
    """What is to be seen on the dashboards, and where to ask for it."""

    prometheus: Prometheus
    exporter: str
    """Its host and port."""
    jobs: list[Member]
    teams: dict[str, str]
    """Of those jobs that have one: none in the second region."""

    def moment(self) -> float:
        """Return the last time at which the newest scrape of both replicas was good, as not each is on a busy machine."""
        now = time.time()
        [good] = self.prometheus.query_range(SCRAPED, start=now - PATIENCE, end=now, step=0.5)
        return good.points[-1][0]


@pytest.fixture(scope="module")
def demos(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Demo]]:
    """Return the same fleet as each major version of Prometheus has it."""
    clock = ManualClock(time.time())
    simulator = Simulator(clock)
    jobs = mixed_fleet(simulator, speed=60)
    simulator.create("healthy", UNWATCHED)
    simulator.faults.add(Fault(Kind.ACCESS_DENIED, operation="ListHyperParameterTuningJobs", region=DENIED_REGION))
    in_first = [job.name for job in jobs if job.region != SECOND_REGION]
    teams = {name: TEAMS[place % 2] for place, name in enumerate(in_first)}
    rules = sorted((DIRECTORY.parent / "rules").glob("*.yaml"))
    with ExitStack() as running, pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "exporter.fleet.bills._GATHER_SECONDS", 1.0
        )  # bills, without a minute of waiting for more to ask for
        server = running.enter_context(Server(simulator))
        text = _configuration([*jobs, MISSING], teams, server.url)

        def load() -> Settings:
            return parse(text, "dashboards.yaml")

        listener = open_socket(parse_address("127.0.0.1:0"))
        address = "{}:{}".format(*listener.getsockname())
        daemon = Daemon(load, load(), [listener], SystemClock())
        daemon.start()
        running.callback(daemon.stop)
        found = {}
        for version in RELEASES:
            prometheus = Prometheus(
                release(version, "prometheus"),
                tmp_path_factory.mktemp("dashboards"),
                # On a busy machine a shorter one would fail now and then, and end every series of the replica.
                [scrape_job(replica, address, scrape_interval="1s", scrape_timeout="1s") for replica in REPLICAS],
                interval=RULES_SECONDS,
                rule_files=rules,
            )
            running.enter_context(prometheus)
            found[version] = Demo(prometheus, address, [*jobs, MISSING], teams)
        for each in found.values():
            _wait_until_complete(each.prometheus, len(jobs) + 1)
        complete = time.time() + HISTORY
        wait_until(lambda: all(each.moment() > complete for each in found.values()), what="a little history")
        yield found


@pytest.fixture(scope="module", params=RELEASES)
def demo(request: pytest.FixtureRequest, demos: dict[str, Demo]) -> Demo:
    return demos[request.param]


def _wait_until_complete(prometheus: Prometheus, jobs: int) -> None:
    prometheus.wait_until(
        "count(count by (aws_region, tuning_job) (sagemaker_tuning_job_up) == 2)",
        lambda samples: samples and samples[0].value == jobs,
    )
    prometheus.wait_until('ALERTS{alertname="SageMakerTuningJobFailed",alertstate="firing"}')
    prometheus.wait_until('tuning_job:sagemaker_tuning_job_estimated_cost:sum{tuning_job=~".*hyperband.*"}')
    prometheus.wait_until("rate(sagemaker_tuning_exporter_api_errors_total[1m]) > 0")
    wait_until(lambda: all(rule["health"] == "ok" for rule in prometheus.rules()), what="every rule to be evaluated")


def _instance_types() -> list[str]:
    definitions = (definition for scenario in SCENARIOS.values() for definition in scenario.definitions)
    return sorted({instance_type for each in definitions for instance_type, _ in each.instances})


def _configuration(jobs: list[Member], teams: dict[str, str], endpoint_url: str) -> str:
    # JSON is YAML.
    return json.dumps(
        {
            "interval": "1s",
            "collect": list(get_args(CollectName)),
            "spend": {"billable": "search", "prices": dict.fromkeys(_instance_types(), 1.0)},
            "aws": {
                **dict.fromkeys(("endpoint_url", "sts_endpoint_url", "quotas_endpoint_url"), endpoint_url),
                "requests_per_second": "100",
            },
            "tuning_jobs": [
                {
                    "name": job.name,
                    "region": job.region,
                    "labels": {"search": search_of(job.name)}
                    | ({"team": teams[job.name]} if job.name in teams else {}),
                    "budget": 500,
                }
                for job in jobs
            ],
            "discover": [
                {"region": region, "name_contains": "nothing-is-called-so"} for region in ("us-east-1", DENIED_REGION)
            ],
        }
    )
