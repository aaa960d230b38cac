"""Reading what a test serves: past every proxy, and as patiently as tests wait for everything."""

from __future__ import annotations

from typing import Any

import httpx

from support.processes import PATIENCE

# The certificates of authorities, which no server here needs, would take each request 20 ms of CPU to load.
_PLAIN: dict[str, Any] = {"trust_env": False, "timeout": PATIENCE, "verify": False}


def client(url: str | httpx.URL = "", **options: Any) -> httpx.Client:
    """Return a client of what is served at a URL."""
    return httpx.Client(base_url=url, **_PLAIN | options)


def request(method: str, url: str, **options: Any) -> httpx.Response:
    """Return the answer to one request on a connection of its own."""
    return httpx.request(method, url, **_PLAIN | options)


def get(url: str, **options: Any) -> httpx.Response:
    """Return the answer to one GET request on a connection of its own."""
    return request("GET", url, **options)
