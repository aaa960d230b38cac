"""The exporter's own parts, each to be called in a process that does nothing else."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bench.fleet import target
from bench.process import peak, resident
from exporter.config import Settings
from exporter.exposition import Format, Published, scrape
from exporter.exposition.publish import publish
from exporter.telemetry import Telemetry
from exporter.web.app import Check, create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.pages import Configuration, Origin, Snapshot
from exporter.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterable
    from concurrent.futures import Future


class Site:
    """What the daemon serves, without anybody who changes it."""

    def __init__(self, published: Published) -> None:
        self._published = published
        self._telemetry = Telemetry()

    def scrape(self, format: Format, gzip: bool) -> Iterable[bytes]:  # noqa: A002 - as the Site has it
        return scrape(self._published, self._telemetry, format, gzip=gzip)

    def healthy(self) -> Check:
        return Check(ok=True, detail="ok")

    ready = healthy

    def snapshot(self) -> Snapshot:
        now = time.time()
        configuration = Configuration(Origin("bench.yaml"), Settings(()), now, "start")
        published = self._published
        return Snapshot(
            version="bench",
            started=now,
            now=now,
            generation=published.generation,
            targets=published.targets,
            left_out=published.left_out,
            states={},
            configuration=configuration,
        )

    def request_reload(self, trigger: str) -> Future[None]:
        raise NotImplementedError(f"nobody may ask for it: {trigger}")


def serve(file: str, jobs: int) -> None:
    """Serve a stored fleet until the process is ended; print the port."""
    site = Site(publish(1, [target(file, jobs)]))
    listener = open_socket(parse_address("127.0.0.1:0"))
    server = WebServer(create_app(site), [listener])
    server.start()
    print(f"port {listener.getsockname()[1]}", flush=True)
    threading.Event().wait()


def write_text(file: str, jobs: int, text: str, compressed: str) -> None:
    """Write the exposition of a stored fleet to two files, plain and as one gzip member."""
    published = publish(1, [target(file, jobs)])
    Path(compressed).write_bytes(b"".join(Site(published).scrape(Format.TEXT, gzip=True)))
    Path(text).write_bytes(b"".join(published.bodies[Format.TEXT].inflated()))


def render(file: str, jobs: int, repeats: int) -> dict[str, object]:
    """Render a stored fleet; return the CPU seconds of each time, and the memory that it all took on top of the imports."""
    before = resident()
    fleet = [target(file, jobs)]
    seconds = []
    for generation in range(repeats):
        began = time.process_time()
        published = publish(generation, fleet)
        seconds.append(time.process_time() - began)
    return {"seconds": seconds, "memory": peak() - before, "series": _series(published)}


def _series(published: Published) -> int:
    text = b"".join(published.bodies[Format.TEXT].inflated())
    return sum(not line.startswith(b"#") for line in text.splitlines())
