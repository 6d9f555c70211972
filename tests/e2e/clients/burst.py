#!/usr/bin/python3
"""A burst: one pod asks its everyday question thousands of times, over a few connections.

Nothing about the single request is new: same principal, same program, same call. Prints one JSON
line with how many requests were answered, how, and how fast.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import ssl
import time
from collections import Counter
from urllib.parse import urlsplit

from kube import Account, account, add_arguments
from metrics import PODS, USER_AGENT


class Burst:
    """Requests that are left to send, and what came back."""

    def __init__(self, who: Account, path: str, requests: int, seconds: float, rate: float) -> None:
        self.who, self.left = who, requests
        self.gap = 1 / rate if rate else 0.0
        self.next = time.monotonic()
        self.end = time.monotonic() + seconds if seconds else float("inf")
        self.status: Counter[str] = Counter()
        self.milliseconds: list[float] = []
        url = urlsplit(who.server)
        self.host, self.port = url.hostname or "", url.port or 443
        self.head = (f"GET {path} HTTP/1.1\r\nHost: {url.netloc}\r\nUser-Agent: {USER_AGENT}\r\n"
                     f"Accept: application/json, */*\r\nAccept-Encoding: identity\r\n"
                     f"Authorization: Bearer {who.token()}\r\n\r\n").encode()
        self.context: ssl.SSLContext = who.context()

    async def connection(self) -> None:
        """One connection's worth; a lost connection is replaced."""
        while self.left > 0 and time.monotonic() < self.end:
            try:
                reader, writer = await asyncio.wait_for(asyncio.open_connection(
                    self.host, self.port, ssl=self.context, limit=1 << 20,
                    local_addr=(self.who.source, 0) if self.who.source else None), 10)
            except (OSError, asyncio.TimeoutError):
                self.status["no connection"] += 1
                await asyncio.sleep(0.1)
                continue
            try:
                while self.left > 0 and time.monotonic() < self.end:
                    self.left -= 1
                    await self._turn()
                    await self._one(reader, writer)
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
                self.status["cut off"] += 1
            finally:
                writer.close()

    async def _turn(self) -> None:
        """Wait until the next request is due; one that is late does not make the following ones faster."""
        self.next = max(self.next + self.gap, time.monotonic() - 0.1)
        if (wait := self.next - time.monotonic()) > 0:
            await asyncio.sleep(wait)

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        started = time.monotonic()
        writer.write(self.head)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 15)
        await self._body(reader, head.lower())
        self.milliseconds.append((time.monotonic() - started) * 1000)
        self.status[head[9:12].decode()] += 1

    @staticmethod
    async def _body(reader: asyncio.StreamReader, head: bytes) -> None:
        _, marked, rest = head.partition(b"\r\ncontent-length:")
        if marked:
            await reader.readexactly(int(rest.split(b"\r\n", 1)[0]))
            return
        if b"\r\ntransfer-encoding: chunked" in head:
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                await reader.readexactly(size + 2)
            await reader.readuntil(b"\r\n")

    def report(self, seconds: float) -> dict[str, object]:
        """What happened, as plain data."""
        times = sorted(self.milliseconds)

        def part(share: float) -> float:
            return round(times[min(len(times) - 1, int(len(times) * share))], 2) if times else 0.0

        answered = len(times)
        return {"answered": answered, "seconds": round(seconds, 2), "perSecond": round(answered / max(seconds, 1e-6)),
                "byStatus": dict(self.status), "p50ms": part(0.5), "p99ms": part(0.99)}


async def run(burst: Burst, connections: int) -> dict[str, object]:
    """All connections at once."""
    started = time.monotonic()
    await asyncio.gather(*(burst.connection() for _ in range(connections)))
    return burst.report(time.monotonic() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "metrics")
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--rate", type=float, default=0, help="requests per second at most; 0 is as fast as can be")
    parser.add_argument("--path", default=PODS)
    args = parser.parse_args()
    if args.rate < 0 or args.requests < 1 or not 1 <= args.connections <= 1000:
        parser.error("--requests must be at least 1, --connections 1 to 1000, --rate not negative")
    burst = Burst(account(args), args.path, args.requests, args.seconds, args.rate)
    print(json.dumps(asyncio.run(run(burst, args.connections))))


if __name__ == "__main__":
    main()
