from __future__ import annotations

from prometheus_client import exposition as text
from prometheus_client.openmetrics import exposition as openmetrics

from exporter.exposition import Format


def test_are_announced_as_prometheus_knows_them() -> None:
    assert {format_: format_.content_type for format_ in Format} == {
        Format.TEXT: "text/plain; version=0.0.4; charset=utf-8",
        Format.OPENMETRICS: "application/openmetrics-text; version=1.0.0; charset=utf-8",
    }


def test_are_announced_as_the_client_library_does() -> None:
    assert Format.TEXT.content_type == text.CONTENT_TYPE_PLAIN_0_0_4
    assert Format.OPENMETRICS.content_type == openmetrics.CONTENT_TYPE_LATEST
