from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.cli.aws.inputs import NAME, argument, checked_name, name_in_json, name_in_yaml
from exporter.cli.aws.skeleton import json_input, yaml_input

if TYPE_CHECKING:
    from pathlib import Path


def test_an_argument_may_be_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "name"
    file.write_bytes(b"\xef\xbb\xbf{}")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("PLACE", str(tmp_path))
    for text in (f"file://{file}", f"fileb://{file}", "file://~/name", "file://$PLACE/name"):
        assert argument(text, "--flag") == ("{}", str(file))
    assert argument("http://host/name", "--flag") == ("http://host/name", "--flag")
    file.write_bytes(b"\xff")
    with pytest.raises(ValueError, match="is not UTF-8: save it as UTF-8"):
        argument(f"file://{file}", "--flag")
    with pytest.raises(ValueError, match="--flag: ~nobody-of-this-name/x cannot be read: No such file"):
        argument("file://~nobody-of-this-name/x", "--flag")
    with pytest.raises(ValueError, match="--flag: /dev/zero has more than 1,048,576 characters"):
        argument("file:///dev/zero", "--flag")


def test_the_name_is_found_in_either_language() -> None:
    assert name_in_json('{"HyperParameterTuningJobName": "a"}', "here") == "a"
    assert name_in_yaml("HyperParameterTuningJobName: a  # why", "here") == "a"
    assert name_in_json("{}", "here") is name_in_yaml("{}", "here") is None


@pytest.mark.parametrize(
    "text",
    [
        *("a: [", "a: b: c", "!!python/object:x {}", "2025-99-99", "[" * 5_000, "\x00", ""),
        *("!!bool x", "!!timestamp x", "!!int ''", "a: &a [*a]: b", f"a: {'1' * 5_000}"),
    ],
)
def test_what_is_not_yaml_or_no_parameters_is_told_with_its_place(text: str) -> None:
    with pytest.raises(ValueError, match=r"^here(, line 1)?: this is (not|nested)"):
        name_in_yaml(text, "here")


def test_a_number_without_end_is_told_with_its_place() -> None:
    with pytest.raises(ValueError, match="here: a number has too many digits"):
        name_in_json("1" * 5_000, "here")


def test_an_empty_name_is_none() -> None:
    with pytest.raises(ValueError, match="here: the name is empty"):
        checked_name("", "here")
    with pytest.raises(ValueError, match="here: the name is empty"):
        name_in_json(json_input(), "here")


def test_skeletons_are_parameters_to_fill_in() -> None:
    assert name_in_json(json_input().replace('""', '"a"'), "here") == "a"
    assert name_in_yaml(yaml_input().replace("''", "a"), "here") == "a"
    assert yaml_input() == f"{NAME}: ''  # [REQUIRED] The name of the tuning job.\n"
