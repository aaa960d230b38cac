"""Texts of the configuration on their way to a page: without a password in a URL, or anything that looks like a token."""

from __future__ import annotations

from functools import lru_cache
from typing import overload

from exporter.sagemaker import without_secrets

HIDDEN = "***"


@overload
def shown(text: str) -> str: ...
@overload
def shown(text: None) -> None: ...
def shown(text: str | None) -> str | None:
    """Return a text as it may be shown, None for None."""
    return None if text is None else _shown(text)


@lru_cache(maxsize=4096)  # the same few labels stand at thousands of tuning jobs
def _shown(text: str) -> str:
    if "://" in text:  # what follows a question mark may let somebody in
        text = text.partition("?")[0]
    told = without_secrets(text, ())
    return HIDDEN if told is None else told
