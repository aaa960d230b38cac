"""The paths of the pages, over HTTP."""

from __future__ import annotations

import gzip
import re
import threading

import pytest
from structlog.testing import capture_logs
from support import web
from support.memory import allocated
from support.processes import PATIENCE, wait_until
from support.snapshots import snapshot, watched
from support.views import facts, view

PAGES = ["/", "/targets", "/config", "/jobs/888899990000/cn-northwest-1/tune-zh"]
API = [
    "/api/v1/status",
    "/api/v1/jobs",
    "/api/v1/jobs/888899990000/cn-northwest-1/tune-zh",
    "/api/v1/targets",
    "/api/v1/config",
]
STATIC = {"pages.css": "text/css", "pages.js": "text/javascript", "icon.svg": "image/svg+xml"}
PLAIN = {"Accept-Encoding": "identity"}


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_html_that_may_load_nothing_from_elsewhere(serve, path: str) -> None:
    answer = web.get(f"{serve().url}{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    policy = dict(part.strip().split(" ", 1) for part in answer.headers["content-security-policy"].split(";"))
    assert policy == {
        "default-src": "'none'",
        "style-src": "'self'",
        "script-src": "'self'",
        "img-src": "'self'",
        "form-action": "'self'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", API)
def test_the_same_is_there_as_json(serve, path: str) -> None:
    answer = web.get(f"{serve().url}{path}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["at"] == "2025-06-15T15:06:52.500Z"


@pytest.mark.parametrize("path", [*PAGES, *API])
def test_who_reads_gzip_gets_the_same_in_less(serve, path: str) -> None:
    running = serve()
    plain = web.get(f"{running.url}{path}", headers=PLAIN)
    raw = running.exchange(
        f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n".encode()
    )
    head, _, body = raw.partition(b"\r\n\r\n")
    assert b"content-encoding: gzip" in head.lower()
    assert gzip.decompress(body) == plain.content
    assert len(body) < len(plain.content)
    assert plain.headers["vary"] == "Accept-Encoding"
    assert "content-encoding" not in plain.headers


@pytest.mark.parametrize("path", [*PAGES, *API, *(f"/static/{name}" for name in STATIC)])
def test_head_gets_the_head_of_get(serve, path: str) -> None:
    running = serve()
    got, head = (web.request(method, f"{running.url}{path}") for method in ("GET", "HEAD"))
    assert head.content == b""
    assert {name: value for name, value in head.headers.items() if name != "date"} == {
        name: value for name, value in got.headers.items() if name != "date"
    }
    assert web.request("POST", f"{running.url}{path}").status_code == 405


@pytest.mark.parametrize(("name", "media_type"), STATIC.items())
def test_what_pages_need_comes_from_here(serve, name: str, media_type: str) -> None:
    answer = web.get(f"{serve().url}/static/{name}")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith(media_type)
    assert not re.search(rb"(?i)@import|url\(|https?:", answer.content.replace(b"http://www.w3.org/2000/svg", b""))


def test_the_table_is_filtered_and_sorted_by_the_address(serve) -> None:
    running = serve()
    running.site.shown = snapshot(
        [
            watched(
                *(
                    view(facts(), name=name, labels={"team": team})
                    for name, team in (("b", "x"), ("a", "x"), ("c", "y"))
                )
            )
        ]
    )
    found = web.get(f"{running.url}/api/v1/jobs?team=x&sort=name").json()
    assert [job["name"] for job in found["jobs"]] == ["a", "b"]
    assert (found["watched"], found["total"], found["page"], found["pages"]) == (3, 2, 1, 1)


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("/api/v1/jobs?sort=size", 400, "cannot sort by"),
        ("/api/v1/jobs?page=0", 400, "page is"),
        ("/api/v1/jobs?stat=x", 400, "did you mean state?"),
        ("/api/v1/jobs/-/eu-west-1/nobody", 404, "no tuning job nobody in eu-west-1 is watched"),
    ],
)
def test_what_cannot_be_answered_is_told_as_json(serve, path: str, status: int, message: str) -> None:
    answer = web.get(f"{serve().url}{path}")
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    assert message in answer.json()["error"]


def test_a_name_that_several_accounts_have_needs_an_account(serve) -> None:
    running = serve()
    jobs = [view(None, account_id=account, name="churn") for account in ("1", "2", "")]
    running.site.shown = snapshot([watched(*jobs)])
    answer = web.get(f"{running.url}/api/v1/jobs/-/eu-west-1/churn")
    assert answer.status_code == 404
    assert "1, 2, not known yet" in answer.json()["error"]
    assert web.get(f"{running.url}/api/v1/jobs/2/eu-west-1/churn").json()["job"]["account_id"] == "2"


def test_a_name_may_hold_anything(serve) -> None:
    running = serve()
    running.site.shown = snapshot([watched(view(None, name='a;b?c#d"e%'))])
    for path in ("/jobs/-/eu-west-1/a%3Bb%3Fc%23d%22e%25", "/api/v1/jobs/-/eu-west-1/a%3Bb%3Fc%23d%22e%25"):
        assert web.get(f"{running.url}{path}").status_code == 200


@pytest.mark.parametrize("path", ["/jobs/", "/jobs/a", "/jobs/a/b", "/jobs/a/b/", "/api/", "/api/v1", "/api/v2/jobs", "/static/", "/static/../app.py", "/static/routes.py"])  # fmt: skip
def test_there_are_no_other_paths(serve, path: str) -> None:
    running = serve()
    answer = running.exchange(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 404 ")


def test_a_defect_of_a_page_is_logged_and_hurts_nobody_else(serve) -> None:
    running = serve()
    running.site.shown = None
    with capture_logs() as logs:
        assert web.get(f"{running.url}/").status_code == 500
        wait_until(lambda: [line for line in logs if line["log_level"] == "error"], what="the line in the log")
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["answering a request failed"]
    assert web.get(f"{running.url}/metrics").status_code == 200
    running.site.shown = snapshot()
    assert web.get(f"{running.url}/").status_code == 200


def test_scrapes_go_on_while_pages_are_made_and_the_fifth_that_waits_is_refused(serve, scraping) -> None:
    running = serve()
    release, begun = threading.Event(), threading.Event()

    def hold() -> None:
        begun.set()
        assert release.wait(PATIENCE)

    running.site.before_page = hold
    answers: list[int] = []
    clients = [
        threading.Thread(target=lambda: answers.append(web.get(f"{running.url}/").status_code)) for _ in range(5)
    ]
    try:
        clients[0].start()
        assert begun.wait(PATIENCE)
        for client in clients[1:]:
            client.start()

        def full() -> bool:
            answer = web.get(f"{running.url}/api/v1/jobs", headers={"X-Ask": "now"}, timeout=1.0)
            return answer.status_code == 503

        def refused() -> bool:
            try:
                return full()
            except web.httpx.TimeoutException:  # it waits itself: not all clients have come yet
                return False

        with scraping(running) as scraper:
            wait_until(refused, what="a refusal")
            busy = web.get(f"{running.url}/")
            assert busy.status_code == 503
            assert busy.headers["retry-after"] == "1"
            assert "try again" in busy.text
            assert "try again" in web.get(f"{running.url}/api/v1/jobs").json()["error"]
            scraper.more(5)
    finally:
        release.set()
        for client in clients:
            if client.ident is not None:
                client.join(PATIENCE)
    assert answers
    assert set(answers) <= {200, 503}
    wait_until(lambda: web.get(f"{running.url}/").status_code == 200, what="room again")


@pytest.mark.parametrize("path", ["/", "/api/v1/jobs"])
def test_a_client_that_does_not_read_keeps_little_of_a_large_page_in_memory(serve, path: str) -> None:
    running = serve()
    labels = {"team": "a" * 40_000}
    running.site.shown = snapshot(
        [watched(*(view(None, name=f"job-{number}", labels=labels) for number in range(100)))]
    )
    size = len(web.get(f"{running.url}{path}", headers=PLAIN).content)
    assert size > 2_000_000
    request, clients = f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), 40
    before = allocated()  # not tracemalloc: to start it while other threads run crashes some versions of Python
    for _ in range(clients):
        assert running.connect(request, buffer=2048).recv(12) == b"HTTP/1.1 200"
    assert allocated() - before < clients * size / 2**20 / 3


def test_the_fullest_answer_is_told_to_the_letter(serve) -> None:
    # Written by hand, from tests/fixtures/everything.json.
    assert web.get(f"{serve().url}/api/v1/jobs").json() == {
        "at": "2025-06-15T15:06:52.500Z",
        "watched": 1,
        "total": 1,
        "page": 1,
        "pages": 1,
        "per_page": 100,
        "jobs": [
            {
                "account_id": "888899990000",
                "region": "cn-northwest-1",
                "name": "tune-zh",
                "state": "finished",
                "status": "Stopped",
                "failing": None,
                "failure_reason": None,
                "team": None,
                "labels": {},
                "tags": {},
                "training_jobs": {
                    "Completed": 61,
                    "InProgress": 0,
                    "RetryableError": 4,
                    "NonRetryableError": 3,
                    "Stopped": 2,
                },
                "max_training_jobs": 250,
                "progress": 0.252,
                "best": {
                    "metric": "eval_f1",
                    "type": "Maximize",
                    "value": 0.8125,
                    "target": 0.875,
                    "target_reached": False,
                },
                "improved": "2025-12-01T02:00:00.500Z",
                "created": "2025-11-30T22:00:00.750Z",
                "elapsed_seconds": 21598,
                "max_runtime_seconds": 172800,
                "described": "2025-06-15T15:06:40.250Z",
                "next_describe": "2025-06-15T15:07:40.250Z",
                "cost": {"amount": 44.5, "currency": "CNY"},
                "budget": {"amount": 500.0, "currency": "CNY"},
                "console_url": "https://cn-northwest-1.console.amazonaws.cn/sagemaker/home"
                "?region=cn-northwest-1#/hyper-tuning-jobs/tune-zh",
            }
        ],
    }
