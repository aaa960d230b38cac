"""Reads a web configuration file and checks it completely."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.config import load
from exporter.config.problem import ConfigError, Problem
from exporter.config.validate import validate_section
from exporter.web.webconfig.context import ServerTls
from exporter.web.webconfig.files import Files, Look
from exporter.web.webconfig.model import EXAMPLE, KEY_MATERIAL, WebConfig
from exporter.web.webconfig.settings import Rate, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from exporter.config.load import Document

SETTLE_SECONDS = 0.2
_MOST_READINGS = 10

# What messages must not show: a key or a hash, wherever it is, and the text after a user's name, which may be a password.
_HASH = re.compile(r"\$2[a-z]?\$[0-9]{2}\$[^\s\"\]]*")
_AFTER_USER = re.compile(r'^(basic_auth_users\["[^":]*:).+')


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of one reading: settings or problems.

    ``seen`` has the state of each file just before it was read. ``digest`` is of everything that was read. ``tls_line`` is the
    line of tls_server_config.
    """

    settings: Settings | None
    problems: tuple[Problem, ...]
    seen: dict[Path, Look | None] = field(default_factory=dict)
    digest: bytes = b""
    tls_line: int | None = None


def read(path: Path) -> Reading:
    """Read a file and the files that it names, once."""
    files = Files()
    settings, problems, line = _read(path, files)
    told = tuple(replace(each, path=_redacted(each.path), message=_redacted(each.message)) for each in problems)
    return Reading(settings, told, files.seen, files.digest, line)


def settled(path: Path, sleep: Callable[[float], object], first: Reading | None = None) -> Reading:
    """Return a reading when it was the same twice, 0.2 s apart, so that no half-written file is used.

    If the files keep changing for 2 s, the reading has a problem that says so. ``first`` is a reading that was just made.
    """
    found = first or read(path)
    for _ in range(_MOST_READINGS):
        sleep(SETTLE_SECONDS)
        before, found = found, read(path)
        if found.digest == before.digest:
            return found
    message = "this file, or one that it names, keeps changing: write a new file and rename it into place"
    return replace(found, settings=None, problems=(Problem(str(path), None, "", message),))


def _read(path: Path, files: Files) -> tuple[Settings | None, Sequence[Problem], int | None]:
    file = str(path)
    try:
        text = files.read(path).decode("utf-8")
    except UnicodeDecodeError:
        return None, [Problem(file, None, "", "this is not UTF-8: save the file as UTF-8")], None
    except ValueError as error:
        return (
            None,
            [Problem(file, None, "", f"cannot be read ({error}): name the right file with --web.config.file")],
            None,
        )
    try:
        document = load.load(text, file, EXAMPLE)
    except ConfigError as error:
        return None, error.problems, None
    config, problems = validate_section(document, WebConfig)
    line = document.locate(("tls_server_config",))[0]
    if config is None:
        return None, problems, line
    problems += _contradictions(document, config)
    context = None
    if config.tls_server_config is not None:
        tls = ServerTls(document, config.tls_server_config, files)
        context = tls.context()
        problems += tls.problems
    if problems:
        return None, problems, line
    allowed = config.tls_server_config.client_allowed_sans if config.tls_server_config else []
    settings = Settings(
        context=context,
        allowed_sans=frozenset(allowed),
        users=MappingProxyType({user: hashed.encode() for user, hashed in config.basic_auth_users.items()}),
        headers=tuple(
            (name.lower().encode(), value.encode()) for name, value in config.http_server_config.headers.pairs()
        ),
        rate=Rate(config.rate_limit.interval, config.rate_limit.burst) if config.rate_limit.interval else None,
    )
    return settings, (), line


def _contradictions(document: Document, config: WebConfig) -> list[Problem]:
    if config.rate_limit.interval and not config.rate_limit.burst:
        message = "with a burst of 0 no request would ever be answered: write burst: 20, or remove rate_limit"
        return [document.problem(("rate_limit", "burst"), message)]
    return []


def _redacted(text: str) -> str:
    return KEY_MATERIAL.sub("…", _HASH.sub("…", _AFTER_USER.sub(r'\1…"]', text)))
