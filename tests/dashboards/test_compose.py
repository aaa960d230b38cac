"""What ``docker compose up`` mounts is what the real servers take, laid out as their containers see it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import httpx
import pytest
import yaml
from grafana import DASHBOARDS
from support.processes import Child, free_port, wait_until
from support.text import found
from support.tools import ROOT, release
from support.web import client as client_of

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, Any] = COMPOSE["services"]
FAILED = "SageMakerTuningJobFailed"
KEYS = {
    "build",
    "cap_drop",
    "command",
    "depends_on",
    "environment",
    "image",
    "ports",
    "read_only",
    "restart",
    "security_opt",
    "tmpfs",
    "volumes",
}


def newer(program: str) -> Path:
    """Return a program of the release that is nearest to the images'."""
    return release("3", program)


class Mount(NamedTuple):
    source: Path
    target: PurePosixPath


def mounts(service: str) -> list[Mount]:
    found = []
    for volume in SERVICES[service].get("volumes", ()):
        source, target, mode = volume.split(":")
        assert mode == "ro"
        found.append(Mount(ROOT / source, PurePosixPath(target)))
    return found


def lay_out(service: str, directory: Path) -> Path:
    """Put what a container sees under a directory."""
    for mount in mounts(service):
        place = directory / mount.target.relative_to("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if mount.source.is_dir() else shutil.copy)(mount.source, place)
    return directory


@pytest.fixture
def prometheus_file(tmp_path: Path) -> Path:
    return lay_out("prometheus", tmp_path) / "etc/prometheus/prometheus.yml"


@pytest.fixture
def alertmanager_file(tmp_path: Path) -> Path:
    return lay_out("alertmanager", tmp_path) / "etc/alertmanager/alertmanager.yml"


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_whole(service):
    described = SERVICES[service]
    assert described.keys() <= KEYS
    assert set(described.get("depends_on", ())) <= SERVICES.keys()
    for mount in mounts(service):
        assert mount.source.exists(), mount.source
    for port in described["ports"]:
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port), "only this machine shall reach it"


@pytest.mark.parametrize("service", [service for service in SERVICES if service != "exporter"])
def test_images_are_pinned(service):
    assert re.fullmatch(r"docker\.io/[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", SERVICES[service]["image"])


def test_the_exporter_is_built_here_and_listens_where_prometheus_scrapes():
    assert (ROOT / SERVICES["exporter"]["build"] / "Dockerfile").is_file()
    subcommand, listen = SERVICES["exporter"]["command"]
    assert subcommand == "demo"
    port = listen.rpartition(":")[2]
    assert listen == f"--web.listen-address=0.0.0.0:{port}"
    (mount, _) = mounts("prometheus")
    assert f'["exporter:{port}"]' in mount.source.read_text()


def test_promtool_takes_the_configuration(prometheus_file):
    command = [newer("promtool"), "check", "config", prometheus_file]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert len(re.findall(r"SUCCESS: \d+ rules found", ran.stdout)) == len(list(prometheus_file.parent.glob("rules/*")))


@pytest.mark.parametrize(("labels", "receiver"), [(["label_team=search"], "search"), (["label_team=risk"], "platform")])
def test_amtool_takes_the_configuration_and_routes_by_team(alertmanager_file, labels, receiver):
    amtool = newer("amtool")
    checked = subprocess.run([amtool, "check-config", alertmanager_file], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    routed = subprocess.run(
        [amtool, "config", "routes", "test", f"--config.file={alertmanager_file}", *labels],
        capture_output=True,
        text=True,
        check=False,
    )
    assert routed.stdout.strip() == receiver


@pytest.mark.xdist_group("dashboards")
def test_the_servers_start_on_their_files_and_find_each_other(demos, prometheus_file, alertmanager_file, tmp_path):
    alertmanager, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(2))
    demo = demos["3"]
    text = prometheus_file.read_text().replace("alertmanager:9093", alertmanager)
    prometheus_file.write_text(text.replace("exporter:10980", demo.exporter).replace(": 5s", ": 1s"))
    with (
        Child(
            [
                newer("prometheus-alertmanager"),
                f"--config.file={alertmanager_file}",
                f"--storage.path={tmp_path / 'alertmanager'}",
                f"--web.listen-address={alertmanager}",
                "--cluster.listen-address=",
            ],
            log=tmp_path / "alertmanager.log",
        ),
        Child(
            [
                newer("prometheus"),
                f"--config.file={prometheus_file}",
                f"--storage.tsdb.path={tmp_path / 'prometheus'}",
                f"--web.listen-address={prometheus}",
            ],
            log=tmp_path / "prometheus.log",
        ),
        client_of() as client,
    ):

        def arrived() -> set[str | None]:
            try:
                alerts = client.get(f"http://{alertmanager}/api/v2/alerts").json()
            except httpx.TransportError:
                return set()
            return {alert["labels"].get("tuning_job") for alert in alerts if alert["labels"]["alertname"] == FAILED}

        failed = next(job.name for job in demo.jobs if job.scenario == "failed-at-once")
        wait_until(lambda: failed in arrived(), what="the alert")


def test_grafana_finds_data_source_and_dashboards(tmp_path):
    root = lay_out("grafana", tmp_path)
    provisioning = root / "etc/grafana/provisioning"
    (file,) = (provisioning / "datasources").iterdir()
    sources = yaml.safe_load(file.read_text())
    assert sources["apiVersion"] == 1
    for source in sources["datasources"]:
        service, port = found(r"^http://(\w+):(\d+)\Z", source["url"]).groups()
        assert source["type"] == service
        assert f"127.0.0.1:{port}:{port}" in SERVICES[service]["ports"]
    assert [source["type"] for source in sources["datasources"] if source.get("isDefault")] == ["prometheus"]
    (file,) = (provisioning / "dashboards").iterdir()
    (provider,) = yaml.safe_load(file.read_text())["providers"]
    folder = root / PurePosixPath(provider["options"]["path"]).relative_to("/")
    assert {path.name for path in folder.iterdir()} == DASHBOARDS.keys()
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (root / PurePosixPath(home).relative_to("/")).is_file()


def test_environment_values_are_text():
    """YAML's true would not be."""
    for described in SERVICES.values():
        assert all(isinstance(value, str) for value in described.get("environment", {}).values())
