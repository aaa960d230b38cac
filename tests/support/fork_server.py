"""A process that has imported the exporter, and forks for each one that a test starts: importing takes most of its start.

    python -m support.fork_server 5

where 5 is a socket on which requests come. A forked exporter begins where ``python -m exporter`` would. Its parent is
whoever asked for it, which is a subreaper.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import socket
import sys
import time

# What these commands import when they run.
MODULES = (
    *("exporter.cli.run", "exporter.cli.demo", "exporter.cli.simulate", "exporter.cli.listening", "exporter.daemon"),
    *("exporter.simulator.server", "exporter.simulator.service", "exporter.config.watch", "yaml"),
)


def serve(requests: socket.socket) -> list[str] | None:
    """Fork for each request. Return its arguments in the process that is to be the exporter, and None at the end."""
    while True:
        data, streams, _, _ = socket.recv_fds(requests, 1 << 20, 3)
        if not data:
            return None
        reading, writing = os.pipe()
        if not (child := os.fork()):
            if grandchild := os.fork():
                os.write(writing, str(grandchild).encode())
                os._exit(0)
            for descriptor in (requests.detach(), reading, writing):
                os.close(descriptor)
            return _become(json.loads(data), streams)
        os.waitpid(child, 0)  # from here on the grandchild belongs to the subreaper
        requests.send(os.read(reading, 64))
        for descriptor in (*streams, reading, writing):
            os.close(descriptor)


def _become(request: dict[str, object], streams: list[int]) -> list[str]:
    if request["session"]:
        os.setsid()
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
    for descriptor in streams:
        os.close(descriptor)
    os.chdir(str(request["directory"]))
    os.environ.clear()
    os.environ.update(request["environment"])  # type: ignore[call-overload]
    time.tzset()
    arguments: list[str] = request["arguments"]  # type: ignore[assignment]
    return arguments


if __name__ == "__main__":
    from exporter.cli import early

    early.ignore_others()
    early.leave_out_rich()
    for module in MODULES:
        __import__(module)
    gc.collect()
    gc.freeze()
    arguments = serve(socket.socket(fileno=int(sys.argv[1])))
    if arguments is not None:
        sys.argv[1:] = arguments
        runpy.run_module("exporter", run_name="__main__", alter_sys=True)
