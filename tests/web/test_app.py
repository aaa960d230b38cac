from __future__ import annotations

import gzip
import http.client
from concurrent.futures import Future

import pytest
from structlog.testing import capture_logs
from support import web
from support.processes import PATIENCE

from exporter.config import ConfigError, Problem
from exporter.exposition.format import Format
from exporter.web.app import Check

PIECE = b"a_metric 1\n" * 4096
PROMETHEUS = {"Accept": "application/openmetrics-text;version=1.0.0,*/*;q=0.1", "Accept-Encoding": "gzip"}
PLAIN = {"Accept-Encoding": "identity"}


def test_a_scrape_gets_the_format_and_coding_it_asks_for(serve) -> None:
    running = serve()
    running.site.pieces = 3
    answer = web.get(f"{running.url}/metrics", headers=PROMETHEUS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-length"] == str(len(gzip.compress(PIECE * 3, mtime=0)))
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    assert "date" in answer.headers
    assert "server" not in answer.headers
    assert answer.content == PIECE * 3
    assert running.site.asked == [(Format.OPENMETRICS, True)]


def test_a_browser_gets_text_in_one_piece_with_its_length(serve) -> None:
    running = serve()
    answer = web.get(f"{running.url}/metrics", headers=PLAIN)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["content-length"] == str(len(PIECE))
    assert "content-encoding" not in answer.headers
    assert answer.content == PIECE
    assert running.site.asked == [(Format.TEXT, False)]


@pytest.mark.parametrize("pieces", [0, 1, 2, 5, 100])
def test_a_plain_body_arrives_whole_in_any_number_of_pieces(serve, pieces: int) -> None:
    running = serve()
    running.site.pieces = pieces
    answer = web.get(f"{running.url}/metrics", headers=PLAIN)
    assert answer.content == PIECE * pieces
    assert ("content-length" in answer.headers) is (pieces < 2)


def test_a_client_of_http_1_0_gets_the_whole_body_up_to_the_end_of_the_connection(serve) -> None:
    running = serve()
    running.site.pieces = 50
    head, _, body = running.exchange(b"GET /metrics HTTP/1.0\r\n\r\n").partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head.lower()
    assert body == PIECE * 50


def test_several_lines_of_a_header_are_one_list(serve) -> None:
    running = serve()
    web.get(
        f"{running.url}/metrics",
        headers=[
            ("Accept", "text/plain;q=0.1"),
            ("Accept", "application/openmetrics-text"),
            ("Accept-Encoding", "br"),
            ("Accept-Encoding", "gzip"),
        ],
    )
    assert running.site.asked == [(Format.OPENMETRICS, True)]


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("headers", [PROMETHEUS, PLAIN])
def test_head_gets_the_head_of_get(serve, path: str, headers: dict[str, str]) -> None:
    running = serve()
    with web.client(running.url, headers=headers) as client:
        got, head, again = client.get(path), client.head(path), client.get(path)
    ignored = {"date"}
    assert {k: v for k, v in head.headers.items() if k not in ignored} == {
        k: v for k, v in got.headers.items() if k not in ignored
    }
    assert head.status_code == 200
    assert head.content == b""
    assert again.content == got.content


def test_head_does_not_make_the_body(serve) -> None:
    running = serve()
    running.site.pieces = 100
    assert web.request("HEAD", f"{running.url}/metrics", headers=PLAIN).status_code == 200
    assert running.site.taken <= 2


def test_a_query_changes_nothing(serve) -> None:
    assert web.get(f"{serve().url}/metrics?collect=everything").content == PIECE


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_a_probe_answers_with_the_reason(serve, path: str) -> None:
    running = serve()
    good, bad = Check(ok=True, detail="fine"), Check(ok=False, detail="worker 3 of eu-west-1 died")
    running.site.health, running.site.readiness = (good, bad) if path == "/-/healthy" else (bad, good)
    answer = web.get(f"{running.url}{path}")
    assert (answer.status_code, answer.text) == (200, "fine\n")
    running.site.health, running.site.readiness = running.site.readiness, running.site.health
    answer = web.get(f"{running.url}{path}")
    assert (answer.status_code, answer.text) == (503, "worker 3 of eu-west-1 died\n")


def test_the_status_page_is_there(serve) -> None:
    answer = web.get(f"{serve().url}/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "1.2.3" in answer.text


def test_without_pages_people_are_told_the_paths(serve) -> None:
    answer = web.get(f"{serve(show_pages=False, prefix='/tuning').url}/tuning/")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == (
        "SageMaker tuning exporter\n"
        "/tuning/metrics\n/tuning/-/healthy\n/tuning/-/ready\n/tuning/-/reload (POST or PUT)\n"
    )


def test_a_fault_of_the_site_is_logged_once_and_tells_the_client_nothing(serve) -> None:
    running = serve()
    running.site.fault_before = ZeroDivisionError("the secret")
    with web.client() as client, capture_logs() as logs:
        answer = client.get(f"{running.url}/metrics")
        assert (answer.status_code, answer.text) == (500, "Internal Server Error")
        assert answer.headers["content-type"].startswith("text/plain")
        assert answer.headers["x-content-type-options"] == "nosniff"
        running.site.fault_before = None
        assert client.get(f"{running.url}/metrics").status_code == 200
    errors = [line for line in logs if line["log_level"] == "error"]
    assert [(line["event"], line["path"], line["exc_info"]) for line in errors] == [
        ("answering a request failed", "/metrics", True)
    ]


def test_a_fault_within_the_body_leaves_it_visibly_incomplete(serve, caplog: pytest.LogCaptureFixture) -> None:
    running = serve()
    running.site.pieces = 3
    running.site.fault_within = ZeroDivisionError("too late for a status")
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=PATIENCE)
    with capture_logs() as logs:
        connection.request("GET", "/metrics")
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            connection.getresponse().read()
    connection.close()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["answering a request failed"]
    assert caplog.records == []


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_reload_is_asked_for_by_either_method(serve, method: str) -> None:
    running = serve(lifecycle=True)
    answer = web.request(method, f"{running.url}/-/reload")
    assert (answer.status_code, answer.text) == (200, "configuration reloaded\n")
    assert running.site.reloads == ["request"]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://elsewhere.example"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        # Over plain HTTP a browser sends no more than this.
        ({"Origin": "http://exporter.example:10980"}, 200),
        ({"Origin": "https://Exporter.example:10980"}, 200),
        ({"Origin": "http://exporter.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
    ids=str,
)
def test_a_reload_is_not_for_a_page_of_another_site_to_ask_for(serve, headers: dict[str, str], status: int) -> None:
    running = serve(lifecycle=True)
    host = {"Host": "exporter.example:10980"}
    answer = web.request("POST", f"{running.url}/-/reload", headers=host | headers)
    assert answer.status_code == status
    assert running.site.reloads == ["request"] * (status == 200)


def test_a_reload_that_waits_when_the_exporter_stops_is_told_so(
    serve, monkeypatch, caplog: pytest.LogCaptureFixture
) -> None:
    running = serve(lifecycle=True)
    done: Future[None] = Future()
    done.cancel()
    monkeypatch.setattr(running.site, "request_reload", lambda trigger: done)
    with capture_logs() as logs:
        answer = web.request("POST", f"{running.url}/-/reload")
    assert (answer.status_code, answer.text) == (503, "not reloaded: the exporter is stopping\n")
    assert logs == []
    assert caplog.records == []


def test_a_reload_tells_each_mistake_and_nothing_that_looks_like_a_token(serve, monkeypatch) -> None:
    running = serve(lifecycle=True)
    token = "AQoDYXdzEJr1K9xyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefABC"
    problems = [Problem("c.yaml", 3, "aws.region", f'"{token}" is no region'), Problem("c.yaml", 4, "", "wrong")]
    done: Future[None] = Future()
    done.set_exception(ConfigError(problems))
    monkeypatch.setattr(running.site, "request_reload", lambda trigger: done)
    answer = web.request("POST", f"{running.url}/-/reload")
    assert answer.status_code == 500
    assert answer.text == 'c.yaml:3: aws.region: "***" is no region\nc.yaml:4: wrong\n'


@pytest.mark.parametrize("method", ["POST", "PUT"])
def test_a_reload_is_refused_where_it_is_not_allowed(serve, method: str) -> None:
    running = serve()
    assert web.request(method, f"{running.url}/-/reload").status_code == 403
    assert running.site.reloads == []
