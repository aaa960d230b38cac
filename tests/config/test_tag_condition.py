from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config.tag_condition import TagCondition, parse_tag_condition

CASES = [
    ("prod", "prod", {"prod"}),
    ("", "", {""}),
    (["staging", "prod"], "[prod, staging]", {"prod", "staging"}),
    ({"regex": "^pr"}, "{regex: ^pr}", {"prod", "preview"}),
    ({"exists": "true"}, "{exists: true}", {"prod", "staging", "preview", "Prod", ""}),
    ({"exists": "false"}, "{exists: false}", {None}),
]


@pytest.mark.parametrize(("written", "shown", "fitting"), CASES, ids=[shown for _, shown, _ in CASES])
def test_what_a_condition_holds_for(written: object, shown: str, fitting: set[str | None]) -> None:
    condition = parse_tag_condition(written)
    assert {value for value in ("prod", "staging", "preview", "Prod", "", None) if condition.holds(value)} == fitting
    assert str(condition) == shown


@given(st.text(max_size=5) | st.none(), st.lists(st.text(max_size=5), min_size=1, max_size=3))
@settings(max_examples=30)
def test_a_list_holds_where_one_of_its_values_does(value: str | None, values: list[str]) -> None:
    several = parse_tag_condition(values)
    assert several.holds(value) == any(parse_tag_condition(each).holds(value) for each in values)
    assert not (TagCondition(exists=False).holds(value) and several.holds(value))


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (None, "there is no value: write one"),
        ([], "write those that the tag may have"),
        ([None], "there is no value: write one"),
        ([["a"]], "a single value is expected here"),
        (["x" * 257], "1 characters too long"),
        ("x" * 257, "1 characters too long"),
        ({}, "not none: write a value, a list of values"),
        ({"regex": "a", "exists": "true"}, "not 2: write a value, a list of values"),
        ({"values": ["a"]}, 'unknown key "values": write one of regex, exists'),
        ({"regex": ""}, "the expression is empty: write what is to be found"),
        ({"regex": "a(?!b)"}, "is a negative lookahead"),
        ({"regex": ["a"]}, "a single value is expected here"),
        ({"exists": "maybe"}, "write true or false"),
    ],
)
def test_anything_else_is_refused_with_what_to_write(written: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"write|leave") as caught:
        parse_tag_condition(written)
    assert message in str(caught.value)
