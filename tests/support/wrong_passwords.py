"""An attack, as a process of its own: requests with wrong passwords, whose answers are not waited for.

    python -m support.wrong_passwords PORT USER PAUSE ATTEMPTS

Each has another password, and if USER is empty another user. It says when it is well under way, and at the end, as JSON, how
many answers had which status. Those that were closed without one count under "".
"""

from __future__ import annotations

import base64
import json
import os
import select
import socket
import sys
from collections import Counter
from contextlib import suppress

MOST_OPEN = 400
"""How many connections it holds open, which is more than the server does."""

UNDER_WAY = 100


def main(port: int, user: str, pause: float, attempts: int) -> None:
    opened: list[socket.socket] = []
    statuses: Counter[str] = Counter()
    for number in range(attempts):
        noise = os.urandom(9).hex()
        given = base64.b64encode(f"{user or noise}:{noise}".encode()).decode()
        if len(opened) >= MOST_OPEN:
            opened.pop(0).close()
        client = socket.socket()
        opened.append(client)
        with suppress(OSError):
            client.connect(("127.0.0.1", port))
            client.sendall(f"GET /metrics HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {given}\r\n\r\n".encode())
        for answered in select.select(opened, [], [], pause)[0]:
            status = ""
            with suppress(OSError):
                status = answered.recv(1 << 16)[9:12].decode()
            statuses[status] += 1
            answered.close()
            opened.remove(answered)
        if number == UNDER_WAY:
            print("under way", flush=True)
    print(json.dumps(statuses))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))
