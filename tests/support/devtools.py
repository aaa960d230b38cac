"""A real browser that a test steers: what it shows, asks for and complains of. It speaks the DevTools protocol over a pipe."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

from support.browser import FLAGS
from support.processes import PATIENCE
from support.tools import require

if TYPE_CHECKING:
    from pathlib import Path

# The browser reads from descriptor 3 and writes to 4.
_RUN = (
    "import fcntl, os, sys\n"
    "ends = [fcntl.fcntl(int(each), fcntl.F_DUPFD, 10) for each in sys.argv[1:3]]\n"
    "os.dup2(ends[0], 3)\n"
    "os.dup2(ends[1], 4)\n"
    "os.execv(sys.argv[3], sys.argv[3:])\n"
)
_PHONE = {"deviceScaleFactor": 2, "mobile": True}
_DESK = {"deviceScaleFactor": 1, "mobile": False}


class Browser:
    """A browser without a window, from the start of the ``with`` block to its end."""

    def __enter__(self) -> Self:
        self._changed = threading.Condition()
        self._answers: dict[int, dict[str, Any]] = {}
        self._pages: dict[str, Page] = {}
        self._serial = 0
        self._ended = False
        with ExitStack() as opened:
            # Helpers of the browser may still write into its profile for a moment after it has ended.
            directory = opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            theirs_in, self._to = os.pipe()
            self._from, theirs_out = os.pipe()
            flags = [*FLAGS, "--remote-debugging-pipe", "--no-proxy-server", f"--user-data-dir={directory}/profile"]
            self._process = subprocess.Popen(
                [sys.executable, "-c", _RUN, str(theirs_in), str(theirs_out), str(require("chromium")), *flags],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"HOME": directory},
                pass_fds=(theirs_in, theirs_out),
            )
            opened.callback(self._end)
            os.close(theirs_in)
            os.close(theirs_out)
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
            self._opened = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        self._reader.join(PATIENCE)
        os.close(self._from)

    def page(self) -> Page:
        """Return a new tab."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            page.call(f"{domain}.enable")
        return page

    def call(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """Return what a command returns; raise RuntimeError when it fails."""
        with self._changed:
            self._serial += 1
            serial = self._serial
        message = {"id": serial, "method": method, "params": parameters or {}}
        if session is not None:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        with self._changed:
            done = self._changed.wait_for(lambda: serial in self._answers or self._ended, PATIENCE)
            if not done or serial not in self._answers:
                raise RuntimeError(f"the browser does not answer {method}")
            answer = self._answers.pop(serial)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> None:
        waiting = b""
        while piece := os.read(self._from, 1 << 16):
            *messages, waiting = (waiting + piece).split(b"\0")
            for message in map(json.loads, messages):
                with self._changed:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    elif (page := self._pages.get(message.get("sessionId", ""))) is not None:
                        page.note(message["method"], message["params"])
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def wait(self, condition: Any) -> bool:
        """Wait until a condition holds that events bring about."""
        with self._changed:
            return self._changed.wait_for(condition, PATIENCE)


class Page:
    """A tab. ``asked`` are the addresses that it has asked for, ``complaints`` what it wrote to its console."""

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self._session = session
        self._loads = 0
        self.asked: list[str] = []
        self.complaints: list[str] = []

    def note(self, method: str, told: dict[str, Any]) -> None:
        """Take an event."""
        if method == "Page.loadEventFired" or told.get("type") == "BackForwardCacheRestore":
            self._loads += 1
        elif method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(told["exceptionDetails"]["text"])
        elif method == "Runtime.consoleAPICalled":
            self.complaints.append(f"console.{told['type']}")
        elif method == "Log.entryAdded":
            self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialog: {told['message']}")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return what a command about this tab returns."""
        return self._browser.call(method, parameters, self._session)

    def go(self, url: str) -> None:
        """Open an address and wait until it is loaded."""
        self.loading(lambda: self.call("Page.navigate", url=url))

    def loading(self, act: Any) -> None:
        """Do something that opens another page, and wait until that is loaded."""
        before = self._loads
        act()
        if not self._browser.wait(lambda: self._loads > before):
            raise TimeoutError("the page has not been loaded in time")

    def run(self, expression: str) -> Any:
        """Return what a JavaScript expression comes to; it runs outside of the page's own policy."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise RuntimeError(told["exceptionDetails"]["exception"]["description"])
        return told["result"].get("value")

    def size(self, width: int, height: int) -> None:
        """Show it on a screen of that size, a phone's if it is narrow."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, **(_PHONE if width < 500 else _DESK)
        )

    def scheme(self, name: str) -> None:
        """Prefer ``light`` or ``dark``."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": name}])

    def scripts(self, *, on: bool) -> None:
        """Let pages run scripts, or not, from the next one on."""
        self.call("Emulation.setScriptExecutionDisabled", value=not on)

    def press(self, key: str) -> None:
        """Press a key, such as ``Tab`` or ``Enter``."""
        codes = {"Tab": 9, "Enter": 13}
        for type_ in ("rawKeyDown", "char", "keyUp") if key == "Enter" else ("rawKeyDown", "keyUp"):
            text = {"text": "\r"} if type_ == "char" else {}
            self.call("Input.dispatchKeyEvent", type=type_, key=key, code=key, windowsVirtualKeyCode=codes[key], **text)

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Save a picture of what is seen, or of the whole page, as PNG."""
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(told["data"]))
