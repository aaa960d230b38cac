"""The external URL of the exporter, and the prefix of all its paths."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

# Segments that have only one spelling: without percent-encoding, and not "." or "..".
_PATH = re.compile(r"(/(?!\.\.?(/|$))[A-Za-z0-9._~-]+)+")

_HOST = re.compile(r"[A-Za-z0-9._:\[\]-]+")

_EXAMPLES = "write it like https://tuning.example.com or https://example.com/tuning"


def parse_external_url(text: str) -> str:
    """Parse the URL under which you reach the exporter, such as ``https://example.com/tuning``.

    Return it without a slash at its end; an empty text stays empty. Raises ValueError, which says what to write instead.
    """
    if not text:
        return ""
    if "@" in text:
        # Check this first: the other messages quote the text, and this one may have a password.
        raise ValueError(f"the URL contains a user name: leave out what is before the @, and {_EXAMPLES}")
    try:
        url = urlsplit(text)
        host, port = url.hostname, url.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL ({error}): {_EXAMPLES}") from None
    if url.scheme not in {"http", "https"} or not host or port == 0 or not _HOST.fullmatch(url.netloc):
        raise ValueError(f"{text!r} is not an http or https URL with a host: {_EXAMPLES}")
    if "?" in text or "#" in text:
        raise ValueError(f"{text!r} has more than a host and a path: leave out what follows ? or #")
    return f"{url.scheme}://{url.netloc}{url.path.rstrip('/')}"


def prefix_of(external_url: str) -> str:
    """Return the path of a URL from ``parse_external_url``, in the form of ``parse_route_prefix``."""
    try:
        return _read(urlsplit(external_url).path)
    except ValueError as error:
        raise ValueError(f"{error}; or set the path to serve under with --web.route-prefix") from None


def parse_route_prefix(text: str) -> str:
    """Parse the prefix of all paths, with or without slashes at its ends.

    Return it as ``/a/b``. An empty text and ``/`` become an empty text. Raises ValueError, which says what to write instead.
    """
    if "://" in text:
        raise ValueError(f"{text!r} is a URL: write its path only, as in /tuning; the URL goes into --web.external-url")
    return _read(text)


def _read(path: str) -> str:
    prefix = f"/{path.strip('/')}".rstrip("/")
    if prefix and not _PATH.fullmatch(prefix):
        raise ValueError(
            f"cannot serve under {path!r}: write letters, digits and . _ ~ - between slashes, as in /ml/tuning"
        )
    return prefix
