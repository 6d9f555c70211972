"""One TCP/TLS connection: buffers, flow control and the loop request, answer, request.

A hand-kept protocol instead of asyncio's streams, because a watch must notice at once that its
client has gone, and because the burst tests need the speed.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Protocol

from . import http1
from .http1 import HttpError, Request

log = logging.getLogger("apiserver.connection")
READ_AHEAD_BYTES = 256 * 1024


class Handler(Protocol):
    """What a connection needs of the server behind it."""

    def opened(self, conn: "Connection") -> None: ...
    def closed(self, conn: "Connection") -> None: ...
    async def handle(self, conn: "Connection", request: Request) -> bool: ...
    def broken(self, conn: "Connection", error: HttpError) -> None: ...


class Connection(asyncio.Protocol):
    """Reads requests strictly one after the other and hands each to the handler."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.transport: asyncio.Transport | None = None
        self.peer_certificate: dict[str, Any] | None = None
        self.peer_address = ""
        self.gone = False
        self._buffer = bytearray()
        self._arrived = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        self._task: asyncio.Task[None] | None = None

    # --- callbacks of asyncio -------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        tls = transport.get_extra_info("ssl_object")
        self.peer_certificate = tls.getpeercert() if tls else None
        peer = transport.get_extra_info("peername")
        self.peer_address = f"{peer[0]}:{peer[1]}" if peer else ""
        self.handler.opened(self)
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if len(self._buffer) > READ_AHEAD_BYTES and self.transport:
            self.transport.pause_reading()
        self._arrived.set()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.gone = True
        self._arrived.set()
        self._writable.set()
        self.handler.closed(self)
        if self._task:
            self._task.cancel()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    # --- for the handler ------------------------------------------------------------------

    async def write(self, data: bytes) -> None:
        """Send, and wait while the peer reads too slowly."""
        if self.gone or not self.transport:
            raise ConnectionResetError("peer has gone")
        self.transport.write(data)
        if not self._writable.is_set():
            await self._writable.wait()

    async def read_raw(self) -> bytes:
        """Whatever arrives next, for connections that have left HTTP; empty at the end."""
        while not self._buffer and not self.gone:
            await self._more()
        data = bytes(self._buffer)
        self._take(len(data))
        return data

    # --- reading --------------------------------------------------------------------------

    async def _more(self) -> None:
        self._arrived.clear()
        if self.gone:
            raise ConnectionResetError("peer has gone")
        if self.transport and not self.transport.is_reading() and not self.transport.is_closing():
            self.transport.resume_reading()
        await self._arrived.wait()

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    async def _until(self, end: bytes, limit: int) -> bytes:
        """Bytes up to and without `end`, which is removed as well."""
        searched = 0
        while (at := self._buffer.find(end, searched)) < 0:
            if len(self._buffer) > limit:
                raise HttpError(431, "header section too large")
            searched = max(0, len(self._buffer) - len(end) + 1)
            await self._more()
        if at > limit:
            raise HttpError(431, "header section too large")
        data = self._take(at)
        self._take(len(end))
        return data

    async def _exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            await self._more()
        return self._take(count)

    async def _request(self) -> Request:
        request = http1.parse_head(await self._until(b"\r\n\r\n", http1.MAX_HEAD_BYTES))
        length = http1.body_framing(request)
        if length is not None and length > http1.MAX_BODY_BYTES:
            raise HttpError(413, "limit is 3145728 bytes")
        if length != 0 and request.header("expect").lower() == "100-continue":
            await self.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.body = await (self._chunked() if length is None else self._exactly(length))
        return request

    async def _chunked(self) -> bytes:
        body = bytearray()
        while size := http1.chunk_size(await self._until(b"\r\n", 4096)):
            if len(body) + size > http1.MAX_BODY_BYTES:
                raise HttpError(413, "limit is 3145728 bytes")
            body += await self._exactly(size)
            if await self._exactly(2) != b"\r\n":
                raise HttpError(400, "malformed chunk")
        while await self._until(b"\r\n", 4096):
            pass  # trailers mean nothing to this server
        return bytes(body)

    async def _serve(self) -> None:
        try:
            while await self.handler.handle(self, await self._request()):
                pass
        except HttpError as error:
            if not self.gone:
                self.handler.broken(self, error)
        except (ConnectionError, asyncio.CancelledError):
            pass
        except Exception:  # a bug of ours must not leave a client waiting
            log.exception("request failed peer=%s", self.peer_address)
        if self.transport:
            self.transport.close()
