"""Each fault at each moment in each scope: every scrape right, errors told, recovery at once."""

from __future__ import annotations

import pytest
from faults.cases import CASES, MOMENTS, SCOPES, applies
from faults.rig import LEAST_SCRAPES

pytestmark = pytest.mark.xdist_group("faults")  # one worker plays it all

CELLS = [(case.name, moment, scope) for scope in SCOPES for moment in MOMENTS for case in CASES if applies(case, scope)]
OTHERS = [("(the others)", moment, scope) for scope in SCOPES[:2] for moment in MOMENTS]


@pytest.mark.parametrize("cell", CELLS + OTHERS, ids=", ".join)
def test_cell(matrix, cell):
    assert matrix[cell].problems == ()
    assert matrix[cell].scrapes >= LEAST_SCRAPES
