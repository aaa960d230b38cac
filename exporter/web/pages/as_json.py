"""View models as JSON: the one place that turns a dataclass into text.

Every member is there. What is not known, or AWS did not say, is null. A time is ISO 8601 in UTC: a datetime, or the Unix seconds
of a member whose name ends in ``_time``. NaN and the infinities,
which JSON has no numbers for, are the texts that AWS itself spells them with.
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
    """Return a model made of what JSON knows: mappings, lists, texts, finite numbers, booleans and None."""
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
    """Return a model as JSON, indented for people who read it with curl."""
    text = json.dumps(plain(model), indent=1, ensure_ascii=False, allow_nan=False)
    # Halves of surrogate pairs are no text; nobody could decode them.
    return f"{text}\n".encode("utf-8", "replace")
