"""A soak: an exporter in a process of its own, an AWS that troubles it day after day, and two scrapers that check all it says."""

from __future__ import annotations

import heapq
import json
import os
import random
import signal
import ssl
import sys
import time
from collections import Counter
from contextlib import ExitStack
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import bcrypt
from soak.account import PLACES, PREFIX, ROLE, Account
from soak.clock import FastClock
from soak.holdings import Held, held
from soak.scraper import Scraper
from soak.troubles import A_DAY, DAY, QUIET_FROM, events, fault
from support.processes import PATIENCE, Child, wait_until
from support.tls import Authority
from support.tools import ROOT

from exporter.simulator.server import Server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_HOUR = 3600.0
_KEYS_LAST = 1.2 * DAY / A_DAY["new keys"]
_LOOKS = 4
"""How often in the quiet hours of a day it is looked whether all is well, before that is a problem."""


class Pace(NamedTuple):
    """How fast a day of the simulated AWS passes: ``seconds`` on the machine's clock.

    The exporter's clock passes ``speed`` times as fast as the machine's. Where that does not suffice, its intervals and
    the lives of tuning jobs are shorter by ``factor``.
    """

    seconds: float
    speed: float

    @property
    def factor(self) -> float:
        """What a simulated second is on the exporter's clock."""
        return self.seconds * self.speed / DAY


class Soak:
    """One soak of so many days. ``run`` plays it; what was wrong is in ``problems``, what the exporter held in ``samples``."""

    def __init__(self, directory: Path, pace: Pace, days: int, seed: int) -> None:
        self.pace, self.days = pace, days
        self.clock = FastClock.start(pace.speed)
        self.happened: Counter[str] = Counter()
        self.samples: list[Held] = []
        self._problems: list[str] = []
        self._rng = random.Random(seed)
        self._directory = directory
        self._authority = Authority(directory)
        self.account = Account(
            self.clock, pace.speed, _KEYS_LAST * pace.factor, 1 / pace.factor, random.Random(seed + 1)
        )
        self._aws = Server(self.account, tls=self._context())
        self._version = 0
        self._queue: list[tuple[float, int, Callable[[], object]]] = []
        self._number = count()
        self._well = False
        self._doings: dict[str, Callable[[float], object]] = {
            "a tuning job comes": self._come,
            "a fault": self._strike,
            "an outage": self._cut,
            "a reload": lambda _: self._reload(),
            "a bad configuration": self._break,
            "new keys": lambda _: self._replace_keys(),
            "a new certificate of AWS": lambda _: setattr(self._aws, "tls", self._context()),
            "a new certificate of the exporter": lambda _: self._replace_certificate(),
            "a new password": lambda _: self._replace_password(),
        }

    def __enter__(self) -> Self:
        with ExitStack() as running:
            running.enter_context(self._aws)
            self._configure()
            self._replace_keys()
            self._replace_certificate()
            password = self._write_password()
            for region, account_id in PLACES:
                self.account.come(region, account_id)
            self.exporter = running.enter_context(self._start())
            url = wait_until(self._url, what="the address that the exporter serves")
            trust = self._authority.context()
            self.scrapers = [Scraper(url, self.account, trust, openmetrics=each) for each in (True, False)]
            for scraper in self.scrapers:
                scraper.password = password
                scraper.start()
                running.callback(scraper.stop)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    @property
    def problems(self) -> list[str]:
        """What was wrong so far."""
        return [*self._problems, *(problem for scraper in self.scrapers for problem in scraper.problems)]

    def run(self, on_day: Callable[[int], object]) -> None:
        """Play all days; ``on_day`` is called at the end of each with its number."""
        for at, what in events(self.days, self._rng):
            self._at(at, lambda at=at, what=what: self._do(what, at))  # type: ignore[misc]
        for day in range(self.days):
            quiet = (day * DAY + QUIET_FROM) + 2 * _HOUR
            for look in range(_LOOKS):
                self._at(quiet + look * _HOUR, lambda last=look == _LOOKS - 1: self._look(last))  # type: ignore[misc]
            self._at((day + 1) * DAY - 60, lambda day=day: self._end_day(day, on_day))  # type: ignore[misc]
        end = self.days * DAY * self.pace.factor
        while self._queue and self._queue[0][0] < end:
            at, _, act = heapq.heappop(self._queue)
            self.clock.sleep_until(at)
            if not self.exporter.running:
                raise RuntimeError(f"the exporter has ended:\n{self.exporter.output()[-3000:]}")
            act()

    def log_problems(self) -> list[str]:
        """Return the lines of the exporter's output that tell of a defect: those it says so of, and all that it has not logged."""
        lines = self.exporter.output().splitlines()
        return [line for line in lines if 'msg="internal error' in line or not line.startswith("ts=")]

    def _at(self, simulated: float, act: Callable[[], object]) -> None:
        heapq.heappush(self._queue, (simulated * self.pace.factor, next(self._number), act))

    def _do(self, what: str, at: float) -> None:
        self.happened[what] += 1
        self._doings[what](at)

    def _end_day(self, day: int, on_day: Callable[[int], object]) -> None:
        self.samples.append(held(self.exporter.pid))
        self.account.forget(1.5 * DAY * self.pace.factor)
        self._well = False
        on_day(day)

    # What happens

    def _come(self, at: float) -> None:
        life = self.account.come(*self._rng.choice(PLACES))
        # Some would run for ever, and then each day would have more of them than the one before.
        stops = at + self._rng.uniform(0.5, 14.0) * _HOUR
        self._at(stops, lambda: self.account.stop(life))
        if self._rng.random() < 0.3:
            self._at(stops + self._rng.uniform(0.5, 4.0) * _HOUR, lambda: self.account.go(life))

    def _until(self, at: float, hours: float) -> float:
        """Return a moment so many hours later at the most, but before the day is quiet."""
        return min(at + self._rng.uniform(0.1, hours) * _HOUR, at - at % DAY + QUIET_FROM)

    def _strike(self, at: float) -> None:
        struck = self.account.faults.add(fault(self._rng))
        self._at(self._until(at, 3.0), lambda: self.account.faults.remove(struck))

    def _cut(self, at: float) -> None:
        """Refuse connections for a while, in which nothing else happens."""
        with self._aws.refusing():
            self.clock.sleep_until(self._until(at, 0.5) * self.pace.factor)

    def _reload(self) -> None:
        self._version += 1
        self._configure()
        os.kill(self.exporter.pid, signal.SIGHUP)

    def _break(self, at: float) -> None:
        self._write("config.yaml", "discover: [{name_contains: 5}, {nonsense: 1}]\n")
        os.kill(self.exporter.pid, signal.SIGHUP)
        self._at(self._until(at, 2.0), self._reload)

    def _replace_keys(self) -> None:
        self.account.new_keys(self._directory / "credentials")

    def _replace_certificate(self) -> None:
        pair = self._authority.issue()
        for new, name in ((pair.cert, "served.pem"), (pair.key, "served.key")):
            os.replace(new, self._directory / name)

    def _replace_password(self) -> None:
        with ExitStack() as held_up:
            for scraper in self.scrapers:
                held_up.enter_context(scraper.lock)
            password = self._write_password()
            for scraper in self.scrapers:
                scraper.password = password

    # Whether all is well

    def _look(self, last: bool) -> None:
        """In the quiet hours everything must become well. The last look waits for it: the machine may be busy."""
        gives_up = time.monotonic() + (PATIENCE if last else 0.0)
        while not self._well:
            wrong = self._wrong()
            self._well = not wrong
            if time.monotonic() >= gives_up:
                break
            self._replace_keys()  # they expire while this waits
        if last and not self._well:
            self._problems.append(f"not well at the end of a day: {'; '.join(wrong[:3])}")

    def _wrong(self) -> list[str]:
        """Return what is not well of the tuning jobs that have run for a while."""
        hour = _HOUR * self.pace.factor
        wrong = []
        asked = self.clock.time()
        lives = list(self.account.running(hour))
        for scraper in self.scrapers:
            wait_until(lambda scraper=scraper: scraper.last and scraper.last.asked > asked, what="a scrape")  # type: ignore[misc]
            assert scraper.last is not None
            for life in lives:
                seen = scraper.last.jobs.get(life.name)
                if seen is None or not seen.values or seen.up != 1 or seen.codes:
                    wrong.append(f"{life.name} is {'not there' if seen is None else f'up {seen.up} {seen.codes}'}")
                elif asked - (seen.last_success or 0.0) > 1.2 * hour:
                    wrong.append(f"{life.name} was described {asked - (seen.last_success or 0.0):.0f} s ago")
                elif seen.version != str(self._version):
                    wrong.append(f"{life.name} has version {seen.version} of the configuration, not {self._version}")
        return wrong

    # Files, and the process

    def _start(self) -> Child:
        environment = {
            **os.environ,
            "AWS_SHARED_CREDENTIALS_FILE": str(self._directory / "credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests"))),
        }
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            environment.pop(name, None)
        command = [sys.executable, "-m", "soak.exporter_process", json.dumps(self.clock)]
        command += ["--config.file", str(self._directory / "config.yaml"), "--web.listen-address=127.0.0.1:0"]
        command += ["--web.config.file", str(self._directory / "web.yaml")]
        return Child(command, log=self._directory / "log", environment=environment)

    def _url(self) -> str | None:
        assert self.exporter.running, self.exporter.output()
        found = self.exporter.output().partition("addresses=127.0.0.1:")[2]
        return f"https://127.0.0.1:{found.split()[0]}" if found else None

    def _write(self, name: str, text: str) -> None:
        new = self._directory / f"{name}.new"
        new.write_text(text)
        os.replace(new, self._directory / name)

    def _write_password(self) -> str:
        password = f"password-{self._rng.getrandbits(40):x}"
        pair = {"cert": self._directory / "served.pem", "key": self._directory / "served.key"}
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
        tls = "tls_server_config:\n" + "".join(f"  {name}_file: {file}\n" for name, file in pair.items())
        self._write("web.yaml", f"{tls}basic_auth_users:\n  prometheus: {hashed}\n")
        return password

    def _context(self) -> ssl.SSLContext:
        pair = self._authority.issue("localhost", "127.0.0.1")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pair.cert, pair.key)
        for file in pair.cert, pair.key:
            file.unlink()
        return context

    def _configure(self) -> None:
        def lasting(seconds: float) -> str:
            return f"{max(1000, round(1000 * seconds * self.pace.factor))}ms"

        wait = f"{round(1000 * min(300.0, 0.2 * self.pace.speed + 1.0))}ms"
        rule = {"name_contains": PREFIX, "created_within": "1d", "labels": {"version": str(self._version)}}
        configuration: dict[str, Any] = {
            "interval": lasting(self._rng.choice((240.0, 300.0, 360.0))),
            "stale_after": lasting(900.0),
            "retention": lasting(self._rng.choice((6.0, 12.0)) * _HOUR),
            "describe_max_age": lasting(1800.0),
            "collect": [
                *("definitions", "best_training_job", "hyperparameters", "warm_start_parents"),
                *(["training_jobs"] if self._version % 3 else []),
            ],
            "tag_labels": ["team"] if self._version % 2 else [],
            "aws": {
                **dict.fromkeys(("endpoint_url", "sts_endpoint_url"), self._aws.url),
                "ca_bundle": str(self._authority.file),
                "connect_timeout": wait,
                "read_timeout": wait,
                "requests_per_second": 100,
            },
            "discover": [
                {**rule, "region": PLACES[0][0], "role_arn": ROLE},
                {**rule, "region": PLACES[1][0]},
            ],
        }
        self._write("config.yaml", json.dumps(configuration))
