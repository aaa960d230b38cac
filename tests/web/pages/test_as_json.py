"""View models as JSON."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.fleet import JobState
from exporter.web.pages.as_json import encoded, plain


@dataclass(frozen=True, slots=True)
class Inner:
    number: float | None


@dataclass(frozen=True, slots=True)
class Model:
    when: datetime | None
    state: JobState
    inner: tuple[Inner, ...]
    by_key: dict[str, bool]


def test_a_model_becomes_text_and_nothing_is_left_out() -> None:
    model = Model(
        datetime(2025, 6, 15, 15, 6, 40, 250_000, tzinfo=UTC),
        JobState.RUNNING,
        (Inner(None), Inner(math.nan), Inner(math.inf), Inner(-math.inf), Inner(0.5), Inner(7)),
        {"a": True},
    )
    assert json.loads(encoded(model)) == {
        "when": "2025-06-15T15:06:40.250Z",
        "state": "running",
        "inner": [
            {"number": None},
            {"number": "NaN"},
            {"number": "Infinity"},
            {"number": "-Infinity"},
            {"number": 0.5},
            {"number": 7},
        ],
        "by_key": {"a": True},
    }


def test_what_has_no_json_is_a_defect() -> None:
    with pytest.raises(TypeError, match="object"):
        plain(object())


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
    max_leaves=10,
)


@given(values)
def test_it_is_always_json_in_utf_8(value: object) -> None:
    def refuse(token: str) -> None:
        raise AssertionError(f"{token} is no JSON")

    json.loads(encoded(value).decode("utf-8"), parse_constant=refuse)
