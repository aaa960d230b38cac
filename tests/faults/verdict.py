"""What was wrong in what a rig saw, cell by cell of the matrix."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from support.truth import expected_series

from exporter.exposition.families.training_jobs import TRAINING_JOBS
from exporter.simulator.faults import Kind
from faults.cases import SMALL_BUDGET
from faults.look import Seen
from faults.rig import ACCOUNT, CONNECT_TIMEOUT, INTERVAL, OTHER_READ_TIMEOUT, SMALL_RATE, STALE_AFTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from support.truth import Key

    from faults.cases import Case
    from faults.look import Scrape
    from faults.rig import Phase, Rig, Watched

PUBLISHING = 1.0
SLACK = 10.0
WAITING_SLACK = 45.0
"""How fast all was, the matrix tells; here only what never comes is wrong. Like all seconds here, of the rig's pace."""

VISIBLE_WITHIN = INTERVAL + OTHER_READ_TIMEOUT + PUBLISHING + WAITING_SLACK
DRIPPING_VISIBLE_WITHIN = INTERVAL + 2 * (CONNECT_TIMEOUT + OTHER_READ_TIMEOUT) + PUBLISHING + WAITING_SLACK
WELL_WITHIN = INTERVAL + OTHER_READ_TIMEOUT + PUBLISHING + WAITING_SLACK
OLDEST = INTERVAL + STALE_AFTER + PUBLISHING + SLACK
GONE_WITHIN = 3 * INTERVAL + STALE_AFTER + OTHER_READ_TIMEOUT + PUBLISHING + WAITING_SLACK
LAST_MODIFIED = "sagemaker_tuning_job_last_modified_timestamp_seconds"
OF_TRAINING_JOBS = frozenset(name for family in TRAINING_JOBS.families for name in family.series_names)
SECONDS, COUNT = (f"sagemaker_tuning_job_training_job_duration_seconds_{each}" for each in ("sum", "count"))
SUMS = {SECONDS, COUNT}
OF_ITS_LIFE = {"tuning job status changed", "training job failed; further failures for the same reason are not logged"}
OLDEST_OF_NEIGHBOURS = INTERVAL + PUBLISHING + SLACK


class Cell(NamedTuple):
    """One cell: seconds from the fault to the visible error, and from its end to good values; what was wrong."""

    case: str
    moment: str
    scope: str
    visible: float | None
    well: float | None
    oldest: float
    scrapes: int
    problems: tuple[str, ...]


def judge(rig: Rig, log: Sequence[Mapping[str, Any]]) -> Iterator[Cell]:
    """Return the cells of a rig, those of its neighbours included."""
    for i, phase in enumerate(rig.phases):
        until = rig.phases[i + 1].on if i + 1 < len(rig.phases) else float("inf")
        scrapes = [scrape for scrape in rig.scrapes if phase.on < scrape.asked and scrape.came < until]
        for case in rig.cases:
            yield _worst([_judge_job(rig, job, case, phase, scrapes, log) for job in rig.jobs if job.case == case])
        if any(job.case is None for job in rig.jobs):
            yield _judge_neighbours(rig, phase, scrapes, log)


def _worst(cells: Sequence[Cell]) -> Cell:
    """Return the cell of a fault that struck several tuning jobs."""
    visible, well = (
        None if None in times else max(time for time in times if time is not None)
        for times in ([cell.visible for cell in cells], [cell.well for cell in cells])
    )
    return cells[0]._replace(
        visible=visible,
        well=well,
        oldest=max(cell.oldest for cell in cells),
        scrapes=min(cell.scrapes for cell in cells),
        problems=tuple(problem for cell in cells for problem in cell.problems),
    )


def _judge_job(
    rig: Rig, job: Watched, case: Case, phase: Phase, scrapes: Sequence[Scrape], log: Sequence[Mapping[str, Any]]
) -> Cell:
    problems: list[str] = []
    seen = [(scrape, scrape.jobs[job.name]) for scrape in scrapes if job.name in scrape.jobs]
    during = [(scrape, one) for scrape, one in seen if scrape.came < phase.off]
    after = [(scrape, one) for scrape, one in seen if scrape.asked > phase.off]
    visible = _first((scrape.came - phase.on for scrape, one in during if _shows(one, case)))
    well = _first((scrape.came - phase.off for scrape, one in after if one.up == 1 and one.values))

    if visible is None:
        problems.append("never visible")
    else:
        if visible > rig.pace * (DRIPPING_VISIBLE_WITHIN if case.kind is Kind.DRIPPING else VISIBLE_WITHIN):
            problems.append(f"visible after {visible:.1f} s")
        wrong = [one for scrape, one in during if scrape.came - phase.on > visible and not _shows(one, case)]
        if wrong:
            problems.append(f"not shown all the time: up {wrong[0].up}, {sorted(wrong[0].codes)}")
        if not _rose(rig, job, case, during, scrapes):
            problems.append("api_errors_total did not rise")
    if during and during[-1][1].values:
        problems.append("values did not go")
    gone = max((scrape.came - phase.on for scrape, one in during if one.values), default=0.0)
    if gone > rig.pace * GONE_WITHIN:
        problems.append(f"values went after {gone:.1f} s")
    if well is None or well > rig.pace * WELL_WITHIN:
        problems.append("never well again" if well is None else f"well after {well:.1f} s")
    if phase.moment == "during reload" and seen and seen[-1][1].version != "b":
        problems.append("the reload did not arrive")
    problems += _log_problems(job, case, phase, log)
    problems += _wrong_values(rig, job, seen)
    problems += _wrong_sums(rig, job, seen)
    oldest = _oldest(seen)
    if oldest > _oldest_allowed(rig):
        problems.append(f"values {oldest:.1f} s old")
    return Cell(case.name, phase.moment, rig.scope, visible, well, oldest, len(seen), tuple(problems))


def _oldest_allowed(rig: Rig) -> float:
    """Return how old values may be: any age while lists tell that they are right."""
    if not rig.describes_all:
        return math.inf
    waits = len(rig.jobs) / len(rig.cases) / SMALL_RATE if rig.scope == SMALL_BUDGET else 0.0
    return rig.pace * (OLDEST + waits)


def _judge_neighbours(rig: Rig, phase: Phase, scrapes: Sequence[Scrape], log: Sequence[Mapping[str, Any]]) -> Cell:
    problems: list[str] = []
    oldest, count = 0.0, 0
    for job in rig.jobs:
        if job.case is not None:
            continue
        seen = [(scrape, scrape.jobs[job.name]) for scrape in scrapes if job.name in scrape.jobs]
        if phase.moment == "first round":
            up = next((i for i, (_, one) in enumerate(seen) if one.up == 1), len(seen))
            seen = seen[up:]
        count += len(seen)
        if not seen:
            problems.append(f"{job.name} was never up")
        bad = [one for _, one in seen if one.up != 1 or one.codes or not one.values]
        if bad:
            problems.append(f"{job.name}: up {bad[0].up}, {sorted(bad[0].codes)} in {len(bad)} scrapes")
        problems += _wrong_values(rig, job, seen)
        problems += _wrong_sums(rig, job, seen)
        oldest = max(oldest, _oldest(seen))
        lines = _lines(job, phase, log)
        if lines != (["tuning job found"] if phase.moment == "first round" else []):
            problems.append(f"logged {lines}")
    if oldest > rig.pace * OLDEST_OF_NEIGHBOURS:
        problems.append(f"values {oldest:.1f} s old")
    return Cell("(the others)", phase.moment, rig.scope, None, None, oldest, count, tuple(problems))


def _shows(one: Seen, case: Case) -> bool:
    """Whether a scrape tells of the fault."""
    return one.up == 0 and one.codes == {case.code}


def _rose(rig: Rig, job: Watched, case: Case, during: Sequence[tuple[Scrape, Seen]], scrapes: Sequence[Scrape]) -> bool:
    label = (rig.target_of[job.name], str(case.code))
    before = 0.0 if scrapes[0] is rig.scrapes[0] else scrapes[0].errors[label]
    return during[-1][0].errors[label] > before


def _log_problems(job: Watched, case: Case, phase: Phase, log: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    wanted = ["describe failed", "describe succeeded again"]
    if phase.moment == "first round" or case.code == "not_found":
        wanted.append("tuning job found")
    lines = _lines(job, phase, log)
    if lines != wanted:
        yield f"logged {lines}"


def _lines(job: Watched, phase: Phase, log: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what was logged about a tuning job, but for its own life."""
    return [
        entry["event"]
        for entry in log
        if entry.get("tuning_job") == job.name
        and phase.on <= entry["at"] <= phase.well
        and entry["event"] not in OF_ITS_LIFE
    ]


def _wrong_values(rig: Rig, job: Watched, seen: Iterable[tuple[Scrape, Seen]]) -> list[str]:
    """Every scrape must show what the service said within the call that ended at the last success."""
    life = rig.lives[job.name]
    identity = {"aws_account_id": ACCOUNT, "aws_region": job.region, "tuning_job": job.name}

    @lru_cache(maxsize=64)
    def truth(moment: float) -> dict[Key, float]:
        return expected_series(life.at(moment), identity)

    calls = rig.simulator.described[job.name]
    right = Seen()
    for scrape, one in seen:
        if not one.values or (one.last_success, one.values) == (right.last_success, right.values):
            continue
        if one.last_success is None:
            return ["values without a last success"]
        # A call under way when the reload replaced the threads may have been answered to nobody.
        ended = [call for call in calls if call[0] <= one.last_success][-2:]
        ours = _compared(rig, one.values)
        if not any(ours == _compared(rig, truth(moment)) for call in ended for moment in call):
            return [f"wrong values {scrape.came - rig.phases[0].on:.1f} s after the start"]
        right = one
    return []


def _compared(rig: Rig, values: dict[Key, float]) -> dict[Key, float]:
    """Return what the describe must have told; the time of the last change may be a list's, which was later."""
    others = OF_TRAINING_JOBS if rig.describes_all else OF_TRAINING_JOBS | {LAST_MODIFIED}
    return {key: value for key, value in values.items() if key[0] not in others}


def _wrong_sums(rig: Rig, job: Watched, seen: Iterable[tuple[Scrape, Seen]]) -> Iterator[str]:
    """Sums over training jobs never fall and are never more than there is, whatever does not answer."""
    life = rig.lives[job.name]
    before: dict[Key, float] = {}
    for scrape, one in seen:
        sums = {key: value for key, value in one.values.items() if key[0] in SUMS}
        if sums.items() <= before.items():
            continue  # what was not too large stays so
        fallen = [key for key, value in sums.items() if value < before.get(key, 0.0)]
        before |= sums
        trained: defaultdict[tuple[str, str], float] = defaultdict(float)
        for each in life.training_jobs:
            told = each.truth(scrape.came) if each.exists(scrape.came) else None
            if told and told.start is not None and told.end is not None:
                trained[COUNT, told.status] += 1
                trained[SECONDS, told.status] += told.end - told.start
        more = [key for key, value in sums.items() if value > trained[key[0], dict(key[1])["status"]] + 1e-3]
        if fallen or more:
            yield f"sums that fell or are too large: {sorted(key[0] for key in fallen + more)}"
            return


def _oldest(seen: Iterable[tuple[Scrape, Seen]]) -> float:
    return max((scrape.asked - (one.last_success or 0.0) for scrape, one in seen if one.values), default=0.0)


def _first(values: Iterable[float]) -> float | None:
    return next(iter(values), None)
