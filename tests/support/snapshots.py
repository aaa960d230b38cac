"""The daemon at one moment, as pages see it, made of views and a configuration that a test gives."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from exporter.config import Problem, parse
from exporter.config.specs import Connection, Credentials, Endpoint, OrganizationSpec, TargetKey
from exporter.errors import ErrorCode, Failure
from exporter.fleet import LastFailure, Operation, OrganizationView, Standing
from exporter.fleet.history import remembered
from exporter.telemetry import Totals
from exporter.tuning_job import Instances
from exporter.web.pages import (
    Configuration,
    OrganizationState,
    Origin,
    Refused,
    Snapshot,
    TargetState,
    WebConfiguration,
)
from support.views import DESCRIBED_AT, facts, target, view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config import Settings
    from exporter.fleet import JobView, TargetView

NOW = DESCRIBED_AT + 12.25
"""Soon after the views were described."""

NAME = "eu-west-1"
ACCOUNT = "123456789012"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>&amp;{{7*7}}</title>\u202e"
HOSTILE_NAME = HOSTILE.replace("/", "")
"""The same for what is a part of a path: a slash in one may be read in two ways, and leads nowhere."""

QUIET = Standing(allowed_per_second=5.0, made_per_second=0.5, under_way=0, given_up=0)

SMALL = f"aws: {{region: {NAME}}}\ntuning_jobs: [everything]\n"


def settings(text: str = SMALL) -> Settings:
    """Return what a configuration says."""
    return parse(text, "config.yaml")


def state(of: Settings, name: str = NAME, **changes: Any) -> TargetState:
    """Return what is known of a target of a configuration beside its view: nothing unusual."""
    [spec] = [spec for spec in of.targets if spec.name == name]
    return replace(TargetState(spec, "the environment", QUIET, Totals({}, {})), **changes)


def organization(**changes: Any) -> OrganizationSpec:
    """Return an organization that is read with the exporter's own credentials."""
    spec = OrganizationSpec(TargetKey("aws", NAME, Credentials(), Endpoint()), Connection(), "organization")
    return replace(spec, **changes)


def organization_state(view: OrganizationView | None = None, **changes: Any) -> OrganizationState:
    """Return what is known of an organization: nothing yet, unless something is told."""
    state = OrganizationState(view or OrganizationView(organization()), "the environment", Totals({}, {}))
    return replace(state, **changes)


def snapshot(targets: Iterable[TargetView] = (), of: Settings | None = None, **changes: Any) -> Snapshot:
    """Return a daemon that runs on a configuration, and has published these targets."""
    of = of or settings()
    published = tuple(targets)
    known = Snapshot(
        version="1.2.3",
        started=NOW - 7_500,
        now=NOW,
        generation=1,
        targets=published,
        left_out={},
        states={spec.name: state(of, spec.name) for spec in of.targets},
        configuration=Configuration(Origin("config.yaml", {"--config.file": "config.yaml"}), of, NOW - 7_500, "start"),
    )
    return replace(known, **changes)


def watched(*jobs: JobView, **changes: Any) -> TargetView:
    """Return the target of the usual configuration with these tuning jobs, answered a moment ago."""
    return target(jobs, **{"name": NAME, "last_answered": DESCRIBED_AT} | changes)


def hostile() -> JobView:
    """Return a tuning job all of whose texts try to be more than text."""
    job = facts()
    best = job.best_training_job
    assert best is not None
    job = replace(
        job,
        name=HOSTILE_NAME,
        arn=f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:hyper-parameter-tuning-job/{HOSTILE}",
        status=HOSTILE,
        strategy=HOSTILE,
        failure_reason=HOSTILE,
        parents=(HOSTILE,),
        objective=replace(job.objective, metric_name=HOSTILE),
        best_training_job=replace(best, name=HOSTILE, definition_name=HOSTILE, hyperparameters={HOSTILE: 0.5}),
        definitions=tuple(replace(each, name=HOSTILE, instances=(Instances(HOSTILE, 1),)) for each in job.definitions),
        ranges=tuple(replace(each, hyperparameter=HOSTILE, scale=HOSTILE) for each in job.ranges),
    )
    history = remembered(b"", Operation.DESCRIBE, None, DESCRIBED_AT, 0.2)
    return view(
        job, name=HOSTILE_NAME, labels={"team": HOSTILE, "x": HOSTILE}, tags={"owner": HOSTILE}, history=history
    )


def hostile_site(**changes: Any) -> Snapshot:
    """Return a daemon in which every text that comes from outside tries to be more than text."""
    of = settings(
        "aws: {region: eu-west-1}\ncollect: [training_jobs, definitions, hyperparameters]\n"
        "tuning_jobs: [{name: everything, labels: {team: 'x<script>alert(3)</script>'}}]\n"
        "discover: [{name: all, name_regex: '<b>', labels: {team: '<i>'}, tags: {env: '\"><script>'}}]\n"
    )
    failing = view(None, name=f"failing{HOSTILE_NAME}", attempted=True, failure=Failure(ErrorCode.OTHER, HOSTILE))
    last = LastFailure("ListTags", HOSTILE, Failure(ErrorCode.OTHER, HOSTILE), DESCRIBED_AT)
    found = state(
        of, standing=replace(QUIET, failures=(last,)), totals=Totals({"ListTags": 2}, {("ListTags", "other"): 1})
    )
    seen = snapshot([watched(hostile(), failing)], of, states={"eu-west-1": found})
    refused = Refused(NOW, HOSTILE, (Problem(HOSTILE, 3, HOSTILE, HOSTILE),))
    seen = replace(seen, configuration=replace(seen.configuration, refused=refused))
    asked = organization(name=HOSTILE, include_ous=(HOSTILE,))
    unread = OrganizationView(asked, failure=Failure(ErrorCode.OTHER, HOSTILE))
    seen = replace(
        seen, organizations=(organization_state(unread, totals=Totals({HOSTILE: 2}, {(HOSTILE, "other"): 1})),)
    )
    of = replace(of, organizations=(asked,))
    seen = replace(seen, configuration=replace(seen.configuration, settings=of))
    return replace(seen, web=WebConfiguration(HOSTILE, "https", NOW, refused), **changes)
