"""Large bodies, both ways, byte for byte; and what is too large."""

from __future__ import annotations

import hashlib
import json
import random
import threading

import lab
from gateways import Delta, Gateway
from lab import ApiServer
from runner import case, expect, same
from wire import Answer, as_user, config_map, message

MAPS = "/api/v1/namespaces/guest/configmaps"
LIMIT = 3 * 1024 * 1024


def filled(name: str, size: int) -> bytes:
    """A ConfigMap of exactly `size` bytes, of words that no two places have in common."""
    empty = len(config_map(name, text=""))
    rest = size - empty
    chosen = random.Random(size)
    text = "".join(f"{chosen.randrange(1 << 40):010x} " for _ in range(rest // 11 + 1))[:rest]
    body = config_map(name, text=text)
    same(len(body), size, "the size that was wanted")
    return body


def create(client: str, name: str, body: bytes, *, chunk: int = 0, piece: int = 0) -> Answer:
    """Create, as one block, in chunks of `chunk`, or written in pieces of `piece`."""
    with as_user(client) as connection:
        if chunk:
            connection.send(message("POST", MAPS, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"}))
            for at in range(0, len(body), chunk):
                part = body[at:at + chunk]
                connection.send(b"%x\r\n%b\r\n" % (len(part), part))
            connection.send(b"0\r\n\r\n")
        else:
            data = message("POST", MAPS, body)
            for at in range(0, len(data), piece or len(data)):
                connection.send(data[at:at + (piece or len(data))])
        return connection.answer()


def round_trip(api: ApiServer, client: str, name: str, size: int, *, chunk: int = 0, piece: int = 0) -> None:
    """Up, seen by the API server, down again, gone."""
    body = filled(name, size)
    same(create(client, name, body, chunk=chunk, piece=piece).status, 201, f"create of {size} bytes")
    record = [one for one in api.seen(MAPS) if one["method"] == "POST"][-1]
    same((record["bodyBytes"], record["bodySha256"]), (size, hashlib.sha256(body).hexdigest()), "what arrived")
    with as_user(client) as connection:
        got = connection.request("GET", f"{MAPS}/{name}")
        same(got.json["data"], json.loads(body)["data"], f"what comes back of {size} bytes")
        same(connection.request("DELETE", f"{MAPS}/{name}").status, 200, "delete")


@case("bodies of every size from a packet's to 3 MiB arrive byte for byte", seconds=120)
def sizes(api: ApiServer, gateway: Gateway) -> None:
    for size in (200, 1447, 1448, 1449, 16383, 16384, 16385, 65535, 65537, 262144, 1 << 20, LIMIT - 1, LIMIT):
        round_trip(api, "alice", f"size-{size}", size)


@case("the same in chunks small and large", seconds=120)
def chunks(api: ApiServer, gateway: Gateway) -> None:
    for size, chunk in ((2000, 1), (100_000, 97), (1 << 20, 16384), (LIMIT, 1 << 20)):
        round_trip(api, "alice", f"chunks-{size}", size, chunk=chunk)


@case("the same in many small writes, with a token")
def pieces(api: ApiServer, gateway: Gateway) -> None:
    body = filled("pieces", 300_000)
    with as_user("bob") as connection:
        data = message("POST", MAPS, body)
        for at in range(0, len(data), 501):
            connection.send(data[at:at + 501])
        same(connection.answer().status, 201, "create")
        same(connection.request("DELETE", f"{MAPS}/pieces").status, 200, "delete")
    record = [one for one in api.seen(MAPS) if one["method"] == "POST"][-1]
    same(record["bodySha256"], hashlib.sha256(body).hexdigest(), "what arrived")


@case("3 MiB bodies of several clients at a time arrive byte for byte", seconds=120)
def together(api: ApiServer, gateway: Gateway) -> None:
    clients = ("alice", "bob", "admin", "node-1", "node-2")
    answers: dict[str, int] = {}
    bodies = {client: filled(f"big-{client}", LIMIT) for client in clients}

    def one(client: str) -> None:
        answers[client] = create(client, f"big-{client}", bodies[client]).status

    threads = [threading.Thread(target=one, args=(client,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    same(answers, dict.fromkeys(clients, 201), "answers")
    seen = {record["bodySha256"] for record in api.seen(MAPS) if record["method"] == "POST"}
    for client in clients:
        expect(hashlib.sha256(bodies[client]).hexdigest() in seen, f"the body of {client} arrived")
        with as_user(client) as connection:
            connection.request("DELETE", f"{MAPS}/big-{client}")


def refused(api: ApiServer, gateway: Gateway, data: bytes) -> None:
    """413 as a Status, the end of the connection, and nothing at the API server."""
    delta, before = Delta(gateway), api.total()
    with as_user("alice") as connection:
        connection.send(data)
        answer = connection.answer()
        same(answer.status, 413, "status")
        same(answer.status_object()["reason"], "RequestEntityTooLarge", "reason")
        same(answer.header("connection"), "close", "connection")
    same(api.total(), before, "requests at the API server")
    same(delta.of("proxy.body_too_large"), 1, "counter body_too_large")


@case("one byte more than 3 MiB is answered 413, before any of it was sent")
def too_large(api: ApiServer, gateway: Gateway) -> None:
    refused(api, gateway, message("POST", MAPS, headers={"Content-Length": str(LIMIT + 1), "Content-Type": "application/json"}))
    refused(api, gateway, message("POST", MAPS, headers={"Content-Length": str(1 << 62), "Content-Type": "application/json"}))
    refused(api, gateway, message("POST", MAPS, headers={"Content-Length": str(LIMIT + 1), "Expect": "100-continue"}))


@case("chunks that go beyond 3 MiB are answered 413, too")
def chunks_too_large(api: ApiServer, gateway: Gateway) -> None:
    part = b"x" * 65536
    body = b"".join([b"10000\r\n" + part + b"\r\n"] * (LIMIT // 65536)) + b"1\r\nx\r\n0\r\n\r\n"
    refused(api, gateway, message("POST", MAPS, headers={"Transfer-Encoding": "chunked", "Content-Type": "application/json"}) + body)


@case("curl shows the 413 of a 10 MiB upload")
def curl_too_large(api: ApiServer, gateway: Gateway) -> None:
    big = lab.DIR / "big.json"
    big.write_bytes(b" " * (10 << 20))
    home = lab.DIR / "clients" / "alice"
    done = lab.run("curl", "-sS", "-m", "30", "--http1.1", "--cacert", lab.ca(), "--cert", str(home / "client.crt"), "--key",
                   str(home / "client.key"), "-H", "Content-Type: application/json", "--data-binary", f"@{big}", "-w", " %{http_code}",
                   f"{lab.URL}{MAPS}")
    big.unlink()
    expect(done.out.endswith(" 413") and "RequestEntityTooLarge" in done.out, f"curl: {done}")


@case("a list of several megabytes comes down whole")
def large_answer(api: ApiServer, gateway: Gateway) -> None:
    bodies = {f"list-{i}": filled(f"list-{i}", 1 << 20) for i in range(5)}
    with as_user("alice") as connection:
        for name, body in bodies.items():
            same(connection.request("POST", MAPS, body).status, 201, "create")
        listed = {item["metadata"]["name"]: item for item in connection.request("GET", MAPS).json["items"]}
        for name, body in bodies.items():
            same(listed[name]["data"], json.loads(body)["data"], f"{name} in the list")
            connection.request("DELETE", f"{MAPS}/{name}")
