"""From the target of a request to the route that answers it, and what answers where there is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route, Router

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

# How a target is written to a proxy. Every server must take it.
_ABSOLUTE = re.compile(rb"https?://[^/]+", re.IGNORECASE)

# Slashes in a row, backslashes, and slashes, backslashes and control characters that are encoded: no path of ours has
# one, and a proxy before us may read them in another way than we do.
_AMBIGUOUS = re.compile(rb"//|\\|%(2f|5c|7f|[01][0-9a-f])", re.IGNORECASE)


def path_of(target: bytes) -> str:
    """Return the decoded path of a request's target, which comes without its query.

    ``*``, which stands for the whole server, is itself. Return nothing for what no route may answer.
    """
    if target == b"*":
        return "*"
    if absolute := _ABSOLUTE.match(target):
        target = target[absolute.end() :] or b"/"
    if not target.startswith(b"/") or _AMBIGUOUS.search(target):
        return ""
    return unquote(target.decode("ascii"))


class Paths:
    """Middleware that lets whatever comes after it see the path of a target only."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._app({**scope, "path": path_of(scope["raw_path"])}, receive, send)


def router(prefix: str, routes: Sequence[Route]) -> Router:
    """Return what answers by the routes, each under the prefix (``/a/b``, or nothing).

    ``/`` leads to the prefix, and a path with one slash too many at its end to the one without. Where they lead is
    relative to where they are, so that it holds behind a proxy that takes a part of the path away.
    """
    unknown = _Unknown(listing(prefix, routes))
    slashed = [Route(f"{route.path}/", _without_slash, methods=route.methods) for route in routes if route.path != "/"]
    # First, for a route may take whatever follows.
    inside = Mount(prefix, app=Router([*slashed, *routes], redirect_slashes=False, default=unknown))
    entrances: list[Route] = []
    if prefix:
        entrances = [_leads_to("/", f"{prefix[1:]}/"), _leads_to(prefix, f"{prefix.rpartition('/')[2]}/")]
    return Router([*entrances, inside], redirect_slashes=False, default=unknown)


def listing(prefix: str, routes: Iterable[Route]) -> str:
    """Return the paths of routes, one a line, for people. Of those that cannot be read the methods are told.

    Left out are those that have parameters, or are in no schema.
    """
    lines = []
    for route in routes:
        methods = sorted(route.methods or ())
        if route.include_in_schema and "{" not in route.path:
            told = "" if "GET" in methods else f" ({' or '.join(methods)})"
            lines.append(f"{prefix}{route.path}{told}\n")
    return "".join(lines)


async def not_allowed(request: Request, error: Exception) -> Response:
    """Answer a request whose path does not have its method: by those that it has. To ask for them is OPTIONS."""
    theirs = error.headers if isinstance(error, HTTPException) and error.headers else {}
    allowed = ", ".join(sorted({"OPTIONS", *theirs.get("Allow", "OPTIONS").split(", ")}))
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed})
    return PlainTextResponse(f"this path answers {allowed}\n", status_code=405, headers={"Allow": allowed})


class _Unknown:
    """Answers what no route does."""

    def __init__(self, paths: str) -> None:
        self._text = f"nothing is served under this path. These paths are:\n{paths}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS" and scope["path"] == "*":
            answer = Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})
        else:
            answer = PlainTextResponse(self._text, status_code=404)
        await answer(scope, receive, send)


def _leads_to(path: str, reference: str) -> Route:
    async def lead(request: Request) -> Response:
        return _redirect(request, reference)

    return Route(path, lead, methods=["GET"])


async def _without_slash(request: Request) -> Response:
    segment = request.scope["raw_path"].decode("ascii").rstrip("/").rpartition("/")[2]
    return _redirect(request, f"../{segment}")


def _redirect(request: Request, reference: str) -> Response:
    query = request.scope["query_string"].decode("ascii")
    return RedirectResponse(f"{reference}?{query}" if query else reference)
