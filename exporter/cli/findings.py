"""The results of a check: of the files and, with ``--online``, of the accounts and regions in them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.cli import options
from exporter.clock import SystemClock
from exporter.config import ConfigError, Problem, decode, environment_region, examine
from exporter.config.source import MAX_BYTES, read_bytes
from exporter.config.specs import Account

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from exporter.cli.online import Organization, Reached
    from exporter.config import Settings

_STANDARD_INPUT = "standard input"
_EMPTY = (
    "finds no tuning job now, not counting listed ones: if you expect some, check its conditions, region and account"
)


@dataclass(frozen=True, slots=True)
class Report:
    """The results as JSON. Its members are documented in ``docs/checking.md``.

    ``file`` and ``web_config_file`` are null if none was checked, the numbers if the file has mistakes, ``organizations`` and
    ``online`` if nothing was tried.
    """

    ok: bool
    file: str | None
    web_config_file: str | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    tuning_jobs: int | None
    rules: int | None
    targets: int | None
    organizations: tuple[Organization, ...] | None
    online: tuple[Reached, ...] | None


class Findings:
    """The results so far. ``settings`` is None until a file without mistakes was checked."""

    def __init__(self) -> None:
        self.file: str | None = None
        self.errors: list[Problem] = []
        self.warnings: list[Problem] = []
        self.settings: Settings | None = None
        self.organizations: tuple[Organization, ...] | None = None
        self.online: tuple[Reached, ...] | None = None
        self._web_config_file: str | None = None

    def check(self, name: str) -> None:
        """Check a configuration file. ``-`` is standard input."""
        self.file = _STANDARD_INPUT if name == "-" else name
        try:
            text = decode(_standard_input() if name == "-" else read_bytes(Path(name)), self.file)
        except ConfigError as error:
            self.errors += error.problems
            return
        examined = examine(text, self.file, environment_region(os.environ), os.environ)
        self.settings = examined.settings
        self.errors += examined.errors
        self.warnings += examined.doubts

    def check_web(self, given: argparse.Namespace) -> tuple[tuple[Problem, ...], str]:
        """Check the file of ``--web.config.file``. Return its mistakes, and a summary if there are none."""
        self._web_config_file = given.web_config_file
        try:
            file = options.web_config(given, SystemClock())
        except ConfigError as error:
            self.errors += error.problems
            return error.problems, ""
        return (), "" if file is None else file.settings.summary()

    def try_targets(self, seconds: float) -> list[Problem]:
        """Read the accounts of organizations and try each target once, for ``seconds`` at most.

        Return warnings. Without settings, do nothing.
        """
        # These import the SDK, which takes half a second.
        from exporter import logs
        from exporter.cli.online import Organization, reach
        from exporter.cli.organizations import read_organizations, with_accounts
        from exporter.cli.progress import progress
        from exporter.log_format import LogFormat
        from exporter.sagemaker import Sessions
        from exporter.telemetry import Telemetry

        if self.settings is None:
            return []
        logs.configure("error", LogFormat.LOGFMT)
        clock, sessions, telemetry = SystemClock(), Sessions(), Telemetry(lasts=False)
        ends = clock.monotonic() + seconds
        with progress("Calling AWS") as advance:
            views = read_organizations(self.settings, sessions, telemetry, clock, ends, advance)
            self.organizations = tuple(map(Organization.of, views))
            try:
                self.settings = with_accounts(self.settings, views)
            except ConfigError as error:  # the other targets are tried in any case
                self.errors += error.problems
            self.online = reach(self.settings, sessions, telemetry, clock, ends, advance)
        doubts = [Problem(self.file or "", None, where, _EMPTY) for where in _empty(self.online)]
        self.warnings += doubts
        return doubts

    @property
    def report(self) -> Report:
        """Return all results."""
        targets = None if self.settings is None else self.settings.targets
        return Report(
            ok=not self.errors
            and not any(each.error for each in self.organizations or ())
            and all(each.sound for each in self.online or ()),
            file=self.file,
            web_config_file=self._web_config_file,
            errors=tuple(self.errors),
            warnings=tuple(self.warnings),
            tuning_jobs=None if targets is None else sum(len(target.jobs) for target in targets),
            rules=None if self.settings is None else len(_rules(self.settings)),
            targets=None if targets is None else len(targets),
            organizations=self.organizations,
            online=self.online,
        )


def _empty(reached: Sequence[Reached]) -> Iterator[str]:
    """Yield the place of each rule without matches. A rule of an organization counts only if no account has any."""
    of_organizations: dict[tuple[str, str], bool] = {}
    for each in reached:
        empty = each.empty_rules
        for rule in each.rules:
            if each.organization is None:
                if rule.rule in empty:
                    yield f"{each.target}, rule {rule.rule}"
            else:
                where = each.organization, rule.rule
                of_organizations[where] = of_organizations.get(where, True) and rule.rule in empty
    yield from (f"{organization}, rule {rule}" for (organization, rule), nothing in of_organizations.items() if nothing)


def _rules(settings: Settings) -> set[str]:
    """Return the names of all rules, and of those that use the accounts of an organization."""
    some = (Account("000000000000", ""),)
    settings = settings.with_accounts(dict.fromkeys(settings.organizations, some))
    return {rule.name for target in settings.targets for rule in target.rules}


def _standard_input() -> bytes:
    content = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigError([Problem(_STANDARD_INPUT, None, "", f"it has more than {MAX_BYTES >> 20} MiB")])
    return content
