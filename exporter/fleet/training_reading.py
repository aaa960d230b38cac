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


@dataclass(frozen=True, slots=True)
class ListTrainings(Work):
    """A call of ListTrainingJobsForHyperParameterTuningJob, for the tuning job ``name``."""

    operation = Operation.LIST_TRAINING_JOBS
    page_size: int
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
            "MaxResults": self.page_size,
        }
        return reduce_trainings(api.list_training_jobs(request | ({"NextToken": self.token} if self.token else {})))


class Reading:
    """One reading of the list of a tuning job's training jobs, newest first and page by page, and when that is enough.

    New ones come first, so a page with one that was known before ends what is new; those that were open must have been
    seen, too. Where the counters of the describe tell more than that, a reading that ``reads_on`` goes on to the end. Not
    each does: a list may be some seconds behind a describe. What shifts while pages are read comes twice, or is missed
    and told by the counters.
    """

    def __init__(self, sums: TrainingSums, counters: Mapping[str, Number], *, reads_on: bool, most: int) -> None:
        self.counters = counters
        self.token: str | None = None
        self.capped = False
        self._sums = sums
        self._reads_on = reads_on
        self._most = most
        self._pages_left = 2 * -(-most // PAGE_SIZE)  # twice what it takes: pages may be short
        self._read = 0
        self._unseen = set(sums.open)
        self._new: set[int] = set()
        self._open: dict[int, Open] = {}
        self._met_known = False
        self.trained: list[str] = []
        """The names of those that the last page added and that had begun to train."""

    @property
    def page_size(self) -> int:
        """How many to ask for next."""
        return min(PAGE_SIZE, self._most - self._read)

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
        self._read += len(page.trainings) + page.unreadable
        self._pages_left -= 1
        self.token = page.next_token
        return failed

    def _take(
        self, training: Training, definitions: Sequence[Definition], classify: Callable[[str | None], str]
    ) -> str | None:
        digest = digest_of(training.name)
        self._unseen.discard(digest)
        if self._sums.has(digest):
            self._met_known |= digest not in self._new
        elif training.ended:
            self._met_known |= digest in self._sums.open
            self._open.pop(digest, None)
            self._new.add(digest)
            if training.seconds is not None:
                self.trained.append(training.name)
            return self._sums.add(training, definitions, classify)
        elif training.open:
            self._met_known |= digest in self._sums.open
            self._open[digest] = Open(training.start_time, instances_of(training, definitions))
        return None

    def is_over(self) -> bool:
        """Tell whether enough was read, or no more may be, and take that for what is open then. Ask after each page."""
        beyond: dict[int, Open] = {}
        if self.token is not None and not self._has_enough:
            if self._read < self._most and self._pages_left > 0:
                return False
            beyond = {digest: self._sums.open[digest] for digest in self._unseen}
            self.capped = self._sums.capped = True
        self._sums.open = beyond | self._open
        return True

    @property
    def _has_enough(self) -> bool:
        if not self._met_known or self._unseen:
            return False
        return not self._reads_on or not any(self._sums.missing(self.counters, len(self._open)))
