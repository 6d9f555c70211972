"""One request on its way through the server, and what comes out of it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Awaitable, Callable

from . import wire
from .connection import Connection
from .http1 import Request
from .identity import User
from .resources import ApiPath
from .status import ApiError

JSON = "application/json"
_YAML = ("application/yaml", "application/apply-patch+yaml")


@dataclass(slots=True)
class Response:
    """A whole answer."""

    code: int
    body: bytes
    content_type: str = JSON
    headers: list[tuple[str, str]] = field(default_factory=list)

    @staticmethod
    def of(obj: Any, code: int = 200) -> "Response":
        """An answer with a JSON body."""
        return Response(code, json.dumps(obj, separators=(",", ":")).encode())

    @staticmethod
    def text(text: str, code: int = 200) -> "Response":
        """An answer with a text body."""
        return Response(code, text.encode(), "text/plain; charset=utf-8")


@dataclass(slots=True)
class Stream:
    """An answer that is written piece by piece; `chunked` unless the connection leaves HTTP."""

    run: Callable[[Connection], Awaitable[None]]
    code: int = 200
    content_type: str = JSON
    headers: list[tuple[str, str]] = field(default_factory=list)
    chunked: bool = True


@dataclass(slots=True)
class Call:
    """A request with its user and, for resource calls, the path taken apart."""

    request: Request
    user: User
    path: ApiPath | None = None

    @property
    def watching(self) -> bool:
        """Whether the client asks for a stream of changes."""
        return self.request.query.get("watch", "").lower() in ("1", "true")

    @property
    def dry_run(self) -> bool:
        """Whether nothing may be stored."""
        return self.request.query.get("dryRun") == "All"

    @property
    def field_validation(self) -> str:
        """What to do about unknown fields: Strict, Warn or Ignore."""
        return self.request.query.get("fieldValidation", "")

    @property
    def table(self) -> bool:
        """Whether the client prefers a Table."""
        return "as=Table" in self.request.header("accept").split(",")[0]

    @property
    def verb(self) -> str:
        """The verb as authorization names it."""
        request, path = self.request, self.path
        if path is None:
            return request.method.lower()
        if request.method in ("GET", "HEAD"):
            return "get" if path.name else ("watch" if self.watching else "list")
        if request.method == "DELETE":
            return "delete" if path.name else "deletecollection"
        return {"POST": "create", "PUT": "update", "PATCH": "patch"}.get(request.method, request.method.lower())

    @property
    def what(self) -> str:
        """What the verb is done to, as counted: `pods/log`, `deployments.apps`, `/livez`."""
        if self.path is None:
            return self.request.path
        resource = self.path.resource
        name = resource.plural + (f"/{self.path.subresource}" if self.path.subresource else "")
        return f"{name}.{resource.group}" if resource.group else name

    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.request.header("content-type", JSON).partition(";")[0].strip().lower()

    def decode(self, text: bytes, media_type: str) -> Any:
        """A body as data. JSON is read strictly: a name given twice or a NaN is an error."""
        try:
            if media_type in _YAML:
                return _decode_yaml(text)
            if media_type == wire.MEDIA_TYPE:
                return wire.decode(text)
            return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise ApiError(400, f"the body cannot be decoded: {error}") from error

    def body(self) -> Any:
        """The request's object, or 400/415."""
        media_type = self.content_type()
        accepted = (JSON, *_YAML, wire.MEDIA_TYPE)
        if media_type not in accepted:
            raise ApiError(415, f"the body of the request was in an unknown format - accepted media types include: "
                                f"{', '.join(accepted)}")
        if not self.request.body:
            raise ApiError(400, "the body is empty")
        return self.decode(self.request.body, media_type)


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    out = dict(pairs)
    if len(out) != len(pairs):
        raise ValueError("a name is given twice in one object")
    return out


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _decode_yaml(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        pass
    try:
        import yaml  # only for bodies that are YAML and not JSON: kubectl sends none
    except ImportError as error:
        raise ApiError(415, "YAML bodies need python3-yaml on the server") from error
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(str(error).splitlines()[0]) from error
