#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The L7 figures of scripts/bench.sh: gateway on one core, kubescope-load on another, memif between them.

Prints one JSON line for each figure and run. Costs are CPU time of the gateway's core for one operation,
with everything inspected (see bench_gateway.py for how they are read).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable

from bench_gateway import BenchError, Cost, Gateway, Snapshot, cost
from bench_load import Load

SCALE = (1, 32, 1000, 10000)
SETTLE_S = 0.2


def calib_ms(core: int) -> float:
    """CPU time of a fixed piece of work on the gateway's core: when it moves, so did the machine."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    start = time.process_time_ns()
    hashlib.pbkdf2_hmac("sha256", b"kubescope", b"bench", 100000)
    spent = time.process_time_ns() - start
    os.sched_setaffinity(0, before)
    return round(spent / 1e6, 2)


class Bench:
    """What all figures share."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.dir = Path(args.dir)
        self.build = Path(args.build)
        self.bad = 0
        self.gateway: Gateway | None = None
        self.load: Load | None = None

    def start_gateway(self) -> Gateway:
        """A fresh one: nothing learned, nothing cached, no memory taken."""
        self.stop()
        self.gateway = Gateway(self.build / "app/kubescope/kubescope", self.dir / "kubescope.conf",
                               self.dir)
        return self.gateway

    def start_load(self, *args: str) -> Load:
        """One at a time."""
        self.load = Load(self.build / "app/load/kubescope-load", self.dir, self.args.load_core,
                         list(args))
        return self.load

    def stop(self) -> None:
        """Ends whatever runs."""
        if self.load is not None:
            self.load.stop()
            self.load = None
        if self.gateway is not None:
            self.gateway.stop()
            self.gateway = None

    def steady(self, mode: str, *args: str) -> tuple[Cost, dict[str, Any]]:
        """Requests for `seconds`, looked at while they run. What is enforced is learned first."""
        assert self.gateway is not None
        seconds = self.args.seconds
        learn = self.args.learn if mode == "enforce" else 1
        load = self.start_load("--seconds", str(seconds + 1), "--warm-up", str(learn), *args)
        if mode == "enforce":
            time.sleep(learn - 0.5)
            self.gateway.mode(mode)
        load.wait_ready()
        time.sleep(SETTLE_S)
        before = self.gateway.look()
        time.sleep(seconds)
        after = self.gateway.look()
        ops = after.exchanges - before.exchanges
        return cost(before, after, ops, self.gateway.idle), load.result()

    def opening(self, n: int) -> tuple[Snapshot, Snapshot, dict[str, Any]]:
        """Full handshakes, one after the other; the second look is at connections that rest."""
        assert self.gateway is not None
        before = self.gateway.look()
        load = self.start_load("--idle", "--full-handshakes", "--clients", str(n), "--warm-up", "0",
                               "--seconds", "2")
        load.wait_ready()
        time.sleep(1)
        after = self.gateway.look()
        return before, after, load.result()

    def emit(self, figure: str, run: int, fields: dict[str, Any], load: dict[str, Any]) -> None:
        """Answers that failed make a figure worthless, so they are part of it."""
        errors = {"failed": load["failed"], "retried": load["retried"],
                  "bad_answers": load["bad_answers"], "4xx": load["status"]["4xx"],
                  "5xx": load["status"]["5xx"]}
        errors = {name: n for name, n in errors.items() if n > 0}
        self.bad += bool(errors)
        line = {"figure": figure, "gateway": "kubescope", "run": run, **fields,
                "calib_ms": calib_ms(self.args.gw_core), "loadavg": os.getloadavg()[0]}
        if errors:
            line["errors"] = errors
        print(json.dumps(line), flush=True)


def cost_fields(c: Cost) -> dict[str, Any]:
    """The part that all figures with a cost have in common."""
    return {"us_per_op": round(c.us, 2), "per_core_s": round(1e6 / c.us, 1) if c.us > 0 else None,
            "stages": c.stages, "clock_us_per_op": round(c.clock_us, 2),
            "core_share": round(c.busy, 3), "ops": c.ops}


def latency_fields(load: dict[str, Any], name: str = "latency_us") -> dict[str, Any]:
    """As the clients saw it."""
    return {"p50_us": load[name]["p50"], "p99_us": load[name]["p99"]}


def steady_line(bench: Bench, figure: str, run: int, mode: str, *args: str) -> None:
    """A figure of requests one after the other on each connection."""
    c, load = bench.steady(mode, *args)
    fields = {"mode": mode, **cost_fields(c), "per_s": load["per_s"], **latency_fields(load),
              "clients": load["clients"]}
    if load["handshakes"] > 0:
        fields["handshakes"], fields["resumed"] = load["handshakes"], load["resumed"]
    bench.emit(figure, run, fields, load)


def figure_get(bench: Bench, run: int) -> None:
    """In both modes, by gateways of their own."""
    for mode in ("learn", "enforce"):
        bench.start_gateway()
        steady_line(bench, "get", run, mode, "--clients", "32")


def figure_post4k(bench: Bench, run: int) -> None:
    """A body of 4 KB JSON with forty fields, held until the verdict."""
    bench.start_gateway()
    steady_line(bench, "post4k", run, "learn", "--clients", "32", "--mix", "post4k")


def figure_conn(bench: Bench, run: int) -> None:
    """Connect, full handshake, one request, close."""
    bench.start_gateway()
    steady_line(bench, "conn", run, "learn", "--clients", "16", "--per-connection", "1",
                "--full-handshakes")


def figure_resume(bench: Bench, run: int) -> None:
    """The same with a ticket."""
    bench.start_gateway()
    steady_line(bench, "resume", run, "learn", "--clients", "16", "--per-connection", "1")


def figure_hs(bench: Bench, run: int) -> None:
    """Connect and full handshake alone."""
    gateway = bench.start_gateway()
    before, after, load = bench.opening(bench.args.handshakes)
    c = cost(before, after, load["open"], gateway.idle)
    bench.emit("hs", run, {"mode": "learn", **cost_fields(c), "per_s": load["handshakes_per_s"],
                           **latency_fields(load, "handshake_us")}, load)


def figure_idle(bench: Bench, run: int) -> None:
    """Requests first: they touch every packet buffer, and those are no connection's memory."""
    gateway = bench.start_gateway()
    bench.start_load("--clients", "32", "--seconds", "1").result()
    before, after, load = bench.opening(bench.args.idle)
    n = max(load["open"], 1)
    bench.emit("idle", run, {
        "mode": "learn", "open": load["open"],
        "kib_per_conn": round((after.rss - before.rss) / n / 1024, 2),
        "heap_kib_per_conn": round((after.heap - before.heap) / n / 1024, 2),
        "rss_mib": round(after.rss / 2 ** 20, 1), "connections": gateway.info()["connections"]}, load)


def figure_scale(bench: Bench, run: int) -> None:
    """The cost of one request must not depend on how many connections there are."""
    for n in SCALE:
        bench.start_gateway()
        steady_line(bench, "scale", run, "learn", "--clients", str(n))


FIGURES: dict[str, Callable[[Bench, int], None]] = {
    "get": figure_get, "post4k": figure_post4k, "conn": figure_conn, "resume": figure_resume,
    "hs": figure_hs, "idle": figure_idle, "scale": figure_scale}


def arguments() -> argparse.Namespace:
    """All of them come from bench.sh."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dir", required=True, help="certificates, token, kubescope.conf; sockets and logs go there")
    parser.add_argument("--build", required=True, help="build folder")
    parser.add_argument("--figures", default=",".join(FIGURES), help=",".join(FIGURES))
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--learn", type=int, default=70, help="seconds before the mode enforce")
    parser.add_argument("--idle", type=int, default=4000, help="connections of the figure idle")
    parser.add_argument("--handshakes", type=int, default=3000, help="of the figure hs")
    parser.add_argument("--gw-core", type=int, default=1)
    parser.add_argument("--load-core", type=int, default=0)
    return parser.parse_args()


def main() -> int:
    """Exit status 0 when every figure is there and no request failed."""
    args = arguments()
    names = [name for name in args.figures.split(",") if name]
    unknown = [name for name in names if name not in FIGURES]
    if unknown:
        print(f"bench: no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    bench = Bench(args)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name in names:
            for run in range(1, args.repeat + 1):
                try:
                    FIGURES[name](bench, run)
                except BenchError as error:
                    print(f"bench: {name}: {error}", file=sys.stderr)
                    bench.bad += 1
                finally:
                    bench.stop()
    finally:
        bench.stop()
    return 1 if bench.bad else 0


if __name__ == "__main__":
    sys.exit(main())
