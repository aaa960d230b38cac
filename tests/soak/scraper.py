"""A scraper that compares each value with what the describe told that its age names."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
from faults.look import read
from support.web import client

from exporter.exposition.families.training_jobs import TRAINING_JOBS

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from faults.look import Scrape, Seen
    from soak.account import Account, Told
    from support.truth import Key

_OTHERS = frozenset(name for family in TRAINING_JOBS.families for name in family.series_names) | {
    # A list may tell a later one.
    "sagemaker_tuning_job_last_modified_timestamp_seconds"
}
_LATEST = 3
"""So many of the describes before the age that is shown: one may have been given up, and answered to nobody."""
_MOST_PROBLEMS = 20
_PAUSE = 0.4


class Scraper:
    """Scrapes until it is stopped: ``openmetrics``, compressed and on a new connection each time, or as plain text on a kept one.

    ``lock`` is held while it scrapes; ``trust`` and ``password`` are how it is let in. ``problems`` are the first of what
    was wrong.
    """

    def __init__(self, url: str, account: Account, trust: ssl.SSLContext, *, openmetrics: bool):
        self.password = ""
        self.lock = threading.Lock()
        self.scrapes = self.compared = 0
        self.problems: list[str] = []
        self.last: Scrape | None = None
        self._url, self._account, self._trust = url, account, trust
        self._openmetrics = openmetrics
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper")

    def start(self) -> None:
        """Begin to scrape."""
        self._thread.start()

    def stop(self) -> None:
        """Scrape no more."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        kept = None if self._openmetrics else self._client()
        while not self._stopping.is_set():
            try:
                with self.lock:
                    self._scrape(kept)
            except Exception as error:  # noqa: BLE001 - whatever it is: a scrape was lost
                self._tell(f"a scrape failed: {error!r}")
            self._stopping.wait(_PAUSE)
        if kept is not None:
            kept.close()

    def _client(self) -> httpx.Client:
        return client(self._url, verify=self._trust, auth=("prometheus", ""))

    def _scrape(self, kept: httpx.Client | None) -> None:
        asked = self._account.clock.time()
        options: dict[str, Any] = {"auth": ("prometheus", self.password)}
        if self._openmetrics:
            options["headers"] = {"Accept": "application/openmetrics-text; version=1.0.0"}
        if kept is None:
            with self._client() as new:
                answer = new.get("/metrics", **options)
        else:
            answer = kept.get("/metrics", **options)
        answer.raise_for_status()
        found = read(asked, self._account.clock.time(), answer.text)
        self.scrapes += 1
        for job, seen in found.jobs.items():
            if seen.values:
                self.compared += len(seen.values)
                if (wrong := wrong_in(seen, self._told(job, seen))) is not None:
                    self._tell(f"{job}, {found.came - (seen.last_success or 0):.1f} s old: {wrong}")
        self.last = found

    def _told(self, job: str, seen: Seen) -> list[Told]:
        region = next(value for label, value in next(iter(seen.values))[1] if label == "aws_region")
        return list(self._account.told.get((region, job), ()))

    def _tell(self, problem: str) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(f"{time.strftime('%H:%M:%S')} {problem}")


def wrong_in(seen: Seen, told: list[Told]) -> str | None:
    """Return what is wrong in a scrape of one tuning job that its describes were answered so; None if nothing is."""
    if seen.last_success is None:
        return "values without a last success"
    before = [each for each in told if each.asked <= seen.last_success][-_LATEST:]
    if not before:
        return "values without a describe"
    ours = _compared(seen.values)
    if any(ours == _compared(each.values) for each in before):
        return None
    expected = _compared(before[-1].values)
    differing = sorted(ours.keys() ^ expected.keys()) or sorted(k for k in ours if ours[k] != expected[k])
    name, labels = differing[0]
    return f"{name}{dict(labels)} is {ours.get(differing[0])}, and was {expected.get(differing[0])} in the answer"


def _compared(values: Mapping[Key, float]) -> dict[Key, float]:
    return {key: value for key, value in values.items() if key[0] not in _OTHERS}
