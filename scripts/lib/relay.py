#!/usr/bin/python3
"""A bare relay from inside a network namespace to the outside, for a real API server.

usage: relay.py NAMESPACE LISTEN-HOST:PORT TARGET-HOST:PORT

Listens inside the namespace, connects from where it was started. TLS passes through untouched: the
gateway speaks to the API server itself.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import socket
import sys

CLONE_NEWNET = 0x40000000
CHUNK_BYTES = 65536


def enter(path: str) -> None:
    """Move this thread into a network namespace."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if libc.setns(descriptor, CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"cannot enter {path}")
    finally:
        os.close(descriptor)


def listen_inside(namespace: str, host: str, port: int) -> socket.socket:
    """A listening socket that belongs to the namespace, held by a process that does not."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    try:
        enter(f"/run/netns/{namespace}")
        listener = socket.create_server((host, port), backlog=1024)
    finally:
        enter(f"/proc/self/fd/{home}")
        os.close(home)
    return listener


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction, with its end passed on."""
    try:
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
    except OSError:
        writer.close()


async def serve(listener: socket.socket, host: str, port: int) -> None:
    """Until a signal comes."""
    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(host, port)
        except OSError as error:
            print(f"relay: {host}:{port}: {error}", file=sys.stderr, flush=True)
            writer.close()
            return
        await asyncio.gather(copy(reader, there_writer), copy(there_reader, writer))
        for each in (writer, there_writer):
            each.close()

    await asyncio.start_server(relay, sock=listener)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()


def address(text: str) -> tuple[str, int]:
    """HOST:PORT; an IPv6 host stands in brackets."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit():
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host.strip("[]"), int(port)


def main() -> int:
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        listener = listen_inside(sys.argv[1], *address(sys.argv[2]))
        asyncio.run(serve(listener, *address(sys.argv[3])))
    except (OSError, ValueError) as error:
        print(f"relay: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
