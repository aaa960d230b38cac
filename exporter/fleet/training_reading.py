"""Reads the list of a tuning job's training jobs page by page, adds them to the sums, and decides when to stop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.fleet.source import Operation, Work
from exporter.fleet.training_sums import Open, digest_of, instances_of
from exporter.tuning_job import TrainingsPage, name_key, reduce_trainings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.fleet.training_sums import Number, TrainingSums
    from exporter.sagemaker import Api
    from exporter.tuning_job import Definition, Training

PAGE_SIZE = 100
"""The most training jobs that the API returns on a page."""

_MOST_EMPTY_PAGES = 20
_CLOCKS_DIFFER = 60.0


@dataclass(frozen=True, slots=True)
class ListTrainings(Work):
    """A call of ListTrainingJobsForHyperParameterTuningJob, for the tuning job ``name``."""

    operation = Operation.LIST_TRAINING_JOBS
    token: str | None

    @property
    def key(self) -> str:
        """The name, independent of case."""
        return name_key(self.name)

    def make(self, api: Api) -> TrainingsPage:
        """Return the page."""
        request: dict[str, Any] = {
            "HyperParameterTuningJobName": self.name,
            "SortBy": "CreationTime",
            "SortOrder": "Descending",
            "MaxResults": PAGE_SIZE,
        }
        return reduce_trainings(api.list_training_jobs(request | ({"NextToken": self.token} if self.token else {})))


class Reading:
    """One reading of the list of a tuning job's training jobs, page by page, newest first.

    It stops at the first page with a training job that is already known, because all later ones are known too. But
    training jobs that were open must be read again, unless the counters of the describe say that all ended ones are known.
    The counters were read at ``counted_at`` (Unix seconds).

    If the counters say that some are still missing, a reading with ``reads_on`` continues to the end of the list. Other
    readings do not, because a list may be some seconds behind a describe. Entries may move between pages while these are
    read: an entry may then come twice, or be missed, which the counters show. At most ``most`` new training jobs are added.
    """

    def __init__(
        self, sums: TrainingSums, counters: Mapping[str, Number], counted_at: float, *, reads_on: bool, most: int
    ) -> None:
        self.counters = counters
        self.token: str | None = None
        self.capped = False
        self.most = most
        self._sums = sums
        self._counted_at = counted_at
        self._reads_on = reads_on
        self._known = len(sums) + len(sums.open)
        self._read = 0
        self._empty_pages = 0
        self._unseen = set(sums.open)
        self._new: set[int] = set()
        self._open: dict[int, Open] = {}
        self._met_known = False
        self._ended_since = False
        self._left_out = False
        self.trained: list[str] = []
        """The names of the training jobs that the last page added and that had started training."""

    def take(
        self, page: TrainingsPage, definitions: Sequence[Definition], classify: Callable[[str | None], str]
    ) -> list[tuple[Training, str]]:
        """Add the training jobs of a page. Return those that are newly known to have failed, each with its reason."""
        self.trained = []
        failed = [
            (training, reason)
            for training in page.trainings
            if (reason := self._take(training, definitions, classify)) is not None
        ]
        entries = len(page.trainings) + page.unreadable
        self._read += entries
        self._empty_pages += not entries
        self.token = page.next_token
        return failed

    def _take(
        self, training: Training, definitions: Sequence[Definition], classify: Callable[[str | None], str]
    ) -> str | None:
        digest = digest_of(training.name)
        self._unseen.discard(digest)
        if digest in self._sums.open or (self._sums.has(digest) and digest not in self._new):
            self._met_known = True
        elif digest not in self._new and digest not in self._open and len(self._new) + len(self._open) >= self.most:
            self._left_out = True
            return None
        if self._sums.has(digest):
            return None
        # A status that has ended, without an end time: count it as ended only in a later reading, which ``reads_on``.
        if training.ended or (self._reads_on and training.over):
            self._open.pop(digest, None)
            self._new.add(digest)
            self._ended_since |= training.end_time is None or training.end_time > self._counted_at - _CLOCKS_DIFFER
            if training.seconds is not None:
                self.trained.append(training.name)
            return self._sums.add(training, definitions, classify)
        if training.open:
            start = None if training.over else training.start_time
            self._open[digest] = Open(start, instances_of(training, definitions))
        return None

    def is_over(self) -> bool:
        """Return whether the reading is over; if so, store which training jobs are open. Call this after each page."""
        if self.token is not None and not self._has_enough:
            if not self._may_end:
                return False
            self.capped = self._sums.capped = True
        beyond = {} if self.token is None else {digest: self._sums.open[digest] for digest in self._unseen}
        self._sums.open = beyond | self._open
        return True

    @property
    def _may_end(self) -> bool:
        """Whether a limit is reached. The limits also end a list that repeats itself or has only empty pages."""
        return self._left_out or self._read >= self.most + self._known or self._empty_pages >= _MOST_EMPTY_PAGES

    @property
    def _has_enough(self) -> bool:
        if not self._met_known:
            return False
        open_ = len(self._open) + len(self._unseen)
        if self._unseen:
            # No counter changes when a training job starts training. And one that ended after the describe may have the
            # place of another one in the counters.
            waits = any(self._sums.open[digest].start is None for digest in self._unseen)
            if waits or self._ended_since or not self.counters or not self._sums.agree(self.counters, open_):
                return False
        return not self._reads_on or not any(self._sums.missing(self.counters, open_))
