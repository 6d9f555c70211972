"""HTTP/1.1 messages: bytes in, requests out. No I/O here.

Strict on purpose: what a gateway forwards to this server must be beyond doubt, so anything a
lenient server would guess about (bare LF, folded headers, two lengths) is an error here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from email.utils import formatdate
from urllib.parse import unquote, unquote_plus

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 3 * 1024 * 1024
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z")
_VALUE = re.compile(rb"[\t\x20-\x7e\x80-\xff]*\Z")
_TARGET = re.compile(rb"[\x21-\x7e]+\Z")
_DIGITS = re.compile(rb"[0-9]{1,18}\Z")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e]*)?\Z")


class HttpError(Exception):
    """The message cannot be trusted any more: answer `code` and close."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code = code


@dataclass(slots=True)
class Request:
    """One request; `body` is filled in once it has been read."""

    method: str
    target: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    path: str = ""
    raw_query: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def header(self, name: str, default: str = "") -> str:
        """The first value of a header; names are compared in lower case."""
        for key, value in self.headers:
            if key.lower() == name:
                return value
        return default

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key.lower() == name]

    def keep_alive(self) -> bool:
        """Whether the connection may carry another request."""
        options = {o.strip().lower() for value in self.all("connection") for o in value.split(",")}
        if self.version == "HTTP/1.0":
            return "keep-alive" in options
        return "close" not in options


def parse_query(raw: str) -> dict[str, str]:
    """Query parameters; of a repeated one the first counts, as it does for single-valued options."""
    out: dict[str, str] = {}
    for part in raw.split("&"):
        if part:
            key, _, value = part.partition("=")
            out.setdefault(unquote_plus(key), unquote_plus(value))
    return out


def _parse_header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    if not colon or not _TOKEN.match(name) or not _VALUE.match(value):
        raise HttpError(400, "malformed header line")
    return name.decode("ascii"), value.decode("latin-1")


def parse_head(head: bytes) -> Request:
    """`head` is everything up to, not including, the empty line."""
    lines = head.split(b"\r\n")
    words = lines[0].split(b" ")
    if len(words) != 3 or not _TOKEN.match(words[0]) or not _TARGET.match(words[1]):
        raise HttpError(400, "malformed request line")
    if words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise HttpError(505, "unsupported protocol version")
    target = words[1].decode("ascii")
    if not target.startswith("/"):
        raise HttpError(400, "request target is not a path")
    request = Request(words[0].decode("ascii"), target, words[2].decode("ascii"),
                      [_parse_header(line) for line in lines[1:]])
    path, _, request.raw_query = target.partition("?")
    request.path = unquote(path) if "%" in path else path
    request.query = parse_query(request.raw_query)
    if request.version == "HTTP/1.1" and len(request.all("host")) != 1:
        raise HttpError(400, "exactly one Host header is required")
    return request


def body_framing(request: Request) -> int | None:
    """Bytes of the body, or None where it is chunked."""
    lengths, codings = request.all("content-length"), request.all("transfer-encoding")
    if codings:
        if lengths or len(codings) != 1 or codings[0].lower() != "chunked":
            raise HttpError(400, "ambiguous body framing")
        return None
    if not lengths:
        return 0
    if len(lengths) != 1 or not _DIGITS.match(lengths[0].encode("latin-1")):
        raise HttpError(400, "malformed Content-Length")
    return int(lengths[0])


def chunk_size(line: bytes) -> int:
    """The size in a chunk's first line."""
    match = _CHUNK_SIZE.match(line)
    if not match:
        raise HttpError(400, "malformed chunk")
    return int(match.group(1), 16)


PHRASES = {
    101: "Switching Protocols", 200: "OK", 201: "Created", 202: "Accepted", 400: "Bad Request",
    401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 405: "Method Not Allowed",
    406: "Not Acceptable", 408: "Request Timeout", 409: "Conflict", 410: "Gone",
    413: "Request Entity Too Large", 415: "Unsupported Media Type", 422: "Unprocessable Entity",
    429: "Too Many Requests", 431: "Request Header Fields Too Large", 500: "Internal Server Error",
    503: "Service Unavailable", 505: "HTTP Version Not Supported",
}


def response_head(code: int, headers: list[tuple[str, str]]) -> bytes:
    """Status line and headers, with the empty line."""
    lines = [f"HTTP/1.1 {code} {PHRASES.get(code, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers]
    if code != 101:
        lines.append(f"Date: {formatdate(usegmt=True)}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
