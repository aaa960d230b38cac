"""Finds the route for the target of a request, and answers if there is none."""

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

UNIDENTIFIED = "unidentified"
"""In the scope of a request that needed no password although others do."""

# The form of a target in requests to a proxy. Every server must accept it.
_ABSOLUTE = re.compile(rb"https?://[^/]+", re.IGNORECASE)

# Repeated slashes, backslashes, and encoded slashes, backslashes and control characters. No path of the exporter has them, and
# a proxy in front of it may interpret them in another way.
_AMBIGUOUS = re.compile(rb"//|\\|%(2f|5c|7f|[01][0-9a-f])", re.IGNORECASE)


def path_of(target: bytes) -> str:
    """Return the decoded path of a request's target, which has no query.

    ``*``, which means the whole server, is returned unchanged. Returns an empty text for targets that no route may answer.
    """
    if target == b"*":
        return "*"
    if absolute := _ABSOLUTE.match(target):
        target = target[absolute.end() :] or b"/"
    if not target.startswith(b"/") or _AMBIGUOUS.search(target):
        return ""
    return unquote(target.decode("ascii"))


class Paths:
    """Middleware that replaces the path in the scope by that of ``path_of``."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on."""
        await self._app({**scope, "path": path_of(scope["raw_path"])}, receive, send)


def router(prefix: str, routes: Sequence[Route]) -> Router:
    """Return a router for the routes, each under the prefix (``/a/b``, or empty).

    ``/`` redirects to the prefix, and a path with an extra slash at its end to the path without it. Redirects are relative, so
    that they work behind a proxy that removes a part of the path.
    """
    unknown = _Unknown(listing(prefix, routes))
    slashed = [Route(f"{route.path}/", _without_slash, methods=route.methods) for route in routes if route.path != "/"]
    # The redirects come first, because the last segment of a route may match anything.
    inside = Mount(prefix, app=Router([*slashed, *routes], redirect_slashes=False, default=unknown))
    redirects: list[Route] = []
    if prefix:
        redirects = [_redirects_to("/", f"{prefix[1:]}/"), _redirects_to(prefix, f"{prefix.rpartition('/')[2]}/")]
    return Router([*redirects, inside], redirect_slashes=False, default=unknown)


def listing(prefix: str, routes: Iterable[Route]) -> str:
    """Return the paths of routes as text, one per line. If a path does not support GET, its methods are added.

    Routes with parameters, and those that are not in the schema, are left out.
    """
    lines = []
    for route in routes:
        methods = sorted(route.methods or ())
        if route.include_in_schema and "{" not in route.path:
            note = "" if "GET" in methods else f" ({' or '.join(methods)})"
            lines.append(f"{prefix}{route.path}{note}\n")
    return "".join(lines)


async def not_allowed(request: Request, error: Exception) -> Response:
    """Answer a request with a method that its path does not support. OPTIONS is answered with the supported methods."""
    theirs = error.headers if isinstance(error, HTTPException) and error.headers else {}
    allowed = ", ".join(sorted({"OPTIONS", *theirs.get("Allow", "OPTIONS").split(", ")}))
    if request.method == "OPTIONS":
        return Response(status_code=204, headers={"Allow": allowed})
    return PlainTextResponse(f"this path answers {allowed}\n", status_code=405, headers={"Allow": allowed})


class _Unknown:
    """Answers requests that match no route."""

    def __init__(self, paths: str) -> None:
        self._text = f"nothing is served under this path. These paths are:\n{paths}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "OPTIONS" and scope["path"] == "*":
            answer = Response(status_code=204, headers={"Allow": "GET, HEAD, OPTIONS"})
        else:
            answer = PlainTextResponse(self._text, status_code=404)
        await answer(scope, receive, send)


def _redirects_to(path: str, reference: str) -> Route:
    async def redirect(request: Request) -> Response:
        return _redirect(request, reference)

    return Route(path, redirect, methods=["GET"])


async def _without_slash(request: Request) -> Response:
    segment = request.scope["raw_path"].decode("ascii").rstrip("/").rpartition("/")[2]
    return _redirect(request, f"../{segment}")


def _redirect(request: Request, reference: str) -> Response:
    query = request.scope["query_string"].decode("ascii")
    return RedirectResponse(f"{reference}?{query}" if query else reference)
