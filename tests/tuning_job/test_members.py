"""What counts as which type; the facts' own tests cover texts, numbers and times one by one."""

from __future__ import annotations

import pytest

from exporter.tuning_job.members import (
    MalformedAnswer,
    mapping,
    mappings,
    next_token,
    number,
    prose,
    tags,
    term,
    text,
    time,
    value,
)


@pytest.mark.parametrize("found", [None, [], "x", 3, [("a", 1)]])
def test_what_is_no_object_is_an_empty_one(found: object) -> None:
    assert mapping({"m": found}, "m") == {}
    assert mapping({}, "m") == {}


def test_an_object_is_one() -> None:
    assert mapping({"m": {"a": 1}}, "m") == {"a": 1}


@pytest.mark.parametrize("found", [None, {}, "ab", 3])
def test_what_is_no_list_is_an_empty_one(found: object) -> None:
    assert mappings({"m": found}, "m") == []


def test_a_list_keeps_its_objects() -> None:
    assert mappings({"m": [{"a": 1}, 5, None, {}]}, "m") == [{"a": 1}, {}]


def test_only_a_value_may_be_infinite() -> None:
    members = {"m": "Infinity"}
    assert (value(members, "m"), number(members, "m"), time(members, "m")) == (float("inf"), None, None)


def test_an_empty_text_says_nothing() -> None:
    assert (text({"m": ""}, "m"), text({"m": " "}, "m")) == (None, " ")


def test_a_term_is_held_once() -> None:
    first, second = ({"m": b"validation:auc".decode()} for _ in range(2))
    assert first["m"] is not second["m"]
    assert term(first, "m") is term(second, "m")
    assert (term(first, "m"), term({}, "m"), term({"m": 3}, "m")) == ("validation:auc", None, None)


@pytest.mark.parametrize("found", ["\ud800", "churn\udfff", "x" * 257, 3, None, ""])
def test_what_is_no_text_of_the_api_is_absent(found: object) -> None:
    assert text({"m": found}, "m") is None
    assert term({"m": found}, "m") is None


def test_a_text_for_a_person_is_cut_and_mended() -> None:
    assert prose({"m": "disk\ud800 full"}, "m") == "disk? full"
    assert prose({"m": "x" * 10_000_000}, "m") == "x" * 1_024 + "…"
    assert (prose({"m": ""}, "m"), prose({"m": 5}, "m"), prose({}, "m")) == (None, None, None)


@pytest.mark.parametrize("found", ["1" * 4_097, "0." + "1" * 4_095, "1" * 2_000_000 + "x"])
def test_a_number_longer_than_any_member_is_absent(found: str) -> None:
    assert value({"a": found}, "a") is None
    assert time({"a": found}, "a") is None


def test_a_long_number_is_one_up_to_the_length_of_a_member() -> None:
    assert value({"a": "0." + "1" * 4_094}, "a") == pytest.approx(1 / 9)
    assert time({"a": "1." + "0" * 4_094}, "a") == 1.0


@pytest.mark.parametrize("found", ["1" * 400, "-" + "1" * 400, "1e999", int("1" * 400)])
def test_a_number_past_any_float_is_absent_and_no_infinity(found: object) -> None:
    assert value({"a": found}, "a") is None


@pytest.mark.parametrize("found", ["x", " ", "ä" * 8_192])
def test_a_text_of_the_api_asks_for_the_next_page(found: str) -> None:
    assert next_token({"NextToken": found}) == found


@pytest.mark.parametrize("answer", [{}, {"NextToken": None}, {"NextToken": ""}])
def test_nothing_asks_for_no_page(answer: dict[str, object]) -> None:
    assert next_token(answer) is None


@pytest.mark.parametrize("found", ["x" * 8_193, "\ud800", 100, 0, False, 1.5, ["x"], [], {"a": 1}, {}, b"x"])
def test_what_is_there_and_no_token_is_not_the_end_of_a_list(found: object) -> None:
    with pytest.raises(MalformedAnswer, match="NextToken"):
        next_token({"NextToken": found})


def tag(key: object, value: object) -> dict[str, object]:
    return {"Key": key, "Value": value}


def test_tags_are_values_by_key() -> None:
    assert tags([tag("k" * 128, "v" * 256), tag("empty", "")]) == {"k" * 128: "v" * 256, "empty": ""}
    assert tags([]) == {}


@pytest.mark.parametrize(
    "odd",
    [tag("k" * 129, "v"), tag("k", "v" * 257), tag("", "v"), tag("k\ud800", "v"), tag("k", "\udfff"), tag(None, "v"),
     tag("k", 3), {}, "k", None],
)  # fmt: skip
def test_a_tag_that_cannot_be_one_is_not_left_out_in_silence(odd: object) -> None:
    with pytest.raises(MalformedAnswer, match="tag"):
        tags([tag("team", "search"), odd])


@pytest.mark.parametrize("found", [None, {}, "x"])
def test_no_list_of_tags_is_not_an_empty_one(found: object) -> None:
    with pytest.raises(MalformedAnswer, match="no Tags"):
        tags(found)
