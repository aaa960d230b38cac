"""Answers of AWS as bytes, good ones of each operation, and connections that bring them without a socket."""

from __future__ import annotations

import io
import json
import os
from typing import Any

from support.views import ANSWERS

NOW = 1_764_500_000.0
ACCOUNT, REGION, NAME = "123456789012", "eu-west-1", "churn"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/{NAME}"


class Wire:
    """Where connections go: each gets the next of ``answers``, the last one for ever."""

    def __init__(self) -> None:
        self.answers: list[bytes] = []

    def connect(self) -> _Connection:
        """Return the next connection."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return _Connection(answer)


class _Connection:
    """What urllib3 and http.client use of a connected socket. It is closed by the peer once it is read."""

    _readable = os.open(os.devnull, os.O_RDONLY)

    def __init__(self, answer: bytes) -> None:
        self._answer = answer

    def makefile(self, *_: object, **__: object) -> io.BufferedReader:
        return io.BufferedReader(io.BytesIO(self._answer))

    def sendall(self, _: bytes) -> None:
        pass

    def fileno(self) -> int:
        return self._readable

    def gettimeout(self) -> None:
        return None

    def settimeout(self, _: float) -> None:
        pass

    def setsockopt(self, *_: object) -> None:
        pass

    def shutdown(self, _: int) -> None:
        pass

    def close(self) -> None:
        pass


def json_answer(tree: Any, status: int = 200, fields: bytes = b"Content-Type: application/x-amz-json-1.1") -> bytes:
    """Return an HTTP answer with a body of JSON."""
    body = json.dumps(tree).encode()
    return b"HTTP/1.1 %d Because\r\n%b\r\nContent-Length: %d\r\n\r\n%b" % (status, fields, len(body), body)


def identity() -> bytes:
    """Return a good answer of GetCallerIdentity."""
    body = (
        '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
        f"<Arn>arn:aws:sts::{ACCOUNT}:assumed-role/a/b</Arn><UserId>A:b</UserId><Account>{ACCOUNT}</Account>"
        "</GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    ).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)


def good_bodies() -> dict[str, Any]:
    """Return the body of a good answer by operation, of those that answer with JSON."""
    described = json.loads((ANSWERS / "everything.json").read_text())
    described |= {"HyperParameterTuningJobName": NAME, "HyperParameterTuningJobArn": ARN}
    trainings = json.loads((ANSWERS / "training_jobs" / "everything.json").read_text())
    listed = {
        key: described[key]
        for key in (
            *("HyperParameterTuningJobName", "HyperParameterTuningJobArn", "HyperParameterTuningJobStatus"),
            *("CreationTime", "LastModifiedTime", "TrainingJobStatusCounters", "ObjectiveStatusCounters"),
        )
    } | {"Strategy": "Bayesian", "HyperParameterTuningJobStatus": "InProgress", "CreationTime": NOW - 3_600}
    tags = [{"Key": "team", "Value": "search"}]
    others = [
        listed | {"HyperParameterTuningJobName": name, "HyperParameterTuningJobArn": f"{ARN}-{name}"}
        for name in ("chu-2",)
    ]
    found = [{"HyperParameterTuningJob": each | {"Tags": tags}} for each in (listed, *others)]
    found += [
        {"TrainingJob": each | {"BillableTimeInSeconds": 60, "TrainingTimeInSeconds": 61}}
        for each in trainings["TrainingJobSummaries"]
    ]
    return {
        "DescribeHyperParameterTuningJob": described,
        "ListHyperParameterTuningJobs": {"HyperParameterTuningJobSummaries": [listed, *others]},
        "ListTrainingJobsForHyperParameterTuningJob": trainings,
        "Search": {"Results": found},
        "ListTags": {"Tags": tags},
    }
