"""Reads the accounts of organizations once, for a command. The daemon reads them regularly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.errors import CallFailed, ErrorCode
from exporter.fleet import read_once
from exporter.logs import defused
from exporter.sagemaker import read_accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from exporter.clock import Clock
    from exporter.config import Settings
    from exporter.fleet import OrganizationView
    from exporter.sagemaker import Sessions
    from exporter.telemetry import Telemetry


def read_organizations(
    settings: Settings,
    sessions: Sessions,
    telemetry: Telemetry,
    clock: Clock,
    ends: float,
    on_step: Callable[[], object],
) -> tuple[OrganizationView, ...]:
    """Read the accounts of each organization of a configuration. A failure of one does not affect the others.

    No call begins after ``ends`` (monotonic seconds).
    """

    def on_call() -> None:
        on_step()
        if clock.monotonic() >= ends:
            raise CallFailed(ErrorCode.TIMEOUT, "time was up before all accounts were read")

    return tuple(
        read_once(spec, lambda spec: read_accounts(spec, sessions, telemetry, on_call), telemetry, clock)
        for spec in settings.organizations
    )


def with_accounts(settings: Settings, views: Iterable[OrganizationView]) -> Settings:
    """Return the settings with the targets in the accounts that were read. Raises ConfigError if they contradict it."""
    return settings.with_accounts({view.spec: view.accounts for view in views if view.accounts is not None})


def unread(views: Iterable[OrganizationView]) -> Iterator[str]:
    """Yield a line for each organization whose accounts are not known."""
    for view in views:
        if view.failure is not None:
            said = defused(view.failure.message)
            yield f"error: the accounts of {view.spec.name} cannot be read, {view.failure.code}: {said} | {view.remedy}"
