"""Sources of credentials, and problems with them. Messages have the name of the source, never its content."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from exporter.errors import CallFailed, ErrorCode
from exporter.sagemaker.classify import SourceFailed
from exporter.sagemaker.transport import MOST_BYTES_OF_KEYS, limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_NAMES = {
    "env": "the environment",
    "shared-credentials-file": "the AWS credentials file (AWS_SHARED_CREDENTIALS_FILE)",
    "config-file": "the AWS configuration file (AWS_CONFIG_FILE)",
    "custom-process": "the profile's credential_process",
    "assume-role": "the profile's role",
    "assume-role-with-web-identity": "the web identity token (AWS_WEB_IDENTITY_TOKEN_FILE)",
    "container-role": "the container's credentials (pod identity, AWS_CONTAINER_…)",
    "iam-role": "the instance metadata service",
    "sso": "the profile's SSO sign-in",
    "login": "the profile's sign-in",
}
"""Readable names of sources, by the SDK's names of its providers."""

_PARTS = ("the access key id", "the secret access key", "the session token")
_VARIABLES = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
_WELL_FORMED = re.compile(r"[!-~]+")


class Found:
    """Credentials of the SDK with the name of their source. They are checked before they are used."""

    def __init__(self, credentials: Any, source: str) -> None:
        self._credentials = credentials
        self._source = source

    def __getattr__(self, name: str) -> Any:
        return getattr(self._credentials, name)

    @property
    def source(self) -> str:
        """The readable name of their source."""
        return self._source

    def get_frozen_credentials(self) -> Any:
        """Return the present keys. They are renewed if necessary.

        Raises SourceFailed if they cannot be renewed, CallFailed if they cannot be used to sign a request.
        """
        with _named(self._source, self._credentials.method):
            keys = self._credentials.get_frozen_credentials()
        check_keys(self._source, keys)
        return keys


def refuse_to_ask(_: str) -> str:
    """Raise CallFailed, because a daemon cannot ask you for a code."""
    raise CallFailed(
        ErrorCode.NO_CREDENTIALS,
        "the profile has an mfa_serial, but the exporter cannot ask you for a code: use a profile without one",
    )


def provided(provider: Any, ask: Callable[[str], str] = refuse_to_ask) -> Found | None:
    """Return the credentials of one of the SDK's providers. None if it is not configured.

    ``ask`` returns your input after a prompt. Raises SourceFailed if the provider fails.
    """
    method = provider.METHOD
    source = _NAMES.get(method, f"the source {method}")
    _tame(provider, ask)
    with _named(source, method):
        credentials = provider.load()
    return None if credentials is None else Found(credentials, source)


def check_keys(source: str, keys: Any) -> None:
    """Raise CallFailed if keys cannot be in a header, or have white space at their ends."""
    names = _VARIABLES if source == _NAMES["env"] else _PARTS
    for name, value in zip(names, (keys.access_key, keys.secret_key, keys.token or None), strict=True):
        if value is None and name == names[-1]:
            continue
        if (wrong := _wrong_with(value)) is not None:
            raise CallFailed(ErrorCode.NO_CREDENTIALS, f"{source}: {name} {wrong}")


def _wrong_with(value: object) -> str | None:
    """Return what is wrong with a key, without quoting it. None if it is valid."""
    if not isinstance(value, str) or not value.strip():
        return "is missing"
    if _WELL_FORMED.fullmatch(value):
        return None
    if not _WELL_FORMED.fullmatch(value.strip()):
        return "has characters that cannot be in a key"
    where = "ends in" if value == value.lstrip() else "begins with"
    what = "white space (a newline)" if "\n" in value else "white space"
    return f"{where} {what}: remove it"


@contextmanager
def _named(source: str, method: str) -> Iterator[None]:
    try:
        yield
    except (CallFailed, SourceFailed):  # these already have the name of their source
        raise
    except Exception as error:
        of_sts = method.startswith("assume-role") and isinstance(error, KeyError | TypeError | AttributeError)
        raise SourceFailed(source, error, ErrorCode.MALFORMED_ANSWER if of_sts else ErrorCode.NO_CREDENTIALS) from error


def _tame(provider: Any, ask: Callable[[str], str]) -> None:
    """Limit the provider's own HTTP requests, and replace how it asks for input."""
    if hasattr(provider, "_prompter"):
        provider._prompter = ask  # noqa: SLF001 - the SDK makes its providers itself
    for fetcher in ("_fetcher", "_role_fetcher"):
        if (session := getattr(getattr(provider, fetcher, None), "_session", None)) is not None:
            limit(session, MOST_BYTES_OF_KEYS)
