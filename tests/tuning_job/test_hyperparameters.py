from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.tuning_job import HyperparameterRange
from exporter.tuning_job.hyperparameters import ranges, tuned_hyperparameters


def tuned(value: object) -> dict[str, float]:
    return tuned_hyperparameters({"TunedHyperParameters": {"h": value}})


class TestTuned:
    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("512", 512.0),
            ('"512"', 512.0),
            ("1e-05", 1e-05),
            ("3.5E+2", 350.0),
            ("-0.25", -0.25),
            ("+7", 7.0),
            (".5", 0.5),
            ("5.", 5.0),
            ("9" * 300, 1e300),
            ("0", 0.0),
        ],
    )
    def test_are_numbers_where_they_read_as_such(self, text: str, number: float) -> None:
        assert tuned(text) == {"h": pytest.approx(number, rel=1e-15)}

    @pytest.mark.parametrize("quote", ["", '"'])
    def test_have_no_value_that_the_api_cannot_hold(self, quote: str) -> None:
        assert tuned(f"{quote}{'5'.zfill(2500)}{quote}") == {"h": 5.0}
        assert tuned(f"{quote}{'5'.zfill(2501)}{quote}") == {}

    @given(st.text(alphabet="+-.05eE", max_size=12))
    def test_read_as_python_reads_them(self, text: str) -> None:
        try:
            assert tuned(text) == {"h": float(text)} or (tuned(text) == {} and abs(float(text)) == float("inf"))
        except ValueError:
            assert tuned(text) == {}

    @pytest.mark.parametrize(
        "value",
        ["", '"', '""', '"5', "5\"", '""5""', "NaN", "nan", "inf", "Infinity", "1e999", "9" * 400, "0x1f", "1_000", " 5",
         "5 ", "5\n", "٣", "1,5", "adam", "true", ".", "e5", None, True, [], {}],
    )  # fmt: skip
    def test_are_left_out_where_they_do_not(self, value: object) -> None:
        assert tuned(value) == {}

    @given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53))
    def test_survive_their_spelling(self, number: float) -> None:
        assert tuned(repr(number)) == tuned(f'"{number!r}"') == {"h": number}

    def test_have_names_of_the_api(self) -> None:
        names = ["h" * 256, "ä", "h" * 257, "", "h\ud800", "h\udfff", 3]
        assert tuned_hyperparameters({"TunedHyperParameters": dict.fromkeys(names, "1")}) == {"h" * 256: 1.0, "ä": 1.0}

    @pytest.mark.parametrize("value", [None, [], "h", 3])
    def test_of_no_map_are_none(self, value: object) -> None:
        assert tuned_hyperparameters({"TunedHyperParameters": value}) == {}


def answer(parameter_ranges: Any, *definitions: Any) -> dict[str, Any]:
    return {
        "HyperParameterTuningJobConfig": {"ParameterRanges": parameter_ranges},
        "TrainingJobDefinitions": [{"DefinitionName": n, "HyperParameterRanges": r} for n, r in definitions],
    }


def bounds(name: Any, low: Any, high: Any, **more: Any) -> dict[str, Any]:
    return {"Name": name, "MinValue": low, "MaxValue": high, **more}


class TestRanges:
    def test_stand_in_the_tuning_job_and_its_definitions(self) -> None:
        whole = {"IntegerParameterRanges": [bounds("a", "1", '"9"')]}
        one = {"ContinuousParameterRanges": [bounds("b", "1e-6", "0.1", ScalingType="Logarithmic")]}
        assert ranges(answer(whole, ("d", one), ("e", whole))) == (
            HyperparameterRange("a", "", 1.0, 9.0, ""),
            HyperparameterRange("b", "d", 1e-6, 0.1, "Logarithmic"),
            HyperparameterRange("a", "e", 1.0, 9.0, ""),
        )

    def test_may_have_one_bound_only(self) -> None:
        whole = {"IntegerParameterRanges": [bounds("a", "1", "many"), bounds("b", None, "5")]}
        assert [(each.min_value, each.max_value) for each in ranges(answer(whole))] == [(1.0, None), (None, 5.0)]

    def test_of_categories_and_automatic_ones_are_none(self) -> None:
        whole = {
            "CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}],
            "AutoParameters": [{"Name": "b", "ValueHint": "5"}],
        }
        assert ranges(answer(whole)) == ()

    @pytest.mark.parametrize(
        "value", [None, [], "x", {"IntegerParameterRanges": "x"}, {"IntegerParameterRanges": [5, {}]}]
    )
    def test_that_are_none_are_none(self, value: object) -> None:
        assert ranges(answer(value, ("d", value))) == ()
