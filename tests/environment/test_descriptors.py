"""Clients use up the file descriptors: the scraper may suffer while they are there, and no longer."""

from __future__ import annotations

import resource
import socket

import httpx
from environment.process import configuration
from support.processes import PATIENCE, wait_until

LIMIT = 40


def test_scrapes_and_describes_return_when_the_clients_leave(run, file, endpoint):
    exporter = run(file, "--no-config.auto-reload", preexec_fn=limit_descriptors)
    exporter.wait_for_up("one")
    crowd = [socket.create_connection(("127.0.0.1", exporter.port), timeout=PATIENCE) for _ in range(4 * LIMIT)]
    wait_until(lambda: "cannot accept new connections" in exporter.output(), what="the shortage")
    for client in crowd:
        client.close()
    exporter.wait_for_up("one")
    rounds = exporter.rounds()
    wait_until(lambda: exporter.rounds() > rounds + 1, what="rounds")
    exporter.wait_for_up("one")
    assert exporter.output().count("cannot accept new connections") == 1
    assert "Traceback" not in exporter.output()


def test_a_shortage_from_the_start(run, file, tmp_path, endpoint):
    """The crowd is there before the SDK has opened anything."""
    file.write_text(configuration(endpoint))
    exporter = run(file, preexec_fn=limit_descriptors)
    crowd = [socket.create_connection(("127.0.0.1", exporter.port), timeout=PATIENCE) for _ in range(4 * LIMIT)]
    wait_until(lambda: "cannot accept new connections" in exporter.output(), what="the shortage")
    file.write_text(configuration(endpoint, "one"))
    for client in crowd:
        client.close()
    wait_until(lambda: scrapable(exporter), what="a scrape")
    exporter.wait_for_up("one")
    assert "Traceback" not in exporter.output()


def limit_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))


def scrapable(exporter):
    try:
        return exporter.get("/metrics").is_success
    except httpx.TransportError:
        return False
