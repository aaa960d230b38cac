"""A story of one alert: what is scraped, and what must come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from rules.world import (
    STEP,
    Scraped,
    World,
    gone,
    lost_scrapes,
    notation,
    outage_of_aws,
    rollouts,
    scrape,
    two_replicas,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

WARNING, INFO, CRITICAL = ({"severity": name} for name in ("warning", "info", "critical"))


@dataclass(frozen=True)
class Story:
    """A trouble that one alert must find.

    ``firing`` holds how many alerts fire from a minute on, 0 at first. ``labels`` and ``annotations`` are those of one
    of them at the first of these minutes. A story without ``rollouts`` is one about the scrape itself; with ``lost_scrapes``, it must
    be told in time although some are lost.
    """

    alert: str
    world: World
    firing: Mapping[int, int]
    labels: Mapping[str, str]
    summary: str
    description: str
    rollouts: bool = True
    lost_scrapes: bool = False

    @property
    def minutes(self) -> int:
        return max(self.firing) + 2 * STEP

    @property
    def fires(self) -> int:
        return min(self.firing)

    def variants(self) -> dict[str, Scraped]:
        """Return what is scraped, and the same told otherwise: the alerts must not differ."""
        plain = scrape(self.world, self.minutes)
        if not self.rollouts:
            return {"plain": plain}
        fires = self.fires // STEP
        after = fires + 2, fires + 1 + 10 // STEP
        told = {
            "plain": plain,
            "two replicas": two_replicas(plain),
            "rollouts": rollouts(plain, fires - 2, fires + 3),
            "exporter away for 10 minutes": gone(plain, *after),
        }
        if self.lost_scrapes:
            told["lost scrapes"] = lost_scrapes(plain)
        if any(series.fact for series in plain):
            told["outage of AWS"] = outage_of_aws(plain, *after)
        return told


class Quiet(NamedTuple):
    """Something that an alert must be silent about for so many minutes, whatever others say."""

    alert: str
    why: str
    world: World
    minutes: int = 120


def group(name: str, scraped: Scraped, expected: Sequence[dict[str, Any]], **tests: Any) -> dict[str, Any]:
    """Return a test group of promtool, named in what promtool prints of the expectations that failed."""
    series = [{"series": str(one), "values": notation(values)} for one, values in scraped.items()]
    asked = [{**each, "expr": f"{each['expr']} # {name}"} for each in expected]
    return {"interval": f"{STEP}m", "input_series": series, "promql_expr_test": asked, **tests}


def fire(alert: str, minute: int, number: int) -> dict[str, Any]:
    """Return the expectation that so many alerts of a name fire at a minute."""
    expr = f'count(ALERTS{{alertname="{alert}",alertstate="firing"}}) or vector(0)'
    return {"expr": expr, "eval_time": f"{minute}m", "exp_samples": [{"labels": "{}", "value": number}]}


def timeline(story: Story) -> list[dict[str, Any]]:
    """Return the expectations of a story's number of alerts, around each change and in between.

    Ranges reach one sample further back in Prometheus 2 than in 3: so much may a change come early.
    """
    tests = []
    changes = sorted(story.firing)
    for number_before, minute in zip([0, *(story.firing[one] for one in changes)], changes, strict=False):
        tests.append(fire(story.alert, max(0, minute - 2 * STEP), number_before if minute else 0))
        tests.append(fire(story.alert, minute, story.firing[minute]))
    between = range(story.fires, max(changes) - 2 * STEP, STEP)
    return tests + [
        fire(story.alert, minute, story.firing[max(one for one in changes if one <= minute)]) for minute in between
    ]
