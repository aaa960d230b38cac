"""Texts of the configuration on their way to a page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.pages.secrets import shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (None, None),
        ("", ""),
        ("search", "search"),
        ("^prod-[0-9]+$", "^prod-[0-9]+$"),
        ("https://vpce-1.example.com:8443/x", "https://vpce-1.example.com:8443/x"),
        ("https://user:secret@example.com/x", "https://***@example.com/x"),
        ("https://example.com/x?token=secret", "https://example.com/x"),
        ("password=secret", "password=***"),
        ("/home/Alice/Monitoring2025/sagemaker/exporter/config.yaml",) * 2,
        ("/run/wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEY1/x.yaml", "/run/***/x.yaml"),
        ("/wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY1", "***"),
        ("Bearer abc123", "Bearer ***"),
        ("wJalrXUtnFEMIK7MDENGbPxRfiCYzEXAMPLEKEY1", "***"),
    ],
)
def test_a_secret_is_not_shown_and_the_rest_is(text: str | None, told: str | None) -> None:
    assert shown(text) == told


@given(st.text())
def test_whatever_is_written_there_is_a_text_to_show(text: str) -> None:
    assert isinstance(shown(text), str)
