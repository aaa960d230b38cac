"""The tuning jobs of two teams, and every alert that anybody is to be told of."""

from __future__ import annotations

from typing import NamedTuple


class Job(NamedTuple):
    """A tuning job that the exporter is told to watch."""

    name: str
    team: str
    region: str
    account_id: str

    @property
    def place(self) -> dict[str, str]:
        return {"aws_account_id": self.account_id, "aws_region": self.region}


HEALTHY = Job("query-embedding-hpo", "search", "us-east-1", "123456789012")
FAILED = Job("ranker-v7-hpo", "search", "us-east-1", "123456789012")
STUCK = Job("fraud-network-251124", "risk", "eu-west-1", "210987654321")
DENIED = Job("credit-risk-trees", "risk", "eu-west-1", "210987654321")
JOBS = (HEALTHY, FAILED, STUCK, DENIED)
TEAMS = ("search", "risk")
PLATFORM = "platform"


class Alert(NamedTuple):
    """What a receiver is told; ``labels`` are those beside alertname, label_team and target, which may stand in ``summary``."""

    name: str
    receiver: str
    labels: dict[str, str]
    summary: str

    def __str__(self) -> str:
        return f"{self.name}-{self.labels.get('tuning_job', self.receiver)}"


def of_job(name: str, job: Job, what: str) -> Alert:
    labels = {**job.place, "tuning_job": job.name, "severity": "warning"}
    return Alert(name, job.team, labels, f"Tuning job {job.name} {what}")


JOB_FAILED = of_job("SageMakerTuningJobFailed", FAILED, "failed")
JOB_STUCK = of_job("SageMakerTuningJobStuck", STUCK, "is in progress but runs nothing")
ACCESS_DENIED = Alert(
    "SageMakerTuningExporterAccessDenied",
    DENIED.team,
    {**DENIED.place, "severity": "warning"},
    f"The exporter is denied access to {DENIED.region} of account {DENIED.account_id}",
)
BLIND_REGION = "ap-southeast-2"
"""Where a rule finds tuning jobs, and may not list them."""
BLIND = Alert(
    "SageMakerTuningExporterBlind",
    PLATFORM,
    {"aws_account_id": HEALTHY.account_id, "aws_region": BLIND_REGION, "severity": "critical"},
    "The exporter sees nothing of target {target}",
)
AWAY = tuple(
    of_job("SageMakerTuningJobDescribeFailing", job, "cannot be described") for job in (HEALTHY, STUCK, DENIED)
)
DOWN = Alert(
    "SageMakerTuningExporterDown", PLATFORM, {"severity": "critical"}, "The exporter of SageMaker tuning jobs is down"
)
ALERTS = (DOWN, BLIND, JOB_FAILED, JOB_STUCK, ACCESS_DENIED, *AWAY)
