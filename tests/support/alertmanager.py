"""A real Alertmanager, a Prometheus that sends to it, and the inbox where the webhooks of its receivers end."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx

from support.background import Background
from support.processes import Child, free_port
from support.prometheus import Prometheus
from support.web import get

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


class Notification(NamedTuple):
    """One alert as a webhook brought it to a receiver; ``status`` is ``firing`` or ``resolved``."""

    receiver: str
    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str

    @property
    def alert(self) -> str:
        return self.labels["alertname"]


class Inbox(Background):
    """A server on a free port of 127.0.0.1 that keeps what is posted to it, from the start of the ``with`` block on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._messages: list[Mapping[str, Any]] = []
        self._kept: list[Notification] = []
        server = _Server(("127.0.0.1", 0), _Handler)
        server.inbox = self
        super().__init__(server)

    @property
    def url(self) -> str:
        """Where to post; the path says nothing, for each message names its receiver."""
        return f"http://{self.address}/"

    @property
    def notifications(self) -> list[Notification]:
        """What has arrived so far, in order: each message brings all alerts of its group."""
        with self._lock:
            return list(self._kept)

    @property
    def messages(self) -> list[Mapping[str, Any]]:
        """The messages themselves, in order, as they were posted."""
        with self._lock:
            return list(self._messages)

    def keep(self, message: Mapping[str, Any]) -> None:
        """Keep a message, and its alerts if it is a webhook's."""
        with self._lock:
            self._messages.append(message)
            self._kept.extend(
                Notification(
                    message["receiver"], alert["status"], alert["labels"], alert["annotations"], alert["startsAt"]
                )
                for alert in message.get("alerts", ())
            )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    inbox: Inbox


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        self.server.inbox.keep(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")  # what Slack says

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name for it
        """Keep quiet."""


class Alertmanager:
    """A server on a free port of 127.0.0.1 from the start of the ``with`` block to its end, in no cluster.

    It keeps configuration, data and log in ``directory``.
    """

    def __init__(self, binary: Path, directory: Path, configuration: Mapping[str, Any]) -> None:
        self._binary = binary
        self._directory = directory
        self.address = f"127.0.0.1:{free_port()}"
        directory.mkdir(parents=True, exist_ok=True)
        # JSON is YAML.
        self._config_file.write_text(json.dumps(configuration, indent=1))

    def __enter__(self) -> Self:
        self._child = Child(
            [
                self._binary,
                f"--config.file={self._config_file}",
                f"--storage.path={self._directory / 'data'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            log=self._directory / "alertmanager.log",
        )
        try:
            self._child.wait_until(self._ready, what="Alertmanager to be ready")
        except BaseException:
            self._child.terminate()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._child.terminate()

    @property
    def _config_file(self) -> Path:
        return self._directory / "alertmanager.json"

    def _ready(self) -> bool:
        try:
            return get(f"http://{self.address}/-/ready").is_success
        except httpx.TransportError:
            return False


class AlertingPrometheus(Prometheus):
    """A Prometheus that sends its alerts to an Alertmanager at ``host:port``."""

    def __init__(self, *arguments: Any, alertmanager: str, **settings: Any) -> None:
        self._alertmanager = alertmanager
        super().__init__(*arguments, **settings)

    def _configure(self, scrape_jobs: Sequence[dict[str, Any]], rule_files: Sequence[Path]) -> None:
        super()._configure(scrape_jobs, rule_files)
        config = json.loads(self._config_file.read_text())
        config["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [self._alertmanager]}]}]}
        self._config_file.write_text(json.dumps(config, indent=1))
