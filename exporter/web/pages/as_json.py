"""Converts view models to JSON.

All members are present. Values that are not known, or that AWS did not send, are null. Times are ISO 8601 in UTC; they are
datetimes, or Unix seconds of members whose names end in ``_time``. NaN and infinities, which JSON does not have, are texts,
spelled as AWS does.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from typing import Any

from exporter.web.pages.figures import iso, moment

_NON_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


def plain(model: object) -> Any:
    """Return a model as values of JSON: mappings, lists, texts, finite numbers, booleans and None."""
    if model is None or isinstance(model, bool | int):
        return model
    if isinstance(model, str):
        return str(model)
    if isinstance(model, float):
        return model if math.isfinite(model) else _NON_FINITE[repr(model)]
    if isinstance(model, datetime):
        return iso(model)
    if is_dataclass(model):
        return {field.name: _member(field.name, getattr(model, field.name)) for field in fields(model)}
    if isinstance(model, tuple) and hasattr(model, "_asdict"):
        return plain(model._asdict())
    if isinstance(model, Mapping):
        return {str(key): plain(value) for key, value in model.items()}
    if isinstance(model, list | tuple):
        return [plain(each) for each in model]
    raise TypeError(f"{type(model).__name__} has no JSON")


def _member(name: str, value: object) -> Any:
    return plain(moment(value) if name.endswith("_time") and isinstance(value, int | float) else value)


def encoded(model: object) -> bytes:
    """Return a model as JSON, indented so that it is readable with curl."""
    text = json.dumps(plain(model), indent=1, ensure_ascii=False, allow_nan=False)
    # Single surrogates are not valid text and cannot be decoded.
    return f"{text}\n".encode("utf-8", "replace")
