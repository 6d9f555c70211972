"""Watches: events pass at once and for as long as the API server keeps the stream open."""

from __future__ import annotations

import json
import time

import lab
from gateways import Delta, Gateway
from lab import ApiServer
from runner import case, expect, same, until
from wire import Closed, Wire, as_user, ask, bearer, config_map, message

MAPS = "/api/v1/namespaces/guest/configmaps"
# An event that waits for a buffer to fill waits for ever; one that does not takes milliseconds.
EVENT_SECONDS = 10.0


class Watch:
    """An open watch."""

    def __init__(self, client: str, query: str = "", *, header: dict[str, str] | None = None) -> None:
        self.connection = as_user(client)
        self.connection.send(message("GET", f"{MAPS}?watch=true{query}", headers=header))
        head = self.connection.head()
        same((head.status, head.header("transfer-encoding")), (200, "chunked"), "the head of a watch")
        self._rest = b""

    def event(self, name: str, kind: str = "ADDED") -> None:
        """Reads until this event has come."""
        self.connection.socket.settimeout(EVENT_SECONDS)
        while True:
            while b"\n" not in self._rest:
                piece = self.connection.chunk()
                if not piece:
                    raise Closed("the watch ended")
                self._rest += piece
            line, self._rest = self._rest.split(b"\n", 1)
            event = json.loads(line)
            if (event["type"], event["object"]["metadata"].get("name")) == (kind, name):
                return


def change(name: str) -> float:
    """An object comes and goes. Returns when it came."""
    began = time.monotonic()
    same(ask("ci", "POST", MAPS, config_map(name, a="b")).status, 201, "create")
    same(ask("ci", "DELETE", f"{MAPS}/{name}").status, 200, "delete")
    return began


@case("the head of a quiet watch comes before any event")
def head_first(api: ApiServer, gateway: Gateway) -> None:
    watch = Watch("alice", "&fieldSelector=metadata.name=nobody")
    watch.connection.close()


@case("an event passes while the watch is open, for certificates and tokens alike")
def event_passes(api: ApiServer, gateway: Gateway) -> None:
    for client, header in (("alice", None), ("tenant", bearer("tenant"))):
        watch = Watch(client, header=header)
        for i in range(5):
            began = change(f"event-{client}-{i}")
            watch.event(f"event-{client}-{i}")
            watch.event(f"event-{client}-{i}", "DELETED")
            expect(time.monotonic() - began < EVENT_SECONDS, "the event came in time")
        watch.connection.close()


@case("forty watches all get one event")
def many(api: ApiServer, gateway: Gateway) -> None:
    watches = [Watch("alice") for _ in range(40)]
    change("for-all")
    for watch in watches:
        watch.event("for-all")
        watch.connection.close()


@case("when the client leaves a watch, the API server learns of it")
def client_leaves(api: ApiServer, gateway: Gateway) -> None:
    before = api.counts()["openWatches"]
    watches = [Watch("alice") for _ in range(5)]
    same(api.counts()["openWatches"], before + 5, "watches at the API server")
    for watch in watches:
        watch.connection.close()
    until(lambda: api.counts()["openWatches"] == before, "the watches are closed at the API server")


@case("a client that vanishes without a word in a watch leaves nothing behind")
def client_resets(api: ApiServer, gateway: Gateway) -> None:
    before = api.counts()["openWatches"]
    watch = Watch("alice")
    watch.connection.socket.setsockopt(1, 13, b"\1\0\0\0\0\0\0\0")  # SO_LINGER 0: close() resets
    watch.connection.close()
    until(lambda: api.counts()["openWatches"] == before, "the watch is closed at the API server")


@case("a watch that the API server ends is ended for the client, and the connection serves on")
def server_ends(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        for _ in range(2):
            same(connection.request("GET", f"{MAPS}?watch=true&timeoutSeconds=1").status, 200, "a watch of a second")
        same(connection.request("GET", "/version").status, 200, "the next request")


@case("when the API server dies, watches break off instead of hanging")
def server_dies(api: ApiServer, gateway: Gateway) -> None:
    watch = Watch("alice")
    delta = Delta(gateway)
    api.stop()
    try:
        watch.connection.socket.settimeout(20)
        try:
            while watch.connection.chunk():
                pass
            raise AssertionError("the watch ended as if it were complete")
        except Closed:
            pass
        delta.reaches("proxy.upstream_closed", 1)
    finally:
        api.start()
    until(lambda: ask("alice", "GET", "/version").status == 200, "the API server is back")


@case("a watch outlives the idle time-out; a connection without one does not", gateway="tight")
def outlives_idle(api: ApiServer, gateway: Gateway) -> None:
    watch, idle = Watch("alice"), as_user("alice")
    same(idle.request("GET", "/version").status, 200, "before it is idle")
    delta = Delta(gateway)
    lab.sleep_through(7)  # twice the idle time-out, and more than the response time-out
    idle.socket.settimeout(20)
    same(idle.ends(), b"", "the idle connection is closed")
    expect(delta.of("proxy.idle_timeout") >= 1, "counter idle_timeout")
    change("after-idle")
    watch.event("after-idle")
    watch.connection.close()


@case("a watcher that does not read holds nobody up, and its backlog is bounded")
def slow_watcher(api: ApiServer, gateway: Gateway) -> None:
    slow = Watch("alice")
    before = gateway.memory()
    with as_user("bob") as connection:
        for i in range(24):
            same(connection.request("POST", MAPS, config_map("bulk", a=f"{i}" + "x" * 900_000)).status, 201, "create")
            same(connection.request("DELETE", f"{MAPS}/bulk").status, 200, "delete")
    expect(gateway.memory() - before < 24 << 20, f"memory grew by {(gateway.memory() - before) >> 20} MiB")
    with Wire(tls=lab.context("bob")) as other:
        same(other.request("GET", "/version").status, 200, "others")
    slow.connection.close()
