"""HTTP over TLS by hand: what is sent is what the case wrote, byte for byte; answers are read strictly."""

from __future__ import annotations

import json
import socket
import ssl
from dataclasses import dataclass, field
from typing import Any

import lab

READ_SECONDS = 30.0


class Closed(Exception):
    """The peer closed, or reset, where more was due."""


@dataclass
class Answer:
    """One whole answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    interim: list[int] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name: str) -> str:
        """Its first value, or nothing."""
        return (self.all(name) or [""])[0]

    @property
    def json(self) -> Any:
        """The body as data."""
        return json.loads(self.body)

    def status_object(self) -> dict[str, Any]:
        """The body, which must be a Kubernetes Status with the code of this answer."""
        got = self.json
        if got.get("kind") != "Status" or got.get("apiVersion") != "v1" or got.get("status") != "Failure":
            raise AssertionError(f"not a Status: {self.body[:300]!r}")
        if got.get("code") != self.status or not got.get("reason") or not got.get("message"):
            raise AssertionError(f"Status says {got}, the head says {self.status}")
        return dict(got)


class Wire:
    """One connection to the gateway."""

    def __init__(self, source: str = "", *, tls: ssl.SSLContext | None = None, seconds: float = READ_SECONDS) -> None:
        raw = lab.plain_socket(source, seconds)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = (tls or lab.context()).wrap_socket(raw, server_hostname=lab.HOST)
        self._buffer = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def close(self) -> None:
        """Closes without ado."""
        self.socket.close()

    def send(self, data: bytes) -> None:
        """All of it."""
        self.socket.sendall(data)

    # --- reading --------------------------------------------------------------------------

    def _more(self) -> None:
        try:
            data = self.socket.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Closed(f"{type(error).__name__} after {len(self._buffer)} bytes of an answer") from error
        if not data:
            raise Closed(f"closed after {len(self._buffer)} bytes of an answer")
        self._buffer += data

    def _until(self, end: bytes) -> bytes:
        while (at := self._buffer.find(end)) < 0:
            self._more()
        data, self._buffer = self._buffer[:at], self._buffer[at + len(end):]
        return data

    def exactly(self, count: int) -> bytes:
        """The next `count` bytes."""
        parts, have = [self._buffer], len(self._buffer)
        while have < count:
            self._buffer = b""
            self._more()
            parts.append(self._buffer)
            have += len(self._buffer)
        data = b"".join(parts)
        self._buffer = data[count:]
        return data[:count]

    def head(self) -> Answer:
        """The head of the next final answer; interim ones before it are noted."""
        interim: list[int] = []
        while True:
            lines = self._until(b"\r\n\r\n").decode("latin-1").split("\r\n")
            version, status, _ = lines[0].split(" ", 2)
            if version != "HTTP/1.1":
                raise AssertionError(f"status line {lines[0]!r}")
            headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
            if int(status) >= 200:
                return Answer(int(status), headers, b"", interim)
            interim.append(int(status))

    def chunk(self) -> bytes:
        """The next chunk of a chunked body; empty at its end."""
        size = int(self._until(b"\r\n").split(b";")[0], 16)
        data = self.exactly(size)
        if self.exactly(2) != b"\r\n":
            raise AssertionError("a chunk does not end where it should")
        return data

    def _rest(self) -> bytes:
        try:
            while True:
                self._more()
        except Closed:
            data, self._buffer = self._buffer, b""
            return data

    def answer(self, *, to_head: bool = False) -> Answer:
        """The next answer with its body."""
        answer = self.head()
        coding, length = answer.all("transfer-encoding"), answer.all("content-length")
        if len(coding) + len(length) > 1:
            raise AssertionError(f"ambiguous framing: {coding} {length}")
        if to_head or answer.status in (204, 304):
            return answer
        if coding:
            pieces = []
            while piece := self.chunk():
                pieces.append(piece)
            answer.body = b"".join(pieces)
        elif length:
            answer.body = self.exactly(int(length[0]))
        else:
            answer.body = self._rest()
        return answer

    def ends(self) -> bytes:
        """What else comes until the peer closes; fails by a time-out when it does not."""
        return self._rest()

    # --- whole exchanges ------------------------------------------------------------------

    def request(self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
        """One exchange with a Content-Length where there is a body."""
        self.send(message(method, path, body, headers))
        return self.answer(to_head=method == "HEAD")


def message(method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> bytes:
    """A well-formed request."""
    fields = {"Host": f"{lab.HOST}:{lab.PORT}", "User-Agent": "kubescope-e2e/1.0", "Accept": "application/json"}
    if body is not None:
        fields["Content-Type"] = "application/json"
        fields["Content-Length"] = str(len(body))
    fields.update(headers or {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{method} {path} HTTP/1.1\r\n{lines}\r\n".encode("latin-1") + (body or b"")


def bearer(client: str) -> dict[str, str]:
    """The header of a client that has a token."""
    return {"Authorization": f"Bearer {lab.token(client)}"}


def as_user(client: str, **options: Any) -> Wire:
    """A connection from the client's own address, with its certificate if it has one."""
    return Wire(lab.address(client), tls=lab.context(client), **options)


def ask(client: str, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> Answer:
    """One exchange over a connection of its own, with whatever credential the client has."""
    own = bearer(client) if (lab.DIR / "clients" / client / "token").exists() else {}
    with as_user(client) as connection:
        return connection.request(method, path, body, {**own, **(headers or {})})


def config_map(name: str, **data: str) -> bytes:
    """A ConfigMap as a body."""
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}).encode()
