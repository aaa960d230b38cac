"""One request to the simulated service."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.faults import Fault


@dataclass(frozen=True, slots=True)
class Request:
    """One request, in process or from the wire.

    ``service`` is ``sagemaker`` or ``sts``. ``content`` is the decoded input; anything but a mapping is refused.
    ``account_id`` is given in process only; from the wire it follows from ``access_key_id``, None when unsigned, with
    which comes the ``session_token`` if there is one.
    ``spoil`` is given on the wire only: it is told which fault to apply to the answer. ``path`` is that of the URL.
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
