"""The paths of the pages and of their JSON. All links in pages are relative, so that they work under any prefix."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple, Protocol

from starlette.responses import Response
from starlette.routing import Route

from exporter.web.negotiate import accepts_gzip
from exporter.web.pages import as_json, html
from exporter.web.pages.configuration import config
from exporter.web.pages.fleet import choices, jobs
from exporter.web.pages.job import find, job
from exporter.web.pages.links import job_path
from exporter.web.pages.packed import Packed, PackedResponse
from exporter.web.pages.query import SORTS, parse_query
from exporter.web.pages.targets import targets
from exporter.web.pages.troubles import status
from exporter.web.pages.worker import Busy, Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from exporter.web.pages.snapshot import Snapshot

    Page = Callable[["Snapshot", Request], "Answer"]

# Pages load only from the exporter itself, and run no scripts.
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Vary": "Accept-Encoding",
}
_HTML, _JSON = "text/html", "application/json"

_STATIC = {
    "pages.css": "text/css",
    "pages.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}

_MOST_SHOWN_JOBS = 200
"""The most listed jobs of a target on the page Configuration. The JSON has all."""


class Answer(NamedTuple):
    """An answer to send."""

    status: int
    media_type: str
    body: bytes


class Source(Protocol):
    """The source of the data for pages."""

    def snapshot(self) -> Snapshot:
        """Return the present state. Called once for each page, in the thread that makes pages."""


def page_routes(source: Source) -> list[Route]:
    """Return the routes of all pages."""
    worker = Worker()

    def route(path: str, page: Page, refused: Callable[[int, str], Answer]) -> Route:
        async def answer(request: Request) -> Response:
            def made() -> tuple[int, str, Packed]:
                status_, media_type, body = page(source.snapshot(), request)
                return status_, media_type, Packed(body)

            try:
                status_, media_type, body = await worker.make(made)
            except Busy:
                why = "Too many pages are being made or are waiting: try again in a moment."
                status_, media_type, short = refused(503, why)
                return Response(short, status_, {**_HEADERS, "Retry-After": "1"}, media_type)
            compressed = accepts_gzip(", ".join(request.headers.getlist("accept-encoding")))
            return PackedResponse(body, status_, _HEADERS, media_type, gzip=compressed)

        return Route(path, answer, methods=["GET"])

    one_job = "{account}/{region}/{name:path}"
    return [
        route("/", _status_page, _no_page),
        route(f"/jobs/{one_job}", _job_page, _no_page),
        route("/targets", _targets_page, _no_page),
        route("/config", _config_page, _no_page),
        route("/api/v1/status", lambda seen, _: _json(status(seen)), _no_json),
        route("/api/v1/jobs", _jobs_json, _no_json),
        route(f"/api/v1/jobs/{one_job}", _job_json, _no_json),
        route("/api/v1/targets", lambda seen, _: _json(targets(seen)), _no_json),
        route("/api/v1/config", lambda seen, _: _json(config(seen)), _no_json),
        *(_static(name, media_type) for name, media_type in _STATIC.items()),
    ]


def _static(name: str, media_type: str) -> Route:
    body = files("exporter.web.pages").joinpath("static", name).read_bytes()

    async def answer(_: Request) -> Response:
        return Response(body, headers=_HEADERS, media_type=media_type)

    return Route(f"/static/{name}", answer, methods=["GET"], include_in_schema=False)


def _html(template: str, root: str, status_: int = 200, **shown: object) -> Answer:
    return Answer(status_, _HTML, html.page(template, root=root, **shown))


def _json(model: object, status_: int = 200) -> Answer:
    return Answer(status_, _JSON, as_json.encoded(model))


def _no_json(status_: int, why: str) -> Answer:
    return _json({"error": why}, status_)


def _no_page(status_: int, why: str) -> Answer:
    # Without links, because they cannot be relative to an unknown path.
    return Answer(status_, "text/plain", f"{why}\n".encode())


def _status_page(snapshot: Snapshot, request: Request) -> Answer:
    try:
        query = parse_query(request.query_params.multi_items())
    except ValueError as wrong:
        return _wrong_page(400, "This address cannot be understood", str(wrong), "./")
    return _html(
        "status.html",
        "./",
        here="status",
        status=status(snapshot),
        fleet=jobs(snapshot, query),
        choices=choices(snapshot),
        query=query,
        sorts=SORTS,
    )


def _job_page(snapshot: Snapshot, request: Request) -> Answer:
    root = "../" * (3 + request.path_params["name"].count("/"))
    account, region, name = _named(request)
    found = find(snapshot, account, region, name)
    if len(found) == 1:
        return _html("job.html", root, here="", page=job(snapshot, found[0]), version=snapshot.version)
    if not found:
        why = "It is not watched, or is no longer watched: it may have been removed from the configuration, or it ended longer ago than retention."
        return _wrong_page(404, f"There is no tuning job {name} in {region} here", why, root)
    links = {
        f"{name} of account {each.account_id}": job_path(each.account_id, each.region, each.name) for each in found
    }
    return _wrong_page(404, f"Several accounts have a tuning job {name} in {region}", "Choose one.", root, links)


def _targets_page(snapshot: Snapshot, _: Request) -> Answer:
    return _html("targets.html", "./", here="targets", page=targets(snapshot), version=snapshot.version)


def _config_page(snapshot: Snapshot, _: Request) -> Answer:
    shown = config(snapshot)
    return _html("config.html", "./", here="config", page=shown, most_jobs=_MOST_SHOWN_JOBS, version=snapshot.version)


def _jobs_json(snapshot: Snapshot, request: Request) -> Answer:
    try:
        query = parse_query(request.query_params.multi_items())
    except ValueError as wrong:
        return _no_json(400, str(wrong))
    return _json(jobs(snapshot, query))


def _job_json(snapshot: Snapshot, request: Request) -> Answer:
    account, region, name = _named(request)
    found = find(snapshot, account, region, name)
    if len(found) == 1:
        return _json(job(snapshot, found[0]))
    if not found:
        return _no_json(404, f"no tuning job {name} in {region} is watched")
    accounts = ", ".join(each.account_id or "not known yet" for each in found)
    return _no_json(404, f"several accounts have a tuning job {name} in {region}: {accounts}; name one in place of -")


def _named(request: Request) -> tuple[str, str, str]:
    given: Mapping[str, str] = request.path_params
    return given["account"], given["region"], given["name"]


def _wrong_page(status_: int, what: str, why: str, root: str, links: Mapping[str, str] | None = None) -> Answer:
    return _html("wrong.html", root, status_, here="", what=what, why=why, links=links or {})
