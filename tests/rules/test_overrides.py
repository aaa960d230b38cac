"""Thresholds of an alert may differ by the labels that it carries; the first override that fits counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from render_rules import Override, alerts, load, render
from rules.rehearsal import rehearse
from rules.story import group
from rules.world import job, merged, scrape
from support.promql import mistakes, vocabulary

if TYPE_CHECKING:
    from pathlib import Path

FAILING = "SageMakerTuningJobTrainingJobsFailing"
LABELS = ["label_team", "label_search"]
OVERRIDES = [
    Override(FAILING, {"label_team": "pricing"}, {"failed": "3"}),
    Override(FAILING, {"label_search": "nightly"}, {"failed": "2", "failedRatio": "0.3"}),
    Override(FAILING, {"label_search": "weekly", "label_team": "search"}, {"failed": "1"}),
]


@pytest.mark.parametrize("overrides", [OVERRIDES, OVERRIDES[:1], []], ids=len)
def test_each_is_judged_by_the_first_override_that_fits(
    promtools: Path, tmp_path: Path, overrides: list[Override]
) -> None:
    document = render(load(), team_labels=LABELS, overrides=overrides)
    [rule] = [each for each in alerts(document) if each["alert"] == FAILING]
    of_override = {
        # Name, team, search, failed of ten: the override that makes it fire, None for the rule's own thresholds.
        ("a", None, None, 3): False,
        ("b", None, None, 7): True,
        ("c", "search", None, 3): False,
        ("d", "pricing", None, 6): True,
        ("e", "pricing", None, 2): False,
        ("f", None, "nightly", 3): len(overrides) == 3,
        # It is of the team, too, which is the first to fit: half of them must have failed.
        ("g", "pricing", "nightly", 3): False,
        ("h", "search", "weekly", 5): len(overrides) == 3,
        ("i", "pricing", "weekly", 5): len(overrides) >= 1,
        ("j", "other", "weekly", 5): False,
    }
    world = merged(
        *(
            job(
                name=name,
                team=team,
                search=search,
                training_jobs={"NonRetryableError": failed, "Completed": 10 - failed, "InProgress": 0},
                max_parallel_training_jobs=2,
            )
            for name, team, search, failed in of_override
        )
    )
    firing = {
        "expr": 'count by (tuning_job) (ALERTS{alertstate="firing"})',
        "eval_time": "60m",
        "exp_samples": [
            {"labels": f'{{tuning_job="{name}"}}', "value": 1} for (name, *_), fires in of_override.items() if fires
        ],
    }
    rehearse(promtools, tmp_path, [rule], [group("overrides", scrape(world, 60), [firing])], document=document)


def test_every_alert_that_carries_labels_can_be_overridden_and_is_promql() -> None:
    document = load()
    found = [rule for rule in alerts(document) if "label_team" in rule["expr"]]
    overrides = [Override(rule["alert"], {"label_team": 'a"\\b'}, {}) for rule in found]
    metrics = vocabulary()
    adapted = {rule["alert"]: rule for rule in alerts(render(document, overrides=overrides))}
    for rule in found:
        assert mistakes(adapted[rule["alert"]]["expr"], metrics) == []
        assert adapted[rule["alert"]]["expr"].count("labels:agreed{label_team=") == 2
    untouched = [rule for rule in alerts(document) if rule not in found]
    assert [adapted[rule["alert"]] for rule in untouched] == untouched


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (Override("SageMakerTuningExporterDown", {"label_team": "a"}, {}), "carries no labels label_team"),
        (Override(FAILING, {"label_cost": "a"}, {}), "carries no labels label_cost"),
        (Override(FAILING, {}, {}), "carries no labels"),
        (Override(FAILING, {"label_team": "a"}, {"fail": "1"}), "there is only failed"),
        (Override(FAILING, {"label_team": "a"}, {"failed": "1h"}), "is not a number"),
    ],
)
def test_mistakes_are_refused(override: Override, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        render(load(), overrides=[override])
