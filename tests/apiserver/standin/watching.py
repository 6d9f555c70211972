"""Watches: a chunked stream of events, with bookmarks, until the client leaves or time is up."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

from .call import Call, Stream
from .connection import Connection
from .resources import ApiPath
from .selector import selector
from .status import ApiError
from .store import Entry, Store, Watcher
from .table import table

DEFAULT_SECONDS = 1800.0
BOOKMARK_SECONDS = 30.0


def chunk(data: bytes) -> bytes:
    """One piece in chunked transfer coding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _since(query: dict[str, str]) -> int | None:
    """The revision to start after; None means: begin with what is there."""
    text = query.get("resourceVersion", "")
    if text in ("", "0"):
        return None
    if not text.isdigit():
        raise ApiError(400, f'resourceVersion: Invalid value: "{text}"')
    return int(text)


class Encoder:
    """Writes events in the form the client asked for."""

    def __init__(self, call: Call, path: ApiPath) -> None:
        self.resource = path.resource
        self.table = call.table
        self.include = call.request.query.get("includeObject", "Metadata")
        self._first = True

    def event(self, kind: str, entry: Entry) -> bytes:
        """One event as a line of JSON."""
        if not self.table:
            return b'{"type":"%b","object":%b}\n' % (kind.encode(), entry.raw)
        body = table(self.resource, [entry.obj], {"resourceVersion": str(entry.revision)}, self.include,
                     with_columns=self._first)
        self._first = False
        return self.plain(kind, body)

    def bookmark(self, revision: int, annotations: dict[str, str] | None = None) -> bytes:
        """An event that carries nothing but how far the stream has come."""
        metadata: dict[str, Any] = {"resourceVersion": str(revision), "creationTimestamp": None}
        if annotations:
            metadata["annotations"] = annotations
        if self.table:
            return self.plain("BOOKMARK", table(self.resource, [], metadata, self.include, with_columns=False))
        return self.plain("BOOKMARK", {"kind": self.resource.kind, "apiVersion": self.resource.api_version,
                                       "metadata": metadata})

    @staticmethod
    def plain(kind: str, obj: dict[str, Any]) -> bytes:
        """An event of any object."""
        return json.dumps({"type": kind, "object": obj}, separators=(",", ":")).encode() + b"\n"


class Watch:
    """One running watch."""

    def __init__(self, store: Store, call: Call, path: ApiPath) -> None:
        query = call.request.query
        fields = query.get("fieldSelector", "")
        if path.name:  # a watch on one name is a watch with that field selector
            fields = ",".join(filter(None, [fields, f"metadata.name={path.name}"]))
        self.store = store
        self.path = path
        self.matches = selector(query.get("labelSelector", ""), fields)
        self.since = _since(query)
        self.initial_end = query.get("sendInitialEvents", "") == "true"
        if self.initial_end:
            self.since = None
        self.bookmarks = query.get("allowWatchBookmarks", "") in ("1", "true")
        try:
            self.seconds = float(query.get("timeoutSeconds") or 0) or DEFAULT_SECONDS
        except ValueError:
            raise ApiError(400, "timeoutSeconds is not a number") from None
        self.encoder = Encoder(call, path)

    async def run(self, conn: Connection) -> None:
        """Send until the time is up; the caller ends the stream."""
        try:
            watcher = self.store.watch(self.path.resource, self.path.namespace, self.matches, self.since)
        except ApiError as error:
            await conn.write(chunk(self.encoder.plain("ERROR", error.status())))
            return
        try:
            if self.initial_end:
                await self._flush(conn, watcher)
                await conn.write(chunk(self.encoder.bookmark(
                    self.store.revision, {"k8s.io/initial-events-end": "true"})))
            await self._loop(conn, watcher)
        finally:
            self.store.unwatch(self.path.resource, watcher)

    async def _flush(self, conn: Connection, watcher: Watcher) -> None:
        while watcher.events:
            lines = [self.encoder.event(*watcher.events.popleft()) for _ in range(min(64, len(watcher.events)))]
            await conn.write(b"".join(chunk(line) for line in lines))

    async def _loop(self, conn: Connection, watcher: Watcher) -> None:
        end = time.monotonic() + self.seconds
        while not watcher.overrun:
            await self._flush(conn, watcher)
            left = end - time.monotonic()
            if left <= 0:
                break
            watcher.wake.clear()
            try:
                await asyncio.wait_for(watcher.wake.wait(), min(left, BOOKMARK_SECONDS))
            except asyncio.TimeoutError:
                if self.bookmarks:
                    await conn.write(chunk(self.encoder.bookmark(self.store.revision)))


def watch(store: Store, call: Call, path: ApiPath) -> Stream:
    """The answer to a watch request."""
    running = Watch(store, call, path)
    return Stream(running.run, content_type="application/json;stream=watch" if call.table else "application/json")
