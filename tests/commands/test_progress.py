"""What long work shows at a terminal, and nowhere else."""

from __future__ import annotations

import json
import re
import sys
import threading
from pathlib import Path

import pytest
from support.processes import wait_until
from support.terminal import Terminal

from exporter.cli import main, progress
from exporter.cli.progress import progress as shown

COLOUR = re.compile("\x1b\\[[0-9;]*(3[0-7]|38|9[0-7])[0-9;]*m")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER", 0)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)


@pytest.mark.parametrize("total", [4, None])
@pytest.mark.parametrize("colours", [True, False])
def test_a_terminal_shows_what_is_done_until_it_is(
    total: int | None, colours: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not colours:
        monkeypatch.setenv("NO_COLOR", "1")
    with Terminal() as terminal:
        monkeypatch.setattr(sys, "stderr", terminal.file)
        with shown("Counting [sheep]", total=total) as advance:
            wait_until(lambda: "Counting [sheep]" in terminal.text, what="the line")
            for _ in range(2):
                advance()
            if total:
                wait_until(lambda: "50%" in terminal.text, what="half of it")
    assert bool(COLOUR.search(terminal.text)) == colours
    assert terminal.text.endswith("\x1b[2K")  # the line is erased


@pytest.mark.parametrize("dumb", [True, False])
def test_nothing_is_shown_elsewhere_nor_loaded(
    dumb: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress.threading, "Timer", None)
    with Terminal() as terminal:
        if dumb:
            monkeypatch.setenv("TERM", "dumb")
            monkeypatch.setattr(sys, "stderr", terminal.file)
        with shown("Counting", total=2) as advance:
            advance(2)
    assert terminal.text == ""
    assert capsys.readouterr() == ("", "")


def test_work_that_is_short_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SHOWN_AFTER", 1_000)
    with Terminal() as terminal:
        monkeypatch.setattr(sys, "stderr", terminal.file)
        with shown("Counting", total=2) as advance:
            advance()
    assert terminal.text == ""
    assert not [each for each in threading.enumerate() if isinstance(each, threading.Timer)]


def interrupted(terminal: Terminal) -> None:
    with shown("Counting"):
        wait_until(lambda: "Counting" in terminal.text, what="the line")
        raise KeyboardInterrupt


def test_it_ends_with_the_work_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    with Terminal() as terminal:
        monkeypatch.setattr(sys, "stderr", terminal.file)
        with pytest.raises(KeyboardInterrupt):
            interrupted(terminal)
    assert terminal.text.endswith("\x1b[2K")


def test_a_file_of_prices_has_nothing_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    offer = tmp_path / "offer.json"
    product = {"attributes": {"regionCode": "eu-west-1", "usagetype": "EU-Train:ml.m5.xlarge"}}
    term = {"t": {"priceDimensions": {"d": {"unit": "Hrs", "pricePerUnit": {"USD": "0.23"}}}}}
    offer.write_text(json.dumps({"products": {"A": product}, "terms": {"OnDemand": {"A": term}}}))
    with Terminal() as terminal:
        monkeypatch.setattr(sys, "stderr", terminal.file)
        assert main(["prices", "--region=eu-west-1", f"--from={offer}"]) == 0
    assert capsys.readouterr().out == "currency: USD\nprices:\n  eu-west-1:\n    ml.m5.xlarge: 0.23\n"
