"""The accounts of organizations, read once for a command: the daemon reads them again and again."""

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
    """Return what reading the accounts of each organization of a configuration brings; one that denies hides no other.

    No call begins once the monotonic time ``ends`` has come.
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
    """Return the settings with the targets in the accounts that were read; raise ConfigError where these contradict it."""
    return settings.with_accounts({view.spec: view.accounts for view in views if view.accounts is not None})


def unread(views: Iterable[OrganizationView]) -> Iterator[str]:
    """Yield a line for each organization whose accounts are not known."""
    for view in views:
        if view.failure is not None:
            said = defused(view.failure.message)
            yield f"error: the accounts of {view.spec.name} cannot be read, {view.failure.code}: {said} | {view.remedy}"
