"""deploy/alertmanager as it ships, in a real Alertmanager whose Slack and mail server are here."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import yaml
from support.alertmanager import Alertmanager, Inbox
from support.mailbox import Mailbox
from support.tools import ROOT
from support.web import get

if TYPE_CHECKING:
    from email.message import EmailMessage

DEPLOYED = ROOT / "deploy" / "alertmanager"


def shipped() -> dict[str, Any]:
    """Return the configuration that ships."""
    read: dict[str, Any] = yaml.safe_load((DEPLOYED / "alertmanager.yml").read_text(encoding="utf-8"))
    return read


class Messenger:
    """An Alertmanager of the shipped configuration and templates. Only its servers, and some of its ``route``, are others."""

    def __init__(self, binary: Path, directory: Path, **route: Any) -> None:
        self._channels: dict[str, Inbox] = {}
        self._mailbox = Mailbox()
        configuration = shipped()
        configuration["templates"] = [str(DEPLOYED / "*.tmpl")]
        for receiver in configuration["receivers"]:
            for slack in receiver.get("slack_configs", ()):
                inbox = self._channels[receiver["name"]] = Inbox()
                url = directory / Path(slack["api_url_file"]).name
                url.write_text(inbox.url, encoding="utf-8")
                slack["api_url_file"] = str(url)
        configuration["global"] = {
            "smtp_smarthost": self._mailbox.address,
            "smtp_from": configuration["global"]["smtp_from"],
            "smtp_require_tls": False,
        }
        configuration["route"] |= route
        self.alertmanager = Alertmanager(binary, directory / "alertmanager", configuration)

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for inbox in self._channels.values():
                running.enter_context(inbox)
            running.enter_context(self._mailbox)
            running.enter_context(self.alertmanager)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def send(self, *alerts: dict[str, Any]) -> None:
        """Give Alertmanager alerts, as Prometheus does."""
        answer = httpx.post(f"http://{self.alertmanager.address}/api/v2/alerts", json=alerts)
        assert answer.is_success, answer.text

    @property
    def mails(self) -> list[EmailMessage]:
        return self._mailbox.messages

    def posts(self, receiver: str) -> list[dict[str, Any]]:
        """Return what a receiver has got in Slack."""
        return [message["attachments"][0] for message in self._channels[receiver].messages]

    def counted(self, metric: str) -> float:
        """Return the sum of one of Alertmanager's own counters."""
        lines = get(f"http://{self.alertmanager.address}/metrics").text.splitlines()
        return sum(float(line.rpartition(" ")[2]) for line in lines if line.startswith(f"{metric}{{"))
