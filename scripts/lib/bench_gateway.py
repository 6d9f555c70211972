#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The gateway on the bench: started, read, ended.

A polling core is always busy, so its CPU time says nothing: the stages count the time of the turns in
which they found work. That time is the clock's; what the scheduler took away in the middle of a turn is in
it. Costs therefore are the stages' time, scaled by the share of the clock that the worker's thread really
ran, plus the CPU time of the other threads (records, learning, publishing), which run on the same core, less
what those spend while nothing comes.
"""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKER_THREAD = re.compile(r"^(rte|lcore|dpdk)-worker")
REPLY_BYTES = 1 << 17
IDLE_S = 0.5


class BenchError(Exception):
    """What the user of the bench is told."""


def raise_priority(pid: int) -> None:
    """A plain nice value counts only inside of its autogroup, so that one is raised; needs root."""
    try:
        Path(f"/proc/{pid}/autogroup").write_text("-10")
    except OSError:
        pass


def end(process: subprocess.Popen, seconds: float = 10) -> None:
    """Asks a program that we started to end, and sees to it."""
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Telemetry:
    """DPDK's telemetry socket: a packet with a command, a packet with JSON."""

    def __init__(self, directory: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.socket.settimeout(15)
        self.socket.connect(str(directory / "dpdk_telemetry.v2"))
        self.socket.recv(REPLY_BYTES)

    def ask(self, command: str, params: str = "") -> dict[str, Any]:
        """The answer's object; an error reply is an error."""
        self.socket.send((command + (f",{params}" if params else "")).encode())
        reply = json.loads(self.socket.recv(REPLY_BYTES)).get(command)
        if not isinstance(reply, dict) or "error" in reply:
            raise BenchError(f"{command}: {reply}")
        return reply

    def rows(self, command: str) -> list[dict[str, Any]]:
        """All pages of a list."""
        out: list[dict[str, Any]] = []
        cursor = 0
        while True:
            page = self.ask(command, str(cursor))
            for i in range(page["rows"]):
                out.append({key: column[i] for key, column in page.items() if isinstance(column, list)})
            cursor = page["next"]
            if cursor == 0:
                return out

    def close(self) -> None:
        """Telemetry serves ten clients at a time."""
        self.socket.close()


@dataclass
class Snapshot:
    """One look at a running gateway; times in nanoseconds since whenever."""

    clock: int
    stages: dict[str, int]   # by kind: all instances of it
    worker_cpu: int
    other_cpu: int
    exchanges: int
    heap: int
    rss: int


@dataclass
class Cost:
    """What happened between two looks, for each of `ops` operations."""

    us: float
    clock_us: float          # as telemetry tells it, with what the scheduler took away
    stages: dict[str, float]
    busy: float              # share of the core
    ops: int


def cost(a: Snapshot, b: Snapshot, ops: int, idle_share: float) -> Cost:
    """The last stage is the control core's thread with everything that it does."""
    ops = max(ops, 1)
    clock = b.clock - a.clock
    share = min(1.0, (b.worker_cpu - a.worker_cpu) / clock)
    spent = {name: b.stages[name] - a.stages[name] for name in b.stages}
    stages = {name: ns * share for name, ns in spent.items() if name != "record"}
    stages["record"] = max(0.0, b.other_cpu - a.other_cpu - idle_share * clock)
    total = sum(stages.values())
    return Cost(
        us=total / ops / 1e3, clock_us=sum(spent.values()) / ops / 1e3,
        stages={name: round(ns / ops / 1e3, 3) for name, ns in stages.items()},
        busy=total / clock, ops=ops)


class Watch:
    """A running gateway, looked at."""

    def __init__(self, pid: int, telemetry: Telemetry) -> None:
        self.pid = pid
        self.telemetry = telemetry

    def info(self) -> dict[str, Any]:
        """What `kubescopectl status` shows."""
        return self.telemetry.ask("/kubescope/info")

    def _cpu(self) -> tuple[int, int]:
        worker = other = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                ns = int((task / "schedstat").read_text().split()[0])
                if WORKER_THREAD.match((task / "comm").read_text()):
                    worker += ns
                else:
                    other += ns
            except OSError:     # threads of telemetry come and go
                pass
        return worker, other

    def _rss(self) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise BenchError("the gateway has ended")

    def idle_share(self) -> float:
        """Of the core, by all threads but the worker, while nothing comes: to be asked before it does."""
        before, start = self._cpu()[1], time.monotonic_ns()
        time.sleep(IDLE_S)
        return (self._cpu()[1] - before) / (time.monotonic_ns() - start)

    def look(self) -> Snapshot:
        """Cheap: a fraction of a millisecond."""
        clock = time.monotonic_ns()
        worker, other = self._cpu()
        stages: dict[str, int] = {}
        for row in self.telemetry.rows("/kubescope/stages"):
            kind = row["name"].rstrip("0123456789")
            stages[kind] = stages.get(kind, 0) + row["busy_ns"]
        info = self.info()
        return Snapshot(clock, stages, worker, other, info["exchanges"],
                        info["heap_allocated_bytes"], self._rss())


class Gateway(Watch):
    """One run of kubescope with the bench's configuration."""

    def __init__(self, program: Path, config: Path, directory: Path) -> None:
        self.log = directory / "gateway.log"
        for stale in directory.glob("*.sock"):
            stale.unlink()
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [str(program), "-c", str(config)], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL, start_new_session=True)
        raise_priority(self.process.pid)
        try:
            telemetry = self._wait(directory / "telemetry/dpdk/bench")
        except BaseException:
            end(self.process)
            raise
        super().__init__(self.process.pid, telemetry)
        self.idle = self.idle_share()

    def _wait(self, directory: Path) -> Telemetry:
        """Rules are compiled at the start: that takes its time on a busy machine."""
        until = time.monotonic() + 120
        while time.monotonic() < until:
            if self.process.poll() is not None:
                raise BenchError(f"the gateway ended: {self.last_words()}")
            try:
                if "ready" in self.log.read_text():
                    return Telemetry(directory)
            except OSError:
                pass
            time.sleep(0.1)
        raise BenchError(f"the gateway does not become ready: {self.last_words()}")

    def last_words(self) -> str:
        """The end of its log."""
        return self.log.read_text().strip()[-400:]

    def mode(self, mode: str) -> None:
        """Takes effect at the next exchange."""
        self.telemetry.ask("/kubescope/mode", f"{mode},bench")

    def look(self) -> Snapshot:
        """See above."""
        if self.process.poll() is not None:
            raise BenchError(f"the gateway ended: {self.last_words()}")
        return super().look()

    def stop(self) -> None:
        """Ends it and waits until it is gone."""
        self.telemetry.close()
        end(self.process)
