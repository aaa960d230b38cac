"""Each fault at each moment in each scope: every scrape right, errors told, recovery at once."""

from __future__ import annotations

import pytest

from faults.cases import CASES, MOMENTS, SCOPES, WAITING, WAITING_CASES, applies
from faults.rig import LEAST_SCRAPES

# One worker plays it all, before the first test.
pytestmark = [pytest.mark.xdist_group("faults"), pytest.mark.timeout(3600)]

CELLS = [(case.name, moment, scope) for scope in SCOPES for moment in MOMENTS for case in CASES if applies(case, scope)]
CELLS += [(case.name, moment, scope) for scope in WAITING for moment in MOMENTS for case in WAITING_CASES]
OTHERS = [("(the others)", moment, scope) for scope in SCOPES[:2] for moment in MOMENTS]


@pytest.mark.parametrize("cell", CELLS + OTHERS, ids=", ".join)
def test_cell(matrix, cell):
    assert matrix[cell].problems == ()
    assert matrix[cell].scrapes >= LEAST_SCRAPES
