"""The simulated AWS of a soak: tuning jobs that come and go in two regions, and what each describe told of them."""

from __future__ import annotations

import os
import time
from collections import deque
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from support.truth import expected_series

from exporter.simulator.errors import ApiError
from exporter.simulator.scenario import SCENARIOS
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from random import Random

    from support.truth import Key

    from exporter.clock import Clock
    from exporter.simulator.life import Life

ROLE_ACCOUNT, KEY_ACCOUNT = "111111111111", "222222222222"
ROLE = f"arn:aws:iam::{ROLE_ACCOUNT}:role/soak"
PLACES = (("us-east-1", ROLE_ACCOUNT), ("eu-west-1", KEY_ACCOUNT))
"""Region and account: the first is called by a role, the second with keys of a file."""

PREFIX = "soak-"
_KEPT = 60
"""Of the answers about one tuning job: more than the retries of one that fails until its values go."""
_RENEWED_BEFORE = 900.0
"""So many seconds before they expire, the SDK renews credentials."""


class Told(NamedTuple):
    """What a describe was answered: since when it was asked, in Unix seconds of the simulator, and with which values."""

    asked: float
    values: Mapping[Key, float]


class Account(Simulator):
    """Two accounts whose keys last for ``lasting`` seconds of the clock, which passes ``speed`` times as fast as the machine's."""

    def __init__(self, clock: Clock, speed: float, lasting: float, life_speed: float, rng: Random) -> None:
        super().__init__(clock, default_account_id=KEY_ACCOUNT, require_signature=True)
        self.told: dict[tuple[str, str], deque[Told]] = {}
        self.created = 0
        self.renewed = 0
        self.roles[ROLE] = None
        self._speed, self._lasting, self._life_speed = speed, lasting, life_speed
        self._rng = rng
        self._lives: list[Life] = []
        self._keys = 0

    def come(self, region: str, account_id: str) -> Life:
        """Create a tuning job; some have the name of an earlier one, which is gone."""
        now = self.clock.time()
        free = [life.name for life in self._current() if life.region == region and not life.exists(now)]
        name = self._rng.choice(free) if free and self._rng.random() < 0.2 else f"{PREFIX}{self.created:05}"
        life = self.create(
            self._rng.choice(sorted(SCENARIOS)),
            name,
            region=region,
            account_id=account_id,
            speed=self._life_speed * self._rng.uniform(0.7, 4.0),
            seed=self.created,
            tags={"team": self._rng.choice(("search", "growth", "risk"))},
        )
        self._lives = [each for each in self._lives if each.name != name or each.region != region]
        self._lives.append(life)
        self.created += 1
        return life

    def stop(self, life: Life) -> None:
        """Ask a tuning job to stop, if it runs."""
        self._ask("StopHyperParameterTuningJob", life)

    def go(self, life: Life) -> None:
        """Delete a tuning job, unless it runs."""
        self._ask("DeleteHyperParameterTuningJob", life)

    def running(self, seconds: float) -> Iterator[Life]:
        """Yield the tuning jobs that have been in progress for so many seconds and still are."""
        now = self.clock.time()
        for life in self._current():
            if life.created <= now - seconds and life.exists(now) and life.state(now).status == "InProgress":
                yield life

    def forget(self, seconds: float) -> None:
        """Keep no answers about tuning jobs that ended so many seconds ago."""
        now = self.clock.time()
        for life in self._current():
            ended = life.gone if life.ended is None else life.ended
            if ended is not None and ended < now - seconds:
                self.told.pop((life.region, life.name), None)

    def new_keys(self, file: Path) -> None:
        """Put new keys into a file of the SDK; they expire like those of a role."""
        self._keys += 1
        key, token = f"AKIASOAK{self._keys:012}", f"token-{self._keys}"
        self.add_credentials(key, KEY_ACCOUNT, session_token=token, expires=self.clock.time() + self._lasting)
        new = file.with_suffix(".new")
        new.write_text(
            f"[default]\naws_access_key_id = {key}\naws_secret_access_key = soak\naws_session_token = {token}\n"
        )
        os.replace(new, file)

    def _current(self) -> list[Life]:
        """Return the lives as they are now that some were stopped or deleted."""
        found = []
        for life in self._lives:
            try:
                found.append(self._life(life.account_id, life.region, life.name))
            except ApiError:
                continue
        return found

    def _ask(self, operation: str, life: Life) -> None:
        try:
            self._call(operation, {"HyperParameterTuningJobName": life.name}, life.region, life.account_id)
        except ApiError:
            return  # it does not run, or runs, or is gone: then there is nothing to do

    def _describe(self, content: Mapping[str, Any], region: str, caller: Any) -> dict[str, Any]:
        asked = self.clock.time()
        answer = super()._describe(content, region, caller)
        name = answer["HyperParameterTuningJobName"]
        identity = {"aws_account_id": caller.account_id, "aws_region": region, "tuning_job": name}
        told = self.told.setdefault((region, name), deque(maxlen=_KEPT))
        told.append(Told(asked, expected_series(answer, identity)))
        return answer

    def _assume_role(self, content: Mapping[str, Any], region: str, caller: Any) -> dict[str, Any]:
        """Hand out credentials that the SDK renews when half their time has passed: it looks at the machine's clock."""
        answer = super()._assume_role(content, region, caller)
        self.renewed += 1
        expires = time.time() + _RENEWED_BEFORE + 0.5 * self._lasting / self._speed
        answer["Credentials"]["Expiration"] = datetime.fromtimestamp(expires, UTC).isoformat()
        return answer
