"""The two text formats that Prometheus reads."""

from __future__ import annotations

from enum import Enum


class Format(Enum):
    """An exposition format."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"

    @property
    def content_type(self) -> str:
        """Return the value of the ``Content-Type`` header."""
        return self.value
