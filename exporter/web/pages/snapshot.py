"""What pages are made of: the daemon at one moment. Times are Unix seconds."""

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
    """Where the configuration comes from: the name of the file, and the options that the exporter runs with, by flag."""

    file: str = ""
    flags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refused:
    """A configuration that could not be used: when and by what it was to be loaded, and why."""

    at: float
    trigger: str
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration in force. ``refused`` is what was tried after it, None where nothing was or that is in force."""

    origin: Origin
    settings: Settings
    applied_at: float
    trigger: str
    refused: Refused | None = None


@dataclass(frozen=True, slots=True)
class WebConfiguration:
    """The web configuration file: what of it is in force, in words, and since when; ``refused`` is what it is now, if not that."""

    file: str
    serving: str
    loaded_at: float
    refused: Refused | None = None

    @classmethod
    def of(cls, file: WebConfigFile) -> WebConfiguration:
        """Return what a page shows about a file."""
        trouble = file.trouble
        refused = None if trouble is None else Refused(trouble.since, "file", trouble.problems)
        return cls(str(file.path), file.settings.summary(), file.loaded, refused)


@dataclass(frozen=True, slots=True)
class TargetState:
    """What is known of a target in addition to its view.

    ``credentials`` names where they come from, or those that its role is assumed with; None while none work.
    """

    spec: TargetSpec
    credentials: str | None
    standing: Standing
    totals: Totals


@dataclass(frozen=True, slots=True)
class OrganizationState:
    """What is known of an organization in addition to its view; ``credentials`` are as in ``TargetState``."""

    view: OrganizationView
    credentials: str | None
    totals: Totals

    @property
    def spec(self) -> OrganizationSpec:
        """Who calls, and how."""
        return self.view.spec


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The daemon at the moment ``now``.

    ``generation``, ``targets`` and ``left_out`` are as in ``Published``. ``states`` has each target by its name; one that
    has come or gone a moment ago may be in only one of the two. ``web`` is None where there is no such file.
    ``unhealthy`` says what is wrong with the process itself, empty where nothing is. ``organizations`` are those whose accounts
    are read.
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
