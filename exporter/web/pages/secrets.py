"""Texts of the configuration on their way to a page: without a password in a URL, or anything that looks like a token."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import overload

from exporter.sagemaker import without_secrets

HIDDEN = "***"

# The parts of such a path may look like a token together, and no token ends so.
_FILE = re.compile(r"(/[\w.-]+)+\.(ya?ml|json|pem|crt)")


@overload
def shown(text: str) -> str: ...
@overload
def shown(text: None) -> None: ...
def shown(text: str | None) -> str | None:
    """Return a text as it may be shown, None for None."""
    return None if text is None else _shown(text)


@lru_cache(maxsize=4096)  # the same few labels stand at thousands of tuning jobs
def _shown(text: str) -> str:
    if _FILE.fullmatch(text):
        return "/".join(map(_told, text.split("/")))
    if "://" in text:  # what follows a question mark may let somebody in
        text = text.partition("?")[0]
    return _told(text)


def _told(text: str) -> str:
    told = without_secrets(text, ())
    return HIDDEN if told is None else told
