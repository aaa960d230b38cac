"""Addresses of the exporter's pages, relative to its root, and of the AWS console."""

from __future__ import annotations

import re
from urllib.parse import quote

ANY_ACCOUNT = "-"
"""The account in an address while it is not known. It finds tuning jobs of any account."""

_HOST = re.compile(r"[a-z0-9-]{1,40}")
_CONSOLES = (("cn-", "console.amazonaws.cn"), ("us-gov-", "console.amazonaws-us-gov.com"))


def job_path(account_id: str | None, region: str, name: str) -> str:
    """Return the path of a tuning job's page, without a slash at its beginning."""
    return "/".join(("jobs", *(quote(part, safe="") for part in (account_id or ANY_ACCOUNT, region, name))))


def console_url(region: str, name: str) -> str | None:
    """Return the address of a tuning job in the AWS console. None if the region cannot be part of a host name."""
    if not _HOST.fullmatch(region):
        return None
    console = next((host for prefix, host in _CONSOLES if region.startswith(prefix)), "console.aws.amazon.com")
    job = quote(name, safe="")
    return f"https://{region}.{console}/sagemaker/home?region={region}#/hyper-tuning-jobs/{job}"
