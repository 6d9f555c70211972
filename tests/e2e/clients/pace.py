"""Periodic work with repeatable jitter, and watches that are opened again when they end."""

from __future__ import annotations

import heapq
import http.client
import random
import signal
import threading
import time
from typing import Any, Callable

from kube import Kube

Job = Callable[[], object]
JITTER = 0.1


class Pace:
    """Runs jobs at their times in one thread. `speed` 2 means twice as often."""

    def __init__(self, seed: int, speed: float, seconds: float) -> None:
        self.random = random.Random(seed)
        self.speed = speed
        self._end = time.monotonic() + seconds if seconds else float("inf")
        self._stop = threading.Event()
        self._jobs: list[tuple[float, int, float, Job]] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())

    def every(self, seconds: float, job: Job, *, first: float | None = None) -> None:
        """Run `job` about every so many seconds of a real cluster's time."""
        start = time.monotonic() + (seconds * self.random.random() if first is None else first) / self.speed
        heapq.heappush(self._jobs, (start, len(self._jobs), seconds, job))

    def stopped(self) -> bool:
        """Whether the time is up."""
        return self._stop.is_set() or time.monotonic() >= self._end

    def run(self) -> None:
        """Until the time is up. A job that fails to connect is tried again at its next turn."""
        while self._jobs and not self.stopped():
            due, order, seconds, job = heapq.heappop(self._jobs)
            self._stop.wait(max(0.0, min(due, self._end) - time.monotonic()))
            if self.stopped():
                return
            try:
                job()
            except (OSError, http.client.HTTPException):
                pass  # it is in the journal
            interval = seconds / self.speed * (1 + self.random.uniform(-JITTER, JITTER))
            heapq.heappush(self._jobs, (max(due + interval, time.monotonic()), order, seconds, job))


class Reflector:
    """Lists a resource once, then watches it for as long as the process lives, as informers do."""

    def __init__(self, client: Kube, path: str, rng: random.Random, *, fields: str = "",
                 seen: Callable[[str, dict[str, Any]], None] | None = None) -> None:
        self.client = client
        self.path = path
        self.seed = rng.random()
        self.fields = f"fieldSelector={fields}" if fields else ""
        self.seen = seen
        self.version = "0"

    def _query(self, *parts: str) -> str:
        return self.path + "?" + "&".join(part for part in parts if part)

    def start(self) -> None:
        """The list now, the watch in a thread of its own."""
        reply = self.client.request("GET", self._query(self.fields, "limit=500", "resourceVersion=0"))
        self._took(reply.json)
        threading.Thread(target=self._watch, daemon=True).start()

    def _took(self, listed: dict[str, Any]) -> None:
        self.version = listed.get("metadata", {}).get("resourceVersion", "0")
        for item in listed.get("items") or []:
            if self.seen:
                self.seen("ADDED", item)

    def _watch(self) -> None:
        rng = random.Random(self.seed)
        while True:
            seconds = rng.randint(300, 599)
            path = self._query("allowWatchBookmarks=true", self.fields, f"resourceVersion={self.version}",
                               f"timeout={seconds // 60}m{seconds % 60}s", f"timeoutSeconds={seconds}", "watch=true")
            try:
                for event in self.client.watch(path):
                    self._event(event)
            except (OSError, http.client.HTTPException, ValueError):
                pass  # an informer tries again, after a while
            time.sleep(1 + rng.random())

    def _event(self, event: dict[str, Any]) -> None:
        if event["type"] == "ERROR":
            self.version = "0"
            return
        self.version = event["object"].get("metadata", {}).get("resourceVersion", self.version)
        if self.seen and event["type"] != "BOOKMARK":
            self.seen(event["type"], event["object"])
