"""Paths that are no resources: version, health, discovery, OpenAPI, keys."""

from __future__ import annotations

from typing import Any

from . import discovery, openapi
from .call import Call, Response
from .http1 import Request
from .swagger_wire import MEDIA_TYPE, MEDIA_TYPE_MARK
from .tokens import ISSUER, TokenIssuer

VERSION = {
    "major": "1", "minor": "34", "gitVersion": "v1.34.0", "gitCommit": "stand-in", "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z", "goVersion": "none", "compiler": "none", "platform": "linux/amd64",
}
# What anybody may ask without saying who they are.
PUBLIC = ("/livez", "/readyz", "/healthz", "/version")


def is_public(path: str) -> bool:
    """Whether anonymous may ask for this path."""
    return path.rstrip("/") in PUBLIC or path.startswith(("/livez/", "/readyz/", "/healthz/"))


class Plain:
    """Answers by path; None where there is nothing."""

    def __init__(self, issuer: TokenIssuer, address: str) -> None:
        self.issuer = issuer
        self.address = address

    def handle(self, call: Call) -> Response | None:
        """The answer, or None for 404."""
        path = call.request.path.rstrip("/") or "/"
        if path.startswith(("/livez", "/readyz", "/healthz")):
            if "verbose" in call.request.query:
                return Response.text(f"[+]ping ok\n[+]log ok\n{path.split('/')[1]} check passed\n")
            return Response.text("ok")
        if path == "/version":
            return Response.of(VERSION)
        if path == "/metrics":
            return Response.text("# TYPE apiserver_request_total counter\napiserver_request_total 1\n")
        if path == "/":
            return Response.of({"paths": ["/api", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2",
                                          "/openapi/v3", "/readyz", "/version"]})
        return self._documents(call.request, path)

    def _documents(self, request: Request, path: str) -> Response | None:
        parts = path.strip("/").split("/")
        if path in ("/api", "/apis"):
            return self._groups(request, core=path == "/api")
        if parts[0] == "openapi":
            return _openapi(parts, request.header("accept").partition(",")[0].strip())
        if path == "/openid/v1/jwks":
            return Response.of(self.issuer.key_set())
        if path == "/.well-known/openid-configuration":
            return Response.of({"issuer": ISSUER, "jwks_uri": f"https://{self.address}/openid/v1/jwks",
                                "response_types_supported": ["id_token"], "subject_types_supported": ["public"],
                                "id_token_signing_alg_values_supported": ["RS256"]})
        found: dict[str, Any] | None = None
        if parts[0] == "api" and len(parts) == 2:
            found = discovery.resource_list("", parts[1])
        elif parts[0] == "apis" and len(parts) == 2:
            found = discovery.api_group(parts[1])
        elif parts[0] == "apis" and len(parts) == 3:
            found = discovery.resource_list(parts[1], parts[2])
        return Response.of(found) if found else None

    def _groups(self, request: Request, *, core: bool) -> Response:
        if "as=APIGroupDiscoveryList" in request.header("accept").split(",")[0]:
            response = Response.of(discovery.aggregated(core))
            response.content_type = discovery.AGGREGATED_V2
            return response
        return Response.of(discovery.api_versions(self.address) if core else discovery.api_group_list())


def _openapi(parts: list[str], accepted: str) -> Response | None:
    body: bytes | None = None
    if parts == ["openapi", "v2"]:
        if MEDIA_TYPE_MARK in accepted:
            return Response(200, openapi.swagger(True), MEDIA_TYPE)
        body = openapi.swagger(False)
    elif parts == ["openapi", "v3"]:
        return Response.of(openapi.index())
    elif parts[:3] == ["openapi", "v3", "api"] and len(parts) == 4:
        body = openapi.document("", parts[3])
    elif parts[:3] == ["openapi", "v3", "apis"] and len(parts) == 5:
        body = openapi.document(parts[3], parts[4])
    return Response(200, body) if body else None
