"""The little servers beside a workload that hand it credentials: EKS' pod identity agent, EC2's instance metadata."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from exporter.simulator.service import Simulator
    from exporter.simulator.sts import Caller

LIFETIME = 3600.0
"""How long the credentials last that are handed out here, in seconds."""


class Server:
    """Serves on 127.0.0.1 in a ``with`` block. ``handed_out`` counts the sets of credentials, which speak for a ``session``."""

    def __init__(self, simulator: Simulator, account_id: str, session: Caller | None = None) -> None:
        self.session = session
        self.handed_out = 0
        self._simulator = simulator
        self._account_id = account_id
        self._listener = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self.answer))
        self.url = f"http://127.0.0.1:{self._listener.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._listener.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown()
        self._thread.join()
        self._listener.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, str]:
        """Return the status and the body of the answer to a request."""
        raise NotImplementedError

    def _new_credentials(self) -> dict[str, Any]:
        """Return credentials that the simulator takes until they expire."""
        self.handed_out += 1
        kind = type(self).__name__.upper()
        key, token = f"ASIA{kind}{self.handed_out}", f"token-{self.handed_out}"
        expires = self._simulator.clock.time() + LIFETIME
        self._simulator.add_credentials(
            key, self._account_id, session_token=token, expires=expires, session=self.session
        )
        return {
            "AccessKeyId": key,
            "SecretAccessKey": "secret",
            "Token": token,
            "Expiration": datetime.fromtimestamp(expires, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


class PodIdentity(Server):
    """The agent that EKS runs on each node: it takes the pod's token that is valid now, and no other."""

    valid_token = ""

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, str]:
        if (request.command, request.path) != ("GET", "/v1/credentials"):
            return 404, ""
        if request.headers.get("Authorization") != self.valid_token:
            return 401, "the token is not valid"
        return 200, json.dumps(self._new_credentials() | {"AccountId": self._account_id})


class InstanceMetadata(Server):
    """The metadata service of an EC2 instance with a role, of the second version: each request needs a token.

    It has new credentials ``ahead`` seconds before the old ones expire.
    """

    ahead = LIFETIME / 2

    def __init__(self, simulator: Simulator, account_id: str) -> None:
        super().__init__(simulator, account_id)
        self._credentials = self._new_credentials()

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, str]:
        if (request.command, request.path) == ("PUT", "/latest/api/token"):
            return (200, "session") if "X-Aws-Ec2-Metadata-Token-Ttl-Seconds" in request.headers else (400, "")
        if request.headers.get("X-Aws-Ec2-Metadata-Token") != "session":
            return 401, ""
        match request.path.removeprefix("/latest/meta-data/iam/security-credentials/"):
            case "":
                return 200, "metrics"
            case "metrics":
                expires = datetime.fromisoformat(self._credentials["Expiration"]).timestamp()
                if self._simulator.clock.time() > expires - self.ahead:
                    self._credentials = self._new_credentials()
                return 200, json.dumps({"Code": "Success", "Type": "AWS-HMAC", **self._credentials})
            case _:
                return 404, ""


def _handler(answer: Any) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = answer(self)
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PUT = do_GET  # noqa: N815  (the base class looks for it)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (the base class's name for it)
            """Keep quiet."""

    return Handler
