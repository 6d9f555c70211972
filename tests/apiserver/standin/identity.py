"""Who asks. The order and the odd cases follow what a real API server was measured to do.

A connection with a front-proxy certificate may name any user in X-Remote-*; an ordinary client
certificate is its own user and wins over any token; a token counts where neither applies.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Callable
from urllib.parse import unquote

from .http1 import Request
from .status import ApiError

ANONYMOUS = "system:anonymous"
AUTHENTICATED_GROUP = "system:authenticated"
UNAUTHENTICATED_GROUP = "system:unauthenticated"
_EXTRA_PREFIX = "x-remote-extra-"


@dataclass(frozen=True)
class User:
    """A principal, as authorization sees it."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, list[str]] = field(default_factory=dict, hash=False)

    @property
    def anonymous(self) -> bool:
        """Anonymous however the name came about: a proxy may have said it."""
        return self.name == ANONYMOUS or UNAUTHENTICATED_GROUP in self.groups


def _names(certificate: dict[str, Any], part: str, attribute: str) -> list[str]:
    return [value for rdn in certificate.get(part, ()) for key, value in rdn if key == attribute]


def _authenticated(name: str, groups: list[str], **more: Any) -> User:
    if name != ANONYMOUS and AUTHENTICATED_GROUP not in groups and UNAUTHENTICATED_GROUP not in groups:
        groups = groups + [AUTHENTICATED_GROUP]
    return User(name, tuple(groups), **more)


class Authenticator:
    """Knows the authorities and the tokens; holds no state of a request."""

    def __init__(self, front_proxy_ca: str, front_proxy_names: set[str],
                 token_user: Callable[[str], User | None]) -> None:
        self.front_proxy_ca = front_proxy_ca
        self.front_proxy_names = front_proxy_names
        self.token_user = token_user

    def _is_front_proxy(self, certificate: dict[str, Any]) -> bool:
        return bool(self.front_proxy_ca) and self.front_proxy_ca in _names(certificate, "issuer", "commonName")

    def _remote_user(self, certificate: dict[str, Any], request: Request) -> User | None:
        names = request.all("x-remote-user")
        allowed = set(_names(certificate, "subject", "commonName")) & self.front_proxy_names
        if not names or not names[0] or not allowed:
            return None
        extra: dict[str, list[str]] = {}
        for key, value in request.headers:
            if key.lower().startswith(_EXTRA_PREFIX):
                extra.setdefault(unquote(key[len(_EXTRA_PREFIX):].lower()), []).append(value)
        return _authenticated(names[0], request.all("x-remote-group"), extra=extra)

    def _bearer(self, request: Request) -> User | None:
        scheme, _, token = request.header("authorization").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return None
        user = self.token_user(token.strip())
        if user is None:
            raise ApiError(401, "Unauthorized")
        return user

    def user(self, certificate: dict[str, Any] | None, request: Request) -> User:
        """The user of this request, or 401."""
        proxy = bool(certificate) and self._is_front_proxy(certificate or {})
        if certificate and proxy:
            if named := self._remote_user(certificate, request):
                return named
        elif certificate:
            names = _names(certificate, "subject", "commonName")
            if names:
                return _authenticated(names[-1], _names(certificate, "subject", "organizationName"))
        if user := self._bearer(request):
            return user
        if proxy:  # its certificate is no user's, and it named nobody
            raise ApiError(401, "Unauthorized")
        return User(ANONYMOUS, (UNAUTHENTICATED_GROUP,))


def impersonated(user: User, request: Request) -> User:
    """The user that Impersonate-* asks to be. Everybody may: the lab is about the gateway."""
    name = request.header("impersonate-user")
    groups = request.all("impersonate-group")
    if not name:
        if groups or request.header("impersonate-uid"):
            raise ApiError(500, "requested groups without impersonating a user")
        return user
    return _authenticated(name, groups, uid=request.header("impersonate-uid"))
