"""What the chart renders for HTTPS, passwords and client certificates, run: the exporter, its probes, and helm's test."""

from __future__ import annotations

import importlib.util
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import trustme
import yaml
from chart.guard import PASSWORD, USER, write_certificate, write_credentials
from chart.rendering import HELMS, helm_test, template
from support.processes import PATIENCE, Child
from support.text import found
from support.web import get

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.xdist_group("helm"),
    pytest.mark.skipif(
        importlib.util.find_spec("exporter.web.webconfig") is None, reason="the exporter has no --web.config.file yet"
    ),
]

FOLDER = "/etc/sagemaker-tuning-exporter-web"
HASH = "$2b$04$8uMWcm4riF3qYPaNYDFnyecRRfn4x0yWFXafiLFDNgufhARVnGa6C"  # of PASSWORD

HTTPS = {"tls": {"secretName": "tuning-tls"}}
CASES: dict[str, dict[str, Any]] = {
    "https": HTTPS,
    "password": HTTPS | {"config": {"basic_auth_users": {USER: HASH}}},
    "path": HTTPS | {"config": {"basic_auth_users": {USER: HASH}}, "externalUrl": "https://example.com/ml/tuning"},
    "certificate": HTTPS | {"clientCertificatesRequired": True, "routePrefix": "/tuning"},
}


class Served:
    """The demo as the chart renders it for some values of ``web``, running here."""

    def __init__(self, web: dict[str, Any], folder: Path) -> None:
        values = folder / "values.yaml"
        values.write_text(yaml.safe_dump({"demo": {"enabled": True}, "web": web}), encoding="utf-8")
        done = template(HELMS[1], "--values", values)
        assert done.returncode == 0, done.stderr
        made = {each["kind"]: each for each in yaml.safe_load_all(done.stdout) if each}
        self.container = made["Deployment"]["spec"]["template"]["spec"]["containers"][0]
        self.command = made["Pod"]["spec"]["containers"][0]["command"]
        self.ca = trustme.CA()
        mounted = write_credentials(self.ca, folder / "mounted")
        write_certificate(self.ca, mounted, self.name)
        (mounted / "web-config.yaml").write_text(made["Secret"]["stringData"]["web-config.yaml"], encoding="utf-8")
        arguments = [
            "--web.listen-address=127.0.0.1:0" if "listen-address" in each else each.replace(FOLDER, str(mounted))
            for each in self.container["args"]
        ]
        self.child = Child([sys.executable, "-m", "exporter", *arguments], log=folder / "log")

    @property
    def name(self) -> str:
        """Return the name that the certificate must have."""
        [flag] = [each for each in self.command if each.startswith("--server-name=")]
        return str(flag.partition("=")[2])

    @property
    def port(self) -> int:
        self.child.wait_until(lambda: "Press Ctrl-C" in self.child.output())
        return int(found(r"Metrics: +\w+://127\.0\.0\.1:(\d+)/", self.child.output())[1])

    def test(self, credentials: Path) -> tuple[int, str, str]:
        """Run helm's test as it is rendered, but on this address and with these credentials."""
        _, _, _, url, _, *flags = self.command
        flags = [each for each in flags if not each.startswith("--credentials=")]
        there = urlsplit(url)
        url = there._replace(netloc=f"127.0.0.1:{self.port}").geturl()
        done = helm_test(url, 3 * PATIENCE, *flags, f"--credentials={credentials}")
        return done.returncode, done.stdout, done.stderr


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    running = Served(CASES[request.param], tmp_path)
    with running.child:
        yield running
        running.child.send(signal.SIGTERM)
        assert running.child.wait() == 0
        assert "level=error" not in running.child.output()


@pytest.mark.parametrize("served", CASES, indirect=True)
def test_probes_pass(served: Served) -> None:
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        probe = served.container[kind]
        if "httpGet" in probe:
            asked = probe["httpGet"]
            url = f"{asked['scheme'].lower()}://127.0.0.1:{served.port}{asked['path']}"
            assert get(url).status_code == 200, kind
        else:
            socket.create_connection(("127.0.0.1", served.port)).close()


@pytest.mark.parametrize(
    ("served", "credentials"),
    [
        ("https", {}),
        ("password", {"password": PASSWORD}),
        ("path", {"password": PASSWORD}),
        ("certificate", {"certificate": True}),
    ],
    indirect=["served"],
)
def test_helms_test_sees_what_the_exporter_does(served: Served, credentials: dict[str, Any], tmp_path: Path) -> None:
    code, told, wrong = served.test(write_credentials(served.ca, tmp_path / "given", **credentials))
    assert (code, wrong) == (0, "")
    assert "tuning jobs, " in told


@pytest.mark.parametrize(
    ("served", "says"), [("path", "scrape.basicAuth"), ("certificate", "scrape.tls")], indirect=["served"]
)
def test_helms_test_without_credentials_says_what_it_does_not_see(served: Served, says: str, tmp_path: Path) -> None:
    code, told, wrong = served.test(write_credentials(served.ca, tmp_path / "given"))
    assert (code, wrong) == (0, "")
    assert f"set {says}" in told


@pytest.mark.parametrize(("served", "status"), [("https", 200), ("path", 401)], indirect=["served"])
def test_strangers_are_turned_away(served: Served, status: int) -> None:
    path = urlsplit(served.command[3]).path
    assert get(f"https://127.0.0.1:{served.port}{path}").status_code == status
