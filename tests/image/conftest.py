"""The API on a wire of the tests' own, as the tests of its package have it."""

from __future__ import annotations

from sagemaker.conftest import aws, common, make_api, no_keys, sessions, telemetry, wire

__all__ = ["aws", "common", "make_api", "no_keys", "sessions", "telemetry", "wire"]
