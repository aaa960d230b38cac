"""What is wrong with a tuning job, from its whole life: what was done to it, and what became of it in the end.

No number of a rule is known here. An alarm is right if its cause is found here, however the rule came to it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from replay.promises import Cause

from exporter.simulator.scenario import HOUR, MINUTE

if TYPE_CHECKING:
    from replay.life import Span, Told

    from exporter.simulator.record import Trial

DAY = 24 * HOUR
SEVERAL = 5
"""After so many training jobs of the same fate its owner would not call it chance any more: so many make AWS give up."""
MANY = 1 / 3
"""When so many of all training jobs share a fate in the end, nobody is wrong to tell of it."""
DROUGHT = 0.7
"""Of nine droughts in ten that did end none was a larger share of the training jobs that may be launched."""
WORTH_STOPPING = 0.9
"""When so many of the training jobs are launched, there is nothing to win by ending it early."""
LONG_STOP = HOUR
"""Training jobs take minutes to stop."""
LONG_IDLE = 45 * MINUTE
"""Nothing runs for 11 minutes at most in searches that go on."""
NOTICED = 0.85
"""The share of a time limit after which there is still something to be done about it, and its pace is known."""
WORTH_SAVING = 2.0
"""Instance hours of which it is worth to know that nothing was saved."""
HUNG = 3.0
"""Times the longest training job of a search: one that runs for longer hangs."""
HUNG_UNKNOWN = 12 * HOUR
"""The same where none has ended."""


class Wrong(NamedTuple):
    """A cause: when it began, when it is visible in what AWS answers, when it ended, and whether it must be told.

    Times are Unix seconds. ``visible`` is None when it never is.
    """

    cause: Cause
    began: float
    visible: float | None
    ended: float
    must: bool


class Facts(NamedTuple):
    """A life and what all looks need of it."""

    life: Told
    spans: list[Span]
    over: float
    """When it stopped to be in progress."""

    def must(self, cause: Cause) -> bool:
        return cause in self.life.course.injects

    def first(self, holds: Callable[[Span], bool]) -> float | None:
        """Return from when something held while it was in progress."""
        return next((s.since for s in self.spans if s.state.status == "InProgress" and holds(s)), None)

    @property
    def last_launch(self) -> float:
        return max((trial.created for trial in self.life.trials), default=self.life.created)

    def launch_after(self, moment: float) -> float | None:
        """Return when the next training job is launched: only that shows that AWS does not end what it is to end by itself."""
        return min((trial.created for trial in self.life.trials if trial.created > moment), default=None)

    def outlasted(self, moment: float, since: float) -> float:
        """Return when one that ran at a moment, since another, has run for so long that it must hang, or AWS tells nothing new."""
        lengths = [t.ended - (t.started or t.created) for t in self.life.trials if t.ended < moment]
        return since + (HUNG * max(lengths) if lengths else HUNG_UNKNOWN)


def wrongs(life: Told) -> list[Wrong]:
    """Return all that is wrong with a tuning job."""
    spans = [*life.spans()]
    over = max((span.until for span in spans if span.state.status == "InProgress"), default=life.created)
    facts = Facts(life, spans, over)
    return [wrong for look in _LOOKS for wrong in look(facts)]


def _in_status(facts: Facts) -> Iterator[Wrong]:
    """What failed, or does not come to an end, is wrong whatever led to it."""
    for status, cause in (("Failed", Cause.FAILED), ("DeleteFailed", Cause.UNDELETED)):
        for span in facts.spans:
            if span.state.status == status:
                yield Wrong(cause, span.since, span.since, min(span.until, span.since + DAY), must=True)
                break
    for status in ("Stopping", "Deleting"):
        held = [span for span in facts.spans if span.state.status == status]
        if held and held[-1].until - held[0].since > LONG_STOP:
            yield Wrong(Cause.LINGERING, held[0].since, held[0].since, held[-1].until, facts.must(Cause.LINGERING))


def _fates(facts: Facts) -> Iterator[Wrong]:
    """Training jobs that failed, were cut off, or said nothing: by what was done to them, or by how many they were in the end."""
    seen = [trial for trial in facts.life.trials if trial.ended < min(facts.over, math.inf)]
    limits = [definition.max_runtime for definition in facts.life.scenario.definitions]
    cut = [
        trial
        for trial in seen
        if trial.outcome == "Stopped"
        and trial.started is not None
        and trial.ended - trial.started >= limits[trial.definition] - 1
    ]
    mute = [trial for trial in seen if trial.outcome == "Completed" and trial.objective is None]
    reasons = {job.trial.number: job.reason for job in facts.life.training_jobs}
    for cause, befallen, several in (
        (Cause.FAILING, [trial for trial in seen if trial.outcome == "NonRetryableError"], SEVERAL),
        (Cause.RETRIED, [trial for trial in seen if trial.outcome == "RetryableError"], SEVERAL),
        (Cause.OUT_OF_MEMORY, [t for t in seen if reasons.get(t.number) == "out_of_memory"], SEVERAL),
        (Cause.NO_CAPACITY, [t for t in seen if reasons.get(t.number) in {"capacity", "quota"}], SEVERAL),
        (Cause.CUT_OFF, cut, SEVERAL),
        (Cause.PARTLY_MUTE, mute, SEVERAL),
        (Cause.MUTE, mute, 2),
    ):
        must = facts.must(cause)
        if cause is Cause.MUTE and any(trial.objective is not None for trial in seen):
            continue
        if befallen and (must or cause in facts.life.course.excuses or len(befallen) >= MANY * len(seen)):
            ends = sorted(trial.ended for trial in _befallen(facts, befallen, cause))
            visible = ends[several - 1] if len(ends) >= several else None
            must = must and visible is not None  # so few may be chance
            # A search that says nothing at all is no better for having launched the last of its training jobs.
            over = facts.over if cause is Cause.MUTE or len(ends) >= MANY * len(seen) else ends[-1]
            yield Wrong(cause, ends[0], visible, over, must)


def _befallen(facts: Facts, trials: Sequence[Trial], cause: Cause) -> Sequence[Trial]:
    """Return those of the spells that are about a cause, all without such."""
    about = {
        Cause.FAILING: "failing",
        Cause.OUT_OF_MEMORY: "failing",
        Cause.RETRIED: "retried",
        Cause.NO_CAPACITY: "retried",
        Cause.MUTE: "mute",
        Cause.PARTLY_MUTE: "mute",
    }
    spells = [s for s in facts.life.scenario.spells if cause in about and getattr(s, about[cause])]
    inside = [trial for trial in trials if any(spell.holds(trial.number - 1) for spell in spells)]
    return inside or trials


def _nan(facts: Facts) -> Iterator[Wrong]:
    if facts.life.course.nan:
        seen = facts.first(lambda span: span.state.best is not None)
        yield Wrong(Cause.NAN, facts.life.created, seen, facts.over, facts.must(Cause.NAN))


def _standing_still(facts: Facts) -> Iterator[Wrong]:
    life = facts.life
    cause = Cause.PENDING if life.course.pending else Cause.IDLE
    if life.frozen is not None:
        runs = facts.spans[-1].state.in_progress > 0  # for all that AWS tells
        visible = facts.outlasted(life.frozen, life.frozen) if runs else life.frozen
        yield Wrong(Cause.FROZEN if runs else Cause.IDLE, life.frozen, visible, facts.over, facts.must(Cause.FROZEN))
    elif life.stalled is not None:
        # Before it stands still it launches nothing any more.
        began = max((trial.created for trial in life.trials), default=life.created)
        yield Wrong(cause, began, life.stalled if life.trials else life.created, facts.over, facts.must(cause))
    else:
        yield from _idle(facts)


def _idle(facts: Facts) -> Iterator[Wrong]:
    """Stretches of time in which nothing runs, though it is in progress."""
    since: float | None = None
    for span in facts.spans:
        idle = span.state.status == "InProgress" and span.state.in_progress == 0
        since = (span.since if since is None else since) if idle else None
        if since is not None and span.until - since > LONG_IDLE:
            yield Wrong(Cause.IDLE, since, since, span.until, must=False)


def _hanging(facts: Facts) -> Iterator[Wrong]:
    hung = [trial.started for trial in facts.life.trials if trial.ended == math.inf and trial.started is not None]
    if hung:
        visible = facts.outlasted(min(hung), max(hung))
        yield Wrong(Cause.HANGING, min(hung), visible, facts.over, facts.must(Cause.HANGING))


def _flat(facts: Facts) -> Iterator[Wrong]:
    """Nothing improves it from some moment to its end, and there is enough left that somebody could save by ending it."""
    life = facts.life
    trials = sorted((t for t in life.trials if t.objective is not None), key=lambda trial: trial.ended)
    gained, best = life.created, math.inf
    for trial in trials:
        surface = life.scenario.definitions[trial.definition].surface
        gap = surface.gap(trial.objective or 0.0)
        if best == math.inf or _gains(gap, best, surface.value(gap), surface.value(best), fine=life.course.fine):
            gained = trial.ended
        best = min(best, gap)
    launches = sorted(trial.created for trial in life.trials)
    if not launches or not trials:
        return
    worth = launches[min(math.floor(WORTH_STOPPING * len(launches)), len(launches) - 1)]
    since = sorted(t.ended for t in life.trials if t.ended > gained)
    limit = life.course.asked.max_not_improving
    enough = limit if limit is not None else math.ceil(DROUGHT * (life.course.asked.max_jobs or len(launches)))
    visible = since[enough - 1] if 0 < enough <= len(since) and since[enough - 1] < math.inf else None
    if limit is not None and visible is not None:
        visible = facts.launch_after(visible)
    if gained < worth:
        yield Wrong(Cause.FLAT, gained, visible, worth, facts.must(Cause.FLAT))


def _gains(gap: float, best_gap: float, value: float, best: float, *, fine: bool) -> bool:
    if fine:
        return gap < 0.95 * best_gap
    return gap < best_gap and abs(value - best) > 0.01 * abs(best)


def _converged(facts: Facts) -> Iterator[Wrong]:
    converged = next((span.state.converged for span in facts.spans if span.state.converged is not None), None)
    if converged is not None and converged < facts.last_launch:
        ends = facts.life.course.asked.on_convergence == "Enabled"
        visible = facts.launch_after(converged) if ends else converged
        yield Wrong(Cause.CONVERGED, converged, visible, facts.last_launch, facts.must(Cause.CONVERGED))


def _time(facts: Facts) -> Iterator[Wrong]:
    """Its limit cuts it off: with training jobs not launched, or not ended."""
    life = facts.life
    if life.limit is None or life.course.limit_is_budget or life.ended is None:
        return
    limit = life.created + life.limit
    failed = sum(trial.outcome == "NonRetryableError" for trial in life.trials)
    unlaunched = len(life.trials) - failed < (life.course.asked.max_jobs or 0)
    cut = any(trial.ended > limit for trial in life.trials)
    if limit <= life.ended and (unlaunched or cut):
        visible = life.created + NOTICED * life.limit
        yield Wrong(Cause.TIME, life.created, visible, limit, facts.must(Cause.TIME))


def _starved(facts: Facts) -> Iterator[Wrong]:
    if facts.must(Cause.STARVED) and facts.life.trials:
        spells = [spell for spell in facts.life.scenario.spells if spell.parallel is not None]
        first = min((spell.first for spell in spells), default=0)
        began = next((t.created for t in facts.life.trials if t.number > first), facts.last_launch)
        yield Wrong(Cause.STARVED, began, began, facts.last_launch, must=True)


def _target(facts: Facts) -> Iterator[Wrong]:
    life = facts.life
    target = life.course.asked.target
    if target is None:
        return

    def holds(span: Span) -> bool:
        if span.state.best is None:
            return False
        best = life.trials[span.state.best]
        surface = life.scenario.definitions[best.definition].surface
        return surface.gap(best.objective or 0.0) <= surface.gap(target)

    reached = facts.first(holds)
    if reached is not None and reached < facts.last_launch:
        visible = facts.launch_after(reached)
        yield Wrong(Cause.TARGET, reached, visible, facts.last_launch, facts.must(Cause.TARGET))


def _over_budget(facts: Facts) -> Iterator[Wrong]:
    """It has cost more than it may, by what is billed of the training jobs that have ended."""
    budget, spent = facts.life.budget, 0.0
    if budget is None:
        return
    for ended, hours in facts.life.billed():
        spent += hours
        if spent > budget:
            # Whoever pays is to know of it afterwards, too.
            until = max(facts.over, ended) + DAY
            yield Wrong(Cause.OVER_BUDGET, ended, ended, until, facts.must(Cause.OVER_BUDGET))
            return


def _spot(facts: Facts) -> Iterator[Wrong]:
    """Spot instances are asked for and billed like others."""
    if not facts.must(Cause.SPOT):
        return
    trained = 0.0
    for ended, hours in facts.life.billed():
        trained += hours
        if trained > WORTH_SAVING and ended < facts.over:
            yield Wrong(Cause.SPOT, facts.life.created, ended, facts.over, must=True)
            return


_LOOKS = (
    _over_budget,
    _spot,
    _in_status,
    _fates,
    _nan,
    _standing_still,
    _hanging,
    _flat,
    _converged,
    _time,
    _starved,
    _target,
)
