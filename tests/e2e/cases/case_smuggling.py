"""Requests about whose end or meaning two readers could differ: a 400 each, and nothing goes on."""

from __future__ import annotations

import lab
from gateways import Delta, Gateway
from lab import ApiServer
from runner import case, expect, same
from wire import Wire, as_user, message

PATH = "/api/v1/namespaces/guest/configmaps"
HIDDEN = b"DELETE /api/v1/namespaces/shop?hidden=1 HTTP/1.1\r\nHost: x\r\n\r\n"


def post(*lines: str, body: bytes = b"") -> bytes:
    """A POST with these framing fields."""
    head = "".join(f"{line}\r\n" for line in (f"POST {PATH}?smuggled=1 HTTP/1.1", "Host: x", "Content-Type: application/json", *lines))
    return head.encode("latin-1") + b"\r\n" + body


def get(*lines: str, target: str = "/version?smuggled=1", version: str = "HTTP/1.1") -> bytes:
    """A GET with these fields, which must hold Host if there is to be one."""
    return "".join(f"{line}\r\n" for line in (f"GET {target} {version}", *lines)).encode("latin-1") + b"\r\n"


CHUNKED = "Transfer-Encoding: chunked"
LAST = b"0\r\n\r\n"

FRAMING = {
    "length and chunks": post("Content-Length: 5", CHUNKED, body=LAST + HIDDEN),
    "chunks and length": post(CHUNKED, "Content-Length: 64", body=LAST + HIDDEN),
    "two lengths": post("Content-Length: 0", f"Content-Length: {len(HIDDEN)}", body=HIDDEN),
    "two equal lengths": post("Content-Length: 2", "Content-Length: 2", body=b"{}"),
    "a list of lengths": post("Content-Length: 2, 2", body=b"{}"),
    "a length with a sign": post("Content-Length: +2", body=b"{}"),
    "a negative length": post("Content-Length: -1", body=HIDDEN),
    "a hexadecimal length": post("Content-Length: 0x2", body=b"{}"),
    "a length with a blank inside": post("Content-Length: 1 0", body=b"0123456789"),
    "a length beyond 64 bits": post("Content-Length: 18446744073709551618", body=b"{}"),
    "an empty length": post("Content-Length:", body=HIDDEN),
    "two codings": post("Transfer-Encoding: gzip", CHUNKED, body=LAST),
    "identity": post("Transfer-Encoding: identity", "Content-Length: 2", body=b"{}"),
    "chunked twice": post("Transfer-Encoding: chunked, chunked", body=LAST),
    "chunked not last": post("Transfer-Encoding: chunked, identity", body=LAST + HIDDEN),
    "a coding like chunked": post("Transfer-Encoding: xchunked", body=LAST + HIDDEN),
    "a coding in quotes": post('Transfer-Encoding: "chunked"', body=LAST + HIDDEN),
    "a coding with a vertical tab": post("Transfer-Encoding: \x0bchunked", body=LAST + HIDDEN),
    "chunks in HTTP/1.0": post(CHUNKED, body=LAST + HIDDEN).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
}
CHUNKS = {
    "a bare LF after the size": post(CHUNKED, body=b"2\n{}\r\n" + LAST),
    "a blank after the size": post(CHUNKED, body=b"2 \r\n{}\r\n" + LAST),
    "0x before the size": post(CHUNKED, body=b"0x2\r\n{}\r\n" + LAST),
    "a sign before the size": post(CHUNKED, body=b"-2\r\n{}\r\n" + LAST),
    "no size": post(CHUNKED, body=b"\r\n{}\r\n" + LAST),
    "a size beyond 64 bits": post(CHUNKED, body=b"10000000000000002\r\n{}\r\n" + LAST),
    "an extension": post(CHUNKED, body=b"2;a=b\r\n{}\r\n" + LAST),
    "more data than the size": post(CHUNKED, body=b"2\r\n{}}\r\n" + LAST),
    "data without its line end": post(CHUNKED, body=b"2\r\n{}" + LAST),
    "a trailer that frames": post(CHUNKED, body=b"2\r\n{}\r\n0\r\nContent-Length: 9\r\n\r\n"),
    "a trailer that names a user": post(CHUNKED, body=b"2\r\n{}\r\n0\r\nX-Remote-User: admin\r\n\r\n"),
    "a trailer without a colon": post(CHUNKED, body=b"2\r\n{}\r\n0\r\nhello\r\n\r\n"),
    "a trailer with a bare LF": post(CHUNKED, body=b"2\r\n{}\r\n0\r\nX-A: b\n\r\n"),
}
HEADS = {
    "a folded field": get("Host: x", "X-A: b", " folded: c"),
    "a field folded by a tab": get("Host: x", "X-A: b", "\tc"),
    "a blank before the colon": get("Host: x", "X-A : b"),
    "a blank before the first field": get(" Host: x"),
    "a field without a colon": get("Host: x", "hello"),
    "a field without a name": get("Host: x", ": b"),
    "a name with a blank": get("Host: x", "X A: b"),
    "a name beyond ASCII": get("Host: x", "X-\xe4: b"),
    "a zero byte in a value": get("Host: x", "X-A: b\x00c"),
    "a bare CR in a value": get("Host: x", "X-A: b\rX-Remote-User: admin"),
    "a bare LF in a value": get("Host: x", "X-A: b\nX-Remote-User: admin"),
    "a control character in a value": get("Host: x", "X-A: b\x1bc"),
    "no Host": get(),
    "two Hosts": get("Host: x", "Host: y"),
    "a Host with a path": get("Host: x/y"),
    "an empty line in front and a bare LF": b"\n" + get("Host: x"),
    "a tab in the request line": get("Host: x").replace(b"GET ", b"GET\t", 1),
    "two blanks in the request line": get("Host: x").replace(b"GET ", b"GET  ", 1),
    "no version": b"GET /version?smuggled=1\r\nHost: x\r\n\r\n",
    "a fragment": get("Host: x", target="/version?smuggled=1#x"),
    "a relative target": get("Host: x", target="version?smuggled=1"),
    "a target of another form": get("Host: x", target="ftp://x/version?smuggled=1"),
    "an authority that is not Host": get("Host: x", target="https://y/version?smuggled=1"),
    "a target beyond ASCII": get("Host: x", target="/version\xe4?smuggled=1"),
    "two Authorizations": get("Host: x", "Authorization: Bearer a", "Authorization: Bearer b"),
}
PATHS = (
    "//api/v1/nodes", "/api//v1/nodes", "/api/v1/../v1/nodes", "/api/v1/./nodes", "/api/v1/namespaces/shop/../../nodes",
    "/api/v1/nodes/%2e%2e/pods", "/api%2fv1/nodes", "/api/v1/nodes%00", "/api/v1/nodes%0d%0aX-A:%20b", "/api/v1/%", "/api/v1/%zz", "/api/v1/nodes/%2E/x",
)
STATUSES = {
    "CONNECT": (b"CONNECT x:443 HTTP/1.1\r\nHost: x:443\r\n\r\n", (400, 501)),
    "TRACE": (b"TRACE /version HTTP/1.1\r\nHost: x\r\n\r\n", (501,)),
    "a method of nobody": (b"BREW /version HTTP/1.1\r\nHost: x\r\n\r\n", (501,)),
    "a method in small letters": (b"get /version HTTP/1.1\r\nHost: x\r\n\r\n", (501,)),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (505,)),
    "HTTP/1.2": (get("Host: x", version="HTTP/1.2"), (200, 505)),
    "HTTP/0.9": (get("Host: x", version="HTTP/0.9"), (400, 505)),
    "an unknown expectation": (get("Host: x", "Expect: 200-ok"), (417,)),
}


def goes_nowhere(api: ApiServer, gateway: Gateway, cases: dict[str, bytes], statuses: tuple[int, ...]) -> None:
    """Each is refused with a Status and closed; nothing of it arrives, and the counters tell."""
    before, broken, delta = api.total(), api.counts()["brokenMessages"], Delta(gateway)
    for what, raw in cases.items():
        with as_user("alice") as connection:
            connection.send(raw)
            answer = connection.answer()
            expect(answer.status in statuses, f"{what}: {answer.status} {answer.body[:200]!r}")
            expect(answer.status_object()["message"], f"{what}: a Status")
            same((what, answer.header("connection"), connection.ends()), (what, "close", b""), "the end of the connection")
    same((api.total(), api.counts()["brokenMessages"]), (before, broken), "what reached the API server")
    same(delta.of("proxy.bad_request"), len(cases), "counter bad_request")
    with as_user("alice") as connection:
        same(connection.request("GET", "/version").status, 200, "others")


@case("two readings of where a body ends: 400")
def framing(api: ApiServer, gateway: Gateway) -> None:
    goes_nowhere(api, gateway, FRAMING, (400, 501))


@case("chunks and trailers that are not exact: 400")
def chunks(api: ApiServer, gateway: Gateway) -> None:
    goes_nowhere(api, gateway, CHUNKS, (400,))


@case("heads that are not exact: 400")
def heads(api: ApiServer, gateway: Gateway) -> None:
    goes_nowhere(api, gateway, HEADS, (400,))


@case("paths that somebody would have to clean: 400")
def paths(api: ApiServer, gateway: Gateway) -> None:
    goes_nowhere(api, gateway, {path: get("Host: x", target=path) for path in PATHS}, (400,))


@case("methods, versions and expectations that we do not know are told so")
def unknown(api: ApiServer, gateway: Gateway) -> None:
    before = api.total()
    for what, (raw, statuses) in STATUSES.items():
        with as_user("alice") as connection:
            connection.send(raw)
            got = connection.answer().status
            expect(got in statuses, f"{what}: {got}, not one of {statuses}")
    expect(api.total() <= before + 1, "nothing else reached the API server")


@case("a good request after a bad one in the same write is not looked at")
def after_bad(api: ApiServer, gateway: Gateway) -> None:
    before = api.total()
    with as_user("alice") as connection:
        connection.send(get("Host: x", "X-A : b") + message("GET", "/version") * 3)
        same(connection.answer().status, 400, "status")
        same(connection.ends(), b"", "what follows")
    same(api.total(), before, "requests at the API server")


@case("a body that looks like a request is a body")
def body_is_a_body(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        connection.send(post(f"Content-Length: {len(HIDDEN)}", body=HIDDEN) + message("GET", "/version"))
        expect(connection.answer().status in (400, 415, 422), "the API server's opinion of that body")
        same(connection.answer().status, 200, "the next request")
    same(api.seen("hidden=1"), [], "the hidden request at the API server")


@case("a GET with a body keeps its body, and the next request its beginning")
def get_with_body(api: ApiServer, gateway: Gateway) -> None:
    with as_user("alice") as connection:
        connection.send(message("GET", "/version?with=body", HIDDEN) + message("GET", "/version"))
        same([connection.answer().status for _ in range(2)], [200, 200], "answers")
    same([(one["method"], one["bodyBytes"]) for one in api.seen("with=body")], [("GET", len(HIDDEN))], "what arrived")
    same(api.seen("hidden=1"), [], "the hidden request at the API server")


@case("random bytes inside of TLS never reach the API server and never stop the gateway")
def noise(api: ApiServer, gateway: Gateway) -> None:
    import random

    chosen, before, tls = random.Random(7), api.total(), lab.context("alice")
    good = message("POST", PATH, b'{"kind":"ConfigMap"}')
    for _ in range(150):
        raw = bytearray(good if chosen.random() < 0.7 else chosen.randbytes(chosen.randrange(1, 3000)))
        for _ in range(chosen.randrange(1, 6)):
            raw[chosen.randrange(min(len(raw), 60))] = chosen.choice(b"\r\n \t:\x00,;\x7f\xff/")
        with Wire(tls=tls) as connection:
            connection.send(bytes(raw) + b"\r\n\r\n")
            connection.socket.settimeout(0.02)
            try:
                connection.socket.recv(4096)
            except OSError:
                pass
    counts = api.counts()
    same(counts["brokenMessages"], 0, "malformed requests that reached the API server")
    expect(counts["total"] - before <= 150, "not more requests than were sent")
    with as_user("alice") as connection:
        same(connection.request("GET", "/version").status, 200, "others")
