"""HTTP/1.1 as clients speak it: curl, and sockets where curl is too well-behaved."""

from __future__ import annotations

import socket
import ssl
from typing import Any, Callable

import lab
from gateways import Delta, Gateway
from lab import ApiServer, headers_of
from runner import case, expect, same
from wire import Wire, as_user, ask, bearer, config_map, message

MAPS = "/api/v1/namespaces/guest/configmaps"


def curl(client: str, *words: str) -> lab.Done:
    """curl as a lab client, with its credential and from its address."""
    home = lab.DIR / "clients" / client
    own = ["--cert", str(home / "client.crt"), "--key", str(home / "client.key")] if (home / "client.crt").exists() else \
        ["-H", f"Authorization: Bearer {lab.token(client)}"]
    return lab.run("curl", "-sS", "-m", "30", "--http1.1", "--cacert", lab.ca(), "--interface", lab.address(client), *own, *words)


@case("curl uses one connection for many requests")
def keep_alive(api: ApiServer, gateway: Gateway) -> None:
    urls = [f"{lab.URL}/api/v1/namespaces/{name}" for name in ("shop", "guest", "ci", "nowhere", "shop")]
    done = curl("alice", "-w", "%{http_code} %{num_connects}\\n", *(word for url in urls for word in ("-o", "/dev/null", url)))
    same(done.out.split("\n")[:-1], ["200 1", "200 0", "200 0", "404 0", "200 0"], f"statuses and new connections ({done.err})")


@case("requests to the API server go over connections that were used before")
def upstream_reuse(api: ApiServer, gateway: Gateway) -> None:
    ask("alice", "GET", "/version")
    before, delta = api.counts()["connections"], Delta(gateway)
    for _ in range(5):
        same(ask("alice", "GET", "/version").status, 200, "status")
    same(api.counts()["connections"] - before, 0, "new connections at the API server")
    expect(delta.of("proxy.upstream_reused") >= 5, "the counter of reuse has grown")


@case("pipelined requests are answered in their order, whatever they are")
def pipelining(api: ApiServer, gateway: Gateway) -> None:
    names = ["shop", "none-1", "guest", "ci", "none-2", "monitoring", "shop"] * 4
    with as_user("bob") as connection:
        connection.send(b"".join(message("GET", f"/api/v1/namespaces/{name}") for name in names))
        for name in names:
            answer = connection.answer()
            got = answer.json["metadata"]["name"] if answer.status == 200 else answer.json["details"]["name"]
            same((answer.status, got), (404 if name.startswith("none") else 200, name), "the answer in this place")


@case("bodies and requests without one mix in a pipeline")
def pipelined_bodies(api: ApiServer, gateway: Gateway) -> None:
    with as_user("bob") as connection:
        connection.send(b"".join(message("POST", MAPS, config_map(f"pipe-{i}", n=str(i))) + message("GET", f"{MAPS}/pipe-{i}")
                                 + message("DELETE", f"{MAPS}/pipe-{i}") for i in range(6)))
        for i in range(6):
            same(connection.answer().status, 201, f"create of {i}")
            same(connection.answer().json["data"], {"n": str(i)}, f"get of {i}")
            same(connection.answer().status, 200, f"delete of {i}")


@case("a request that comes byte by byte is one request")
def byte_by_byte(api: ApiServer, gateway: Gateway) -> None:
    data = message("POST", MAPS, config_map("slowly", a="b"))
    with as_user("bob") as connection:
        for at in range(len(data)):
            connection.send(data[at:at + 1])
        same(connection.answer().status, 201, "create")
        same(connection.request("DELETE", f"{MAPS}/slowly").status, 200, "delete")


@case("HEAD has the head of GET and no body, and the connection goes on")
def head(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        get = connection.request("GET", "/version")
        got = connection.request("HEAD", "/version")
        same((got.status, got.header("content-length")), (200, str(len(get.body))), "the answer to HEAD")
        same(connection.request("GET", "/version").body, get.body, "the next answer")
    done = curl("alice", "-I", f"{lab.URL}/version")
    expect(done.out.startswith("HTTP/1.1 200"), f"curl -I: {done}")


@case("HTTP/1.0 is answered and closed; with keep-alive it stays open")
def old_clients(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        connection.send(b"GET /version HTTP/1.0\r\nHost: x\r\n\r\n")
        same(connection.answer().status, 200, "HTTP/1.0")
        same(connection.ends(), b"", "nothing follows, and it is closed")
    with as_user("alice") as connection:
        for _ in range(3):
            connection.send(b"GET /version HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
            answer = connection.answer()
            same((answer.status, answer.header("connection").lower()), (200, "keep-alive"), "HTTP/1.0 with keep-alive")
    # Without ALPN: offering http/1.0 alone is refused by the API server's own TLS as well.
    done = curl("alice", "--http1.0", "--no-alpn", "-o", "/dev/null", "-w", "%{http_code}", f"{lab.URL}/version")
    same(done.out, "200", f"curl --http1.0 ({done.err})")


@case("a stream for an HTTP/1.0 client is not chunked and ends with the connection")
def old_stream(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        connection.send(f"GET {MAPS}?watch=true&timeoutSeconds=1 HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n".encode())
        answer = connection.answer()
        same((answer.status, answer.all("transfer-encoding"), answer.header("connection")), (200, [], "close"), "the head")


@case("Connection: close is heeded")
def close(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        answer = connection.request("GET", "/version", headers={"Connection": "close"})
        same((answer.status, answer.header("connection")), (200, "close"), "the answer")
        same(connection.ends(), b"", "nothing follows, and it is closed")


@case("a chunked request arrives as its content, without its trailers")
def chunked_request(api: ApiServer, gateway: Gateway) -> None:
    body = config_map("chunked", a="b" * 5000)
    head_ = message("POST", MAPS, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json", "Trailer": "X-Late"})
    cuts = [body[:1], body[1:100], body[100:4096], body[4096:]]
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(cut), cut) for cut in cuts)
    with as_user("bob") as connection:
        connection.send(head_ + chunks + b"0\r\nX-Late: yes\r\n\r\n")
        same(connection.answer().status, 201, "create")
        same(connection.request("DELETE", f"{MAPS}/chunked").status, 200, "the next request")
    record = api.seen(MAPS)[-2]
    same((record["bodyBytes"], headers_of(record, "content-length")), (len(body), [str(len(body))]), "the length at the API server")
    for name in ("transfer-encoding", "trailer", "x-late"):
        same(headers_of(record, name), [], f"{name} at the API server")
    same(record["user"], "bob", "the user at the API server")


@case("curl's chunked uploads work, too")
def curl_chunked(api: ApiServer, gateway: Gateway) -> None:
    done = curl("alice", "-H", "Transfer-Encoding: chunked", "-H", "Content-Type: application/json", "-d",
                config_map("curled", a="b").decode(), "-o", "/dev/null", "-w", "%{http_code}", f"{lab.URL}{MAPS}")
    same(done.out, "201", f"status ({done.err})")
    same(curl("alice", "-X", "DELETE", "-o", "/dev/null", "-w", "%{http_code}", f"{lab.URL}{MAPS}/curled").out, "200", "delete")


@case("a chunked answer arrives chunked, complete and ended")
def chunked_answer(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        answer = connection.request("GET", "/api/v1/namespaces?watch=true&timeoutSeconds=1")
        same((answer.status, answer.header("transfer-encoding")), (200, "chunked"), "the head")
        expect(answer.body.count(b'"type":"ADDED"') >= 5, f"events in {answer.body[:200]!r}")
        same(connection.request("GET", "/version").status, 200, "the next request")


@case("Expect: 100-continue is answered by us, before the body and once")
def expect_continue(api: ApiServer, gateway: Gateway) -> None:
    body = config_map("expected", a="b")
    data = message("POST", MAPS, body, {"Expect": "100-continue"})
    with as_user("bob") as connection:
        connection.send(data[:-len(body)])
        connection.socket.settimeout(20)
        same(connection.exactly(25), b"HTTP/1.1 100 Continue\r\n\r\n", "before the body")
        connection.send(body)
        answer = connection.answer()
        same((answer.status, answer.interim), (201, []), "after the body")
        same(connection.request("DELETE", f"{MAPS}/expected").status, 200, "the next request")
    same(headers_of(api.seen(MAPS)[-2], "expect"), [], "Expect at the API server")


@case("hop-by-hop fields end here; all others arrive as they were, in their order")
def hop_by_hop(api: ApiServer, gateway: Gateway) -> None:
    own = {"X-First": "1 \t 2", "TE": "trailers", "Keep-Alive": "timeout=5", "Proxy-Connection": "x", "Proxy-Authorization": "Basic eDp5",
           "X-Named": "named", "X-second": "\xe4\xff", "Connection": "keep-alive, X-Named", "Audit-ID": "given-by-client"}
    same(ask("alice", "GET", "/version?hop=1", headers=own).status, 200, "status")
    record = api.seen("hop=1")[-1]
    for name in ("te", "keep-alive", "proxy-connection", "proxy-authorization", "x-named", "connection"):
        same(headers_of(record, name), [], f"{name} at the API server")
    kept = [(name, value) for name, value in record["headers"] if name in ("X-First", "X-second", "Audit-ID")]
    same(kept, [("X-First", "1 \t 2"), ("X-second", "\xe4\xff"), ("Audit-ID", "given-by-client")], "what arrives")


@case("an upgrade that is not one of ours to forward is an ordinary request without it")
def no_upgrade(api: ApiServer, gateway: Gateway) -> None:
    answer = ask("alice", "GET", "/version?upgrade=1", headers={"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"})
    same(answer.status, 200, "status")
    record = api.seen("upgrade=1")[-1]
    for name in ("upgrade", "connection", "http2-settings"):
        same(headers_of(record, name), [], f"{name} at the API server")


@case("a request is served while an other one on the same address waits for its body")
def side_by_side(api: ApiServer, gateway: Gateway) -> None:
    body = config_map("waits", a="b")
    data = message("POST", MAPS, body)
    with as_user("bob") as first, as_user("bob") as second:
        first.send(data[:-10])
        same(second.request("GET", "/version").status, 200, "the other connection")
        first.send(data[-10:])
        same(first.answer().status, 201, "the one that waited")
        same(second.request("DELETE", f"{MAPS}/waits").status, 200, "delete")


@case("a client that closes its sending side still gets its answer")
def half_close(api: ApiServer, gateway: Gateway) -> None:
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = lab.context("alice").wrap_bio(into, out, server_hostname=lab.HOST)
    with lab.plain_socket(lab.address("alice")) as raw:

        def turn(action: Callable[[], Any]) -> Any:
            while True:
                try:
                    done = action()
                    raw.sendall(out.read())
                    return done
                except ssl.SSLWantReadError:
                    raw.sendall(out.read())
                    into.write(raw.recv(65536))

        turn(tls.do_handshake)
        tls.write(message("GET", "/version"))
        try:
            tls.unwrap()  # writes our close_notify, then waits for theirs
        except ssl.SSLWantReadError:
            raw.sendall(out.read())
        raw.shutdown(socket.SHUT_WR)
        while data := raw.recv(65536):
            into.write(data)
        got = b""
        try:
            while True:
                got += tls.read(65536)
        except ssl.SSLZeroReturnError:
            pass
        expect(got.startswith(b"HTTP/1.1 200") and b'"gitVersion"' in got, f"the answer came after our end of the stream: {got!r}")


@case("two hundred connections at a time, each with a request under way")
def many(api: ApiServer, gateway: Gateway) -> None:
    tls = lab.context("alice")
    connections = [Wire(lab.SPARE[i % len(lab.SPARE)], tls=tls) for i in range(200)]
    try:
        for i, connection in enumerate(connections):
            connection.send(message("GET", f"/api/v1/namespaces/shop?n={i}"))
        for connection in connections:
            same(connection.answer().json["metadata"]["name"], "shop", "the answer")
    finally:
        for connection in connections:
            connection.close()
