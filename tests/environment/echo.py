"""Secrets, the paths at which they could show, and an endpoint that repeats what it is sent."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "CaNaRy0/9+x="

PATHS = (
    *("/", "/targets", "/config", "/jobs/-/eu-west-1/one", "/metrics", "/-/healthy", "/-/ready", "/nowhere"),
    *(f"/api/v1/{each}" for each in ("status", "jobs", "jobs/-/eu-west-1/one", "targets", "config")),
)

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": CANARY, "AWS_SESSION_TOKEN": CANARY}


class Echo(ThreadingHTTPServer):
    """Answers every request with what it carried: ``answer`` makes body, status and headers of that. ``asked`` counts."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _EchoHandler)
        self.answer: Callable[[str], tuple[str, int, dict[str, str]]] = refusal
        self.asked = 0
        self.url = f"http://127.0.0.1:{self.server_port}"


def refusal(sent: str) -> tuple[str, int, dict[str, str]]:
    """Refuse, and tell all that came."""
    return json.dumps({"__type": "ValidationException", "message": sent}), 400, {"X-Odd Header": sent, "X-Echo": sent}


class _EchoHandler(BaseHTTPRequestHandler):
    server: Echo

    def do_POST(self) -> None:
        sent = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent += " " + " ".join(self.headers.values())
        self.server.asked += 1
        body, status, headers = self.server.answer(sent)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: object) -> None:
        pass
