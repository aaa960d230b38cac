"""What is taken for granted of the SDK beyond its public interface."""

from __future__ import annotations

import boto3.session
import pytest
from sagemaker.wire import target_spec

from exporter.config.specs import Connection
from exporter.sagemaker.sdk import Common, SdkSession
from exporter.sagemaker.times import unix_seconds


@pytest.mark.parametrize("name", ["_setup_loader", "_register_default_handlers"])
def test_boto3_has_the_methods_that_are_overridden(name: str) -> None:
    assert callable(vars(boto3.session.Session)[name])


def test_sessions_leave_nothing_in_what_they_share() -> None:
    common, spec = Common.load(), target_spec("http://127.0.0.1:1")
    handlers: list[str] = []
    common.events.register = lambda name, *_, **__: handlers.append(name)
    paths = [*common.loader.search_paths]
    for _ in range(3):
        SdkSession(spec.key, Connection(), common, unix_seconds)
    assert common.loader.search_paths == paths
    assert handlers == []
