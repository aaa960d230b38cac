"""What comes with pages, and does not with what machines read."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse
from starlette.routing import Route
from support import web

from exporter.web.listen import open_socket, parse_address
from exporter.web.page_headers import PageHeaders
from exporter.web.server import WebServer

HEADERS = {
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("prefix", ["", "/tuning"])
def test_a_page_may_be_neither_framed_nor_told_of_nor_kept(serve, method: str, prefix: str) -> None:
    answer = web.request(method, f"{serve(prefix=prefix).url}{prefix}/")
    assert answer.headers.items() >= HEADERS.items()


def test_the_policy_of_the_status_page_lets_its_own_files_in_and_nothing_else(serve) -> None:
    answer = web.get(f"{serve().url}/")
    directives = dict(each.split(" ", 1) for each in answer.headers["content-security-policy"].split("; "))
    assert directives.pop("default-src") == "'none'"
    assert set(directives.values()) <= {"'self'", "'none'"}
    assert {"base-uri", "form-action", "frame-ancestors"} <= directives.keys()


@pytest.mark.parametrize("path", ["/metrics", "/-/healthy", "/nothing"])
def test_what_is_no_page_is_not_burdened(serve, path: str) -> None:
    answer = web.get(f"{serve().url}{path}")
    assert not {"content-security-policy", "x-frame-options", "referrer-policy"} & set(answer.headers)
    assert answer.headers.items() >= {"x-content-type-options": "nosniff", "cache-control": "no-store"}.items()


def test_a_page_may_say_otherwise() -> None:
    """A page without a policy of its own can load nothing; one with a policy has that."""

    async def plain(_: object) -> HTMLResponse:
        return HTMLResponse("")

    async def own(_: object) -> HTMLResponse:
        return HTMLResponse("", headers={"Content-Security-Policy": "default-src 'self'"})

    app = Starlette(routes=[Route("/plain", plain), Route("/own", own)], middleware=[Middleware(PageHeaders)])
    listener = open_socket(parse_address("127.0.0.1:0"))
    server = WebServer(app, [listener])
    server.start()
    try:
        with web.client(f"http://127.0.0.1:{listener.getsockname()[1]}") as client:
            assert client.get("/plain").headers["content-security-policy"].startswith("default-src 'none'; ")
            answer = client.get("/own")
            assert answer.headers["content-security-policy"] == "default-src 'self'"
            assert answer.headers["x-frame-options"] == "DENY"
    finally:
        server.stop(1)
