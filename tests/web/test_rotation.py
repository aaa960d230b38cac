"""A real Prometheus goes on scraping while certificates, CAs and passwords are replaced on both sides."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import bcrypt
import pytest
from support.processes import Child
from support.prometheus import Prometheus, scrape_job
from support.tls import Authority, Pair

from exporter.clock import SystemClock
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.long]

LOADED = "sagemaker_tuning_exporter_web_config_last_reload_successful"
# Long enough for the slowest scrape on a busy machine: beyond it, Prometheus gives up.
INTERVAL = 1.5


def put(source: Path, place: Path) -> None:
    """Replace a file at once, as whoever renews certificates does."""
    new = place.with_suffix(".new")
    shutil.copy(source, new)
    new.rename(place)


def put_text(text: str, place: Path) -> None:
    new = place.with_suffix(".new")
    new.write_text(text)
    new.rename(place)


class Folder:
    """Certificate, key and CAs of one side, swapped together as Kubernetes swaps a volume."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._versions = 0
        path.mkdir()

    def swap(self, files: dict[str, str]) -> None:
        self._versions += 1
        version = self.path / f"..{self._versions}"
        version.mkdir()
        for name, text in files.items():
            (version / name).write_text(text)
            if not (self.path / name).is_symlink():
                (self.path / name).symlink_to(f"..data/{name}")
        (self.path / "..new").symlink_to(version.name)
        (self.path / "..new").rename(self.path / "..data")


@pytest.fixture
def exporter(tmp_path: Path) -> Iterator[Callable[[Path], tuple[Child, int]]]:
    """Start an exporter that serves as a web configuration file says; give the process and its port."""
    simulator = Simulator(SystemClock())
    simulator.create("healthy", "night-search", region="eu-west-1", created=time.time() - 7200)
    children = []
    with Server(simulator) as server:
        config = tmp_path / "config.yaml"
        config.write_text(
            f"aws: {{region: eu-west-1, endpoint_url: '{server.url}', sts_endpoint_url: '{server.url}'}}\n"
            "tuning_jobs: [night-search]\n"
        )

        def start(web: Path) -> tuple[Child, int]:
            child = Child(
                [sys.executable, "-m", "exporter", f"--config.file={config}", f"--web.config.file={web}",
                 "--web.listen-address=127.0.0.1:0"],
                log=tmp_path / "exporter.log",
                environment=dict(os.environ),
            )  # fmt: skip
            children.append(child)
            found = child.wait_until(
                lambda: re.search(r'msg=serving addresses="?[^ "]*:(\d+)"? scheme=https', child.output())
            )
            return child, int(found[1])

        yield start
        for child in children:
            child.terminate()


def scraped(prometheus: Prometheus, times: int) -> None:
    """Wait for so many further scrapes, good or bad."""
    count = "count_over_time(up[1h])"
    before = prometheus.wait_until(count)[0].value
    prometheus.wait_until(count, lambda samples: samples and samples[0].value >= before + times)


def none_was_lost(prometheus: Prometheus) -> None:
    [lowest] = prometheus.query("min_over_time(up[1h])")
    assert lowest.value == 1, prometheus.targets()
    [samples] = prometheus.query("min_over_time(scrape_samples_scraped[1h])")
    assert samples.value > 50


def a_bad_rotation_changes_nothing(prometheus: Prometheus, child: Child) -> None:
    prometheus.wait_until(f"{LOADED} == 0")
    scraped(prometheus, 2)
    none_was_lost(prometheus)
    assert child.output().count("web configuration refused; still using the last good one") == 1


def text(*files: Path) -> str:
    return "".join(file.read_text() for file in files)


def test_with_client_certificates(exporter, prometheus_binary: Path, tmp_path: Path) -> None:
    certificates = tmp_path / "certificates"
    certificates.mkdir()
    servers, clients = (Authority(certificates, f"{side}-old") for side in ("servers", "clients"))
    new_servers, new_clients = (Authority(certificates, f"{side}-new") for side in ("servers", "clients"))
    theirs, ours = Folder(tmp_path / "prometheus"), tmp_path / "exporter"
    ours.mkdir()

    def client(pair: Pair, *cas: Path) -> dict[str, str]:
        return {"tls.crt": text(pair.cert), "tls.key": text(pair.key), "ca.crt": text(*cas)}

    old, new = clients.issue("prometheus.example"), new_clients.issue("prometheus.example")
    theirs.swap(client(old, servers.file))
    pair = servers.issue()
    for source, name in ((pair.cert, "tls.crt"), (pair.key, "tls.key"), (clients.file, "clients.crt")):
        put(source, ours / name)
    (ours / "web.yaml").write_text(
        "tls_server_config:\n  cert_file: tls.crt\n  key_file: tls.key\n  client_ca_file: clients.crt\n"
        "  client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [prometheus.example]\n"
    )
    child, port = exporter(ours / "web.yaml")
    tls = {name: str(theirs.path / file) for name, file in
           (("ca_file", "ca.crt"), ("cert_file", "tls.crt"), ("key_file", "tls.key"))}  # fmt: skip
    job = scrape_job("exporter", f"127.0.0.1:{port}", scheme="https", tls_config=tls)
    with Prometheus(prometheus_binary, tmp_path / "p", [job], interval=INTERVAL) as prometheus:
        prometheus.wait_until(f"{LOADED} == 1")
        # Both sides trust the new CAs before anybody has a certificate of theirs.
        theirs.swap(client(old, servers.file, new_servers.file))
        put_text(text(clients.file, new_clients.file), ours / "clients.crt")
        scraped(prometheus, 2)
        renewed = new_servers.issue()
        put(renewed.cert, ours / "tls.crt")
        scraped(prometheus, 1)  # which finds that the key does not fit yet
        put(renewed.key, ours / "tls.key")
        theirs.swap(client(new, servers.file, new_servers.file))
        scraped(prometheus, 2)
        theirs.swap(client(new, new_servers.file))
        put(new_clients.file, ours / "clients.crt")
        scraped(prometheus, 2)
        prometheus.wait_until(f"{LOADED} == 1")
        none_was_lost(prometheus)
        refusals = child.output().count("web configuration refused")
        assert refusals == 1  # certificate and key apart
        put_text("no key\n", ours / "tls.key")
        prometheus.wait_until(f"{LOADED} == 0")
        theirs.swap(client(new_clients.issue("prometheus.example"), new_servers.file))
        scraped(prometheus, 2)
        none_was_lost(prometheus)
        assert child.output().count("web configuration refused") == refusals + 1
        assert "contains no PEM of a private key" in child.output()
        put(renewed.key, ours / "tls.key")
        prometheus.wait_until(f"{LOADED} == 1")
        none_was_lost(prometheus)


def test_with_passwords(exporter, prometheus_binary: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    def users(*passwords: str) -> str:
        """Return the section for users prometheus-0 and so on, each with a password."""
        hashes = [bcrypt.hashpw(password.encode(), bcrypt.gensalt(6)).decode() for password in passwords]
        return "basic_auth_users:\n" + "".join(f"  prometheus-{n}: {hash_}\n" for n, hash_ in enumerate(hashes))

    def serving(section: str) -> str:
        return f"tls_server_config: {{cert_file: tls.crt, key_file: tls.key}}\n{section}"

    pair = authority.issue()
    put(pair.cert, tmp_path / "tls.crt")
    put(pair.key, tmp_path / "tls.key")
    web = tmp_path / "web.yaml"
    web.write_text(serving(users("one", "other")))
    # One for each user: whoever changed the password of one in place would fall between the two sides.
    for number, password in enumerate(("one", "two")):
        (tmp_path / f"password-{number}").write_text(password)
    child, port = exporter(web)

    def job(user: int) -> dict[str, object]:
        return scrape_job(
            "exporter",
            f"127.0.0.1:{port}",
            scheme="https",
            tls_config={"ca_file": str(authority.file)},
            basic_auth={"username": f"prometheus-{user}", "password_file": str(tmp_path / f"password-{user}")},
        )

    with Prometheus(prometheus_binary, tmp_path / "p", [job(0)], interval=INTERVAL) as prometheus:
        prometheus.wait_until(f"{LOADED} == 1")
        # Another hash of the same password, a further user, and the certificate meanwhile.
        put_text(serving(users("one", "two")), web)
        scraped(prometheus, 2)
        renewed = authority.issue()
        put(renewed.cert, tmp_path / "tls.crt")
        put(renewed.key, tmp_path / "tls.key")
        scraped(prometheus, 1)
        prometheus.reload([job(1)])
        scraped(prometheus, 2)
        put_text(serving(users("none", "two")), web)
        scraped(prometheus, 2)
        none_was_lost(prometheus)
        put_text(serving("basic_auth_users: {prometheus-1: two}\n"), web)
        a_bad_rotation_changes_nothing(prometheus, child)
        told = child.output()
        assert "basic_auth_users.prometheus-1: this is not a bcrypt hash" in told
        assert not re.search(r"\$2b\$\d\d\$", told)
        assert json.dumps("two") not in told
