"""Faults as a person writes them, and what is said of those that are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.simulator.fault_text import parse
from exporter.simulator.faults import Fault, Kind

OPERATIONS = ("DescribeHyperParameterTuningJob", "Search")


def traits(fault: Fault):
    return fault.kind, fault.seconds, fault.rate, fault.operation, fault.name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("throttled", (Kind.THROTTLED, 1.0, 1.0, None, None)),
        ("throttled:0.5", (Kind.THROTTLED, 1.0, 0.5, None, None)),
        ("access-denied@search", (Kind.ACCESS_DENIED, 1.0, 1.0, "Search", None)),
        ("not-found/Churn", (Kind.NOT_FOUND, 1.0, 1.0, None, "Churn")),
        ("slow=2.5:0.25@Search/churn", (Kind.SLOW, 2.5, 0.25, "Search", "churn")),
    ],
)
def test_what_is_not_written_is_any(text, expected):
    assert traits(parse(text, OPERATIONS)) == expected


@given(
    kind=st.sampled_from(Kind),
    seconds=st.none() | st.floats(0.001, 1e6),
    rate=st.none() | st.floats(0.001, 1),
    operation=st.none() | st.sampled_from(OPERATIONS),
    name=st.none() | st.from_regex(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,31}", fullmatch=True),
)
def test_every_combination_is_read_back(kind, seconds, rate, operation, name):
    if kind not in {Kind.SLOW, Kind.DRIPPING}:
        seconds = None
    parts = (("=", seconds), (":", rate), ("@", operation), ("/", name))
    text = kind + "".join(f"{sign}{part}" for sign, part in parts if part is not None)
    assert traits(parse(text, OPERATIONS)) == (
        kind,
        1.0 if seconds is None else seconds,
        1.0 if rate is None else rate,
        operation,
        name,
    )


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is not a kind of fault: write one of throttled, server-error"),
        ("Throttled", "write one of throttled"),
        ("throttled:2", "'2' is not a rate: write a number above 0 up to 1"),
        ("throttled:", "'' is not a rate"),
        ("throttled:nan", "'nan' is not a rate"),
        ("throttled:0", "'0' is not a rate"),
        ("throttled=2", "throttled takes no seconds, only slow and dripping do"),
        ("slow=inf", "'inf' is not a number of seconds: write a number above 0"),
        ("slow@List", "'List' is not a simulated operation: write one of DescribeHyperParameterTuningJob, Search"),
        ("slow/", "names no tuning job after the slash"),
        ("throttled@Search:0.5", "'Search:0.5' is not a simulated operation"),
        ("throttled\n", "is not a kind of fault"),
    ],
)
def test_what_is_wrong_is_said_with_what_is_allowed(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse(text, OPERATIONS)


@given(st.text())
def test_any_text_is_a_fault_or_told_why_not(text):
    try:
        parse(text, OPERATIONS)
    except ValueError as error:
        told = str(error)
    else:
        return
    assert any(words in told for words in ("write", "takes no seconds", "names no tuning"))
