"""The lab's own port, plain HTTP on the loopback: what was counted, and a reset.

GET  /kubescope-lab/counts   everything as JSON; ?recent=N leaves only the last N requests in it
POST /kubescope-lab/reset    begin counting again
"""

from __future__ import annotations

from typing import Callable

from . import http1
from .connection import Connection
from .counts import Counts
from .http1 import HttpError, Request
from .call import Response


class Admin:
    """A handler for connections of the admin port."""

    def __init__(self, counts: Counts, watches: Callable[[], int], revision: Callable[[], int]) -> None:
        self.counts = counts
        self.watches = watches
        self.revision = revision

    def opened(self, conn: Connection) -> None:
        """Admin connections are not counted."""

    def closed(self, conn: Connection) -> None:
        """Admin connections are not counted."""

    def broken(self, conn: Connection, error: HttpError) -> None:
        """Tell why and let the connection close."""
        if conn.transport:
            conn.transport.write(http1.response_head(error.code, [("Content-Length", "0"), ("Connection", "close")]))

    def _answer(self, request: Request) -> Response:
        if (request.method, request.path) == ("GET", "/kubescope-lab/counts"):
            snapshot = self.counts.snapshot(watches=self.watches(), objects_revision=self.revision())
            recent = request.query.get("recent", "")
            if recent.isdigit():
                snapshot["recent"] = snapshot["recent"][-int(recent):] if int(recent) else []
            return Response.of(snapshot)
        if (request.method, request.path) == ("POST", "/kubescope-lab/reset"):
            self.counts.reset()
            return Response.of({"reset": True})
        return Response.of({"error": "GET /kubescope-lab/counts or POST /kubescope-lab/reset"}, 404)

    async def handle(self, conn: Connection, request: Request) -> bool:
        """Answer one request."""
        response = self._answer(request)
        headers = [("Content-Type", response.content_type), ("Content-Length", str(len(response.body)))]
        await conn.write(http1.response_head(response.code, headers) + response.body)
        return request.keep_alive()
