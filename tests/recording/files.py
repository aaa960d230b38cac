"""Recordings that are written line by line."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from exporter.recording import Writer

if TYPE_CHECKING:
    from pathlib import Path

BEGAN = 1_764_000_000.25
ARN = "arn:aws:sagemaker:eu-west-1:111122223333:hyper-parameter-tuning-job/"
NEWEST = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": 100}
HEADER: dict[str, Any] = {
    "exporter": "0.1.0",
    "redacted": True,
    "began": BEGAN,
    "deadline": 40.0,
    "configuration": {},
    "prices": [None],
}
CONFIGURATION: dict[str, Any] = {
    "tuning_jobs": [{"name": "job0001", "region": "eu-west-1", "requests_per_second": 5.0, "endpoint": 0}],
    "discover": [],
    "interval": 60.0,
    "stale_after": 300.0,
}
"""As it stands in a recording."""

USABLE = HEADER | {"configuration": CONFIGURATION}
CALL = ["D", 0, 5, 120, "job0001", None, {"/HyperParameterTuningJobStatus": ["InProgress"]}]


def written(path: Path, *lines: Any, header: dict[str, Any] = HEADER) -> Path:
    writer = Writer(path, header)
    for line in lines:
        writer.write(line)
    writer.close()
    return path


def gz(*lines: Any) -> bytes:
    return gzip.compress(
        b"".join(line if isinstance(line, bytes) else json.dumps(line).encode() + b"\n" for line in lines)
    )


def summary(name: str, created: float, status: str = "InProgress") -> dict[str, Any]:
    return {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobArn": ARN + name,
        "HyperParameterTuningJobStatus": status,
        "CreationTime": created,
    }


def flat(row: dict[str, Any]) -> dict[str, Any]:
    return {f"/{member}": [value] for member, value in row.items()}


NAMES = ["a", "b", "c"]
LIST: list[Any] = [
    "L", 0, 1_000, 5, "StatusEquals=InProgress", None, NAMES,
    {
        "/HyperParameterTuningJobName": [[0, 1, 2], [["a"], ["b"], ["C"]]],
        "/HyperParameterTuningJobArn": [[0, 1, 2], [[ARN + name] for name in NAMES]],
        "/HyperParameterTuningJobStatus": [[0, 1, 2], [["InProgress"]] * 3],
        "/CreationTime": [[0, 1, 2], [[BEGAN - 300.0], [BEGAN - 200.0], [BEGAN - 100.0]]],
    },
]  # fmt: skip
