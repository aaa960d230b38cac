"""What people read: one message a team however many tuning jobs fail at once, short, with links, in Slack and e-mail."""
# ruff: noqa: RUF001 - the signs that messages have for < and >

from __future__ import annotations

import html
import json
import re
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from alerts.messages import Messenger, shipped
from render_rules import RULES
from support.alertmanager import AlertingPrometheus
from support.pace import here
from support.processes import PATIENCE, wait_until
from support.prometheus import scrape_job
from support.tools import RELEASES, ROOT, release

from exporter.clock import SystemClock
from exporter.config import parse
from exporter.daemon import Daemon
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator
from exporter.web.listen import open_socket, parse_address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage
    from pathlib import Path

pytestmark = [pytest.mark.xdist_group("alerts"), pytest.mark.timeout(1800)]

ACCOUNT, REGION = "123456789012", "us-east-1"
SEARCH = [f"ranker-{number:03}" for number in range(500)]
PRICING = [f"price-{number:02}" for number in range(20)]
LONELY = "of-nobody"
BY_LABEL, BY_TAG = "ranker-muted-by-label", "price-muted-by-tag"
TOLD = [*SEARCH, *PRICING, LONELY]
CONFIGURATION = f"""
interval: 1s
aws: {{region: {REGION}, endpoint_url: '%(url)s', sts_endpoint_url: '%(url)s', requests_per_second: 500}}
tag_labels: [alerts]
tuning_jobs:
  - {{name: {LONELY}}}
  - {{name: {BY_LABEL}, labels: {{team: search, alerts: "off"}}}}
discover:
  - {{name_contains: ranker-, labels: {{team: search}}, max_jobs: 1000}}
  - {{name_contains: price-, labels: {{team: pricing}}, max_jobs: 1000}}
"""
FAILED = "SageMakerTuningJobFailed"
MANY_LINES, MANY_CHARACTERS = 12, 2000
GATHERING_SECONDS = 10.0
"""How long Alertmanager waits for the alerts of a group: Prometheus sends 64 at once, and on a busy machine they take seconds."""


@pytest.fixture(scope="module")
def exporter() -> Iterator[str]:
    """Return the host and port of an exporter that has seen all those tuning jobs fail."""
    simulator = Simulator(SystemClock())
    for name in (*TOLD, BY_LABEL, BY_TAG):
        tags = {"alerts": "off: Failed"} if name == BY_TAG else {}
        simulator.create(
            "failed-at-once", name, region=REGION, account_id=ACCOUNT, created=time.time() - 7200, tags=tags
        )
    with Server(simulator) as server:
        text = CONFIGURATION % {"url": server.url}
        listener = open_socket(parse_address("127.0.0.1:0"))
        daemon = Daemon(lambda: parse(text, "messages.yaml"), parse(text, "messages.yaml"), [listener], SystemClock())
        daemon.start()
        try:
            wait_until(
                lambda: _failed(daemon) == {*TOLD, BY_LABEL, BY_TAG}, timeout=3 * PATIENCE, what="all to be known"
            )
            host, port = listener.getsockname()[:2]
            yield f"{host}:{port}"
        finally:
            daemon.stop()


def _failed(daemon: Daemon) -> set[str]:
    """Return the tuning jobs that the exporter knows to have failed, and the tags of which it knows if it asks for them."""
    jobs = [job for target in daemon.published.targets for job in target.jobs]
    tagged = any("alerts" in job.tags for job in jobs)
    return {job.name for job in jobs if job.facts is not None and job.facts.status == "Failed"} if tagged else set()


class Outcome(NamedTuple):
    """What came of it: messages that were sent, alerts that fire, and what people read."""

    sent: float
    firing: set[str]
    search: list[dict[str, Any]]
    platform: list[dict[str, Any]]
    pricing: list[EmailMessage]


@pytest.fixture(scope="module", params=RELEASES)
def outcome(request: pytest.FixtureRequest, exporter: str, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return what came of shipped rules in a Prometheus, whose Alertmanager has told everyone that it tells."""
    directory = tmp_path_factory.mktemp("messages")
    programs = [release(request.param, name) for name in ("prometheus-alertmanager", "prometheus")]
    gathering = here(GATHERING_SECONDS)
    with Messenger(programs[0], directory, group_wait=f"{gathering:.0f}s") as messenger:
        prometheus = AlertingPrometheus(
            programs[1],
            directory / "prometheus",
            [scrape_job("sagemaker-tuning", exporter)],
            alertmanager=messenger.alertmanager.address,
            rule_files=sorted(RULES.glob("*.yaml")),
            interval=5,  # all rules, for five hundred tuning jobs
        )
        with prometheus:
            wait_until(
                lambda: messenger.posts("search") and messenger.posts("platform") and messenger.mails,
                timeout=PATIENCE + gathering,
                what="a message to everyone",
            )
            wait_until(lambda: messenger.counted("alertmanager_notifications_total") >= 3, what="them to be counted")
            firing = prometheus.query(f'ALERTS{{alertname="{FAILED}",alertstate="firing"}}')
            return Outcome(
                messenger.counted("alertmanager_notifications_total"),
                {sample.labels["tuning_job"] for sample in firing},
                messenger.posts("search"),
                messenger.posts("platform"),
                messenger.mails,
            )


def test_five_hundred_of_a_team_are_one_message(outcome: Outcome) -> None:
    [post] = outcome.search
    assert post["title"] == f"Firing: {FAILED} (500), team search, {REGION}, account {ACCOUNT}"
    [mail] = outcome.pricing
    assert mail["Subject"] == f"Firing: {FAILED} (20), team pricing, {REGION}, account {ACCOUNT}"
    assert mail["To"] == "pricing-team@example.com"
    [post] = outcome.platform
    assert post["title"] == f"Firing: Tuning job {LONELY} failed, {REGION}, account {ACCOUNT}"
    assert outcome.sent == 3


def test_a_muted_search_is_silent_and_no_other(outcome: Outcome) -> None:
    assert outcome.firing == {*TOLD}


def test_the_message_in_slack_names_a_few_and_links_to_all(outcome: Outcome) -> None:
    [post] = outcome.search
    lines = post["text"].splitlines()
    assert len(lines) <= MANY_LINES
    assert len(post["text"]) < MANY_CHARACTERS
    for line, name in zip(lines[:5], SEARCH, strict=False):
        console = f"https://{REGION}.console.aws.amazon.com/sagemaker/home?region={REGION}#/hyper-tuning-jobs/{name}"
        assert line == f"• <{console}|Tuning job {name} failed>"
    more, what = lines[5:]
    found = re.fullmatch(r"These are 5 of 500: <(\S+)\|see all of them>\.", more)
    assert found
    assert found[1] == post["title_link"]
    assert_leads_to_all(found[1], "search")
    assert re.fullmatch(rf"<https://\S+#{FAILED.lower()}\|What to do>", what)


def test_the_mail_names_a_few_and_links_to_all(outcome: Outcome) -> None:
    [mail] = outcome.pricing
    body = mail.get_body(("html",))
    plain = mail.get_body(("plain",))
    assert body is not None
    assert plain is not None
    text = body.get_content()
    assert len(text) < 2 * MANY_CHARACTERS
    assert [name for name in PRICING if f"Tuning job {name} failed</a>" in text] == PRICING[:5]
    links = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', text)]
    assert len(links) == 7
    assert_leads_to_all(links[5], "pricing")
    assert links[6].endswith(f"#{FAILED.lower()}")
    assert "These are 5 of 20" in text
    said = plain.get_content()
    assert len(said.splitlines()) <= 2 * MANY_LINES
    assert [name for name in PRICING if f"- Tuning job {name} failed" in said] == PRICING[:5]
    assert_leads_to_all(re.findall(r"All of them: (\S+)", said)[0], "pricing")


def assert_leads_to_all(link: str, team: str) -> None:
    """Check that a link is to Alertmanager's page of the alerts of one group."""
    fragment = urlsplit(link).fragment
    path, _, query = fragment.partition("?")
    assert path == "/alerts"
    [asked] = parse_qs(query)["filter"]
    pairs = {"alertname": FAILED, "aws_account_id": ACCOUNT, "aws_region": REGION, "label_team": team}
    assert asked == "{" + ",".join(f'{name}="{value}"' for name, value in pairs.items()) + "}"


def test_there_is_one_grouping() -> None:
    """Whatever example people start from."""
    files = [*(ROOT / "docs").glob("*.md"), *(ROOT / "deploy").rglob("*.yml"), *(ROOT / "deploy").rglob("*.tf")]
    written = {
        path.name: re.findall(r"group_by: *(.+)", path.read_text(encoding="utf-8")) for path in files if path.is_file()
    }
    found = {name: each for name, each in written.items() if each}
    assert found.keys() >= {"alertmanager.yml", "alerts.md"}
    assert {each for some in found.values() for each in some} == {f"[{', '.join(shipped()['route']['group_by'])}]"}, (
        found
    )


def told(name: str, *, ended: bool = False, **labels: str) -> dict[str, Any]:
    """Return an alert as Prometheus sends it."""
    now = datetime.now(UTC)
    ends = {"endsAt": (now - timedelta(seconds=1)).isoformat()} if ended else {}
    return {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": f"{name} <of> {labels.get('target', 'all')}", "description": "Look & see."},
        "startsAt": (now - timedelta(minutes=5 if ended else 0)).isoformat(),
        **ends,
    }


@pytest.mark.parametrize("version", RELEASES)
def test_a_single_alert_is_told_in_full_and_resolved(version: str, tmp_path: Path) -> None:
    down, price = {"target": "prod"}, {"label_team": "pricing", "tuning_job": "x"}
    with Messenger(
        release(version, "prometheus-alertmanager"), tmp_path, group_wait="0s", group_interval="1s"
    ) as messenger:

        def send(*, ended: bool) -> None:
            messenger.send(
                told("SageMakerTuningExporterBlind", ended=ended, **down),
                told("SageMakerTuningJobStuck", ended=ended, **price),
            )

        send(ended=False)
        wait_until(lambda: messenger.mails and messenger.posts("platform"), what="the first messages")
        send(ended=True)
        wait_until(
            lambda: len(messenger.mails) == len(messenger.posts("platform")) == 2, what="the messages of the end"
        )
    first, last = messenger.posts("platform")
    assert first["title"] == "Firing: SageMakerTuningExporterBlind ‹of› prod"
    assert first["text"].splitlines() == ["Look & see.", "• SageMakerTuningExporterBlind ‹of› prod"]
    assert last["title"] == "Resolved: SageMakerTuningExporterBlind ‹of› prod"
    for mail, state in zip(messenger.mails, ("Firing", "Resolved"), strict=True):
        assert mail["Subject"] == f"{state}: SageMakerTuningJobStuck ‹of› all, team pricing"
        body = mail.get_body(("html",))
        assert body is not None
        assert "<p>Look &amp; see.</p>" in body.get_content()
        assert "<li>SageMakerTuningJobStuck ‹of› all</li>" in body.get_content()


@pytest.mark.parametrize("version", RELEASES)
def test_a_mail_about_hundreds_is_short(version: str, tmp_path: Path) -> None:
    alerts = [told(FAILED, label_team="pricing", tuning_job=name) for name in SEARCH]
    with Messenger(release(version, "prometheus-alertmanager"), tmp_path, group_wait="5s") as messenger:
        messenger.send(*alerts)
        [mail] = wait_until(lambda: messenger.mails, what="the mail")
    assert mail["Subject"] == f"Firing: {FAILED} (500), team pricing"
    assert "These are 5 of 500" in str(mail.get_body(("plain",)))
    assert len(mail.as_string()) < 2 * MANY_CHARACTERS


@pytest.mark.parametrize("version", RELEASES)
def test_what_else_is_grouped_by_is_in_the_title(version: str, tmp_path: Path) -> None:
    grouping = [*shipped()["route"]["group_by"], "cluster"]
    alerts = [told(FAILED, label_team="search", cluster=each) for each in ("a", "b")]
    with Messenger(
        release(version, "prometheus-alertmanager"), tmp_path, group_wait="0s", group_by=grouping
    ) as messenger:
        messenger.send(*alerts)
        wait_until(lambda: len(messenger.posts("search")) == 2, what="a message about each cluster")
    titles = {post["title"].partition(", ")[2] for post in messenger.posts("search")}
    assert titles == {"team search, cluster a", "team search, cluster b"}


HOSTILE = 'a "b" + <!channel>|c & <script>\nd'


@pytest.mark.parametrize("version", RELEASES)
def test_no_name_breaks_a_message_or_its_links(version: str, tmp_path: Path) -> None:
    """Whatever is in it, and whatever an alert lacks: those of others come to the platform too."""
    grouping = [*shipped()["route"]["group_by"], "cluster"]
    of_others = {**told("Others", cluster=HOSTILE), "annotations": {}}
    alerts = [{**told(FAILED, label_team="pricing", cluster=HOSTILE, tuning_job=str(number))} for number in range(6)]
    for alert in alerts:
        alert["annotations"] = {"summary": HOSTILE, "description": HOSTILE}
    with Messenger(
        release(version, "prometheus-alertmanager"), tmp_path, group_wait="5s", group_by=grouping
    ) as messenger:
        messenger.send(of_others, *alerts)
        wait_until(lambda: messenger.mails and messenger.posts("platform"), what="a message to both")
    safe = 'a "b" + ‹!channel›|c & ‹script› d'
    [post] = messenger.posts("platform")
    assert post["title"] == f"Firing: Others, cluster {safe}"
    assert post["text"].strip() == "• Others"
    [mail] = messenger.mails
    assert mail["Subject"] == f"Firing: {FAILED} (6), team pricing, cluster {safe}"
    body, plain = mail.get_body(("html",)), mail.get_body(("plain",))
    assert body is not None
    assert plain is not None
    assert "<script>" not in body.get_content()
    [in_html] = [html.unescape(link) for link in re.findall(r'href="([^"]+)"', body.get_content())]
    [in_text] = re.findall(r"All of them: (\S+)", plain.get_content())
    for link in (in_html, in_text, post["title_link"]):
        asked = unquote(link.partition("?filter=")[2])  # a + stays one: so the page reads it
        assert f"cluster={json.dumps(HOSTILE)}" in asked
