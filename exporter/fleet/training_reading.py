"""Reading the list of a tuning job's training jobs into their sums: page by page, and when that is enough."""

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
"""The most that the API puts on a page."""

_MOST_EMPTY_PAGES = 20
_CLOCKS_DIFFER = 60.0


@dataclass(frozen=True, slots=True)
class ListTrainings(Work):
    """A call of ListTrainingJobsForHyperParameterTuningJob, for the tuning job ``name``."""

    operation = Operation.LIST_TRAINING_JOBS
    token: str | None

    @property
    def key(self) -> str:
        """The name without its case."""
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
    """One reading of the list of a tuning job's training jobs, newest first and page by page, and when that is enough.

    New ones come first, so a page with one that was known before ends what is new. Those that were open must be seen, too,
    unless the counters of the describe, taken at ``counted_at`` (Unix seconds), tell that all that ended are known. Where
    they tell of more, a reading that ``reads_on`` goes on to the end. Not each does: a list may be some seconds behind a
    describe. What shifts while pages are read comes twice, or is missed and told by the counters. ``most`` bounds how many
    are taken that were not known before.
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
        """The names of those that the last page added and that had begun to train."""

    def take(
        self, page: TrainingsPage, definitions: Sequence[Definition], classify: Callable[[str | None], str]
    ) -> list[tuple[Training, str]]:
        """Take a page, and return those that have failed and were not known to, with the reason of each."""
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
        # What ended without being told when is taken for ended only once it has been waited for.
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
        """Tell whether enough was read, or no more may be, and take that for what is open then. Ask after each page."""
        if self.token is not None and not self._has_enough:
            if not self._may_end:
                return False
            self.capped = self._sums.capped = True
        beyond = {} if self.token is None else {digest: self._sums.open[digest] for digest in self._unseen}
        self._sums.open = beyond | self._open
        return True

    @property
    def _may_end(self) -> bool:
        """Whether no more may be read. A list that repeats itself, or that is empty, might have no end."""
        return self._left_out or self._read >= self.most + self._known or self._empty_pages >= _MOST_EMPTY_PAGES

    @property
    def _has_enough(self) -> bool:
        if not self._met_known:
            return False
        open_ = len(self._open) + len(self._unseen)
        if self._unseen:
            # That one begins to train changes no counter, and one that ended since may stand for another that did before.
            waits = any(self._sums.open[digest].start is None for digest in self._unseen)
            if waits or self._ended_since or not self.counters or not self._sums.agree(self.counters, open_):
                return False
        return not self._reads_on or not any(self._sums.missing(self.counters, open_))
