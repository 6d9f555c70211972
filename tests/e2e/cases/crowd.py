"""A crowd: many clients in one process that begin an upload and stop. Runs by itself:

    python3 crowd.py NUMBER SOURCE,SOURCE,... ANNOUNCED SENT

Says "connected" when all are, waits for a line, then every client announces a body of ANNOUNCED bytes and sends SENT of them.

Says "there" when all are connected, stays until its input ends, then prints as JSON how often each status was the answer
("open" where there was none yet, "gone" where the connection ended without one).
"""

from __future__ import annotations

import json
import ssl
import sys
from collections import Counter

import lab
from wire import Wire, message


def stop_half_way(connection: Wire, announced: str, sent: int) -> None:
    """The head of an upload, and a part of it."""
    try:
        connection.send(message("POST", "/api/v1/namespaces/guest/configmaps", headers={
            "Content-Length": announced, "Content-Type": "application/json"}) + b"x" * sent)
    except OSError:
        pass  # refused while it was still sending


def outcome(connection: Wire) -> str:
    """What has become of it by now."""
    connection.socket.settimeout(0)
    try:
        return str(connection.head().status)
    except (ssl.SSLWantReadError, BlockingIOError):
        return "open"
    except Exception:  # closed or reset: which of them does not matter
        return "gone"


def main() -> None:
    number, sources, announced, sent = int(sys.argv[1]), sys.argv[2].split(","), sys.argv[3], int(sys.argv[4])
    tls = lab.context()
    crowd = [Wire(sources[i % len(sources)], tls=tls) for i in range(number)]
    print("connected", flush=True)
    sys.stdin.readline()
    for one in crowd:
        stop_half_way(one, announced, sent)
    print("there", flush=True)
    sys.stdin.read()
    print(json.dumps(Counter(outcome(one) for one in crowd)))


if __name__ == "__main__":
    main()
