"""Makes the pictures in docs/images: pages of the demo, on a wide screen and on a phone.

Run with tests/ on PYTHONPATH: python -m support.pictures.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from support.devtools import Browser
from support.processes import Child
from support.start import EXPORTER
from support.text import found
from support.tools import ROOT
from support.web import get

_SCREENS = {"": (1440, 900), "-narrow": (390, 1300)}
"""Width and height by how the name of a file ends."""


def make(folder: Path) -> None:
    """Start a demo, and write the pictures into a folder."""
    with (
        tempfile.TemporaryDirectory() as directory,
        Child([*EXPORTER, "demo", "--web.listen-address=127.0.0.1:0"], log=Path(directory, "log")) as demo,
        Browser() as browser,
    ):
        demo.wait_until(lambda: "Press Ctrl-C" in demo.output())
        url = found(r"Status page: +(\S+)/\n", demo.output())[1]
        [job] = get(f"{url}/api/v1/jobs?q=search-ranker").json()["jobs"]
        paths = {"status": "/", "job": f"/jobs/{job['account_id']}/{job['region']}/{job['name']}"}
        page = browser.page()
        page.scheme("light")
        for ending, (width, height) in _SCREENS.items():
            # One pixel of the picture for each of the page: Markdown shows it as large as it is.
            page.call(
                "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
            )
            for name, path in paths.items():
                page.go(f"{url}{path}")
                page.screenshot(folder / f"{name}{ending}.png")


if __name__ == "__main__":
    make(ROOT / "docs" / "images")
