"""Passwords, the limit of requests and headers, as a client meets them."""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs
from support import web
from support.processes import PATIENCE, Child, wait_until

from exporter.web.app import Check
from exporter.web.gate import CHALLENGE, credentials
from exporter.web.protocol import Limits
from exporter.web.webconfig.passwords import MOST_WAITING

TESTS = Path(__file__).parents[1]
PIECE = b"a_metric 1\n" * 4096
PATHS = ["/", "/metrics", "/-/reload", "/nothing"]
PROBES = ["/-/healthy", "/-/ready"]


def hashed(password: str, cost: int = 4) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(cost)).decode()


USERS = f"basic_auth_users:\n  alice: {hashed('right')}\n  böb: {hashed('größe: ja')}\n"
RATE = "rate_limit: {interval: 1h, burst: 3}\n"
HEADERS = """\
http_server_config:
  headers:
    Content-Security-Policy: default-src 'self'
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: 1; mode=block
    Strict-Transport-Security: max-age=60
"""
SET = {
    "content-security-policy": "default-src 'self'",
    "x-frame-options": "deny",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "1; mode=block",
    "strict-transport-security": "max-age=60",
}


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


class TestPasswords:
    @pytest.mark.parametrize(("user", "password"), [("alice", "right"), ("böb", "größe: ja")])
    def test_the_right_one_opens(self, serve, user: str, password: str) -> None:
        answer = web.get(f"{serve(web=USERS).url}/metrics", headers=basic(user, password))
        assert (answer.status_code, answer.content) == (200, PIECE)

    def test_all_else_does_not(self, serve) -> None:
        running = serve(web=USERS, lifecycle=True)
        with web.client(running.url) as client:
            for headers in (
                {},
                basic("alice", "wrong"),
                basic("alice", ""),
                basic("nobody", "right"),
                basic("", ""),
                {"Authorization": ""},
                {"Authorization": "Basic"},
                {"Authorization": "Basic !!!"},
                {"Authorization": "Basic " + base64.b64encode(b"alice").decode()},
                {"Authorization": "Bearer right"},
                {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\x00").decode()},
            ):
                for path in PATHS:
                    answer = client.request("POST" if path == "/-/reload" else "GET", path, headers=headers)
                    assert answer.status_code == 401, (headers, path)
                    assert answer.headers["www-authenticate"] == CHALLENGE
                    assert answer.headers["x-content-type-options"] == "nosniff"
        assert running.site.asked == running.site.reloads == []

    def test_a_wrong_one_is_told_from_none(self, serve) -> None:
        with web.client(serve(web=USERS).url) as client:
            assert "are needed" in client.get("/metrics").text
            for headers in (basic("alice", "wrong"), basic("nobody", "right")):
                assert client.get("/metrics", headers=headers).text == "the user name or the password is wrong\n"

    def test_two_of_them_are_none(self, serve) -> None:
        headers = [*basic("alice", "right").items(), *basic("alice", "right").items()]
        assert web.get(f"{serve(web=USERS).url}/metrics", headers=headers).status_code == 401

    @pytest.mark.parametrize(("path", "word"), [("/-/healthy", "healthy"), ("/-/ready", "ready")])
    def test_a_probe_names_no_target_to_who_has_shown_none(self, serve, path: str, word: str) -> None:
        running = serve(web=USERS)
        for ok, status, text in ((True, 200, f"{word}\n"), (False, 503, f"not {word}\n")):
            running.site.health = running.site.readiness = Check(
                ok=ok, detail="waiting for eu-west-1/123456789012/role"
            )
            answer = web.get(f"{running.url}{path}")
            assert (answer.status_code, answer.text) == (status, text)

    @pytest.mark.parametrize("path", PROBES)
    def test_a_probe_needs_none(self, serve, path: str) -> None:
        assert web.get(serve(web=USERS).url + path).status_code == 200

    def test_a_probe_is_one_however_its_target_is_written(self, serve) -> None:
        running = serve(web=USERS)
        for target, status in {
            b"http://x/-/healthy": b"200",
            b"/%2d/ready?x": b"200",
            b"http://x/metrics": b"401",
            b"/-/healthy/../../metrics": b"401",
            b"/-%2fhealthy": b"401",
            b"//-/healthy": b"401",
        }.items():
            with running.connect(b"GET " + target + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") as client:
                assert client.makefile("rb").read().split(b" ", 2)[1] == status, target

    def test_head_gets_the_head_alone(self, serve) -> None:
        answer = web.request("HEAD", f"{serve(web=USERS).url}/metrics")
        assert (answer.status_code, answer.content) == (401, b"")

    def test_a_kept_connection_asks_again_and_goes_on(self, serve) -> None:
        with web.client(serve(web=USERS).url) as client:
            for headers, status in [({}, 401), (basic("alice", "right"), 200), (basic("alice", "wrong"), 401)] * 2:
                assert client.get("/metrics", headers=headers).status_code == status

    def test_nothing_of_it_is_logged(self, serve) -> None:
        running = serve(web=USERS)
        with capture_logs() as logs:
            web.get(f"{running.url}/metrics", headers=basic("alice", "a-wrong-secret"))
        assert "secret" not in str(logs)
        assert {line["log_level"] for line in logs} <= {"debug"}

    def test_users_that_change_count_at_once(self, serve, tmp_path) -> None:
        running = serve(web=USERS)
        assert web.get(f"{running.url}/metrics", headers=basic("alice", "right")).status_code == 200
        (tmp_path / "web.yaml").write_text(f"basic_auth_users:\n  alice: {hashed('new')}\n")
        assert web.get(f"{running.url}/metrics", headers=basic("alice", "right")).status_code == 401
        assert web.get(f"{running.url}/metrics", headers=basic("alice", "new")).status_code == 200
        (tmp_path / "web.yaml").write_text("{}\n")
        assert web.get(f"{running.url}/metrics").status_code == 200

    def test_who_comes_when_too_many_wait_is_told_to_come_back(self, serve, monkeypatch: pytest.MonkeyPatch) -> None:
        gate = threading.Event()
        monkeypatch.setattr(bcrypt, "checkpw", lambda password, hash_: gate.wait(PATIENCE))
        running = serve(web=USERS)
        clients = [
            running.connect(
                b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Basic "
                + base64.b64encode(b"alice:%d" % number)
                + b"\r\n\r\n"
            )
            for number in range(60)
        ]
        # All but the one that is checked and those that may wait.
        wait_until(lambda: len(select.select(clients, [], [], 0)[0]) == 60 - 1 - MOST_WAITING, what="refusals")
        for client in select.select(clients, [], [], 0)[0]:
            answer = client.recv(1 << 16)
            assert answer.startswith(b"HTTP/1.1 503 ")
            assert b"retry-after: 5\r\n" in answer
        gate.set()


@given(st.binary(max_size=60))
def test_whatever_stands_in_the_header_is_read_or_none(value: bytes) -> None:
    for header in (value, b"Basic " + value, b"Basic " + base64.b64encode(value)):
        found = credentials([header])
        assert found is None or list(map(type, found)) == [str, bytes]


@given(st.text().filter(lambda text: ":" not in text), st.binary())
def test_a_user_and_a_password_come_out_as_they_went_in(user: str, password: bytes) -> None:
    encoded = base64.b64encode(user.encode(errors="surrogatepass") + b":" + password)
    if not any("\ud800" <= letter <= "\udfff" for letter in user):
        assert credentials([b"bAsIc  " + encoded + b" "]) == (user, password)


class TestRate:
    def test_more_than_the_burst_are_told_when_to_come_back(self, serve) -> None:
        url = serve(web=RATE).url
        assert [web.get(f"{url}/metrics").status_code for _ in range(3)] == [200] * 3
        answer = web.get(f"{url}/")
        assert answer.status_code == 429
        assert 3000 < int(answer.headers["retry-after"]) <= 3600

    def test_probes_do_not_count(self, serve) -> None:
        url = serve(web=RATE).url
        for _ in range(5):
            assert [web.get(url + path).status_code for path in PROBES] == [200, 200]
        assert [web.get(f"{url}/metrics").status_code for _ in range(4)] == [200, 200, 200, 429]
        assert web.get(f"{url}/-/healthy").status_code == 200

    def test_it_counts_who_has_no_password_too(self, serve) -> None:
        url = serve(web=RATE + USERS).url
        assert [web.get(f"{url}/metrics").status_code for _ in range(4)] == [401, 401, 401, 429]

    def test_an_edit_of_something_else_does_not_fill_it(self, serve, tmp_path) -> None:
        url = serve(web=RATE).url
        assert [web.get(f"{url}/metrics").status_code for _ in range(4)][-1] == 429
        (tmp_path / "web.yaml").write_text(f"# a comment\n{RATE}")
        assert web.get(f"{url}/metrics").status_code == 429
        (tmp_path / "web.yaml").write_text(RATE.replace("3", "4"))
        assert web.get(f"{url}/metrics").status_code == 200
        (tmp_path / "web.yaml").write_text("rate_limit: {interval: 0}\n")
        assert {web.get(f"{url}/metrics").status_code for _ in range(9)} == {200}


class TestHeaders:
    def test_they_are_on_every_answer_instead_of_ours(self, serve) -> None:
        with web.client(serve(web=HEADERS).url) as client:
            for path in (*PATHS, *PROBES):
                headers = client.get(path).headers
                assert {name: headers.get_list(name) for name in SET} == {name: [value] for name, value in SET.items()}

    @pytest.mark.parametrize("more", [USERS, RATE.replace("3", "1")], ids=["users", "rate"])
    def test_on_refusals_too(self, serve, more: str) -> None:
        url = serve(web=HEADERS + more).url
        for _ in range(2):
            answer = web.get(f"{url}/metrics")
        assert answer.status_code in {401, 429}
        assert {name: answer.headers.get_list(name) for name in SET} == {name: [value] for name, value in SET.items()}

    def test_and_on_what_is_not_http(self, serve) -> None:
        head = serve(web=HEADERS).exchange(b"garbage\r\n\r\n").lower()
        assert head.startswith(b"http/1.1 400 ")
        for name, value in SET.items():
            assert head.count(f"{name}: {value}\r\n".encode().lower()) == 1

    def test_our_own_stay_where_none_takes_their_place(self, serve) -> None:
        answer = web.get(f"{serve(web='http_server_config: {headers: {X-Frame-Options: deny}}').url}/")
        assert answer.headers["x-frame-options"] == "deny"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["cache-control"] == "no-store"

    def test_a_change_is_on_the_next_answer(self, serve, tmp_path) -> None:
        url = serve(web=HEADERS).url
        (tmp_path / "web.yaml").write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}\n")
        answer = web.get(f"{url}/")
        assert answer.headers.get_list("x-frame-options") == ["sameorigin"]
        assert "x-xss-protection" not in answer.headers
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Callable[..., Child]]:
    """Begin to send wrong passwords, as one user or for None as another one each time, so many seconds apart."""
    children: list[Child] = []

    def begin(port: int, user: str | None, pause: float, attempts: int) -> Child:
        arguments = [sys.executable, "-m", "support.wrong_passwords", str(port), user or "", str(pause), str(attempts)]
        child = Child(arguments, log=tmp_path / "attack.log", environment={**os.environ, "PYTHONPATH": str(TESTS)})
        children.append(child)
        child.wait_until(lambda: "under way" in child.output(), what="the attack")
        return child

    yield begin
    for child in children:
        child.terminate()


@pytest.mark.long
@pytest.mark.parametrize(
    ("user", "pause", "attempts"),
    [("alice", 0.01, 200), (None, 0.003, 1200)],
    ids=["100 a second", "a thousand users"],
)
def test_wrong_passwords_cost_no_scrape(
    serve, scraping, attack: Callable[..., Child], user: str | None, pause: float, attempts: int
) -> None:
    running = serve(Limits(), web=f"basic_auth_users:\n  alice: {hashed('right', 8)}\n")
    with scraping(running, basic("alice", "right")) as scraper:
        attacker = attack(running.port, user, pause, attempts)
        assert attacker.wait() == 0
    statuses = json.loads(attacker.output().splitlines()[-1])
    assert set(statuses) <= {"401", "503", ""}
    print(f"{attempts} wrong passwords beside {scraper.slowest()}; answers: {statuses}")


def test_the_first_right_password_passes_between_wrong_ones(serve, attack: Callable[..., Child]) -> None:
    running = serve(web=f"basic_auth_users:\n  alice: {hashed('right', 8)}\n")
    attacker = attack(running.port, "alice", 0.002, 1_000_000)
    # From another address than the flood, as a scraper that nobody remembers yet.
    with socket.socket() as client:
        client.bind(("127.0.0.2", 0))
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", running.port))
        given = basic("alice", "right")["Authorization"]
        client.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: {given}\r\n\r\n".encode())
        assert client.recv(100).startswith(b"HTTP/1.1 200 ")
    assert attacker.running
