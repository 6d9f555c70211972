"""What reached this server: the other half of every proof that a gateway held something back."""

from __future__ import annotations

import hashlib
import time
from collections import Counter, deque
from typing import Any

from .http1 import Request

RECENT_REQUESTS = 500
_SECRET_HEADERS = ("authorization", "cookie")


def _shown(name: str, value: str) -> str:
    """Credentials are told apart, not told."""
    if name.lower() not in _SECRET_HEADERS:
        return value
    scheme = value.partition(" ")[0] if name.lower() == "authorization" else ""
    return f"{scheme} sha256:{hashlib.sha256(value.encode('latin-1')).hexdigest()[:16]}".strip()


class Counts:
    """Counters and the last requests, since start or the last reset."""

    def __init__(self) -> None:
        self.open_connections = 0
        self.reset()

    def reset(self) -> None:
        """Begin again; open connections stay counted."""
        self.since = time.time()
        self.total = 0
        self.connections = 0
        self.broken = 0
        self.by_user: Counter[str] = Counter()
        self.by_call: Counter[str] = Counter()
        self.by_user_call: Counter[tuple[str, str]] = Counter()
        self.by_status: Counter[int] = Counter()
        self.recent: deque[dict[str, Any]] = deque(maxlen=RECENT_REQUESTS)

    def opened(self) -> None:
        """A connection was accepted."""
        self.connections += 1
        self.open_connections += 1

    def closed(self) -> None:
        """A connection ended."""
        self.open_connections -= 1

    def request(self, request: Request, *, user: str, call: str, peer: str, certificate: str) -> dict[str, Any]:
        """A request is about to be answered; returns its record so that the status can follow."""
        self.total += 1
        self.by_user[user] += 1
        self.by_call[call] += 1
        self.by_user_call[(user, call)] += 1
        record = {
            "time": time.time(), "peer": peer, "certificate": certificate, "user": user, "call": call,
            "method": request.method, "target": request.target, "status": None,
            "headers": [[name, _shown(name, value)] for name, value in request.headers],
            "bodyBytes": len(request.body),
            "bodySha256": hashlib.sha256(request.body).hexdigest() if request.body else "",
        }
        self.recent.append(record)
        return record

    def answered(self, record: dict[str, Any], status: int) -> None:
        """The answer's status, at its head."""
        record["status"] = status
        self.by_status[status] += 1

    def snapshot(self, *, watches: int, objects_revision: int) -> dict[str, Any]:
        """Everything as plain data."""
        by_user_call: dict[str, dict[str, int]] = {}
        for (user, call), count in self.by_user_call.items():
            by_user_call.setdefault(user, {})[call] = count
        return {
            "since": self.since, "total": self.total, "byUser": dict(self.by_user), "byCall": dict(self.by_call),
            "byUserCall": by_user_call, "byStatus": {str(k): v for k, v in self.by_status.items()},
            "brokenMessages": self.broken, "connections": self.connections,
            "openConnections": self.open_connections, "openWatches": watches, "revision": objects_revision,
            "recent": list(self.recent),
        }
