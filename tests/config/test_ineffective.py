"""What a configuration gives without effect is told, with the line, and changes nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import parse
from exporter.config.shard import Shard

JOBS = "aws: {region: eu-west-1}\ntuning_jobs:\n- {name: a, budget: 5}\n"
COLLECT = "collect: [training_jobs]\n"
PRICES = "prices: {ml.m5.xlarge: 0.23}"
HELD = "tuning_jobs[0].budget: no cost is calculated to compare this with: "


def told(text: str, file: str = "c.yaml") -> list[str]:
    return [str(each) for each in parse(text, file).ineffective]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"{JOBS}{COLLECT}spend: {{{PRICES}}}\n", []),
        (f"{JOBS}{COLLECT}", [f"c.yaml:3: {HELD}add prices or prices_file under spend"]),
        (JOBS, [f"c.yaml:3: {HELD}add training_jobs to collect"]),
        (
            f"{JOBS}spend: {{{PRICES}}}\nfailures: {{classes: [{{reason: a, regex: b}}]}}\n",
            [
                "c.yaml:4: spend: no training jobs are read, so this has no effect: add training_jobs to collect",
                "c.yaml:5: failures: no training jobs are read, so this has no effect: add training_jobs to collect",
                f"c.yaml:3: {HELD}add training_jobs to collect",
            ],
        ),
        (
            f"{JOBS}{COLLECT}spend:\n  billable: off\n  {PRICES}\n",
            [
                (
                    "c.yaml:7: spend.prices: billable is off, so no cost is calculated and this has no effect: write list or search"
                    " for billable under spend"
                ),
                f"c.yaml:3: {HELD}write list or search for billable under spend",
            ],
        ),
        (
            f"{JOBS}- b\n- {{name: c, budget: 1}}\ndiscover:\n- budget: 2\n{COLLECT}",
            [
                (
                    "c.yaml:3: tuning_jobs[0].budget: no cost is calculated to compare this and 2 more with: add prices"
                    " or prices_file under spend"
                )
            ],
        ),
        (
            f"aws: {{region: eu-west-1}}\ndiscover:\n- {{}}\n- budget: 2\n{COLLECT}",
            [
                (
                    "c.yaml:4: discover[1].budget: no cost is calculated to compare this with: add prices or prices_file"
                    " under spend"
                )
            ],
        ),
        # Nothing is given that could have an effect.
        ("aws: {region: eu-west-1}\ntuning_jobs: [a]\n", []),
        (f"aws: {{region: eu-west-1}}\ntuning_jobs: [a]\n{COLLECT}", []),
        (f"aws: {{region: eu-west-1}}\ntuning_jobs: [a]\n{COLLECT}spend: {{billable: off}}\n", []),
        ("aws: {region: eu-west-1}\ntuning_jobs: [a]\nspend: {}\n", []),
    ],
)
def test_what_has_no_effect_is_told_with_the_line_and_what_to_write(text: str, expected: list[str]) -> None:
    assert told(text) == expected


def test_a_region_without_any_price_in_the_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("prices: {us-east-1: {ml.m5.xlarge: 0.23}}")
    text = "aws: {region: eu-west-1}\ntuning_jobs: [a, b, {name: c, region: us-east-1}]\n" + COLLECT
    file = str(tmp_path / "config.yaml")
    assert told(f"{text}spend:\n  prices_file: prices.yaml\n", file) == [
        (
            f"{file}:5: spend.prices_file: the file has no price for eu-west-1, so no cost is calculated there: add its prices,"
            " which the subcommand prices prints with --region eu-west-1"
        )
    ]
    assert told(f"{text}spend: {{prices_file: prices.yaml, {PRICES}}}\n", file) == []


def test_it_makes_no_other_configuration() -> None:
    without, given = parse(JOBS.replace(", budget: 5", ""), "c.yaml"), parse(JOBS, "c.yaml")
    assert given.ineffective
    assert given.targets != without.targets  # the budget itself
    assert parse(f"{JOBS}spend: {{{PRICES}}}\n", "c.yaml") == given


def test_a_shard_tells_it_too() -> None:
    assert Shard(0, 1).part(parse(JOBS, "c.yaml")).ineffective


def test_the_example_has_an_effect_throughout() -> None:
    example = Path(__file__).parents[2] / "config.example.yaml"
    assert told(example.read_text(encoding="utf-8")) == []
