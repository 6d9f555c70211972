"""The other side: an API server that is down, hangs, dies, lies; and one that comes back."""

from __future__ import annotations

import time

import lab
from gateways import Delta, Gateway
from lab import ApiServer
from rude import OK, Peer, Seen, instead
from runner import case, expect, same, until
from wire import Answer, Closed, Wire, as_user, ask, config_map, message

MAPS = "/api/v1/namespaces/guest/configmaps"


def serves(api: ApiServer) -> None:
    """Waits until the API server is reached again."""
    until(lambda: ask("alice", "GET", "/version").status == 200, "the API server is reached again", 30, 0.2)


def fails(answer: Answer, code: int, reason: str, what: str) -> None:
    """The answer is this failure, as a Status."""
    same((what, answer.status, answer.status_object()["reason"]), (what, code, reason), "answer")


def unavailable(api: ApiServer) -> None:
    """Every kind of client is told 503, at once and each time."""
    for client in ("alice", "ci"):
        for method, body in (("GET", None), ("POST", config_map("down"))):
            answer = ask(client, method, MAPS, body)
            fails(answer, 503, "ServiceUnavailable", f"{client} {method}")
            expect(int(answer.header("retry-after")) >= 1, "Retry-After")


@case("without an API server clients get a 503 Status; when it is back, all is well by itself", gateway="tight")
def down_and_up(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        same(connection.request("GET", "/version").status, 200, "before")
        api.stop()
        try:
            unavailable(api)
            same(connection.request("GET", "/version").status, 503, "on a connection from before")
            expect(gateway.counters()["proxy.upstream_failed"] > 0, "counter upstream_failed")
        finally:
            api.start()
        until(lambda: connection.request("GET", "/version").status == 200, "the same connection is served again", 30, 0.2)
    serves(api)


@case("kubectl waits as Retry-After says, and is served when the API server is back", gateway="tight")
def kubectl_waits(api: ApiServer, gateway: Gateway) -> None:
    api.stop()
    kubectl = lab.kubectl_start("alice", "get", "--raw", "/version")
    try:
        delta = Delta(gateway)
        delta.reaches("proxy.end_upstream_unavailable", 1)
        api.start()
        out, err = kubectl.communicate(timeout=40)
        expect(kubectl.returncode == 0 and "gitVersion" in out, f"kubectl: {out} {err}")
    finally:
        lab.kubectl_end(kubectl)
    serves(api)


@case("an API server that hangs is 504 on old connections, 503 or 504 on new ones, and then comes back", gateway="tight")
def hangs(api: ApiServer, gateway: Gateway) -> None:
    same(ask("alice", "GET", "/version").status, 200, "before")
    delta = Delta(gateway)
    api.pause()
    try:
        fails(ask("alice", "GET", "/version"), 504, "Timeout", "on a connection from before")
        for _ in range(2):
            answer = ask("ci", "GET", "/version")
            expect(answer.status in (503, 504), f"on a new connection: {answer.status}")
            answer.status_object()
    finally:
        api.go_on()
    expect(delta.of("proxy.upstream_timeout") + delta.of("proxy.upstream_failed") >= 2, "the counters tell")
    serves(api)


@case("a watch is not cut by the time-out for answers, even when its head is late", gateway="tight")
def late_watch(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        same(connection.request("GET", "/version").status, 200, "before")
        api.pause()
        try:
            connection.send(message("GET", f"{MAPS}?watch=true&timeoutSeconds=1"))
            lab.sleep_through(4)
        finally:
            api.go_on()
        same(connection.answer().status, 200, "the watch")


def once_then_close(peer: Peer, seen: Seen) -> bool:
    """The first request of a connection is answered, the second only read."""
    if seen.nth == 1:
        peer.send(OK)
    return seen.nth == 1


@case("a request that a dying connection swallowed is repeated once when that is safe, and only then")
def retries(api: ApiServer, gateway: Gateway) -> None:
    with instead(api, once_then_close) as server:
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        for method, body, status, tries in (("GET", None, 200, 2), ("HEAD", None, 200, 2), ("PUT", b"{}", 200, 2),
                                            ("DELETE", None, 200, 2), ("POST", b"{}", 502, 1), ("PATCH", b"{}", 502, 1)):
            # The connection that is used must have served before: only then may it have died of age.
            until(lambda: ask("alice", "GET", "/version").status == 200, "a used connection", 10)
            delta, path = Delta(gateway), f"{MAPS}/retry-{method.lower()}"
            answer = ask("alice", method, path, body)
            same((method, answer.status, server.methods(path)), (method, status, [method] * tries), "answer and what arrived")
            same((method, delta.of("proxy.retried")), (method, tries - 1), "counter retried")
    serves(api)


@case("a fresh connection that closes without an answer is a 502, and the request is not repeated")
def no_retry_on_fresh(api: ApiServer, gateway: Gateway) -> None:
    with instead(api, lambda peer, seen: False) as server:
        answer = until(lambda: (got := ask("alice", "GET", "/apis")).status != 503 and got, "the rude server is reached", 30, 0.2)
        same(answer.status, 502, "status")
        same(server.methods("/apis"), ["GET"], "what arrived")
    serves(api)


HEADLESS = {
    "no status line": b"hello\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
    "length and chunks": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nok",
    "folded field": b"HTTP/1.1 200 OK\r\nX-A: b\r\n c\r\nContent-Length: 2\r\n\r\nok",
    "bare LF": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "a head of 200 KiB": b"HTTP/1.1 200 OK\r\n" + b"X-Pad: " + b"x" * 200_000 + b"\r\nContent-Length: 2\r\n\r\nok",
    "a change of protocol that nobody asked for": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n",
}


@case("malformed answers become a 502 Status, and the next request is served")
def malformed(api: ApiServer, gateway: Gateway) -> None:
    now: dict[str, bytes] = {}

    def lie(peer: Peer, seen: Seen) -> bool:
        peer.send(now.get(seen.target, OK))
        return True

    with instead(api, lie):
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        with as_user("alice") as connection:
            for n, (what, raw) in enumerate(HEADLESS.items()):
                now[f"/apis?n={n}"], delta = raw, Delta(gateway)
                # It stalls after some of these; the end of the connection must not be waited for.
                fails(connection.request("GET", f"/apis?n={n}"), 502, "InternalError", what)
                same((what, delta.of("proxy.upstream_bad")), (what, 1), "counter upstream_bad")
                same((what, connection.request("GET", "/version").body), (what, b"ok"), "the next request")
    serves(api)


BROKEN = {
    "fewer bytes than announced": (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", False),
    "a chunk without its end": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nha", False),
    "no last chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n", False),
    "a chunk size that is none": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nxyz\r\n", True),
}


@case("an answer that breaks off is never shown as complete")
def breaks_off(api: ApiServer, gateway: Gateway) -> None:
    now: dict[str, tuple[bytes, bool]] = {}

    def break_off(peer: Peer, seen: Seen) -> bool:
        raw, on = now.get(seen.target, (OK, True))
        peer.send(raw)
        return on

    with instead(api, break_off):
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        for n, (what, raw) in enumerate(BROKEN.items()):
            now[f"/apis?n={n}"], delta = raw, Delta(gateway)
            with as_user("alice") as connection:
                try:
                    answer = connection.request("GET", f"/apis?n={n}")
                except Closed:
                    answer = None
            same((what, answer), (what, None), "a complete answer")
            delta.reaches("proxy.end_upstream_broken", 1)
    serves(api)


@case("answers of every framing arrive whole: interim ones, empty ones, until close, with trailers")
def framings(api: ApiServer, gateway: Gateway) -> None:
    long = b"0123456789abcdef" * 8192
    said = {
        "/interim": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n" + OK, True, 200, b"ok"),
        "/204": (b"HTTP/1.1 204 No Content\r\n\r\n", True, 204, b""),
        "/304": (b"HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\nContent-Length: 500\r\n\r\n", True, 304, b""),
        "/empty": (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", True, 200, b""),
        "/close": (b"HTTP/1.1 200 OK\r\n\r\n" + long, False, 200, long),
        "/old": (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok"),
        "/chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(
            b"%x\r\n%b\r\n" % (n, long[:n]) for n in (1, 16, 4096, 131072)) + b"0\r\nX-Trailer: y\r\n\r\n", True, 200,
            long[:1] + long[:16] + long[:4096] + long),
        "/close-said": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", False, 200, b"ok"),
    }

    def say(peer: Peer, seen: Seen) -> bool:
        raw, on, _, _ = said.get(seen.target, (OK, True, 200, b"ok"))
        peer.send(raw)
        if not on:
            peer.end()
        return on

    with instead(api, say):
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        with as_user("alice") as connection:
            for path, (_, _, status, body) in said.items():
                answer = connection.request("GET", path)
                same((path, answer.status, answer.body, answer.interim), (path, status, body, []), "answer")
                same((path, answer.all("connection")), (path, []), "hop-by-hop fields")
    serves(api)


@case("what an API server sends beyond its answer is nobody else's answer")
def beyond(api: ApiServer, gateway: Gateway) -> None:
    other = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhidden"

    def two(peer: Peer, seen: Seen) -> bool:
        if seen.target == "/apis":
            peer.send(OK + other)
        elif seen.target == "/api":
            peer.send(OK)
            time.sleep(0.3)
            peer.send(other)
        else:
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown")
        return True

    with instead(api, two):
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        for path in ("/apis", "/api"):
            same(ask("alice", "GET", path).body, b"ok", "the first answer")
            time.sleep(0.6)
            for _ in range(3):
                same(ask("alice", "GET", "/version").body, b"own", f"answers after that of {path}")
    serves(api)


@case("an answer that comes before the whole body was sent is delivered")
def early_answer(api: ApiServer, gateway: Gateway) -> None:
    def early(peer: Peer, seen: Seen) -> bool:
        if seen.method == "POST":
            peer.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
            time.sleep(1)
            return False
        peer.body(seen)
        peer.send(OK)
        return True

    with instead(api, early, read_body=False):
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        answer = ask("alice", "POST", MAPS, config_map("early", a="x" * 2_500_000))
        same((answer.status, answer.body), (403, b"no"), "answer")
        same(ask("alice", "GET", "/version").body, b"ok", "the next request")
    serves(api)


@case("an API server with a certificate of another authority is not spoken to")
def wrong_certificate(api: ApiServer, gateway: Gateway) -> None:
    def answer(peer: Peer, seen: Seen) -> bool:
        peer.send(OK)
        return True

    delta = Delta(gateway)
    with instead(api, answer, certificate="front-proxy-ca") as server:
        for _ in range(3):
            same(ask("alice", "GET", "/version").status, 503, "status")
            time.sleep(0.5)
        same(server.seen, [], "what it was told")
        expect(delta.of("proxy.upstream_failed") >= 1, "counter upstream_failed")
    serves(api)


@case("a client that leaves before its answer leaves the connection to the API server unused")
def client_leaves(api: ApiServer, gateway: Gateway) -> None:
    def slow(peer: Peer, seen: Seen) -> bool:
        if seen.target == "/apis":
            time.sleep(1.5)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(seen.target), seen.target.encode()))
        return True

    with instead(api, slow):
        until(lambda: ask("alice", "GET", "/version").status == 200, "the rude server is reached", 30, 0.2)
        delta = Delta(gateway)
        for _ in range(4):
            with Wire(tls=lab.context("alice")) as connection:
                connection.send(message("GET", "/apis"))
                time.sleep(0.2)
        for _ in range(8):
            same(ask("alice", "GET", "/version").body, b"/version", "answers to others")
        delta.reaches("proxy.end_client_gone", 4)
    serves(api)
