"""Content negotiation: the format from ``Accept``, compression from ``Accept-Encoding``. Never raises an error."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from exporter.exposition.format import Format

if TYPE_CHECKING:
    from collections.abc import Iterator

# Scrapers and browsers send up to eight members, each with a few parameters. Anything beyond these limits is ignored.
_MEMBERS = 32
_PARAMETERS = 8

_QUALITY = re.compile(r"[01](\.[0-9]*)?")

# The versions that a client may ask for. OpenMetrics 0.0.1 and 1.0.0 are treated the same, because Prometheus has always used
# one parser for both.
_VERSIONS = {
    Format.OPENMETRICS: ("application", "openmetrics-text", frozenset({"", "1.0.0", "0.0.1"})),
    Format.TEXT: ("text", "plain", frozenset({"", "0.0.4"})),
}


class _Item(NamedTuple):
    """One member of a header's list: its lower-case name, parameters, and quality from 0 to 1."""

    name: str
    parameters: dict[str, str]
    quality: float


class _Fit(NamedTuple):
    """How well a format fits. With this order of fields, ``max`` returns what the client prefers most, then what it names first."""

    quality: float
    earliness: int


def choose_format(accept: str | None) -> Format:
    """Return the format that the client prefers, or the text format if it accepts none of ours.

    If two are equal, the first one in the header wins; for one wildcard, the text format.
    """
    items = list(_items(accept or ""))
    text, openmetrics = _fit(Format.TEXT, items), _fit(Format.OPENMETRICS, items)
    return Format.OPENMETRICS if openmetrics.quality > 0 and openmetrics > text else Format.TEXT


def accepts_gzip(accept_encoding: str | None) -> bool:
    """Return whether the client accepts gzip and does not prefer a plain body."""
    qualities: dict[str, float] = {}
    for item in _items(accept_encoding or ""):
        qualities.setdefault(item.name, item.quality)
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _fit(wanted: Format, items: list[_Item]) -> _Fit:
    # The most specific range that matches a format decides, so that "*/*, text/plain;q=0" refuses text.
    best = (-1, _Fit(0.0, -len(items)))
    for position, item in enumerate(items):
        specificity = _covers(item, wanted)
        if specificity is not None:
            best = max(best, (specificity, _Fit(item.quality, -position)))
    return best[1]


def _covers(item: _Item, wanted: Format) -> int | None:
    """Return how specific the match of a range with a format is. None if it does not match."""
    kind, subtype, versions = _VERSIONS[wanted]
    if item.name == "*/*":
        return 0
    if item.name == f"{kind}/*":
        return 1
    version = item.parameters.get("version", "")
    if item.name == f"{kind}/{subtype}" and version in versions:
        return 3 if version else 2
    return None


def _items(header: str) -> Iterator[_Item]:
    for member in header.split(",", _MEMBERS)[:_MEMBERS]:
        name, *rest = member.split(";", _PARAMETERS + 1)[: _PARAMETERS + 1]
        pairs = (part.partition("=") for part in rest)
        parameters = {key.strip().lower(): value.strip().strip('"') for key, _, value in pairs}
        quality = parameters.get("q", "1")
        if name.strip() and _QUALITY.fullmatch(quality):
            yield _Item(name.strip().lower(), parameters, min(float(quality), 1.0))
