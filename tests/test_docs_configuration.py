"""docs/configuration.md tells what the code does."""

from __future__ import annotations

import re

from support.tools import ROOT

from exporter.config import defaults, money, parse
from exporter.config.duration import format_duration
from exporter.fleet import training_search

TEXT = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
PAGE = " ".join(TEXT.split())


def test_the_example_of_what_entries_share_is_read() -> None:
    [example] = re.findall(r"```yaml\n(x-.*?)```", TEXT, re.DOTALL)
    [target] = parse(example, "docs").targets
    assert [job.labels for job in target.jobs] == [{"team": "research"}] * 2


def test_how_long_a_training_job_that_waits_is_not_looked_for() -> None:
    first, grow = training_search._WAITS_FIRST, training_search._WAITS_GROW
    longest = format_duration(training_search._LONGEST_WAIT)
    assert grow == 6
    minutes = [f"{number * defaults.SPEND_INTERVAL / 60:g}m" for number in (first, first * grow)]
    assert (
        f"again after {first:g} and {first * grow:g} times `spend.interval` ({', '.join(minutes)}), and then each time after"
        f" six times as long, at most {longest}."
    ) in PAGE


def test_the_largest_amount() -> None:
    assert f"numbers above 0, at most 1e{len(str(int(money.LARGEST_AMOUNT))) - 1}, such as" in PAGE
