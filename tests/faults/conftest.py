"""All rigs play at once; their tests look at the cells. After a run in one process the matrix is printed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import boto3
import pytest
import structlog
import trustme
from support.pace import slowness, unhurried

from exporter.sagemaker import Sessions
from faults.cases import CASES, MOMENTS, SCOPES, WAITING, WAITING_CASES, applies
from faults.rig import READ_TIMEOUT, Rig
from faults.verdict import Cell, judge

DAEMONS_AT_ONCE = 8
"""So few that a slow machine answers them all within their time-outs."""

_PRINTED: list[Cell] = []
_PACES: list[float] = []


@pytest.fixture(scope="package")
def log():
    """Every line that is logged, with the time; also where other threads log."""
    lines = []

    def keep(_, level, entry):
        lines.append(entry | {"level": level, "at": time.time()})
        raise structlog.DropEvent

    before = structlog.get_config()
    structlog.configure(processors=[keep])
    yield lines
    structlog.configure(**before)


@pytest.fixture(scope="package")
def make_rig(tmp_path_factory):
    authorities = (trustme.CA(), trustme.CA())
    bundle = tmp_path_factory.mktemp("faults") / "ca.pem"
    authorities[0].cert_pem.write_to_path(bundle)
    sessions = Sessions()

    def make(scope, label, cases, regions, pace):
        return Rig(scope, label, cases, regions, sessions, authorities, bundle, pace)

    return make


@pytest.fixture(scope="package")
def matrix(make_rig, log):
    """Play everything and return the cells by (case, moment, scope)."""
    regions = [*boto3.Session().get_available_regions("sagemaker")][: len(CASES) + 1]
    assert len(regions) == len(CASES) + 1
    here = [case for case in CASES if applies(case, "one job")]
    waves: list[Any] = [[("one job", "j", here, ["eu-west-1"]), ("one region", "r", CASES, regions)]]
    alone = [("everything", f"e{i}", [case], ["eu-west-1"]) for i, case in enumerate(CASES)]
    waves += [alone[first : first + DAEMONS_AT_ONCE] for first in range(0, len(alone), DAEMONS_AT_ONCE)]
    waiting = [[(scope, f"w{i}", WAITING_CASES, regions)] for i, scope in enumerate(WAITING)]
    pace = slowness()  # before they keep each other from computing
    with ThreadPoolExecutor(len(waiting)) as aside:
        # Slow by nature, and they hardly load the machine.
        beside = [aside.submit(_played, make_rig, wave, pace) for wave in waiting]
        rigs = [rig for wave in waves for rig in _played(make_rig, wave, pace)]
        rigs += [rig for each in beside for rig in each.result()]
    cells = [cell for rig in rigs for cell in judge(rig, log)]
    _PRINTED.extend(cells)
    _PACES.extend(rig.pace for rig in rigs)
    return {(cell.case, cell.moment, cell.scope): cell for cell in cells}


def _played(make_rig, wave, pace):
    """Return the rigs of a wave when they have played."""

    def play(pace):
        with ExitStack() as running:
            rigs = [running.enter_context(make_rig(*each, pace)) for each in wave]
            with ThreadPoolExecutor(len(rigs)) as pool:
                list(pool.map(Rig.play, rigs))
        return rigs

    return unhurried(play, pace, answered_within=READ_TIMEOUT / 4)


def pytest_terminal_summary(terminalreporter):
    if not _PRINTED:
        return
    cells = {(cell.case, cell.moment, cell.scope): cell for cell in _PRINTED}
    write = terminalreporter.write_line
    for scopes in (SCOPES, WAITING):
        write("")
        write("| fault | " + " | ".join(f"{scope}, {moment}" for scope in scopes for moment in MOMENTS) + " |")
        write("|---" * (1 + len(scopes) * len(MOMENTS)) + "|")
        for case in dict.fromkeys(cell.case for cell in _PRINTED if cell.scope in scopes):
            row = [_text(cells.get((case, moment, scope))) for scope in scopes for moment in MOMENTS]
            write(f"| {case} | " + " | ".join(row) + " |")
    looks = sum(cell.scrapes for cell in _PRINTED)
    write(f"{looks} looks at a tuning job in a scrape; a second lasted {min(_PACES):.1f} to {max(_PACES):.1f} s")


def _text(cell: Cell | None) -> str:
    if cell is None:
        return "n/a"
    times = (f"{seconds:.1f}" for seconds in (cell.visible, cell.well) if seconds is not None)
    return "; ".join(cell.problems) or f"ok {' / '.join(times) or f'≤ {cell.oldest:.1f} s old'}"
