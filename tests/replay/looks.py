"""What is wrong with a tuning job in the eyes of each alert, from its whole life."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping

from replay.fleet import DAY
from replay.kinds import JOB
from replay.life import Span, Told

from exporter.simulator.surface import Categorical, Integer

RETENTION = DAY

Moments = tuple[float, float | None, float]
"""When a trouble began, was evident, and ended."""
Found = Iterator[Moments | tuple[*Moments, Mapping[str, str]]]
Numbers = Mapping[str, float]
Look = Callable[[Told, list[Span], Numbers, bool], Found]


def _first(spans: list[Span], holds: Callable[[Span], bool], numbers: Numbers | None = None) -> float | None:
    """Return from when something held while the tuning job was in progress; with the numbers of an alert, when it lasted."""
    holding = ((s.since, s.until) for s in spans if s.state.status == "InProgress" and holds(s))
    return _lasting(holding, numbers or {"surely": 0.0, "for": 0.0})


def _lasting(stretches: Iterable[tuple[float, float]], numbers: Numbers) -> float | None:
    """Return the beginning of the first stretch of time in which an alert surely fires, or else in which it may.

    Some may follow right on others.
    """
    joined: list[tuple[float, float]] = []
    for since, until in stretches:
        begin = joined.pop()[0] if joined and since <= joined[-1][1] else since
        joined.append((begin, until))
    for hold in (numbers["surely"], numbers["for"]):
        for begin, end in joined:
            if end - begin > hold:
                return begin
    return None


def _progress_end(spans: list[Span]) -> float:
    return max((span.until for span in spans if span.state.status == "InProgress"), default=spans[0].since)


def _failed(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    for span in spans:
        if span.state.status == "Failed":
            yield span.since, span.since, min(span.until, span.since + numbers["age"])
            return


def _in_status(*statuses: str) -> Look:
    def look(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
        for status in statuses:
            held = [span for span in spans if span.state.status == status]
            if held and held[-1].until - held[0].since > numbers.get("window", 0):
                yield held[0].since, held[0].since, min(held[-1].until, (life.ended or math.inf) + RETENTION)

    return look


def _when_injected(holds: Callable[[Span, Numbers], bool]) -> Look:
    """Return a look at what is only a trouble where it was injected, from when it can be told."""

    def look(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
        if injected:
            evident = _first(spans, lambda span: holds(span, numbers), numbers)
            yield spans[0].since, evident, _progress_end(spans)

    return look


def _failing(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    def holds(span: Span) -> bool:
        failed = span.state.non_retryable
        return failed >= numbers["failed"] and failed > numbers["failedRatio"] * span.launched

    if life.course.scenario.failing >= 0.5:
        first = _first(spans, lambda span: span.state.non_retryable > 0)
        yield first or spans[0].since, _first(spans, holds, numbers), _progress_end(spans)


def _stuck(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    """Find the stretches of time in which nothing runs."""
    since: float | None = None
    for span in spans:
        idle = span.state.status == "InProgress" and span.state.in_progress == 0
        if idle and since is None:
            since = span.since
        if idle and since is not None:
            until = span.until
        if (not idle or span is spans[-1]) and since is not None:
            if until - since > numbers["window"]:
                yield since, max(since, life.created + numbers["age"] - numbers["window"]), until
            since = None


def _not_improving(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    """Find the plateau at the end, which no improvement ends; where one does, there was no trouble."""
    running = [span for span in spans if span.state.status == "InProgress"]
    if not running or life.scenario.vintage:
        return
    began = max((span.since for span in running if span.state.not_improving == 0), default=life.created)
    limit, budget = life.course.asked.max_not_improving, life.course.asked.max_jobs

    def holds(span: Span) -> bool:
        count = span.state.not_improving
        if limit is not None:
            return count >= numbers["limitRatio"] * limit
        if life.course.asked.strategy in {"Random", "Grid"}:
            return False  # what was drawn says nothing of what will be
        if budget is None or count < max(numbers["notImproving"], numbers["budgetRatio"] * budget):
            return False
        return span.ended <= (1 - numbers["leftRatio"]) * budget

    last = [span for span in running if span.since >= began]
    evident = _first(last, holds, numbers)
    if _first(last, holds) is not None or injected:
        # Near the end of its budget it is none any more.
        yield began, evident, max((span.until for span in last if holds(span)), default=running[-1].until)


def _converged(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    converged = next((span.state.converged for span in spans if span.state.converged is not None), None)
    if life.course.asked.on_convergence == "Enabled":
        return
    if converged is not None and _progress_end(spans) - converged > numbers["age"]:
        yield converged, converged, _progress_end(spans)


def _time_limit(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    """Find those that are cut off by their limit with work left, and from when their pace tells it."""
    budget = life.course.asked.max_jobs
    if life.limit is None or budget is None or life.ended is None or life.ended < life.created + life.limit:
        return
    if spans[-1].launched < budget:
        near = life.created + numbers["runtimeRatio"] * life.limit
        slow = (
            max(span.since, near, life.created + span.launched / budget / numbers["launchedRatio"] * life.limit)
            for span in spans
        )
        evident = _lasting(((at, span.until) for span, at in zip(spans, slow, strict=True) if at < span.until), numbers)
        yield near, evident, life.created + life.limit


def _no_best(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    def holds(span: Span) -> bool:
        return span.ended >= numbers["ended"] and span.state.completed == 0 and span.state.best is None

    course = life.course
    evident = _first(spans, holds)
    if evident is not None and (course.cut_off or course.scenario.failing >= 0.5):
        until = max(span.until for span in spans if holds(span) and span.state.status == "InProgress")
        yield life.created, max(evident, life.created + numbers["age"]), until


def _starved(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    if life.stalled is not None and life.trials:
        # Before it stands still it launches nothing any more.
        yield max(trial.created for trial in life.trials), None, life.stalled + numbers["window"]
    if injected:
        evident = life.created + numbers["age"] - numbers["window"]
        budget = life.course.asked.max_jobs or math.inf
        ended = max(span.until for span in spans if span.launched < budget and span.state.status == "InProgress")
        yield life.created, evident, ended


def _retried(span: Span, numbers: Numbers) -> bool:
    retried = span.state.retryable
    return retried >= numbers["retryable"] and retried > numbers["retryableRatio"] * span.launched


def _target(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    target = life.course.asked.target
    if not injected or target is None:
        return

    def holds(span: Span) -> bool:
        best = None if span.state.best is None else life.trials[span.state.best].objective
        return best is not None and best >= target

    reached = _first(spans, holds)
    yield reached or life.created, reached, _progress_end(spans)


def _edge(life: Told, spans: list[Span], numbers: Numbers, injected: bool) -> Found:
    """Find those whose optimum is out of reach, and from when their best value stays at an edge.

    Where a hyperparameter matters little, a best value comes to lie there by chance.
    """
    over = (life.ended or math.inf) + numbers["age"]
    at_edge = [
        (span, names)
        for span in spans
        if span.state.completed >= numbers["completed"]
        and span.state.best is not None
        and (names := _at_edge(life, span.state.best, numbers))
    ]
    if injected:
        each = [
            _lasting(((span.since, span.until) for span, names in at_edge if name in names), numbers)
            for name in {name for _, names in at_edge for name in names}
        ]
        yield life.created, min((since for since in each if since is not None), default=None), over
    else:
        for span, names in at_edge:
            for name in names:
                yield span.since, None, min(span.until, over), {"hyperparameter": name}


def _at_edge(life: Told, best: int, numbers: Numbers) -> list[str]:
    """Return the hyperparameters of a training job that lie at an edge of their range."""
    trial, margin = life.trials[best], numbers["margin"]
    found = []
    for range_, text in zip(
        life.scenario.definitions[trial.definition].surface.ranges, trial.hyperparameters, strict=True
    ):
        if isinstance(range_, Categorical):
            continue
        low, high, value = float(range_.low), float(range_.high), float(text)
        if isinstance(range_, Integer) and high - low < numbers["wholeNumbers"]:
            continue
        from_low = math.log(value / low) / math.log(high / low) if low > 0 else (value - low) / (high - low)
        if from_low <= margin or high - value <= margin * (high - low):
            found.append(range_.name)
    return found


LOOKS: Mapping[str, Look] = {
    JOB + "Failed": _failed,
    JOB + "DeleteFailed": _in_status("DeleteFailed"),
    JOB + "StuckStopping": _in_status("Stopping", "Deleting"),
    JOB + "TrainingJobsFailing": _failing,
    JOB + "ObjectiveNeverEmitted": _when_injected(lambda span, numbers: span.state.completed >= numbers["completed"]),
    JOB + "Stuck": _stuck,
    JOB + "NotImproving": _not_improving,
    JOB + "ConvergedStillRunning": _converged,
    JOB + "NearTimeLimit": _time_limit,
    JOB + "NoBestValue": _no_best,
    JOB + "BestAtRangeEdge": _edge,
    JOB + "SlotsStarved": _starved,
    JOB + "RetryableErrors": _when_injected(_retried),
    JOB + "TargetReachedStillRunning": _target,
}
"""By the name of the alert. What comes of a look are times, or times and more labels."""
