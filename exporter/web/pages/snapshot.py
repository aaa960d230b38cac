"""The data for pages: the state of the daemon at one time. Times are Unix seconds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config import Problem, Settings
    from exporter.config.specs import OrganizationSpec, TargetSpec
    from exporter.fleet import OrganizationView, Standing, TargetView
    from exporter.telemetry import Totals
    from exporter.web.webconfig.file import WebConfigFile


@dataclass(frozen=True, slots=True)
class Origin:
    """The source of the configuration: the name of the file, and the options of the command line, by flag."""

    file: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A configuration that could not be used: when and why it was read, and its problems."""

    at: float
    trigger: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The active configuration. ``refused`` is a later one that could not be used, None if there is none."""

    origin: Origin
    settings: Settings
    applied_at: float
    trigger: str
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class WebConfiguration:
    """The web configuration file: a summary of its active settings, and since when. ``refused`` is the present file if invalid."""

    file: str
    serving: str
    loaded_at: float
    refused: Refused | None = None

    @classmethod
    def of(cls, file: WebConfigFile) -> WebConfiguration:
        """Return the state of a file."""
        trouble = file.trouble
        refused = None if trouble is None else Refused(trouble.since, "file", trouble.problems)
        return cls(str(file.path), file.settings.summary(), file.loaded, refused)


@dataclass(frozen=True, slots=True)
class TargetState:
    """What is known about a target in addition to its view.

    ``credentials`` is the source of its credentials, or of those that assume its role. None while none work.
    """

    spec: TargetSpec
    credentials: str | None
    standing: Standing
    totals: Totals


@dataclass(frozen=True, slots=True)
class OrganizationState:
    """What is known about an organization in addition to its view. ``credentials`` is as in ``TargetState``."""

    view: OrganizationView
    credentials: str | None
    totals: Totals

    @property
    def spec(self) -> OrganizationSpec:
        """The specification of the organization."""
        return self.view.spec


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The state of the daemon at ``now``.

    ``generation``, ``targets`` and ``left_out`` are as in ``Published``. ``states`` has the targets by name. A target that was
    just added or removed may be in only one of the two. ``web`` is None without a web configuration file. ``unhealthy`` is the
    problem of the process itself, empty if there is none. ``organizations`` has those whose accounts are read.
    """

    version: str
    started: float
    now: float
    generation: int
    targets: tuple[TargetView, ...]
    left_out: Mapping[tuple[str, str], int]
    states: Mapping[str, TargetState]
    configuration: Configuration
    web: WebConfiguration | None = None
    unhealthy: str = ""
    organizations: tuple[OrganizationState, ...] = ()
