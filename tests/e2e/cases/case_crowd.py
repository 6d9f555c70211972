"""Thousands of clients that begin a large body and stop: what they hold is bounded, and others are served."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import lab
from gateways import Delta, Gateway
from lab import ApiServer
from runner import case, expect, same, until
from wire import ask, config_map

MAPS = "/api/v1/namespaces/guest/configmaps"
PROCESSES, EACH = 4, 500


def start(sources: list[str], each: int, announced: int, sent: int) -> subprocess.Popen[str]:
    """One process of the crowd."""
    words = [str(Path(__file__).parent / "crowd.py"), str(each), ",".join(sources), str(announced), str(sent)]
    return subprocess.Popen([sys.executable, "-B", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def hear(crowd: list[subprocess.Popen[str]], word: str) -> None:
    """Waits until all of them say it."""
    for process in crowd:
        assert process.stdout
        same(process.stdout.readline(), f"{word}\n", "what the crowd says")


def begin(crowd: list[subprocess.Popen[str]]) -> None:
    """All are connected and begin at once."""
    hear(crowd, "connected")
    for process in crowd:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()


def outcomes(crowd: list[subprocess.Popen[str]]) -> Counter[str]:
    """Ends it and adds up what became of its members."""
    total: Counter[str] = Counter()
    for process in crowd:
        out, _ = process.communicate(timeout=40)
        total.update(json.loads(out))
    return total


def dismiss(crowd: list[subprocess.Popen[str]]) -> None:
    """Ends it however it is."""
    for process in crowd:
        process.kill()
        process.communicate()


def others_served(gateway: Gateway, when: str) -> None:
    """Reading, writing, and everything that people do."""
    same((when, ask("alice", "GET", "/version").status), (when, 200), "a request without a body")
    same((when, ask("ci", "POST", MAPS, config_map("in-the-crowd", a="b")).status), (when, 201), "a small body")
    same((when, ask("ci", "DELETE", f"{MAPS}/in-the-crowd").status), (when, 200), "its end")
    info = gateway.info()
    expect(info["body_used_bytes"] <= info["body_budget_bytes"], f"{when}: the budget of {info['body_budget_bytes']} holds")


def stopped_half_way(api: ApiServer, gateway: Gateway, announced: int, sent: int) -> Counter[str]:
    """Two thousand clients from forty addresses stop half-way: everybody else is served all the while."""
    delta, before, memory, began = Delta(gateway), api.total(), gateway.memory(), time.time()
    crowd = [start(lab.SPARE[i * 10:i * 10 + 10], EACH, announced, sent) for i in range(PROCESSES)]
    try:
        for _ in range(3):
            others_served(gateway, "while it gathers")
        begin(crowd)
        delta.reaches("proxy.not_admitted_budget", 1)
        for _ in range(3):
            others_served(gateway, "when there is no room for more of it")
        hear(crowd, "there")
        for _ in range(3):
            others_served(gateway, "when it is there")
        done = lab.kubectl("bob", "get", "namespaces")
        same(done.code, 0, f"kubectl ({done.err})")
        expect(gateway.memory() - memory < 160 << 20, f"memory grew by {(gateway.memory() - memory) >> 20} MiB")
        until(lambda: gateway.info()["body_used_bytes"] < 1 << 20, "those that were admitted are given up, being too slow", 60, 0.5)
        others_served(gateway, "when it was given up")
        ends = outcomes(crowd)
    finally:
        dismiss(crowd)
    same(sum(ends[end] for end in ("408", "429", "503", "gone")), PROCESSES * EACH, f"clear answers, among {dict(ends)}")
    expect(ends["408"] > 0 and delta.of("proxy.body_timeout") == ends["408"], f"those admitted came too slowly: {dict(ends)}")
    seen = api.counts(recent=500)["recent"]
    same([one for one in seen if one["time"] >= began and one["target"] == MAPS and one["bodyBytes"] == announced], [], "uploads of the crowd at the API server")
    expect(api.total() - before < 100, "the API server saw the others only")
    until(gateway.quiet, "nothing is left of the crowd", 30)
    return ends


@case("two thousand clients from forty addresses stop half-way in 3 MiB: others are served", seconds=120)
def large_bodies(api: ApiServer, gateway: Gateway) -> None:
    stopped_half_way(api, gateway, 3 << 20, 8 << 10)


@case("the same with small bodies, where requests run short before memory does", seconds=120)
def small_bodies(api: ApiServer, gateway: Gateway) -> None:
    ends = stopped_half_way(api, gateway, 10_000, 1000)
    expect(ends["503"] > 0, f"those who must be waited for leave room: {dict(ends)}")


@case("one address cannot take the room of all: an other one may still upload 3 MiB", seconds=120)
def one_address(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    crowd = [start(["10.98.0.90"], 60, 3 << 20, 64 << 10)]
    try:
        begin(crowd)
        hear(crowd, "there")
        used = gateway.info()["body_used_bytes"]
        expect(0 < used <= 17 << 20, f"one address holds {used >> 20} MiB, of 64 its share is 16")
        body = config_map("beside", a="x" * 3_000_000)
        same(ask("alice", "POST", MAPS, body).status, 201, "3 MiB from an other address")
        same(ask("alice", "DELETE", f"{MAPS}/beside").status, 200, "its end")
        ends = outcomes(crowd)
    finally:
        dismiss(crowd)
    expect(ends["429"] >= 50 and delta.of("proxy.not_admitted_share") >= ends["429"], f"its others were refused: {dict(ends)}")
    until(gateway.quiet, "nothing is left", 30)
