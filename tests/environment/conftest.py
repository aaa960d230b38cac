"""A simulator that can refuse access keys, and exporters that watch it."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from environment.echo import Echo
from environment.process import REGION, Exporter, command, configuration

from exporter.clock import SystemClock
from exporter.simulator.errors import ApiError
from exporter.simulator.server import Server
from exporter.simulator.service import Simulator


class Picky(Simulator):
    """Refuses the access keys in ``revoked``."""

    def __init__(self):
        super().__init__(SystemClock())
        self.revoked = set()

    def handle(self, request):
        if request.access_key_id in self.revoked:
            raise ApiError("UnrecognizedClientException", "The security token included in the request is invalid.", 403)
        return super().handle(request)

    def describes(self):
        return self.requests["DescribeHyperParameterTuningJob", REGION]


@pytest.fixture
def simulator():
    simulator = Picky()
    for name in ("one", "two"):
        simulator.create("healthy", name, region=REGION, created=time.time() - 7200)
    return simulator


@pytest.fixture
def endpoint(simulator):
    with Server(simulator) as server:
        yield server.url


@pytest.fixture
def file(tmp_path, endpoint):
    file = tmp_path / "config.yaml"
    file.write_text(configuration(endpoint, "one"))
    return file


@pytest.fixture
def run(tmp_path):
    """Return a function that starts an exporter, by its configuration file or by its whole command line."""
    with ExitStack() as running:
        started: list[Path] = []

        def run(file, *flags, arguments=None, **options):
            log = tmp_path / f"log{len(started)}"
            started.append(log)
            return running.enter_context(Exporter(arguments or command(file, *flags), log=log, **options))

        yield run


@pytest.fixture
def echo():
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
