"""The HTTP interface: the answer of each path. It uses the daemon only through ``Site``."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from http import HTTPStatus
from itertools import islice
from typing import TYPE_CHECKING, Protocol

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from exporter.config import ConfigError
from exporter.web.negotiate import accepts_gzip, choose_format
from exporter.web.page_headers import PageHeaders
from exporter.web.pages.routes import page_routes
from exporter.web.pages.secrets import shown
from exporter.web.pieces import Pieces
from exporter.web.routing import UNIDENTIFIED, Paths, listing, not_allowed, router

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from concurrent.futures import Future

    from starlette.requests import Request

    from exporter.exposition.format import Format
    from exporter.web.pages import Snapshot


@dataclass(frozen=True, slots=True)
class Check:
    """The result of a probe, and the reason in one line."""

    ok: bool
    detail: str


class Site(Protocol):
    """What is served. All methods except ``snapshot`` are called in the server's only thread and must return at once."""

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002 - Format is the term
        """Return the exposition in pieces. With ``gzip``, they are one gzip member together."""

    def healthy(self) -> Check:
        """Return whether the process works. If not, it needs a restart."""

    def ready(self) -> Check:
        """Return whether a scrape has something to show yet."""

    def snapshot(self) -> Snapshot:
        """Return the data for the pages. Called in the thread that makes them."""

    def request_reload(self, trigger: str) -> Future[None]:
        """Load the configuration again. The future raises an error if it cannot be used."""


def create_app(site: Site, *, lifecycle: bool = False, prefix: str = "", show_pages: bool = True) -> Starlette:
    """Return the application, with all paths under ``prefix`` (``/a/b``, or empty).

    With ``lifecycle``, a POST or PUT may reload the configuration. Without ``show_pages`` there is only a list of the paths
    instead of pages. An exception of the site becomes a plain 500, and the server logs it.
    """

    async def metrics(request: Request) -> Response:
        wanted = choose_format(_header(request, "accept"))
        gzip = accepts_gzip(_header(request, "accept-encoding"))
        return _Exposition(site.scrape(wanted, gzip), wanted, gzip=gzip)

    async def healthy(request: Request) -> Response:
        return _probe(site.healthy(), request, "healthy")

    async def ready(request: Request) -> Response:
        return _probe(site.ready(), request, "ready")

    async def paths(_: Request) -> Response:
        return PlainTextResponse(f"SageMaker tuning exporter\n{listing(prefix, machines)}")

    async def reload(request: Request) -> Response:
        if not lifecycle:
            return PlainTextResponse("the lifecycle API is off: start with --web.enable-lifecycle\n", status_code=403)
        if _is_of_another_site(request):
            return PlainTextResponse("a page of another site may not ask for this\n", status_code=403)
        return await _outcome(site.request_reload("request"))

    # Route adds HEAD to GET.
    machines = [
        Route("/metrics", metrics, methods=["GET"]),
        Route("/-/healthy", healthy, methods=["GET"]),
        Route("/-/ready", ready, methods=["GET"]),
        Route("/-/reload", reload, methods=["POST", "PUT"]),
    ]
    people = page_routes(site) if show_pages else [Route("/", paths, methods=["GET"])]
    app = Starlette(
        middleware=[Middleware(Paths), Middleware(PageHeaders)],
        exception_handlers={HTTPStatus.METHOD_NOT_ALLOWED: not_allowed},
    )
    app.router = router(prefix, [*people, *machines])
    return app


def _header(request: Request, name: str) -> str | None:
    """Return the value of a header, with repeated headers joined as in HTTP. None without it."""
    return ", ".join(request.headers.getlist(name)) or None


def _is_of_another_site(request: Request) -> bool:
    """Return whether a browser sends this request for a page of another site. It would send the password that it remembers, too.

    Browsers send Sec-Fetch-Site only over HTTPS and to localhost, but always Origin with POST and PUT. Schemes are not compared,
    because TLS may end at a proxy. Other clients send neither.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in {"none", "same-origin"}
    return origin is not None and origin.lower().partition("://")[2] != request.headers.get("host", "").lower()


async def _outcome(done: Future[None]) -> Response:
    """Wait for a reload, and answer with what came of it."""
    try:
        await asyncio.wrap_future(done)
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise  # the client has disconnected
        return PlainTextResponse("not reloaded: the exporter is stopping\n", status_code=503)
    except ConfigError as error:
        told = "\n".join(shown(line) for line in str(error).splitlines())
        return PlainTextResponse(f"{told}\n", status_code=500)
    return PlainTextResponse("configuration reloaded\n")


def _probe(check: Check, request: Request, word: str) -> Response:
    """Answer a probe. The detail names targets, and so accounts and roles. If there are passwords, probes leave it out."""
    detail = check.detail if UNIDENTIFIED not in request.scope else word if check.ok else f"not {word}"
    return PlainTextResponse(f"{detail}\n", status_code=200 if check.ok else 503)


def _emptied(first: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    """Yield all pieces and keep none."""
    while first:
        yield first.pop(0)
    yield from rest


class _Exposition(Pieces):
    """The exposition."""

    def __init__(self, pieces: Iterable[bytes], wanted: Format, *, gzip: bool) -> None:
        headers = {"Content-Type": wanted.content_type, "Vary": "Accept, Accept-Encoding"}
        if gzip:
            # Compressed pieces are few and already exist. Plain pieces are decompressed one by one.
            pieces = tuple(pieces)
            headers["Content-Encoding"] = "gzip"
        else:
            rest = iter(pieces)
            first = list(islice(rest, 2))
            pieces = tuple(first) if len(first) < 2 else _emptied(first, rest)
        if isinstance(pieces, tuple):
            headers["Content-Length"] = str(sum(map(len, pieces)))
        super().__init__(pieces, headers)
