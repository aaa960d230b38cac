"""Views of tuning jobs as the fleet shows them, and the stored answers that they can be made of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.config.specs import Money, SpendSpec
from exporter.errors import ErrorCode, Failure
from exporter.fleet import JobView, Spend, TargetView
from exporter.fleet.training_reading import Reading
from exporter.fleet.training_sums import TrainingSums
from exporter.tuning_job import MalformedAnswer, TuningJob, failure_class, reduce, reduce_trainings
from support.tools import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

ANSWERS = ROOT / "tests" / "fixtures"
DESCRIBED_AT = 1_750_000_000.25


def answer(stem: str) -> Any:
    """Return a stored answer of the API, as the SDK's parser hands it on."""
    return json.loads((ANSWERS / f"{stem}.json").read_text(encoding="utf-8"))


def facts(stem: str = "everything") -> TuningJob:
    """Return the facts of a stored answer."""
    return reduce(answer(stem))


def spend_of(entries: Any, job: TuningJob) -> Spend:
    """Return what entries of the list of a tuning job's training jobs come to, at a time after all of them."""
    sums = TrainingSums()
    reading = Reading(sums, job.training_jobs, 2_000_000_000.0, reads_on=False, most=1_000)
    reading.take(reduce_trainings({"TrainingJobSummaries": entries}), job.definitions, failure_class)
    assert reading.is_over()
    asked = SpendSpec(prices={"ml.p3.2xlarge": 3.6}, currency="CNY")
    spend = sums.spend(job.training_jobs, job.definitions, job.best_training_job, 1_764_561_600.0, asked)
    # What only a search tells, beside what is told without one.
    return replace(spend, billed_seconds=((("ml.p3.2xlarge", "true", "Completed"), 10_800.0),))


_TRAININGS = json.loads((ANSWERS / "training_jobs" / "everything.json").read_text(encoding="utf-8"))
SPEND = spend_of(_TRAININGS["TrainingJobSummaries"], facts())


def view(job: TuningJob | None, **changes: Any) -> JobView:
    """Return a tuning job that was described successfully a moment ago; without facts it is still to be described."""
    known = JobView(
        account_id="" if job is None else job.account_id,
        region="eu-west-1" if job is None else job.region,
        name="asked-for" if job is None else job.name,
        labels={},
        facts=job,
        failure=None,
        attempted=job is not None,
        last_success=None if job is None else DESCRIBED_AT,
        next_describe=DESCRIBED_AT + 60,
        spend=None if job is None else SPEND,
        budget=None if job is None else Money(500.0, "CNY"),
    )
    return replace(known, **changes)


def view_of_answer(stem: str) -> JobView:
    """Return what is shown of a tuning job whose describe brought a stored answer."""
    try:
        return view(facts(stem))
    except MalformedAnswer as error:
        return view(None, attempted=True, failure=Failure(ErrorCode.MALFORMED_ANSWER, str(error)))


def fleet(size: int) -> tuple[JobView, ...]:
    """Return tuning jobs with every fact there is, told apart by their names only."""
    job = facts()
    return tuple(view(replace(job, name=f"search-{number}"), labels={"team": "Übersetzung"}) for number in range(size))


def target(jobs: Iterable[JobView], **changes: Any) -> TargetView:
    """Return a target that has been described."""
    known: dict[str, Any] = {"name": "prod", "region": "eu-west-1", "account_id": "123456789012", "changes_at": None}
    return TargetView(attempted=True, jobs=tuple(jobs), **(known | changes))
