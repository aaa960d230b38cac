"""Prometheuses of three clusters that write to a central one, where the rules are: whose exporter is gone is told."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import pytest
from render_rules import dump, load, render
from support.alertmanager import AlertingPrometheus, Alertmanager, Inbox
from support.pace import here
from support.processes import PATIENCE, wait_until
from support.prometheus import Prometheus
from support.tools import RELEASES, release

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.config.duration import format_duration
from exporter.daemon import Daemon
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import open_socket, parse_address

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(1800)]

DOWN = "SageMakerTuningExporterDown"
SPEED = 120.0
"""By which the rules are faster than they ship, on a machine that does nothing else."""


class Agent(Prometheus):
    """A Prometheus that writes what it scrapes to another one, with the name of its cluster."""

    def __init__(self, *arguments: Any, cluster: str, central: str, **settings: Any) -> None:
        self._cluster, self._central = cluster, central
        super().__init__(*arguments, **settings)

    def _configure(self, scrape_jobs: Sequence[dict[str, Any]], rule_files: Sequence[Path]) -> None:
        super()._configure(scrape_jobs, rule_files)
        config = json.loads(self._config_file.read_text())
        config["global"]["external_labels"] = {"cluster": self._cluster}
        config["remote_write"] = [
            {"url": f"{self._central}/api/v1/write", "queue_config": {"batch_send_deadline": "200ms"}}
        ]
        self._config_file.write_text(json.dumps(config, indent=1))


class Cluster:
    """An exporter that watches a tuning job, and the agent that scrapes it. All have the same names but the cluster's."""

    def __init__(self, name: str, prometheus: Path, directory: Path, central: str, interval: float) -> None:
        simulator = Simulator(SystemClock())
        simulator.create("healthy", "churn")
        self._server = Server(simulator)
        text = (
            f"interval: 1s\naws: {{region: us-east-1, endpoint_url: '{self._server.url}',"
            f" sts_endpoint_url: '{self._server.url}'}}\ntuning_jobs: [churn]\n"
        )
        listener = open_socket(parse_address("127.0.0.1:0"))
        host, port = listener.getsockname()[:2]
        self.exporter = Daemon(lambda: parse(text, name), parse(text, name), [listener], SystemClock())
        target = {"targets": [f"{host}:{port}"], "labels": {"instance": "exporter:10980"}}
        job = {"job_name": "tuning", "static_configs": [target]}
        self.agent = Agent(prometheus, directory / name, [job], cluster=name, central=central, interval=interval)

    def __enter__(self) -> Self:
        with ExitStack() as running:
            running.enter_context(self._server)
            self.exporter.start()
            running.callback(self.exporter.stop)
            running.enter_context(self.agent)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()


@pytest.mark.parametrize("version", RELEASES)
def test_an_exporter_that_is_gone_is_told_with_its_cluster(version: str, tmp_path: Path) -> None:
    prometheus, alertmanager = release(version, "prometheus"), release(version, "prometheus-alertmanager")
    pace = here(1)
    patience = 2 * PATIENCE * pace
    rules = tmp_path / "rules.yaml"
    rules.write_text(dump(render(load(), speed=SPEED / pace, aggregation_labels=["cluster"])))
    times = {"group_wait": "100ms", "group_interval": "1s", "repeat_interval": "1h"}
    route = {"receiver": "everyone", "group_by": ["alertname", "cluster"], **times}
    with ExitStack() as running:
        inbox = running.enter_context(Inbox())
        receiver = {"name": "everyone", "webhook_configs": [{"url": inbox.url, "send_resolved": False}]}
        configuration = {"route": route, "receivers": [receiver]}
        teller = running.enter_context(Alertmanager(alertmanager, tmp_path / "alertmanager", configuration))
        central = AlertingPrometheus(
            prometheus,
            tmp_path / "central",
            [],
            alertmanager=teller.address,
            rule_files=[rules],
            flags=["--web.enable-remote-write-receiver", f"--query.lookback-delta={format_duration(3 * pace)}"],
            interval=0.5 * pace,
        )
        running.enter_context(central)
        made = {name: Cluster(name, prometheus, tmp_path, central.url, 0.5 * pace) for name in ("a", "b", "c")}
        for cluster in made.values():
            running.enter_context(cluster)
        known = f"last_over_time(up[10m] offset {format_duration(10 * pace)})"
        central.wait_until(f"count({known} == 1) == 3 and count(sagemaker_tuning_job_up == 1) == 3", timeout=patience)

        made["b"].agent.stop()
        made["c"].exporter.stop()

        def told() -> dict[str, str]:
            # Before the first cluster wrote anything there was no exporter at all, which has no cluster.
            of_down = [each for each in inbox.notifications if each.alert == DOWN and "cluster" in each.labels]
            return {each.labels["cluster"]: each.annotations["summary"] for each in of_down}

        wait_until(lambda: told().keys() >= {"b", "c"}, timeout=patience, what="a message about both")
        central.wait_until(f'ALERTS{{alertname="{DOWN}",cluster="b",instance=""}}', timeout=patience)
        central.wait_until(f'ALERTS{{alertname="{DOWN}",cluster="c",instance="exporter:10980"}}', timeout=patience)
        assert told() == {name: f"The exporter of SageMaker tuning jobs is down, cluster {name}" for name in ("b", "c")}
        assert central.query("sagemaker_tuning_job_up") != []
        assert central.query(f'count_over_time(ALERTS{{alertname="{DOWN}",cluster="a"}}[1h])') == []
