from __future__ import annotations

import pytest

from exporter.cli.aws.text import as_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "None\n"),
        (0.5, "0.5\n"),
        ([], ""),
        ({}, ""),
        (["a", 1, None], "a\t1\tNone\n"),
        ({"b": 1, "a": "x"}, "x\t1\n"),
        ({"a": 1, "Inner": {"d": 2, "c": 3}}, "1\nINNER\t3\t2\n"),
        ({"Names": ["x", "y"]}, "NAMES\tx\nNAMES\ty\n"),
        ([{"a": 1}, {"b": 2, "c": []}], "1\t\n\t2\n"),
        ([["a", "b"], ["c"]], "a\tb\nc\n"),
        ([1, ["a"]], "1\na\n"),
        # The AWS CLI ends with an error here.
        (["job", {"Failed": 0}], "job\n0\n"),
    ],
)
def test_lines(value: object, expected: str) -> None:
    assert as_text(value) == expected
