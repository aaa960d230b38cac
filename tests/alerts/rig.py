"""Simulator, exporters, and for each major version a Prometheus with the shipped rules and an Alertmanager behind it."""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import httpx
import yaml
from alerts.cases import (
    ACCESS_DENIED,
    AWAY,
    BLIND,
    BLIND_REGION,
    DENIED,
    DOWN,
    FAILED,
    HEALTHY,
    JOB_FAILED,
    JOB_STUCK,
    JOBS,
    STUCK,
    TEAMS,
    Alert,
    Job,
)
from render_rules import divide, dump, load, render
from support.alertmanager import AlertingPrometheus, Alertmanager, Inbox, Notification
from support.processes import PATIENCE, Child, free_port, wait_until
from support.tools import ROOT
from support.web import get

from exporter.clock import SystemClock
from exporter.config.duration import format_duration
from exporter.simulator.faults import Fault, Kind
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

SPEED = 180.0
"""By which rules, tuning jobs and Alertmanager run faster than they are shipped, on a machine that does nothing else.

Beyond about 240 the seconds between scrapes are too long for the shortest durations. On a busy machine everything takes
its time: each second that is written here is then so much longer that scrapes come to their end.
"""

RISK_ROLE = "arn:aws:iam::210987654321:role/tuning-metrics"
ROUTES = ROOT / "deploy" / "compose" / "alertmanager.yml"


class Programs(NamedTuple):
    """The binaries of one major version."""

    prometheus: Path
    alertmanager: Path


class Side:
    """One Prometheus and one Alertmanager. ``before_repair`` is what had arrived when the troubles were mended."""

    def __init__(self, programs: Programs, directory: Path, scrape_job: Mapping[str, Any], pace: float) -> None:
        self.inbox = Inbox()
        self.before_repair: list[Notification] = []
        self.rules: list[dict[str, Any]] = []
        self._alertmanager = Alertmanager(
            programs.alertmanager,
            directory / "alertmanager",
            routes(yaml.safe_load(ROUTES.read_text()), self.inbox.url, SPEED / pace),
        )
        rules = directory / "rules.yaml"
        rules.write_text(dump(render(load(), speed=SPEED / pace)))
        self.prometheus = AlertingPrometheus(
            programs.prometheus,
            directory / "prometheus",
            [dict(scrape_job)],
            alertmanager=self._alertmanager.address,
            rule_files=[rules],
            # The alert that there is no exporter comes before Prometheus has found its Alertmanager.
            flags=[
                f"--scrape.discovery-reload-interval={format_duration(0.5 * pace)}",
                f"--rules.alert.resend-delay={format_duration(2 * pace)}",
            ],
            interval=0.25 * pace,
        )

    def __enter__(self) -> Self:
        with ExitStack() as running:
            for part in (self.inbox, self._alertmanager, self.prometheus):
                running.enter_context(part)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def watches(self) -> bool:
        """Tell whether Prometheus has values of every tuning job."""
        seen = {sample.labels["tuning_job"] for sample in self.prometheus.query("sagemaker_tuning_job_status")}
        return seen == {job.name for job in JOBS}

    def scrapes(self, *addresses: str) -> bool:
        """Tell whether Prometheus scrapes exactly these exporters, all well."""
        return {(target["labels"]["instance"], target["health"]) for target in self.prometheus.targets()} == {
            (address, "up") for address in addresses
        }

    def told(self, alert: Alert) -> list[Notification]:
        """Return what has arrived of an alert, wherever and with whatever other labels."""
        job = alert.labels.get("tuning_job")
        return [
            got for got in self.inbox.notifications if (got.alert, got.labels.get("tuning_job")) == (alert.name, job)
        ]

    def has(self, alert: Alert, status: str) -> bool:
        """Tell whether anybody was told that an alert fires, or is resolved."""
        return any(got.status == status for got in self.told(alert))

    def rests(self, job: Job) -> bool:
        """Tell whether no exporter will describe a tuning job soon, for it has ended."""
        due = f'sagemaker_tuning_job_next_describe_timestamp_seconds{{tuning_job="{job.name}"}} - time() < 3600'
        return not self.prometheus.query(due)

    def only_kept_firing(self, alert: Alert) -> bool:
        """Tell whether Prometheus no longer sees the condition of an alert that yet fires."""
        found = [each for each in self.prometheus.alerts() if each["labels"]["alertname"] == alert.name]
        return bool(found) and all(each["state"] == "firing" and "keepFiringSince" in each for each in found)


class Rig:
    """Everything, from the start of the ``with`` block to its end. ``play`` tells the story once, to all sides.

    ``pace`` is how long one of its seconds lasts.
    """

    def __init__(self, programs: Mapping[str, Programs], directory: Path, pace: float) -> None:
        self._directory = directory
        self._pace = pace
        self._simulator = Simulator(SystemClock())
        self._simulator.roles[RISK_ROLE] = None
        self._server = Server(self._simulator)
        self._pods = tuple(f"127.0.0.1:{free_port()}" for _ in range(2))
        self._targets = directory / "targets.json"
        self._announce()
        scrape_job = {
            "job_name": "sagemaker-tuning",
            "file_sd_configs": [{"files": [str(self._targets)]}],
            # On a busy machine a shorter one would fail now and then, and end every series of the exporter.
            "scrape_interval": format_duration(pace),
            "scrape_timeout": format_duration(pace),
        }
        self.sides = {version: Side(each, directory / version, scrape_job, pace) for version, each in programs.items()}

    def __enter__(self) -> Self:
        self._create(HEALTHY, "healthy")
        self._create(FAILED, "healthy")
        self._create(STUCK, "stuck", age_hours=6)
        self._create(DENIED, "healthy")
        self._configure(*JOBS)
        with ExitStack() as running:
            running.enter_context(self._server)
            for side in self.sides.values():
                running.enter_context(side)
            self._running = running.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def play(self) -> None:
        """Let troubles come, the exporter be replaced and AWS be away for a while, then the troubles go."""
        self._wait_for("firing", DOWN)
        refusal = self._simulator.faults.add(
            Fault(Kind.ACCESS_DENIED, operation="ListHyperParameterTuningJobs", region=BLIND_REGION)
        )
        first = self._running.enter_context(self._exporter(self._pods[0]))
        # At this speed the moments before its first answers are minutes in which it would see nothing.
        first.wait_until(lambda: _ready(self._pods[0]), what="the first answers")
        self._announce(self._pods[0])
        self._wait("values of every tuning job", Side.watches)
        self._replace(FAILED, "failed-at-once")
        denial = self._simulator.faults.add(
            Fault(Kind.ACCESS_DENIED, operation="DescribeHyperParameterTuningJob", name=DENIED.name)
        )
        second = self._running.enter_context(self._exporter(self._pods[1]))
        second.wait_until(lambda: _ready(self._pods[1]), what="its first answers too")
        self._announce(*self._pods)
        self._wait_for("firing", BLIND, JOB_FAILED, JOB_STUCK)
        self._swap(first)
        self._wait_for("firing", ACCESS_DENIED)
        self._simulator.faults.remove(denial)
        self._be_away()
        for side in self.sides.values():
            side.before_repair = side.inbox.notifications
        self._replace(STUCK, "healthy")
        self._simulator.faults.remove(refusal)
        self._configure(*(job for job in JOBS if job != FAILED))
        second.send(signal.SIGHUP)
        self._wait_for("resolved", DOWN, BLIND, ACCESS_DENIED, *AWAY, JOB_FAILED, JOB_STUCK)
        for side in self.sides.values():
            side.rules = side.prometheus.rules()

    def _swap(self, first: Child) -> None:
        """Let the second exporter stand alone, as a rollout does."""
        self._wait("both exporters to be scraped", lambda side: side.scrapes(*self._pods))
        self._announce(self._pods[1])
        self._wait("the second exporter to be scraped alone", lambda side: side.scrapes(self._pods[1]))
        first.terminate()

    def _be_away(self) -> None:
        """Let AWS answer nobody until values have ended and all teams know."""
        # Before that it is described, in vain too.
        self._wait(f"{FAILED.name} to rest", lambda side: side.rests(FAILED))
        outage = self._simulator.faults.add(Fault(Kind.SERVER_ERROR))
        self._wait_for("firing", *AWAY)
        self._wait(f"values to end and {JOB_STUCK} not to", lambda side: side.only_kept_firing(JOB_STUCK))
        self._simulator.faults.remove(outage)
        self._wait("values to be back", lambda side: not side.only_kept_firing(JOB_STUCK))

    def _wait_for(self, status: str, *alerts: Alert) -> None:
        for alert in alerts:
            self._wait(f"{alert} to be {status}", partial(Side.has, alert=alert, status=status))

    def _wait(self, what: str, condition: Callable[[Side], object]) -> None:
        for version, side in self.sides.items():
            try:
                wait_until(partial(condition, side), timeout=PATIENCE * self._pace, what=what)
            except TimeoutError as error:
                arrived = "\n".join(map(str, side.inbox.notifications))
                error.add_note(f"with Prometheus {version}, where had arrived:\n{arrived}")
                raise

    def _exporter(self, address: str) -> Child:
        flags = [f"--config.file={self._configuration}", f"--web.listen-address={address}"]
        return Child([sys.executable, "-m", "exporter", *flags], log=self._directory / f"exporter-{address}.log")

    @property
    def _configuration(self) -> Path:
        return self._directory / "exporter.json"

    def _configure(self, *jobs: Job) -> None:
        # JSON is YAML.
        text = json.dumps(
            {
                "interval": format_duration(self._pace),
                "stale_after": format_duration(5 * self._pace),
                "aws": {
                    "endpoint_url": self._server.url,
                    "sts_endpoint_url": self._server.url,
                    "requests_per_second": "100",
                },
                "tuning_jobs": [
                    {"name": job.name, "region": job.region, "labels": {"team": job.team}}
                    | ({"role_arn": RISK_ROLE} if job.team == "risk" else {})
                    for job in jobs
                ],
                "discover": [{"region": BLIND_REGION, "account_id": HEALTHY.account_id}],
            }
        )
        _write(self._configuration, text)

    def _announce(self, *addresses: str) -> None:
        _write(self._targets, json.dumps([{"targets": addresses}]))

    def _create(self, job: Job, scenario: str, age_hours: float = 0.2) -> None:
        self._simulator.create(
            scenario,
            job.name,
            region=job.region,
            account_id=job.account_id,
            created=time.time() - age_hours * 3600 * self._pace / SPEED,
            speed=SPEED / self._pace,
        )

    def _replace(self, job: Job, scenario: str) -> None:
        """Let a tuning job of the same name live another life."""
        self._simulator.delete(job.name, region=job.region, account_id=job.account_id)
        self._create(job, scenario)


def routes(shipped: Mapping[str, Any], url: str, speed: float) -> dict[str, Any]:
    """Return the shipped routing so many times faster, for two teams, with every receiver's webhook at a URL."""
    (first,) = shipped["route"]["routes"]
    by_team = [
        {"receiver": team, "matchers": [matcher.replace(first["receiver"], team) for matcher in first["matchers"]]}
        for team in TEAMS
    ]
    times = {key: divide(shipped["route"][key], speed) for key in ("group_wait", "group_interval")}
    receivers = [{"name": name, "webhook_configs": [{"url": url}]} for name in (shipped["route"]["receiver"], *TEAMS)]
    return {**shipped, "route": {**shipped["route"], **times, "routes": by_team}, "receivers": receivers}


def _ready(address: str) -> bool:
    """Tell whether an exporter has tried all its targets."""
    try:
        return get(f"http://{address}/-/ready").is_success
    except httpx.TransportError:
        return False


def _write(file: Path, text: str) -> None:
    """Replace a file that others may be reading."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)
