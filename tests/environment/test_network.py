"""Hosts with one address family only, and proxies on the way to AWS."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from environment.process import configuration
from support.processes import PATIENCE
from support.tools import ROOT, require

PASSWORD = "swordfish-1971"


@pytest.mark.parametrize("family", ["4", "6"], ids=["IPv4", "IPv6"])
def test_the_default_address_on_a_host_with_one_family(tmp_path, family):
    require("unshare"), require("ip")
    alone = ["unshare", "--map-root-user", "--net"]
    if subprocess.run([*alone, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespaces")
    done = subprocess.run(
        [*alone, sys.executable, "-m", "environment.only_family", family, str(tmp_path)],
        cwd=ROOT / "tests",
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr


class Proxy(ThreadingHTTPServer):
    """An HTTP proxy that knows one host, whatever it is called, and opens no tunnels; ``seen`` are its requests."""

    daemon_threads = True

    def __init__(self, endpoint):
        super().__init__(("127.0.0.1", 0), _ProxyHandler)
        self.backend = endpoint.removeprefix("http://")
        self.seen = []
        self.url = f"http://someone:{PASSWORD}@127.0.0.1:{self.server_port}"


class _ProxyHandler(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self):
        self.server.seen.append((self.command, self.path, self.headers.get("Proxy-Authorization")))
        body = self.rfile.read(int(self.headers["Content-Length"]))
        backend = http.client.HTTPConnection(self.server.backend)
        backend.request("POST", "/", body, {**self.headers, "Connection": "close"})
        answer = backend.getresponse()
        content = answer.read()
        backend.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers["Content-Type"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def do_CONNECT(self):
        self.server.seen.append((self.command, self.path, self.headers.get("Proxy-Authorization")))
        self.send_error(502)

    def log_message(self, *_):
        pass


@pytest.fixture
def proxy(endpoint):
    with Proxy(endpoint) as proxy:
        thread = threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.fixture
def run_behind(run, file):
    """Return a function that runs an exporter for an endpoint with proxy variables, at the level of debug."""

    def run_behind(endpoint_url, **variables):
        file.write_text(configuration(endpoint_url, "one"))
        return run(file, "--log.level=debug", environment={"NO_PROXY": None} | variables)

    return run_behind


def test_http_goes_through_http_proxy(run_behind, proxy):
    exporter = run_behind("http://sagemaker.invalid", HTTP_PROXY=proxy.url)
    exporter.wait_for_up("one")
    assert {seen[:2] for seen in proxy.seen} == {("POST", "http://sagemaker.invalid/")}
    assert all(authorization for _, _, authorization in proxy.seen)
    assert PASSWORD not in exporter.output()


def test_no_proxy_goes_past_it(run_behind, proxy, endpoint):
    exporter = run_behind(endpoint, HTTP_PROXY=proxy.url, NO_PROXY="127.0.0.1")
    exporter.wait_for_up("one")
    assert proxy.seen == []


def test_https_goes_through_https_proxy(run_behind, proxy):
    exporter = run_behind("https://sagemaker.invalid", HTTPS_PROXY=proxy.url)
    exporter.wait_for_code("connection")
    method, path, authorization = proxy.seen[0]
    assert (method, path) == ("CONNECT", "sagemaker.invalid:443")
    assert authorization
    assert PASSWORD not in exporter.output()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down(run_behind, scheme):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        down = f"http://someone:{PASSWORD}@127.0.0.1:{taken.getsockname()[1]}"
        exporter = run_behind(f"{scheme}://sagemaker.invalid", HTTP_PROXY=down, HTTPS_PROXY=down)
        exporter.wait_for_code("connection")
    assert PASSWORD not in exporter.output()
    assert PASSWORD not in exporter.get("/").text
