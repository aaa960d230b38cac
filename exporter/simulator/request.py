"""One request to the simulated service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.faults import Fault


@dataclass(frozen=True, slots=True)
class Request:
    """One request, in process or over HTTP.

    ``service`` is ``sagemaker`` or ``sts``. ``content`` is the decoded input; only a mapping is accepted. In process,
    ``account_id`` is given. Over HTTP the account follows from ``access_key_id``, which is None for an unsigned request, and
    ``session_token``. ``spoil`` is only given over HTTP: it is called with the fault to apply to the answer. ``path`` is that
    of the URL.
    """

    service: str
    operation: str
    content: object
    region: str
    account_id: str | None = None
    access_key_id: str | None = None
    session_token: str | None = None
    spoil: Callable[[Fault], None] | None = None
    path: str = "/"
