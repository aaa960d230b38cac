from __future__ import annotations

from itertools import pairwise

import pytest
from replay import real
from replay.causes import wrongs
from replay.fleet import DISCOVERED, START
from replay.kinds import COSTLY, HEALTHY, TROUBLED, Draw
from replay.life import Told
from replay.promises import Cause

from exporter.simulator.chance import chance

MOST = 40.0


def lives(draw: Draw, count: int = 12) -> list[Told]:
    courses = [draw(chance("kinds", number), MOST) for number in range(count)]
    return [
        Told("a", course, listed=True, region=DISCOVERED.region, account_id="1", created=START, seed=number)
        for number, course in enumerate(courses)
    ]


@pytest.mark.parametrize("draw", [*TROUBLED, *COSTLY], ids=lambda draw: draw.__name__)
def test_what_is_injected_is_there_to_be_told(draw: Draw) -> None:
    found = []
    for life in lives(draw):
        [cause] = life.course.injects
        found += [wrong for wrong in wrongs(life) if wrong.cause is cause]
        assert all(wrong.must == (wrong.visible is not None) for wrong in found)
    assert len(found) >= 8
    assert sum(wrong.visible is not None and wrong.visible < wrong.ended for wrong in found) >= 6


@pytest.mark.parametrize("draw", [draw for draw, _ in HEALTHY], ids=lambda draw: draw.__name__)
def test_of_what_is_healthy_nobody_must_be_told(draw: Draw) -> None:
    wrong = [
        wrong for life in lives(draw) if life.state(life.ended or START).status != "Failed" for wrong in wrongs(life)
    ]
    assert not [one for one in wrong if one.must]
    assert not {one.cause for one in wrong} & {Cause.HANGING, Cause.STARVED, Cause.IDLE, Cause.LINGERING}


def test_searches_are_as_long_and_as_large_as_real_ones() -> None:
    drawn = [real.scenario(chance("real", number), (0.35, 700.0)) for number in range(300)]
    sizes = [scenario.max_jobs or 0 for scenario in drawn]
    assert min(sizes) <= 3
    assert 300 < max(sizes) <= real.LARGEST
    assert min(scenario.trial[0] for scenario in drawn) < 60
    assert max(scenario.trial[0] for scenario in drawn) > 3 * 3600


def test_quantiles() -> None:
    values = sorted(real.drawn(real.NEW, chance("quantiles", number)) for number in range(2000))
    assert values[1000] == pytest.approx(52, rel=0.05)
    assert values[1900] == pytest.approx(1206, rel=0.3)
    assert all(30 <= value <= 6805 for value in values)
    assert all(first <= second for first, second in pairwise(values))
