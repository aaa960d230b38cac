"""SIGTERM ends the process within its time, whatever it is doing; SIGHUP never does."""

from __future__ import annotations

import os
import signal
import socket
import threading

import pytest
from environment.process import configuration
from environment.test_configuration_file import hold
from support.processes import wait_until

TERMINATE = pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGTERM] * 2, [signal.SIGINT]], ids=str)


@pytest.fixture
def silent():
    """The address of an endpoint that takes connections and never answers, and the connections it took."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        taken = []

        def accept():
            try:
                while True:
                    taken.append(listener.accept()[0])
            except OSError:
                pass

        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", taken
        listener.shutdown(socket.SHUT_RDWR)
    for connection in taken:
        connection.close()


def test_while_the_configuration_is_read(run, tmp_path):
    file = tmp_path / "config.yaml"
    writer = hold(file)
    exporter = run(file)
    wait_until(lambda: exporter.has_open(file), what="the exporter to read")
    exporter.end(signal.SIGTERM, seconds=1)
    os.close(writer)


def test_sighup_while_the_configuration_is_read(run, tmp_path, endpoint):
    """It is answered as soon as that can be, so that a change in between is not missed."""
    file = tmp_path / "config.yaml"
    writer = hold(file)
    exporter = run(file, "--no-config.auto-reload")
    wait_until(lambda: exporter.has_open(file), what="the exporter to read")
    exporter.send(signal.SIGHUP)
    file.unlink()
    file.write_text(configuration(endpoint, "two"))
    os.write(writer, configuration(endpoint, "one").encode())
    os.close(writer)
    exporter.wait_for_up("two")


@TERMINATE
def test_as_soon_as_it_listens(run, file, numbers):
    exporter = run(file)
    assert exporter.port
    exporter.end(*numbers)


@TERMINATE
def test_in_the_middle_of_the_first_calls(run, tmp_path, silent, numbers):
    url, taken = silent
    file = tmp_path / "config.yaml"
    file.write_text(configuration(url, "one", "two"))
    exporter = run(file)
    wait_until(lambda: len(taken) >= 2, what="calls")
    exporter.end(*numbers)
    assert exporter.output().splitlines()[-1].endswith("msg=stopped")
    assert "Traceback" not in exporter.output()


def test_while_credentials_are_fetched_for_ever(run, file, tmp_path):
    started, helper = tmp_path / "started", tmp_path / "helper"
    helper.write_text(f"#!/bin/sh\necho $$ > {started}\nexec sleep 600\n")
    helper.chmod(0o755)
    (tmp_path / "aws").write_text(f"[default]\ncredential_process = {helper}\n")
    exporter = run(
        file,
        environment={
            "AWS_CONFIG_FILE": str(tmp_path / "aws"),
            "AWS_ACCESS_KEY_ID": None,
            "AWS_SECRET_ACCESS_KEY": None,
        },
    )
    pid = int(wait_until(lambda: started.exists() and started.read_text().strip(), what="the credential process"))
    try:
        assert exporter.get("/-/healthy").status_code == 200
        exporter.end(signal.SIGTERM)
    finally:
        os.kill(pid, signal.SIGKILL)


def test_with_readers_that_are_slow_or_read_nothing(run, file):
    exporter = run(file)
    exporter.wait_for_up("one")
    clients = [socket.create_connection(("127.0.0.1", exporter.port)) for _ in range(20)]
    for position, client in enumerate(clients):
        client.setblocking(False)
        if position % 2:
            client.send(b"GET /metrics HTTP/1.1\r\nHost: ")
            continue
        request = b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 1000
        try:
            while request:
                request = request[client.send(request) :]
        except BlockingIOError:
            pass
    exporter.wait_for_up("one")
    exporter.end(signal.SIGTERM)
    for client in clients:
        client.close()
