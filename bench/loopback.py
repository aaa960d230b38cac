"""A server that does nothing but send bytes: what no exporter can be quicker than."""

from __future__ import annotations

import socket
from pathlib import Path


def serve(file: str) -> None:
    """Answer every connection with the bytes of a file until the process is ended; print the port."""
    body = Path(file).read_bytes()
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(f"port {listener.getsockname()[1]}", flush=True)
        while True:
            client, _ = listener.accept()
            with client:
                client.recv(65536)
                client.sendall(head)
                client.sendall(body)
