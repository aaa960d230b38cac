"""Bare boto3, as a script of one's own would use it."""

from __future__ import annotations

import threading
import time
from typing import Any

import boto3

from bench.names import names


def _client(url: str) -> Any:
    return boto3.client("sagemaker", region_name="us-east-1", endpoint_url=url)


def describe(url: str, jobs: int, times: int) -> dict[str, float]:
    """Describe so many tuning jobs one after the other, ``times`` over; return the CPU seconds of one describe."""
    client = _client(url)
    client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=names(1)[0])
    began = time.process_time()
    for _ in range(times):
        for name in names(jobs):
            client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
    return {"seconds": (time.process_time() - began) / (jobs * times)}


def describe_and_rest(url: str) -> None:
    """Describe one tuning job and stay until the process is ended."""
    _client(url).describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=names(1)[0])
    print("described", flush=True)
    threading.Event().wait()
