"""An API server that does what a case tells it to: closes, stalls, lies. Takes the stand-in's place."""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Callable, Iterator

import lab
from netns import inside

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Seen:
    """A request that reached it."""

    method: str
    target: str
    body: bytes
    nth: int  # of its connection, from 1
    head: bytes


# Answers a request; False ends the connection.
Behaviour = Callable[["Peer", Seen], bool]


class Peer:
    """One connection of the gateway."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self.socket = connection
        self.buffer = b""

    def _until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError
            self.buffer += data
        head, self.buffer = self.buffer.split(end, 1)
        return head + end

    def head(self, nth: int) -> Seen:
        """The next request, without its body."""
        head = self._until(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n", 1)[0].decode().split(" ")
        return Seen(method, target, b"", nth, head)

    def body(self, seen: Seen) -> None:
        """Its body; the gateway always says its length."""
        for line in seen.head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line.split(b":")[1])
                while len(self.buffer) < length:
                    data = self.socket.recv(65536)
                    if not data:
                        raise ConnectionError
                    self.buffer += data
                seen.body, self.buffer = self.buffer[:length], self.buffer[length:]

    def send(self, data: bytes) -> None:
        """All of it."""
        self.socket.sendall(data)

    def end(self) -> None:
        """The end of the stream as TLS tells it: without it what came before may have been cut off."""
        try:
            self.socket.settimeout(5)
            self.socket.unwrap()
        except OSError:
            pass


@dataclass
class Rude:
    """The server. `read_body` False leaves the body to the behaviour."""

    behave: Behaviour
    read_body: bool = True
    certificate: str = "apiserver"
    seen: list[Seen] = field(default_factory=list)
    connections: int = 0
    _open: set[socket.socket] = field(default_factory=set)

    def _serve(self, raw: socket.socket, tls: ssl.SSLContext) -> None:
        try:
            raw.settimeout(30)
            # The descriptor is doubled: wrap_socket() takes its own, close() needs one, too.
            with tls.wrap_socket(raw.dup(), server_side=True) as connection:
                peer, nth, on = Peer(connection), 0, True
                while on:
                    nth += 1
                    request = peer.head(nth)
                    if self.read_body:
                        peer.body(request)
                    self.seen.append(request)
                    on = self.behave(peer, request)
        except OSError:
            pass
        finally:
            self._open.discard(raw)
            raw.close()

    def close(self) -> None:
        """Ends every connection."""
        for raw in list(self._open):
            try:
                raw.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            raw.close()

    def _accept(self, listener: socket.socket, tls: ssl.SSLContext) -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            self.connections += 1
            self._open.add(raw)
            threading.Thread(target=self._serve, args=(raw, tls), daemon=True).start()

    def methods(self, target: str) -> list[str]:
        """The methods of the requests for a target, in order."""
        return [one.method for one in self.seen if one.target == target]


def _context(certificate: str) -> ssl.SSLContext:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    pki = lab.DIR / "pki"
    tls.load_cert_chain(pki / f"{certificate}.crt", pki / f"{certificate}.key")
    tls.set_alpn_protocols(["http/1.1"])
    return tls


@contextmanager
def instead(api: lab.ApiServer, behave: Behaviour, **options: object) -> Iterator[Rude]:
    """The stand-in gives way to a rude one, and comes back."""
    api.stop()
    server = Rude(behave, **options)  # type: ignore[arg-type]
    with inside(lab.NS_API):
        listener = socket.create_server((lab.API_HOST, lab.PORT), backlog=128)
    thread = threading.Thread(target=server._accept, args=(listener, _context(server.certificate)), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        server.close()
        api.start()
