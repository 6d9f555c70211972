"""Objects in memory with one revision counter, a bounded history and watchers.

Objects are replaced, never changed in place, so an entry may be handed out without copying. One
thread (the event loop) runs all of this.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Iterator

from .resources import Resource
from .selector import Predicate
from .status import ApiError, already_exists, conflict, not_found

HISTORY_EVENTS = 2048       # per resource: a watch may start this far back
WATCH_BACKLOG_EVENTS = 4096  # a watcher further behind than this is cut off


class Entry:
    """One version of one object; its JSON is made once, when first needed."""

    __slots__ = ("obj", "revision", "_raw")

    def __init__(self, obj: dict[str, Any], revision: int) -> None:
        self.obj = obj
        self.revision = revision
        self._raw: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The object as compact JSON."""
        if self._raw is None:
            self._raw = json.dumps(self.obj, separators=(",", ":")).encode()
        return self._raw


@dataclass(slots=True)
class Change:
    """One step in a resource's history; `before` lets a selector see an object leave."""

    kind: str
    entry: Entry
    before: Entry | None


class Watcher:
    """The events one watch has still to send."""

    def __init__(self, namespace: str, matches: Predicate | None) -> None:
        self.namespace = namespace
        self.matches = matches
        self.events: deque[tuple[str, Entry]] = deque()
        self.wake = asyncio.Event()
        self.overrun = False

    def offer(self, change: Change) -> None:
        """Queue a change if this watch sees it, in the form it sees it."""
        kind = self._seen_as(change)
        if kind is None:
            return
        if len(self.events) >= WATCH_BACKLOG_EVENTS:
            self.overrun = True
        else:
            self.events.append((kind, change.entry))
        self.wake.set()

    def _seen_as(self, change: Change) -> str | None:
        metadata = change.entry.obj["metadata"]
        if self.namespace and metadata.get("namespace") != self.namespace:
            return None
        if self.matches is None:
            return change.kind
        now = change.kind != "DELETED" and self.matches(change.entry.obj)
        before = change.before is not None and self.matches(change.before.obj)
        if now:
            return "MODIFIED" if before else "ADDED"
        return "DELETED" if before else None


@dataclass(slots=True)
class Collection:
    """All objects of one resource."""

    objects: dict[tuple[str, str], Entry] = field(default_factory=dict)
    history: deque[Change] = field(default_factory=lambda: deque(maxlen=HISTORY_EVENTS))
    forgotten: int = 0
    watchers: set[Watcher] = field(default_factory=set)


class Store:
    """Everything there is. Methods raise ApiError with what the client is to be told."""

    def __init__(self) -> None:
        self.revision = 1
        self.used_uids: set[str] = set()
        self._collections: dict[tuple[str, str], Collection] = {}

    def _collection(self, resource: Resource) -> Collection:
        return self._collections.setdefault((resource.group, resource.plural), Collection())

    def get(self, resource: Resource, namespace: str, name: str) -> Entry:
        """The current version, or 404."""
        entry = self._collection(resource).objects.get((namespace, name))
        if entry is None:
            raise not_found(resource.plural, resource.group, name)
        return entry

    def find(self, resource: Resource, namespace: str, name: str) -> Entry | None:
        """The current version, or None."""
        return self._collection(resource).objects.get((namespace, name))

    def select(self, resource: Resource, namespace: str, matches: Predicate | None) -> Iterator[Entry]:
        """Objects in the order of namespace and name."""
        objects = self._collection(resource).objects
        for key in sorted(objects):
            entry = objects[key]
            if (not namespace or key[0] == namespace) and (matches is None or matches(entry.obj)):
                yield entry

    def _publish(self, collection: Collection, change: Change) -> None:
        if len(collection.history) == HISTORY_EVENTS:
            collection.forgotten = collection.history[0].entry.revision
        collection.history.append(change)
        for watcher in collection.watchers:
            watcher.offer(change)

    def _next(self, obj: dict[str, Any]) -> Entry:
        self.revision += 1
        metadata = {**obj["metadata"], "resourceVersion": str(self.revision)}
        return Entry({**obj, "metadata": metadata}, self.revision)

    def create(self, resource: Resource, obj: dict[str, Any]) -> Entry:
        """A new object, or 409."""
        collection = self._collection(resource)
        key = (obj["metadata"].get("namespace", ""), obj["metadata"]["name"])
        if key in collection.objects:
            raise already_exists(resource.plural, resource.group, key[1])
        entry = self._next(obj)
        collection.objects[key] = entry
        self._publish(collection, Change("ADDED", entry, None))
        return entry

    def replace(self, resource: Resource, before: Entry, obj: dict[str, Any]) -> Entry:
        """The next version of `before`. A resourceVersion in `obj` must still be the current one."""
        collection = self._collection(resource)
        metadata = obj["metadata"]
        wanted = metadata.get("resourceVersion")
        if wanted and wanted != str(before.revision):
            raise conflict(resource.plural, resource.group, metadata["name"],
                           "the object has been modified; please apply your changes to the latest version and try again")
        if {**metadata, "resourceVersion": str(before.revision)} == before.obj["metadata"] and \
                {**obj, "metadata": before.obj["metadata"]} == before.obj:
            return before  # nothing changed: no new version, no event
        entry = self._next(obj)
        collection.objects[(metadata.get("namespace", ""), metadata["name"])] = entry
        self._publish(collection, Change("MODIFIED", entry, before))
        return entry

    def delete(self, resource: Resource, entry: Entry) -> Entry:
        """Remove; the last version carries the revision of its end."""
        collection = self._collection(resource)
        metadata = entry.obj["metadata"]
        del collection.objects[(metadata.get("namespace", ""), metadata["name"])]
        last = self._next(entry.obj)
        self._publish(collection, Change("DELETED", last, entry))
        return last

    def watch(self, resource: Resource, namespace: str, matches: Predicate | None,
              since: int | None) -> Watcher:
        """A watcher that begins after revision `since`, or with all present objects if None."""
        collection = self._collection(resource)
        watcher = Watcher(namespace, matches)
        if since is None:
            for entry in self.select(resource, namespace, matches):
                watcher.events.append(("ADDED", entry))
        else:
            if since < collection.forgotten:
                raise ApiError(410, f"too old resource version: {since} ({collection.forgotten})")
            for change in collection.history:
                if change.entry.revision > since:
                    watcher.offer(change)
        collection.watchers.add(watcher)
        return watcher

    def unwatch(self, resource: Resource, watcher: Watcher) -> None:
        """Ends a watch."""
        self._collection(resource).watchers.discard(watcher)

    def watchers(self) -> int:
        """How many watches are open."""
        return sum(len(c.watchers) for c in self._collections.values())
