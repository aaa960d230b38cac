"""The operations of SageMaker on the tuning jobs of all accounts and regions."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from exporter.simulator import creation, listing, names, search, training_listing
from exporter.simulator.errors import ApiError, invalid, no_training_job, not_found
from exporter.simulator.jobs import Jobs
from exporter.simulator.life import Life
from exporter.simulator.sts import Caller

if TYPE_CHECKING:
    from exporter.clock import Clock

Operation = Callable[[Mapping[str, Any], str, Caller], dict[str, Any]]
"""Returns the answer to an input in a region for a caller, as in the API. Raises ApiError."""


class SageMaker:
    """Tuning jobs in any account and region, and the operations on them.

    Answers are late, in seconds of the clock. Entries of a list are up to ``list_lag`` old, so that a new job is not on it yet
    and a deleted job still is. Describes are ``describe_lag`` old, results of Search ``search_lag``. With
    ``filters_after_paging``, name and status only filter the jobs of a page, so that pages may be short or empty although more
    pages follow. The same is true for training jobs.

    ``stopping`` is how many seconds a job is Stopping after a request; None: as its scenario says. ``speed`` is that of jobs
    that a request creates.
    """

    def __init__(self, clock: Clock, *, seed: int, default_region: str, default_account_id: str) -> None:
        self.clock = clock
        self.default_region = default_region
        self.default_account_id = default_account_id
        self.list_lag = listing.LAG
        self.describe_lag = 0.0
        self.search_lag = 0.0
        self.filters_after_paging = False
        self.stopping: float | None = None
        self.speed = 1.0
        self._seed = seed
        self._lock = threading.Lock()
        self._jobs: defaultdict[tuple[str, str], Jobs] = defaultdict(Jobs)
        self._of_sagemaker: dict[str, Operation] = {
            "DescribeHyperParameterTuningJob": self._describe,
            "ListHyperParameterTuningJobs": self._list,
            "ListTags": self._list_tags,
            "Search": self._search,
            "CreateHyperParameterTuningJob": self._create,
            "StopHyperParameterTuningJob": self._stop,
            "DeleteHyperParameterTuningJob": self._delete,
            "ListTrainingJobsForHyperParameterTuningJob": self._list_training_jobs,
            "DescribeTrainingJob": self._describe_training_job,
        }

    def add(self, life: Life) -> None:
        """Add a tuning job. Raises ApiError if its name is in use, independent of case."""
        now = self.clock.time()
        with self._lock:
            jobs = self._jobs[life.account_id, life.region]
            earlier = jobs.get(life.name)
            if earlier is not None and (earlier.gone is None or now < earlier.gone):
                raise ApiError(
                    "ResourceInUse", f"A tuning job named {life.name} exists already in this account and region."
                )
            life.generation = 0 if earlier is None else earlier.generation + 1
            jobs.put(life)

    def delete(self, name: str, *, region: str | None = None, account_id: str | None = None) -> None:
        """Delete a tuning job at once. Its name may be used again. Raises ApiError if there is none."""
        now = self.clock.time()
        with self._lock:
            jobs = self._jobs[account_id or self.default_account_id, region or self.default_region]
            life = jobs.get(name)
            if life is None or (life.gone is not None and life.gone <= now):
                raise not_found(name)
            jobs.put(life.deleted(now))

    def forget_training_job(self, name: str, *, region: str | None = None, account_id: str | None = None) -> None:
        """Delete the record of a training job at once. Counters do not change. Raises ApiError if there is none."""
        now = self.clock.time()
        with self._lock:
            jobs = self._jobs[account_id or self.default_account_id, region or self.default_region]
            if not jobs.forget_training_job(name, now):
                raise no_training_job()

    def _life(self, account_id: str, region: str, name: str) -> Life:
        with self._lock:
            life = self._jobs[account_id, region].get(name)
        if life is None:
            raise not_found(name)
        return life

    def _describe(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        life = self._life(caller.account_id, region, names.name_of(content))
        now = self.clock.time()
        return life.at(max(now - self.describe_lag, min(life.created, now)))

    def _create(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        name, asked = names.name_of(content), creation.read(content, speed=self.speed)
        life = Life(
            name,
            asked.scenario,
            region=region,
            account_id=caller.account_id,
            created=self.clock.time(),
            speed=asked.speed,
            seed=self._seed,
            tags=asked.tags,
            constant=asked.constant,
        )
        self.add(life)
        return {"HyperParameterTuningJobArn": life.arn}

    def _stop(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        name, now = names.name_of(content), self.clock.time()
        life = self._life(caller.account_id, region, name)
        status = life.state(now).status
        if status == "InProgress":
            stopped = life.stopped(now, self.stopping)
            with self._lock:
                self._jobs[caller.account_id, region].put(stopped)
        elif status != "Stopping":
            raise invalid([f"The tuning job {life.name} is {status} and cannot be stopped"])
        return {}

    def _delete(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        name = names.name_of(content)
        life = self._life(caller.account_id, region, name)
        status = life.state(self.clock.time()).status
        if status in {"InProgress", "Stopping"}:
            raise ApiError(
                "ResourceInUse", f"The tuning job {life.name} is {status}. Wait until it is Stopped, or stop it."
            )
        self.delete(name, region=region, account_id=caller.account_id)
        return {}

    def _list(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        now = self.clock.time()
        query = listing.read(content, owner=self._owner(caller, region), now=now)
        index = listing.Index(self.list_lag, filters_after_paging=self.filters_after_paging)
        with self._lock:
            return listing.answer(self._jobs[caller.account_id, region], query, now=now, index=index)

    def _list_training_jobs(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        now = self.clock.time()
        life = self._life(caller.account_id, region, names.name_of(content))
        if not life.exists(now):
            raise not_found(life.name)
        query = training_listing.read(content, owner=self._owner(caller, region), now=now)
        seen = listing.Index(self.list_lag).seen(life, now)
        return training_listing.answer(life, query, seen=seen, filters_after_paging=self.filters_after_paging)

    def _describe_training_job(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        name, now = names.training_job_name_of(content), self.clock.time()
        with self._lock:
            job = self._jobs[caller.account_id, region].training_job(name)
        if job is None or not job.exists(now):
            raise no_training_job()
        # A job younger than the lag is shown as it was at its creation.
        return job.at(max(now - self.describe_lag, job.trial.created))

    def _search(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        indexed = self.clock.time() - self.search_lag
        query = search.read(content, owner=self._owner(caller, region), now=indexed)
        with self._lock:
            return search.answer(self._jobs[caller.account_id, region], query, now=indexed)

    def _owner(self, caller: Caller, region: str) -> str:
        return f"{self._seed}/{caller.account_id}/{region}"

    def _list_tags(self, content: Mapping[str, Any], region: str, caller: Caller) -> dict[str, Any]:
        arn, name = names.arn_of(content)
        life = self._life(caller.account_id, region, name)
        if life.arn != arn or not life.exists(self.clock.time()):
            raise not_found(name)
        return {"Tags": life.tag_list()}
