"""A small Kubernetes client for demo and tests: real TLS, one connection kept, an address of its own.

Headers and parameters are those that client-go sends, in its order, except that bodies are JSON.
Every answer goes into a journal, so that a test can say what each client saw.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Iterator
from urllib.parse import urlsplit

LAB_DIR = Path(os.environ.get("KS_LAB_DIR", "/run/kubescope-lab"))
DEFAULT_SERVER = "https://10.98.0.2:6443"
JSON = "application/json"


@dataclass(frozen=True)
class Account:
    """Where to, from where, and as whom."""

    name: str
    server: str
    ca: Path
    source: str = ""
    cert: Path | None = None
    key: Path | None = None
    token_file: Path | None = None

    def context(self) -> ssl.SSLContext:
        """TLS that checks the server and shows the client's certificate, if there is one."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.set_alpn_protocols(["http/1.1"])
        if self.cert and self.key:
            context.load_cert_chain(self.cert, self.key)
        return context

    def token(self) -> str:
        """The token as it is now: kubelets renew the file."""
        return self.token_file.read_text().strip() if self.token_file else ""


class Journal:
    """One line of JSON for every answer, written as it comes."""

    def __init__(self, client: str, path: str | None) -> None:
        self.client = client
        self._file = open(path, "a", buffering=1) if path else None
        self._lock = threading.Lock()

    def note(self, **fields: Any) -> None:
        """Add a line."""
        if self._file:
            line = json.dumps({"time": time.time(), "client": self.client, **fields})
            with self._lock:
                self._file.write(line + "\n")


@dataclass
class Reply:
    """A whole answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body as data; an empty object where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}


class Kube:
    """One client. Not shared between threads; a watch has its own connection."""

    def __init__(self, account: Account, user_agent: str, journal: Journal, *, timeout: float = 15) -> None:
        self.account = account
        self.user_agent = user_agent
        self.journal = journal
        self.timeout = timeout
        self._context = account.context()
        self._connection: http.client.HTTPSConnection | None = None

    def connect(self, timeout: float | None = None) -> http.client.HTTPSConnection:
        """A new connection from the account's address."""
        url = urlsplit(self.account.server)
        connection = http.client.HTTPSConnection(
            url.hostname or "", url.port or 443, timeout=timeout or self.timeout, context=self._context,
            source_address=(self.account.source, 0) if self.account.source else None)
        connection.connect()
        assert connection.sock
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def headers(self, accept: str, more: dict[str, str]) -> dict[str, str]:
        """What every request carries."""
        out = {"User-Agent": self.user_agent, "Accept": accept, "Accept-Encoding": "identity"}
        if token := self.account.token():
            out["Authorization"] = f"Bearer {token}"
        return {**out, **more}

    def request(self, method: str, path: str, body: Any = None, *, content_type: str = JSON,
                accept: str = "application/json, */*", headers: dict[str, str] | None = None) -> Reply:
        """One exchange. A kept connection that the peer has closed meanwhile is opened once more."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body, separators=(",", ":")).encode()
        sent = self.headers(accept, headers or {})
        if data is not None:
            sent["Content-Type"] = content_type
        started = time.time()
        try:
            reply = self._exchange(method, path, data, sent)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self.journal.note(method=method, path=path, status=0, error=f"{type(error).__name__}: {error}",
                              ms=round((time.time() - started) * 1000, 2))
            raise
        self.journal.note(method=method, path=path, status=reply.status, ms=round((time.time() - started) * 1000, 2))
        return reply

    def _exchange(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> Reply:
        for fresh in (False, True):
            if self._connection is None:
                self._connection, fresh = self.connect(), True
            try:
                self._connection.request(method, path, data, headers)
                response = self._connection.getresponse()
                break
            except (ConnectionError, http.client.RemoteDisconnected):
                self.close()
                if fresh:
                    raise
        body = response.read()
        if response.will_close:
            self.close()
        return Reply(response.status, dict(response.getheaders()), body)

    def watch(self, path: str, *, accept: str = "application/json, */*") -> Iterator[dict[str, Any]]:
        """Events until the server ends the watch; None of them is kept."""
        connection = self.connect(timeout=3600)
        try:
            connection.request("GET", path, headers=self.headers(accept, {}))
            response = connection.getresponse()
            self.journal.note(method="GET", path=path, status=response.status, ms=0)
            if response.status == 200:
                while line := response.readline():
                    yield json.loads(line)
        finally:
            connection.close()

    def close(self) -> None:
        """Close the kept connection."""
        if self._connection:
            self._connection.close()
            self._connection = None


def lab_address(client: str) -> str:
    """The address of a lab client, from the table the lab wrote."""
    table = LAB_DIR / "clients.tsv"
    for line in table.read_text().splitlines():
        name, address, *_ = line.split("\t")
        if name == client:
            return address
    raise SystemExit(f"no lab client named {client!r} in {table}")


def add_arguments(parser: argparse.ArgumentParser, default_client: str) -> None:
    """Options every client has. `--as NAME` fills in the rest from the lab's directory."""
    parser.add_argument("--as", dest="client", default=default_client, help="lab client to be (default %(default)s)")
    parser.add_argument("--server", default=os.environ.get("KS_SERVER", DEFAULT_SERVER))
    parser.add_argument("--ca", type=Path, help="authority of the server's certificate")
    parser.add_argument("--cert", type=Path, help="client certificate")
    parser.add_argument("--key", type=Path, help="its key")
    parser.add_argument("--token-file", type=Path, help="bearer token")
    parser.add_argument("--source", help="address to bind; '' leaves it to the kernel")
    parser.add_argument("--seed", type=int, default=1, help="makes jitter and names repeatable")
    parser.add_argument("--pace", type=float, default=1.0, help="2 is twice as fast as in a real cluster")
    parser.add_argument("--seconds", type=float, default=0, help="end after so long; 0 runs until SIGTERM")
    parser.add_argument("--journal", help="file to append one JSON line per answer to")


def account(args: argparse.Namespace) -> Account:
    """The account the options describe."""
    home = LAB_DIR / "clients" / args.client
    given = any((args.cert, args.token_file))

    def own(name: str) -> Path | None:
        return home / name if not given and (home / name).exists() else None

    if args.pace <= 0:
        raise SystemExit("--pace must be greater than zero")
    try:
        source = lab_address(args.client) if args.source is None else args.source
        return Account(args.client, args.server, args.ca or home / "ca.crt", source,
                       args.cert or own("client.crt"), args.key or own("client.key"), args.token_file or own("token"))
    except OSError as error:
        raise SystemExit(f"client {args.client}: {error}; is the lab up, and may this user read it?") from error
