"""Removes secrets from texts of the configuration before a page shows them: passwords in URLs, and anything like a token."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import overload

from exporter.sagemaker import without_secrets

HIDDEN = "***"

# The path of a file. Its parts together may look like a token, but no token ends like this.
_FILE = re.compile(r"(/[\w.-]+)+\.(ya?ml|json|pem|crt)")


@overload
def shown(text: str) -> str: ...
@overload
def shown(text: None) -> None: ...
def shown(text: str | None) -> str | None:
    """Return a text without secrets, None for None."""
    return None if text is None else _shown(text)


@lru_cache(maxsize=4096)  # cached, because thousands of tuning jobs have the same few labels
def _shown(text: str) -> str:
    if _FILE.fullmatch(text):
        return "/".join(map(_told, text.split("/")))
    if "://" in text:  # a query may have a secret
        text = text.partition("?")[0]
    return _told(text)


def _told(text: str) -> str:
    told = without_secrets(text, ())
    return HIDDEN if told is None else told
