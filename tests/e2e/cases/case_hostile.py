"""Clients that do not want an answer: garbage, floods, and those who stop half-way and stay."""

from __future__ import annotations

import os
import random
import socket
import time

import lab
from gateways import Delta, Gateway
from lab import ApiServer
from runner import case, expect, same, until
from wire import Closed, Wire, as_user, ask, config_map, message

MAPS = "/api/v1/namespaces/guest/configmaps"
# The beginning of a real ClientHello: a record that announces more than comes.
HALF_HELLO = bytes.fromhex("160301012c010001280303") + bytes(40)


def others_served(who: str = "alice") -> None:
    """Somebody else is served while it goes on."""
    same(ask(who, "GET", "/version").status, 200, f"{who}, at the same time")


def ended(connection: socket.socket) -> bool:
    """Whether the peer has closed or reset; throws away what it still says."""
    connection.settimeout(0)
    try:
        while data := connection.recv(65536):
            pass
        return data == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


def all_ended(connections: list[socket.socket], what: str, seconds: float = 30) -> None:
    """Waits until every one of them is closed by the gateway."""
    until(lambda: all(ended(one) for one in connections), f"{what}: all are closed", seconds, 0.2)
    for one in connections:
        one.close()


@case("garbage on the TLS port is answered with an alert or a close, and counted", gateway="tight")
def garbage(api: ApiServer, gateway: Gateway) -> None:
    chosen, delta = random.Random(3), Delta(gateway)
    pieces = [chosen.randbytes(chosen.randrange(1, 2000)) for _ in range(60)]
    pieces += [b"\x16\x03\x01\xff\xff" + bytes(2000), b"\x17\x03\x03\x00\x20" + bytes(32), b"\x80\x2e\x01\x03\x01" + bytes(60),
               b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00" * 4000, b"\x15\x03\x01\x00\x02\x02\x28", b"\x14\x03\x03\x00\x01\x01"]
    connections = []
    for piece in pieces:
        connection = lab.plain_socket()
        connection.sendall(piece)
        connections.append(connection)
    others_served()
    all_ended(connections, "garbage")
    same(sum(delta.of(f"proxy.handshake_{end}") for end in ("failed", "timeout", "displaced")), len(pieces), "handshakes that did not succeed")


@case("a handshake with one byte of it changed fails, and only that one", gateway="tight")
def broken_handshakes(api: ApiServer, gateway: Gateway) -> None:
    import ssl

    chosen, connections = random.Random(5), []
    for _ in range(40):
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = lab.context().wrap_bio(into, out, server_hostname=lab.HOST)
        try:
            tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = bytearray(out.read())
        hello[chosen.randrange(len(hello))] ^= 1 << chosen.randrange(8)
        connection = lab.plain_socket()
        connection.sendall(bytes(hello))
        connections.append(connection)
    others_served()
    all_ended(connections, "broken handshakes")


@case("handshakes that stay half-finished are bounded in time, and the rest is served", gateway="tight")
def half_handshakes(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    connections = [lab.plain_socket(lab.SPARE[i % 20]) for i in range(40)]
    for i, connection in enumerate(connections):
        connection.sendall(HALF_HELLO[:i % len(HALF_HELLO)])
    for _ in range(5):
        others_served()
    all_ended(connections, "half-finished handshakes")
    same(delta.of("proxy.handshake_timeout"), 40, "counter handshake_timeout")


@case("more of them than there is room for: their number is bounded, and others are served all the while", gateway="tight", seconds=90)
def handshake_flood(api: ApiServer, gateway: Gateway) -> None:
    connections: list[socket.socket] = []
    memory, delta = gateway.memory(), Delta(gateway)
    try:
        for wave in range(6):
            for i in range(100):
                connection = lab.plain_socket(lab.SPARE[i % 50])
                connection.sendall(HALF_HELLO)
                connections.append(connection)
            same(ask("alice", "GET", "/version").status, 200, f"alice, after wave {wave}")
            shaking = sum(row["state"] == "handshake" for row in gateway.ask("connections"))
            expect(shaking <= 64, f"{shaking} unfinished handshakes, where the limit is 64")
        expect(gateway.memory() - memory < 32 << 20, f"memory grew by {(gateway.memory() - memory) >> 20} MiB")
        expect(delta.of("proxy.handshake_displaced") >= 600 - 64, "counter handshake_displaced")
    finally:
        all_ended(connections, "the flood")
    until(gateway.quiet, "nothing is left of it")


@case("connections that send nothing at all are closed in time", gateway="tight")
def silent(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    connections = [lab.plain_socket() for _ in range(10)]
    all_ended(connections, "silent connections")
    same(delta.of("proxy.handshake_timeout"), 10, "counter handshake_timeout")


@case("a head that comes too slowly is answered 408 and closed", gateway="tight")
def slow_head(api: ApiServer, gateway: Gateway) -> None:
    delta, before = Delta(gateway), api.total()
    with as_user("alice") as connection:
        try:
            for byte in message("GET", "/version", headers={"X-Long": "x" * 300}):
                connection.send(bytes([byte]))
                time.sleep(0.05)
        except OSError:
            pass
        answer = connection.answer()
        same((answer.status, answer.status_object()["reason"], answer.header("connection")), (408, "Timeout", "close"), "answer")
    same(delta.of("proxy.head_timeout"), 1, "counter head_timeout")
    same(api.total(), before, "requests at the API server")


@case("a head that stops is answered 408, one that never begins is closed as idle", gateway="tight")
def stopped_head(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    with as_user("alice") as first, as_user("alice") as second:
        first.send(message("GET", "/version")[:30])
        same(first.answer().status, 408, "half a head")
        same(second.ends(), b"", "no head")
    same((delta.of("proxy.head_timeout"), delta.of("proxy.idle_timeout")), (1, 1), "counters head_timeout and idle_timeout")


@case("a head of 10 MiB is answered 431 and closed, whether in one field or in many; memory does not grow", gateway="tight")
def header_flood(api: ApiServer, gateway: Gateway) -> None:
    before, memory = api.total(), gateway.memory()
    one = b"X-Pad: " + b"x" * (10 << 20)
    many = b"".join(b"X-%06d: y\r\n" % i for i in range(700_000))
    for what, flood in (("one field", one), ("many fields", many), ("a target", b"")):
        delta = Delta(gateway)
        with as_user("alice") as connection:
            try:
                connection.send(b"GET /version HTTP/1.1\r\nHost: x\r\n" + flood if flood else b"GET /" + b"a" * (10 << 20))
            except OSError:
                pass  # the gateway does not listen for ever
            try:
                answer = connection.answer()
                expect(answer.status in (431, 414), f"{what}: {answer.status}")
                same(answer.header("connection"), "close", f"{what}: connection")
            except Closed:
                pass  # our own flood may have pushed the answer out
        same((what, delta.of("proxy.head_too_large")), (what, 1), "counter head_too_large")
        others_served()
    same(api.total() - before, 3, "requests at the API server: those of the others")
    expect(gateway.memory() - memory < 32 << 20, f"memory grew by {(gateway.memory() - memory) >> 20} MiB")


@case("heads just over and just under the limits: 431 and 414, or served", gateway="tight")
def head_limits(api: ApiServer, gateway: Gateway) -> None:
    fixed = 64 - 4  # Host, User-Agent, Accept and the one added below
    asked = {
        "fields under": (message("GET", "/version", headers={f"X-{i}": "y" for i in range(fixed)}), 200),
        "fields over": (message("GET", "/version", headers={f"X-{i}": "y" for i in range(fixed + 10)}), 431),
        "a field under": (message("GET", "/version", headers={"X-A": "y" * 12000}), 200),
        "a field over": (message("GET", "/version", headers={"X-A": "y" * 17000}), 431),
        "a target under": (message("GET", "/version?" + "a" * 8000), 200),
        "a target over": (message("GET", "/version?" + "a" * 9000), 414),
    }
    for what, (raw, status) in asked.items():
        with as_user("alice") as connection:
            connection.send(raw)
            answer = connection.answer()
            same((what, answer.status), (what, status), "status")
            if status != 200:
                answer.status_object()


@case("a body that comes too slowly ends with 408, whether by length or in chunks", seconds=90)
def slow_body(api: ApiServer, gateway: Gateway) -> None:
    delta, before = Delta(gateway), api.total()
    asked = {
        "by length": message("POST", MAPS, headers={"Content-Length": "1000000", "Content-Type": "application/json"}) + b"x" * 500,
        "in chunks": message("POST", MAPS, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"}) + b"1f4\r\n" + b"x" * 400,
    }
    connections = {what: as_user("bob", seconds=50) for what in asked}
    for what, raw in asked.items():
        connections[what].send(raw)
    until(lambda: gateway.info()["body_used_bytes"] > 0, "the bodies are reserved")
    others_served()
    for what, connection in connections.items():
        answer = connection.answer()
        same((what, answer.status, answer.status_object()["reason"]), (what, 408, "Timeout"), "answer")
        connection.close()
    same(delta.of("proxy.body_timeout"), 2, "counter body_timeout")
    same(api.total(), before + 1, "requests at the API server: that of the others")
    until(lambda: gateway.info()["body_used_bytes"] == 0, "the reservations are given back")


@case("readers that do not read hold up to their buffers and nobody else", seconds=90)
def slow_readers(api: ApiServer, gateway: Gateway) -> None:
    big = config_map("big-answer", a="x" * 2_900_000)
    ask("alice", "DELETE", f"{MAPS}/big-answer")
    same(ask("alice", "POST", MAPS, big).status, 201, "create")
    memory = gateway.memory()
    tls, readers = lab.context("alice"), []
    for i in range(40):
        reader = Wire(lab.SPARE[i], tls=tls, seconds=60)
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.send(message("GET", f"{MAPS}/big-answer"))
        readers.append(reader)
    for _ in range(5):
        others_served()
    expect(gateway.memory() - memory < 48 << 20, f"memory grew by {(gateway.memory() - memory) >> 20} MiB")
    same(len(readers[0].answer().body) > 2_900_000, True, "one that reads after all gets all of it")
    for reader in readers:
        reader.close()
    ask("alice", "DELETE", f"{MAPS}/big-answer")
    until(gateway.quiet, "nothing is left of them")


@case("clients that reset in the middle of anything leave nothing behind", seconds=90)
def resets(api: ApiServer, gateway: Gateway) -> None:
    tls, parts = lab.context("alice"), [
        b"", message("GET", "/version")[:20], message("GET", "/version"), message("POST", MAPS, b"x" * 5000)[:-100],
        message("GET", f"{MAPS}?watch=true"), message("GET", "/version") * 50, message("GET", "/openapi/v2") * 3]
    for i in range(140):
        connection = Wire(lab.SPARE[i % 100], tls=tls)
        connection.send(parts[i % len(parts)])
        if i % 3 == 0:
            time.sleep(0.005)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
    others_served()
    until(gateway.quiet, "nothing is left of them")
    until(lambda: api.counts()["openWatches"] == 0, "no watch is left at the API server")


@case("connections come and go by the thousand without a trace", seconds=90)
def churn(api: ApiServer, gateway: Gateway) -> None:
    tls, memory = lab.context("alice"), 0
    for round_ in range(3):
        for i in range(250):
            with Wire(lab.SPARE[i % 100], tls=tls) as connection:
                same(connection.request("GET", "/version").status, 200, "status")
        until(gateway.quiet, "nothing is left")
        if round_ == 0:
            memory = gateway.memory()
    expect(gateway.memory() - memory < 8 << 20, f"memory grew by {(gateway.memory() - memory) >> 10} KiB over 500 connections")


def malformed_frames(chosen: random.Random, count: int) -> list[bytes]:
    """Frames to the gateway that no kernel would send: lengths, checksums and flags at random."""
    frames = []
    for _ in range(count):
        tcp = bytearray(chosen.randbytes(20))
        tcp[2:4] = (6443).to_bytes(2, "big") if chosen.random() < 0.8 else chosen.randbytes(2)
        tcp[12] = chosen.randrange(16) << 4
        ip = bytearray(bytes.fromhex("450000280000400040060000") + socket.inet_aton(f"10.98.0.{chosen.randrange(100, 200)}") + socket.inet_aton(lab.HOST))
        payload = chosen.randbytes(chosen.choice((0, 1, 20, 1460)))
        ip[2:4] = (40 + len(payload)).to_bytes(2, "big")
        for _ in range(chosen.randrange(3)):
            ip[chosen.randrange(10)] = chosen.randrange(256)
        if chosen.random() < 0.6:
            ip[10:12] = b"\0\0"
            total = sum(int.from_bytes(ip[i:i + 2], "big") for i in range(0, 20, 2))
            while total >> 16:
                total = (total & 0xffff) + (total >> 16)
            ip[10:12] = (total ^ 0xffff).to_bytes(2, "big")
        frame = bytes.fromhex("020000980002020000980001") + chosen.choice((b"\x08\x00", b"\x08\x00", b"\x08\x00", b"\x08\x06", b"\x86\xdd", b"\x81\x00"))
        whole = frame + bytes(ip) + bytes(tcp) + payload
        frames.append(whole[:chosen.randrange(14, len(whole))] if chosen.random() < 0.3 else whole)
    return frames


@case("thousands of malformed frames are counted and thrown away")
def frames(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as wire:
        wire.bind(("c0", 0))
        for frame in malformed_frames(random.Random(11), 4000):
            wire.send(frame)
    others_served()
    others_served("ci")
    thrown = {name: delta.of(name) for name in gateway.counters() if name.startswith(("net.", "tcp."))}
    expect(sum(thrown.values()) > 3000, f"the counters tell: {thrown}")
    expect(os.path.exists(f"/proc/{gateway.process.pid if gateway.process else 0}"), "the gateway lives")
    until(gateway.quiet, "nothing is left of them")
