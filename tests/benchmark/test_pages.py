from __future__ import annotations

import pytest
from support.snapshots import snapshot, watched
from support.views import facts, view

from bench.pages import PATHS, open_page
from exporter.web.app import create_app
from exporter.web.listen import open_socket, parse_address
from exporter.web.server import WebServer


class Site:
    def snapshot(self):
        return snapshot([watched(view(facts()))])


def test_every_page_that_is_opened_is_there() -> None:
    listener = open_socket(parse_address("127.0.0.1:0"))
    port = listener.getsockname()[1]
    server = WebServer(create_app(Site()), [listener])  # type: ignore[arg-type]
    server.start()
    try:
        for path in PATHS:
            assert open_page(port, path) > 100
        with pytest.raises(ConnectionError, match="404"):
            open_page(port, "/nowhere")
    finally:
        server.stop(1)
