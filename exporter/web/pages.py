"""The pages for people."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, NamedTuple

from jinja2 import Environment, PackageLoader, StrictUndefined

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.web.troubles import Trouble

_TEMPLATES = Environment(
    loader=PackageLoader("exporter.web"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def _policy() -> str:
    """Return a Content-Security-Policy that lets the page have its own style, and nothing else."""
    source = files("exporter.web").joinpath("templates", "landing.html").read_text(encoding="utf-8")
    [style] = re.findall(r"<style>(.*?)</style>", source, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


POLICY = _policy()


class Link(NamedTuple):
    """A line of the landing page: where it leads and what is there."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class Overview:
    """What the landing page tells.

    ``started`` is in Unix seconds, ``targets`` counts what is configured, ``jobs`` counts the jobs in each state. ``troubles``
    come first on the page, in their order.
    """

    version: str
    started: float
    targets: int
    jobs: Mapping[str, int]
    links: Sequence[Link]
    troubles: Sequence[Trouble] = ()


def landing(overview: Overview) -> str:
    """Return the landing page as HTML."""
    started = datetime.fromtimestamp(overview.started, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return _TEMPLATES.get_template("landing.html").render(overview=overview, started=started)
