"""A real browser, without a window, that shows what a test serves."""

from __future__ import annotations

import os
import subprocess
import tempfile
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from support.processes import PATIENCE
from support.tools import require

if TYPE_CHECKING:
    from pathlib import Path

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
)
_WITHOUT_TEXT = {"script", "style"}


def dump_dom(url: str) -> str:
    """Return the page as HTML, as it stands once it is loaded."""
    return _run(url, "--dump-dom")


def text(url: str) -> str:
    """Return all text of the page; of a plain-text answer, exactly what the browser received and decoded."""
    collector = _TextCollector()
    collector.feed(dump_dom(url))
    collector.close()
    return "".join(collector.parts)


def screenshot(url: str, path: Path, *, width: int = 1280, height: int = 800) -> None:
    """Save a picture of the page, in pixels, as PNG."""
    _run(url, f"--screenshot={path.resolve()}", f"--window-size={width},{height}")
    if not path.exists():
        raise FileNotFoundError(f"the browser made no picture of {url}")


def _run(url: str, *flags: str, timeout: float = PATIENCE) -> str:
    """Run the browser to its end and return what it printed; raise RuntimeError when it fails."""
    # Helpers of the browser may still write into its profile for a moment after it has ended.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        done = subprocess.run(
            [require("chromium"), *FLAGS, f"--user-data-dir={directory}/profile", *flags, url],
            capture_output=True,
            text=True,
            env=os.environ | {"HOME": directory},
            timeout=timeout,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"the browser exited with {done.returncode}:\n{done.stderr[-4000:]}")
    return done.stdout


class _TextCollector(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self._hidden += tag in _WITHOUT_TEXT

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in _WITHOUT_TEXT

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
