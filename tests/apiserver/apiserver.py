#!/usr/bin/python3
"""A stand-in Kubernetes API server. See README.md beside this file."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

from standin.admin import Admin
from standin.counts import Counts
from standin.identity import Authenticator
from standin.rest import Rest
from standin.seeding import seed_file, seed_system
from standin.server import Server, serve
from standin.store import Store
from standin.tokens import TokenIssuer


def address(text: str) -> tuple[str, int]:
    """HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT")
    return host, int(port)


def arguments(argv: list[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="A stand-in Kubernetes API server: real protocol, objects in memory.")
    parser.add_argument("--listen", type=address, default=("127.0.0.1", 6443), help="HOST:PORT for TLS")
    parser.add_argument("--admin", type=address, default=None, help="HOST:PORT of the plain-HTTP port with the counts")
    parser.add_argument("--cert", type=Path, required=True, help="serving certificate, PEM")
    parser.add_argument("--key", type=Path, required=True, help="its key, PEM")
    parser.add_argument("--client-ca", type=Path, required=True, help="authority of client certificates, PEM")
    parser.add_argument("--front-proxy-ca", type=Path, help="authority of proxies that may name users, PEM")
    parser.add_argument("--front-proxy-names", default="front-proxy-client", help="their common names, comma-separated")
    parser.add_argument("--sa-key", type=Path, required=True, help="RSA key that signs service-account tokens, PEM")
    parser.add_argument("--seed", type=Path, help="v1 List of objects to begin with, JSON")
    return parser.parse_args(argv)


def tls_context(args: argparse.Namespace) -> ssl.SSLContext:
    """TLS as the API server has it: a client certificate is welcome, not required."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(args.cert, args.key)
    context.set_alpn_protocols(["http/1.1"])
    context.verify_mode = ssl.CERT_OPTIONAL
    context.load_verify_locations(args.client_ca)
    if args.front_proxy_ca:
        context.load_verify_locations(args.front_proxy_ca)
    return context


def common_name(path: Path) -> str:
    """The authority's name, by which a connection's certificate is told to be a proxy's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_verify_locations(path)
    for certificate in context.get_ca_certs():
        subject: Any = certificate["subject"]
        for rdn in subject:
            for key, value in rdn:
                if key == "commonName":
                    return str(value)
    raise ValueError(f"{path} has no common name")


def build(args: argparse.Namespace) -> tuple[Server, Admin]:
    """The server with what is there at the start."""
    counts, issuer = Counts(), TokenIssuer(args.sa_key.read_bytes())
    rest = Rest(Store(), args.client_ca.read_text())
    seed_system(rest)
    if args.seed:
        seed_file(rest, args.seed)
    proxy_ca = common_name(args.front_proxy_ca) if args.front_proxy_ca else ""
    if proxy_ca and proxy_ca == common_name(args.client_ca):
        raise ValueError("client CA and front-proxy CA must not have the same common name")
    authenticator = Authenticator(proxy_ca, set(args.front_proxy_names.split(",")), issuer.user)
    server = Server(rest, issuer, authenticator, f"{args.listen[0]}:{args.listen[1]}", counts)
    return server, Admin(counts, rest.store.watchers, lambda: rest.store.revision)


async def run(args: argparse.Namespace) -> None:
    """Serve until a signal comes."""
    server, admin = build(args)
    listeners = [await serve(server, args.listen, tls_context(args))]
    if args.admin:
        listeners.append(await serve(admin, args.admin))
    ports = " ".join(str(listener.sockets[0].getsockname()[1]) for listener in listeners)
    print(f"listening ports={ports}", flush=True)
    gc.freeze()  # what is there now stays; the collector need not look at it again
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    for listener in listeners:
        listener.close()


def quiet(loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
    """Failed handshakes and resets are everyday; anything else is worth a line."""
    error = context.get("exception")
    if not isinstance(error, (ssl.SSLError, ConnectionError, TimeoutError, asyncio.TimeoutError)):
        loop.default_exception_handler(context)


def main() -> int:
    args = arguments(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(levelname)s %(message)s")
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(quiet)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(run(args))
    except (OSError, ValueError) as error:
        print(f"apiserver: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
