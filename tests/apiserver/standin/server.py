"""The server: identity, then authorization, then whoever answers the path, then the bytes."""

from __future__ import annotations

import asyncio
import logging
import ssl
import uuid

from . import http1
from .call import Call, Response, Stream
from .connection import Connection, Handler
from .counts import Counts
from .http1 import HttpError, Request
from .identity import Authenticator, User, impersonated
from .plain import Plain, is_public
from .resources import ApiPath, parse_path
from .rest import Rest
from .reviews import is_review, review
from .status import ApiError, qualified
from .subresources import Subresources
from .tokens import TokenIssuer

log = logging.getLogger("apiserver")
HANDSHAKE_SECONDS = 10.0
_FIXED_HEADERS = [
    ("Cache-Control", "no-cache, private"),
    ("X-Kubernetes-Pf-Flowschema-Uid", "6a1f4e0e-3c2b-4a54-9d2e-0f8f5c1a7b11"),
    ("X-Kubernetes-Pf-Prioritylevel-Uid", "0c9d3a52-71f4-4c0f-8b7e-5a2d9e6f4c22"),
]


def _forbidden(user: User, call: Call) -> ApiError:
    path = call.path
    if path is None:
        return ApiError(403, f'forbidden: User "{user.name}" cannot {call.verb} path "{call.request.path}"')
    where = f'in the namespace "{path.namespace}"' if path.namespace else "at the cluster scope"
    what = path.resource.plural + (f"/{path.subresource}" if path.subresource else "")
    name = f' "{path.name}"' if path.name else ""
    return ApiError(403, f'{qualified(path.resource.plural, path.resource.group)}{name} is forbidden: User "{user.name}" '
                         f'cannot {call.verb} resource "{what}" in API group "{path.resource.group}" {where}')


class Server:
    """A handler for connections of the API port."""

    def __init__(self, rest: Rest, issuer: TokenIssuer, authenticator: Authenticator, address: str,
                 counts: Counts) -> None:
        self.rest = rest
        self.issuer = issuer
        self.authenticator = authenticator
        self.subresources = Subresources(rest, issuer)
        self.plain = Plain(issuer, address)
        self.counts = counts

    # --- for the connection ---------------------------------------------------------------

    def opened(self, conn: Connection) -> None:
        """Count it."""
        self.counts.opened()

    def closed(self, conn: Connection) -> None:
        """Count it."""
        self.counts.closed()

    def broken(self, conn: Connection, error: HttpError) -> None:
        """A message that cannot be trusted: say so and close."""
        self.counts.broken += 1
        response = Response.of(ApiError(error.code, str(error), None).status(), error.code)
        if conn.transport:
            conn.transport.write(self._head(response.code, response.content_type, len(response.body), [], close=True)
                                 + response.body)

    async def handle(self, conn: Connection, request: Request) -> bool:
        """Answer one request; False ends the connection."""
        record = None
        try:
            call = self._identify(conn, request)
            record = self._count(conn, request, call.user.name, f"{call.verb} {call.what}")
            answer = self._answer(call)
        except ApiError as error:
            if record is None:
                record = self._count(conn, request, "", f"{request.method.lower()} {request.path}")
            answer = Response.of(error.status(), error.code)
            if error.code == 429:
                answer.headers.append(("Retry-After", "1"))
        except Exception:
            log.exception("bug request=%s %s", request.method, request.path)
            answer = Response.of(ApiError(500, "the stand-in has a bug; see its log").status(), 500)
            record = record or self._count(conn, request, "", "bug")
        self.counts.answered(record, answer.code)
        close = not request.keep_alive()
        if isinstance(answer, Stream):
            return await self._stream(conn, answer, close=close)
        head = self._head(answer.code, answer.content_type, len(answer.body), answer.headers, close=close)
        await conn.write(head if request.method == "HEAD" else head + answer.body)
        return not close

    def _count(self, conn: Connection, request: Request, user: str, call: str) -> dict[str, object]:
        subject = (conn.peer_certificate or {}).get("subject", ())
        name = next((value for rdn in subject for key, value in rdn if key == "commonName"), "")
        return self.counts.request(request, user=user, call=call, peer=conn.peer_address, certificate=name)

    # --- who may, and what ----------------------------------------------------------------

    def _identify(self, conn: Connection, request: Request) -> Call:
        call = Call(request, self.authenticator.user(conn.peer_certificate, request), parse_path(request.path))
        if not call.user.anonymous:
            call.user = impersonated(call.user, request)
        return call

    def _answer(self, call: Call) -> Response | Stream:
        if call.user.anonymous and not is_public(call.request.path):
            raise _forbidden(call.user, call)
        if call.path is not None:
            return self._resource(call, call.path)
        response = self.plain.handle(call)
        if response is None:
            raise ApiError(404, "the server could not find the requested resource")
        if call.request.method not in ("GET", "HEAD"):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        return response

    def _resource(self, call: Call, path: ApiPath) -> Response | Stream:
        accepted = call.request.header("accept", "*/*")
        if not any(kind in accepted for kind in ("json", "*/*", "application/*")) and path.subresource not in (
                "log", "exec", "attach", "portforward", "proxy"):
            raise ApiError(406, "only the following media types are accepted: application/json")
        if is_review(path):
            return review(call, path, self.issuer)
        if path.subresource:
            return self.subresources.handle(call, path)
        return self.rest.handle(call, path)

    # --- bytes ----------------------------------------------------------------------------

    def _head(self, code: int, content_type: str, length: int | None, more: list[tuple[str, str]],
              *, close: bool) -> bytes:
        headers = [("Audit-Id", str(uuid.uuid4())), *_FIXED_HEADERS]
        if content_type:
            headers.append(("Content-Type", content_type))
        if code != 101:
            headers.append(("Content-Length", str(length)) if length is not None else ("Transfer-Encoding", "chunked"))
            if close:
                headers.append(("Connection", "close"))
        return http1.response_head(code, headers + more)

    async def _stream(self, conn: Connection, stream: Stream, *, close: bool) -> bool:
        await conn.write(self._head(stream.code, stream.content_type, None, stream.headers, close=close))
        await stream.run(conn)
        if not stream.chunked:
            return False
        await conn.write(b"0\r\n\r\n")
        return not close


async def serve(handler: Handler, address: tuple[str, int], tls: ssl.SSLContext | None = None) -> asyncio.Server:
    """Listen; every connection gets a Connection of its own."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(lambda: Connection(handler), *address, backlog=1024, ssl=tls,
                                    ssl_handshake_timeout=HANDSHAKE_SECONDS if tls else None)
