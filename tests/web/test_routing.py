"""Which request reaches what, asked through raw sockets: no client tidies up what it is told to send."""

from __future__ import annotations

import asyncio
import re
from typing import Any
from urllib.parse import unquote, urljoin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from support.text import found

from exporter.web.routing import listing, path_of, router

PIECE = b"a_metric 1\n" * 4096
READABLE = [
    *("/", "/targets", "/config", "/api/v1/status", "/api/v1/jobs", "/api/v1/targets", "/api/v1/config"),
    *("/metrics", "/-/healthy", "/-/ready"),
]
PREFIXES = ["", "/ml/tuning"]


def ask(running, target: str, method: str = "GET", headers: str = "") -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of the answer to a request line that is sent as it is given."""
    request = f"{method} {target} HTTP/1.1\r\nHost: exporter.example\r\n{headers}Connection: close\r\n\r\n"
    head, _, body = running.exchange(request.encode()).partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    return int(found(r"HTTP/1.1 (\d+)", status)[1]), dict(line.lower().split(": ", 1) for line in lines), body


def follow(running, target: str, method: str = "GET") -> tuple[str, int]:
    """Return where a redirect leads, as a browser works it out, and what is answered there."""
    request = f"{method} {target} HTTP/1.1\r\nHost: exporter.example\r\nConnection: close\r\n\r\n"
    answer = running.exchange(request.encode())
    assert answer.startswith(b"HTTP/1.1 307 ")
    location = found(rb"(?i)location: (\S+)", answer)[1].decode()
    assert "//" not in location, "an address of another host could be smuggled in"
    assert not location.startswith("/"), "a proxy may have taken a part of the path away"
    leads = urljoin(f"http://exporter.example{target}", location).removeprefix("http://exporter.example")
    return leads, ask(running, leads, method)[0]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_everything_is_served_under_the_prefix_and_nothing_elsewhere(serve, prefix: str) -> None:
    running = serve(prefix=prefix)
    for path in READABLE:
        assert ask(running, prefix + path)[0] == 200, path
        if prefix and path != "/":
            assert ask(running, path)[0] == 404, path
        assert ask(running, f"/other{path}")[0] == 404, path


@pytest.mark.parametrize("prefix", PREFIXES)
def test_a_reload_is_under_the_prefix_too(serve, prefix: str) -> None:
    running = serve(prefix=prefix, lifecycle=True)
    assert ask(running, f"{prefix}/-/reload", "POST")[0] == 200
    assert running.site.reloads == ["request"]


@pytest.mark.parametrize("target", ["/", "/ml/tuning", "/?q=b", "/ml/tuning?q=b"])
def test_what_is_before_the_prefix_leads_to_it(serve, target: str) -> None:
    leads, status = follow(serve(prefix="/ml/tuning"), target)
    assert leads == f"/ml/tuning/{target.partition('?')[1]}{target.partition('?')[2]}"
    assert status == 200


@pytest.mark.parametrize("target", ["/ml", "/ml/", "/ml/tuningx", "/ml/tuning.", "/ml/tuningx/metrics", "/ml/metrics"])
def test_what_looks_like_the_prefix_is_unknown(serve, target: str) -> None:
    assert ask(serve(prefix="/ml/tuning"), target)[0] == 404


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("path", ["/metrics/", "/-/healthy/", "/-/ready/", "/metrics/?a=b%2Fc&d"])
def test_a_slash_too_many_leads_to_the_path_without_it(serve, prefix: str, path: str) -> None:
    leads, status = follow(serve(prefix=prefix), prefix + path)
    assert leads == prefix + path.replace("/?", "?").removesuffix("/")
    assert status == 200


def test_a_slash_too_many_keeps_the_method(serve) -> None:
    running = serve(lifecycle=True)
    assert follow(running, "/-/reload/", "POST") == ("/-/reload", 200)
    assert running.site.reloads == ["request"]


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize("server", ["http://exporter.example", "HTTP://other:10980", "https://[::1]:1"])
def test_a_target_as_proxies_get_it_is_taken(serve, prefix: str, server: str) -> None:
    running = serve(prefix=prefix)
    assert ask(running, f"{server}{prefix}/metrics")[2] == PIECE
    assert ask(running, f"{server}{prefix}/metrics?a=/b")[2] == PIECE
    assert ask(running, server)[0] == (307 if prefix else 200)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("path", ["/%6detrics", "/%6D%65trics", "/-/%72eady", "/%2d/ready"])
def test_what_may_be_encoded_is_decoded(serve, method: str, path: str) -> None:
    assert ask(serve(), path, method)[0] == 200


UNKNOWN = [
    *("//metrics", "//exporter.example/metrics", "/-//ready", "/metrics//", "//", "///"),
    *("/%2fmetrics", "/metrics%2f", "/-%2Fready", "%2Fmetrics", "/-%5cready", "/-\\ready", "/%2e%2e%2fmetrics"),
    *("/./metrics", "/x/../metrics", "/%2e/metrics", "/x/%2e%2e/metrics", "/..", "/%2e%2e/x", "/../metrics"),
    *("/metrics%00", "/metrics%0a", "/metrics%0D%0A", "/metrics%7f", "/metrics%09", "/metrics%20", "/metrics;a=b"),
    *("/%256detrics", "/metrics%", "/metrics%zz", "/%c3%28", "/METRICS", "/metrics.", "/-/", "/-", "/favicon.ico"),
    *("metrics", "x:80", "http://", "http:///metrics", "ftp://x/metrics", "http:/metrics", "/metrics#top"),
]


@pytest.mark.parametrize("prefix", PREFIXES)
def test_every_other_target_is_unknown(serve, prefix: str) -> None:
    running = serve(prefix=prefix)
    for path in UNKNOWN:
        status, headers, body = ask(running, f"{prefix}{path}" if path.startswith("/") else path)
        assert status == 404, path
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "location" not in headers
        assert body.startswith(b"nothing is served under this path")
    assert running.site.asked == []


@pytest.mark.parametrize("prefix", PREFIXES)
def test_an_unknown_path_is_told_the_ones_that_there_are(serve, prefix: str) -> None:
    running = serve(prefix=prefix)
    status, headers, body = ask(running, "/nothing")
    assert (status, headers["content-type"]) == (404, "text/plain; charset=utf-8")
    told = re.findall(r"^(/\S*)(?: \((.*)\))?$", body.decode(), re.MULTILINE)
    assert told == [*((prefix + path, "") for path in READABLE), (f"{prefix}/-/reload", "POST or PUT")]


def test_other_methods_are_told_the_ones_allowed(serve) -> None:
    running = serve()
    for path in READABLE:
        for method in ("POST", "PUT", "DELETE", "PATCH", "TRACE", "BREW", "get"):
            status, headers, body = ask(running, path, method)
            assert status == 405, (method, path)
            assert headers["allow"] == "get, head, options"
            assert headers["x-content-type-options"] == "nosniff"
            assert body == b"this path answers GET, HEAD, OPTIONS\n"


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
def test_a_reload_by_another_method_is_told_the_ones_allowed(serve, method: str) -> None:
    running = serve(lifecycle=True)
    status, headers, _ = ask(running, "/-/reload", method)
    assert (status, headers["allow"]) == (405, "options, post, put")
    assert running.site.reloads == []


@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("path", "allowed"), [*((path, "get, head, options") for path in READABLE), ("/-/reload", "options, post, put")]
)
def test_options_are_told_and_nothing_is_done(serve, prefix: str, path: str, allowed: str) -> None:
    running = serve(prefix=prefix, lifecycle=True)
    asked = "Origin: https://elsewhere.example\r\nAccess-Control-Request-Method: POST\r\n"
    status, headers, body = ask(running, prefix + path, "OPTIONS", asked)
    assert (status, headers["allow"], body) == (204, allowed, b"")
    # No page of another site may read anything, or reload.
    assert not [name for name in headers if name.startswith("access-control-")]
    assert running.site.reloads == running.site.asked == []


def test_options_of_the_whole_server(serve) -> None:
    running = serve()
    status, headers, _ = ask(running, "*", "OPTIONS")
    assert (status, headers["allow"]) == (204, "get, head, options")
    assert ask(running, "*", "GET")[0] == 404


@pytest.mark.parametrize(
    ("method", "target", "expected"),
    [
        *(("GET", path, 200) for path in READABLE),
        *(("HEAD", path, 200) for path in READABLE),
        ("GET", "/metrics/", 307),
        ("HEAD", "/metrics/", 307),
        ("HEAD", "/nothing", 404),
        ("POST", "/metrics", 405),
        ("POST", "/-/reload", 403),
        ("OPTIONS", "/metrics", 204),
    ],
)
def test_no_answer_is_kept_or_guessed_at(serve, method: str, target: str, expected: int) -> None:
    status, headers, body = ask(serve(), target, method)
    assert status == expected
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"
    assert (body == b"") is (method in {"HEAD", "OPTIONS"} or status == 307)


def test_paths_of_pages_are_listed_unless_they_have_parameters_or_are_no_pages() -> None:
    async def answer(_: Request) -> Response:
        return Response()

    routes = [
        Route("/targets", answer),
        Route("/jobs/{name:path}", answer),
        Route("/static/a.css", answer, include_in_schema=False),
        Route("/do", answer, methods=["POST"]),
    ]
    assert listing("/a", routes) == "/a/targets\n/a/do (POST)\n"


def test_a_slash_too_many_is_taken_away_though_a_route_takes_whatever_follows() -> None:
    async def answer(request: Request) -> Response:
        return Response(request.path_params["name"])

    asked = {"type": "http", "method": "GET", "root_path": "", "query_string": b"", "headers": []}
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    serves = router("/a", [Route("/jobs/{name:path}", answer)])
    for path in ("/a/jobs/x/y", "/a/jobs/x/y/"):
        asyncio.run(serves({**asked, "path": path, "raw_path": path.encode()}, nothing, send))
    assert [each["status"] for each in sent if "status" in each] == [200, 307]
    assert (b"location", b"../y") in sent[-2]["headers"]


async def nothing() -> Any:
    raise AssertionError("nobody reads a body")


SAFE = st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="?")


@given(st.text(alphabet=SAFE, max_size=20), st.sampled_from(["", "/", "http://x", "http://x/", "//"]))
def test_a_path_has_no_slash_and_no_control_character_that_the_target_had_not(rest: str, begin: str) -> None:
    target = begin + rest
    path = path_of(target.encode())
    if path in {"", "*"}:
        return
    assert path.startswith("/")
    assert "//" not in path
    assert "\\" not in path
    assert path.count("/") == re.sub("(?i)^https?://[^/]+(?=/|$)", "", target).count("/") or path == "/"
    assert all(ord(character) >= 0x20 for character in path)


@given(st.text(alphabet=st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters="?%\\/"), max_size=20))
def test_a_path_of_one_segment_is_itself_in_either_form(segment: str) -> None:
    assert path_of(f"/{segment}".encode()) == path_of(f"http://x/{segment}".encode()) == unquote(f"/{segment}")
