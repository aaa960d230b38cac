from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.cli.aws.documents import as_json, as_yaml, as_yaml_stream

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=200)
ANSWERS: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.dictionaries(st.text(max_size=8), inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=60)
@given(ANSWERS)
@example({"\x85": ["a\u2028b", "\u2029", "\x7f"]})
def test_what_is_printed_is_read_as_it_was(value: object) -> None:
    if value == {}:
        assert as_json(value) == as_yaml(value) == ""
        return
    assert json.loads(as_json(value)) == value
    if isinstance(value, dict | list):
        assert yaml.safe_load(as_yaml(value)) == value
    else:
        assert as_yaml(value) == as_json(value)
    assert yaml.safe_load(as_yaml_stream(value)) == [value]


def test_yaml_has_members_by_name_and_lists_at_the_edge() -> None:
    assert as_yaml({"b": [{"x": 1}], "a": "Übung", "t": datetime(2025, 1, 2, tzinfo=UTC)}) == (
        "a: Übung\nb:\n- x: 1\nt: '2025-01-02T00:00:00+00:00'\n"
    )


@pytest.mark.parametrize("text", ["Off", "yes", "1e-3", "0o17", "012", "1.5E+3", ".5e2", "null", "2025-01-02", "12:30"])
def test_a_text_that_any_yaml_takes_for_something_else_is_quoted(text: str) -> None:
    assert as_yaml({"a": text}) == f"a: '{text}'\n"


def test_the_same_thing_twice_is_written_twice() -> None:
    same = {"x": 1}
    assert as_yaml([same, same]) == "- x: 1\n- x: 1\n"


def test_what_is_no_answer_is_an_error() -> None:
    with pytest.raises(TypeError, match="object"):
        as_json(object())
