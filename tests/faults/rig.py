"""A daemon, a simulator whose faults come and go, and a scraper that never stops looking."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from support.processes import PATIENCE, wait_until
from support.web import client as client_of

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.config.duration import format_duration
from exporter.config.specs import SpendSpec
from exporter.daemon import Daemon
from exporter.errors import ErrorCode
from exporter.sagemaker import SageMakerApi
from exporter.simulator.faults import Fault
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import open_socket, parse_address
from faults.cases import LISTS_WORK, MOMENTS, ROLE_CASE, SMALL_BUDGET, WAITING
from faults.look import Scrape, Seen, forget, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import trustme

    from exporter.config import Settings
    from exporter.sagemaker import Sessions
    from faults.cases import Case

ACCOUNT = "123456789012"
# These are seconds at the pace of a machine that does nothing else: a rig makes all of them longer where it is busy.
INTERVAL = 1.0
STALE_AFTER = 3.0
SPEND_INTERVAL = 2.0
CONNECT_TIMEOUT = 0.5
READ_TIMEOUT = 1.2
OTHER_READ_TIMEOUT = 1.3
"""After the reload, so that the daemon must replace threads and clients in the middle of the fault."""
PATIENT_TIMEOUT = 5.0
"""Where no fault is about time, so that a slow machine does not make it one."""

SMALL_RATE = 2.0
"""Less than its tuning jobs need of a target, in scope ``small budget``."""

NEIGHBOURS = 3
SPEED = 60.0  # something changes at every describe, and no job ends
LEAST_SCRAPES = 5
"""How often each phase is looked at, however slow the machine."""


class Recorder(Simulator):
    """A simulator that remembers when each tuning job was described."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.described: defaultdict[str, list[tuple[float, float]]] = defaultdict(list)

    def handle(self, request: Any) -> dict[str, Any]:
        began = time.time()
        try:
            return super().handle(request)
        finally:
            if request.operation == "DescribeHyperParameterTuningJob":
                self.described[request.content["HyperParameterTuningJobName"]].append((began, time.time()))


class Watched(NamedTuple):
    """A tuning job of the configuration; ``case`` is the fault that will strike it, None for a neighbour."""

    name: str
    region: str
    case: Case | None
    settings: dict[str, Any]
    scenario: str = "healthy"


@dataclass(slots=True)
class Phase:
    """When the faults of a moment began and were lifted, and when everybody was well again (Unix seconds)."""

    moment: str
    on: float
    off: float = 0.0
    well: float = 0.0


class Rig:
    """One stack. ``play`` takes it through all moments; what was seen is in ``scrapes``, ``phases`` and the log.

    ``pace`` is how long one of its seconds lasts.
    """

    def __init__(
        self,
        scope: str,
        label: str,
        cases: Sequence[Case],
        regions: Sequence[str],
        sessions: Sessions,
        authorities: tuple[trustme.CA, trustme.CA],
        bundle: Path,
        pace: float = 1.0,
    ) -> None:
        self.scope, self.cases, self.pace = scope, cases, pace
        self.simulator = Recorder()
        self.simulator.credentials_lifetime = 60.0  # so short that the SDK renews them for each call
        self._contexts = tuple(_context(authority) for authority in authorities)
        self._server = Server(self.simulator)
        self._own = {case.name: self._server_of(case) for case in cases if case.of_endpoint}
        self.jobs = tuple(self._jobs(label, regions, str(bundle)))
        self.lives = {
            job.name: self.simulator.create(
                job.scenario,
                job.name,
                region=job.region,
                created=time.time() - 60 * pace,
                speed=(SPEED if job.scenario == "healthy" else 1.0) / pace,
            )
            for job in self.jobs
        }
        self._version = "a"
        listener = open_socket(parse_address("127.0.0.1:0"))
        self.url = "http://{}:{}".format(*listener.getsockname()[:2])
        # One loader of the SDK's data for all daemons of the process: tens of megabytes each otherwise.
        self.daemon = Daemon(
            self._load,
            self._load(),
            [listener],
            SystemClock(),
            make_api=lambda spec: SageMakerApi(spec, sessions, self.daemon.telemetry),
        )
        self.target_of = {job.name: spec.name for spec in self._load().targets for job in spec.jobs}
        self.scrapes: list[Scrape] = []
        self.phases: list[Phase] = []

    def _server_of(self, case: Case) -> Server:
        return Server(self.simulator, tls=self._contexts[0] if case.name == "untrusted-tls" else None)

    def _jobs(self, label: str, regions: Sequence[str], bundle: str) -> Any:
        for i, case in enumerate(self.cases):
            settings: dict[str, Any] = {}
            if case.of_endpoint:
                settings = {"endpoint_url": self._own[case.name].url, "ca_bundle": bundle}
            if case.name == ROLE_CASE:
                settings = {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/{label}"}
                self.simulator.roles[settings["role_arn"]] = None
            yield Watched(f"{label}-{case.name}", regions[i % len(regions)], case, settings)
            if self.scope in WAITING:
                # A list spares describes only where there are several, and of one of them it will never tell a change.
                yield Watched(f"{label}-{case.name}-too", regions[i], case, settings)
                yield Watched(f"{label}-{case.name}-stuck", regions[i], case, settings, "stuck")
        if self.scope in {"everything", *WAITING}:
            return
        region = regions[0] if len(regions) == 1 else regions[-1]
        for i in range(NEIGHBOURS):
            yield Watched(f"{label}-neighbour-{i}", region, None, {})

    def _timeouts(self, job: Watched, read_timeout: float) -> dict[str, str]:
        """Return the time-outs of a tuning job's target; those of one region with faults all have the same."""
        if self.scope == "one job" or job.case is None or job.case.code is ErrorCode.TIMEOUT:
            return {}
        return {
            "connect_timeout": self._lasting(PATIENT_TIMEOUT),
            "read_timeout": self._lasting(PATIENT_TIMEOUT + read_timeout),
        }

    def _lasting(self, seconds: float) -> str:
        """Return so many seconds at the pace of this rig as a duration of the configuration."""
        return format_duration(seconds * self.pace)

    def _load(self) -> Settings:
        read_timeout = READ_TIMEOUT if self._version == "a" else OTHER_READ_TIMEOUT
        settings = parse(
            # JSON is YAML.
            json.dumps(
                {
                    "interval": self._lasting(INTERVAL),
                    "stale_after": self._lasting(STALE_AFTER),
                    **({"describe_max_age": "0s"} if self.describes_all else {}),
                    "collect": [
                        "definitions",
                        "best_training_job",
                        "hyperparameters",
                        "warm_start_parents",
                        *(["training_jobs"] if self.trained else []),
                    ],
                    "aws": {
                        "account_id": ACCOUNT,
                        "endpoint_url": self._server.url,
                        "sts_endpoint_url": self._server.url,
                        "requests_per_second": round(SMALL_RATE / self.pace, 3) if self.scope == SMALL_BUDGET else 100,
                        "connect_timeout": self._lasting(CONNECT_TIMEOUT),
                        "read_timeout": self._lasting(read_timeout),
                    },
                    "tuning_jobs": [
                        {"name": job.name, "region": job.region, "labels": {"version": self._version}}
                        | job.settings
                        | self._timeouts(job, read_timeout)
                        for job in self.jobs
                    ],
                }
            ),
            "faults.yaml",
        )
        # Shorter than anybody may configure.
        spend = SpendSpec(interval=SPEND_INTERVAL * self.pace) if self.trained else None
        return replace(settings, targets=tuple(replace(target, spend=spend) for target in settings.targets))

    @property
    def trained(self) -> bool:
        """Whether training jobs are collected: where each tuning job has its own fault, and its lists of them fail too."""
        return self.scope == "one job"

    @property
    def describes_all(self) -> bool:
        """Whether each tuning job is described in each round; else lists may spare that, as by default."""
        return self.scope not in WAITING or self.scope == SMALL_BUDGET

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for server in (self._server, *self._own.values()):
                running.enter_context(server)
            self._scraping = True
            self._scraper = threading.Thread(target=self._scrape)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._scraping = False
        self._scraper.join()
        self.daemon.request_stop()
        self._main.join()
        self._running.close()

    def play(self) -> None:
        """Have the faults come and go at every moment."""
        for moment in MOMENTS:
            phase = Phase(moment, time.time())
            self.phases.append(phase)
            self._play(phase)

    def _play(self, phase: Phase) -> None:
        with ExitStack() as faults:
            for case in self.cases:
                self._strike(case, faults)
            if phase.moment == "first round":
                self.start()
            if phase.moment == "during reload":
                wait_until(lambda: time.time() > phase.on + 0.7 * self.pace, what="calls that are held up")
                self._version = "b"
                self.daemon.request_reload("test").result()
            self._settle(lambda: time.time() > phase.on + 2.5 * self.pace and self._all(_dark))
            phase.off = time.time()
        self._settle(lambda: self._all(_well) and self._scrapes_since(phase.on) >= LEAST_SCRAPES)
        phase.well = time.time()

    def cycle(self) -> None:
        """Have the faults come and go once, in a hurry."""
        with ExitStack() as faults:
            for case in self.cases:
                self._strike(case, faults)
            self._settle(lambda: self._all(lambda seen, case: seen.codes == {case.code}))
        self._settle(lambda: self._all(_well))

    def forget(self) -> None:
        """Keep nothing of what was seen but the last scrape."""
        del self.scrapes[:-1]
        self.simulator.described.clear()
        forget()

    def start(self) -> None:
        """Start the daemon and the scraper."""
        self.daemon.start()
        self._main = threading.Thread(target=self.daemon.run)
        self._main.start()
        self._scraper.start()

    def _strike(self, case: Case, faults: ExitStack) -> None:
        if case.name == "refused":
            faults.enter_context(self._own[case.name].refusing())
        elif case.name == "untrusted-tls":
            server = self._own[case.name]
            server.tls = self._contexts[1]
            faults.callback(setattr, server, "tls", self._contexts[0])
        else:
            assert case.kind is not None
            fault = replace(Fault(case.kind, seconds=case.seconds * self.pace), **self._scope_of(case))
            self.simulator.faults.add(fault)
            faults.callback(self.simulator.faults.remove, fault)

    def _scope_of(self, case: Case) -> dict[str, Any]:
        job = next(job for job in self.jobs if job.case == case)
        if case.name == ROLE_CASE:
            return {"operation": "AssumeRole"}
        where = {"one job": {"name": job.name}, "everything": {}}.get(self.scope, {"region": job.region})
        return where | ({"operation": "DescribeHyperParameterTuningJob"} if self.scope == LISTS_WORK else {})

    def _settle(self, condition: Any) -> None:
        """Wait for a condition, or until patience ends: then the verdict tells what was wrong."""
        patience = PATIENCE * self.pace
        deadline = time.time() + patience
        wait_until(lambda: condition() or time.time() > deadline, timeout=2 * patience)

    def _all(self, condition: Any) -> bool:
        jobs = self.scrapes[-1].jobs if self.scrapes else {}
        return all(condition(jobs.get(job.name, Seen()), job.case) for job in self.jobs if job.case)

    def _scrapes_since(self, moment: float) -> int:
        """Return how many scrapes since then tell of tuning jobs, as those right after a start do not."""
        return sum(scrape.asked > moment and bool(scrape.jobs) for scrape in self.scrapes)

    def _scrape(self) -> None:
        pause = threading.Event()
        with client_of(self.url) as client:
            while self._scraping:
                asked = time.time()
                text = client.get("/metrics").text
                self.scrapes.append(read(asked, time.time(), text))
                pause.wait(self.pace * (0.1 if self.scope in {"one job", "one region"} else 0.25))


def _dark(seen: Seen, case: Case) -> bool:
    return not seen.values and seen.codes == {case.code}


def _well(seen: Seen, _: Case) -> bool:
    return bool(seen.values) and seen.up == 1


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context
