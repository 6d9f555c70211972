"""Service-account tokens: made and checked as the API server does, RS256 with bound objects."""

from __future__ import annotations

import base64
import hashlib
import time
import uuid
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from .identity import User

ISSUER = "https://kubernetes.default.svc.cluster.local"
DEFAULT_SECONDS = 3600
_CACHE_ENTRIES = 4096


def object_uid(resource: str, namespace: str, name: str) -> str:
    """A uid that follows from the name, so that tokens can be made before the server starts."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"kubescope-lab/{resource}/{namespace}/{name}"))


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class TokenIssuer:
    """Holds the signing key. Verified tokens are remembered until they expire."""

    def __init__(self, key_pem: bytes) -> None:
        key = serialization.load_pem_private_key(key_pem, password=None)
        if not isinstance(key, rsa.RSAPrivateKey):
            raise ValueError("the service-account key is not an RSA key")
        self._key_pem = key_pem.decode()
        self._public = key.public_key()
        self._public_pem = self._public.public_bytes(serialization.Encoding.PEM,
                                                     serialization.PublicFormat.SubjectPublicKeyInfo).decode()
        der = self._public.public_bytes(serialization.Encoding.DER,
                                        serialization.PublicFormat.SubjectPublicKeyInfo)
        self.key_id = _b64(hashlib.sha256(der).digest())
        self._seen: dict[str, tuple[float, User]] = {}

    def mint(self, namespace: str, name: str, *, uid: str | None = None, seconds: int = DEFAULT_SECONDS,
             audiences: list[str] | None = None, pod: tuple[str, str] | None = None,
             node: tuple[str, str] | None = None, now: float | None = None) -> str:
        """A token of service account `namespace`/`name`; `pod` and `node` are (name, uid)."""
        issued = int(time.time() if now is None else now)
        bound: dict[str, Any] = {
            "namespace": namespace,
            "serviceaccount": {"name": name, "uid": uid or object_uid("serviceaccounts", namespace, name)},
        }
        if node:
            bound["node"] = {"name": node[0], "uid": node[1]}
        if pod:
            bound["pod"] = {"name": pod[0], "uid": pod[1]}
            bound["warnafter"] = issued + seconds - 7
        claims = {
            "aud": audiences or [ISSUER], "exp": issued + seconds, "iat": issued, "iss": ISSUER,
            "jti": str(uuid.uuid4()), "kubernetes.io": bound, "nbf": issued,
            "sub": f"system:serviceaccount:{namespace}:{name}",
        }
        return jwt.encode(claims, self._key_pem, algorithm="RS256", headers={"kid": self.key_id})

    def user(self, token: str) -> User | None:
        """The user a token speaks for; None where signature, issuer, audience or time do not hold."""
        known = self._seen.get(token)
        if known and known[0] > time.time():
            return known[1]
        try:
            claims = jwt.decode(token, self._public_pem, algorithms=["RS256"], audience=ISSUER, issuer=ISSUER,
                                options={"require": ["exp", "sub"]})
            user = _claims_user(claims)
        except (jwt.PyJWTError, KeyError, TypeError, ValueError):
            return None
        if len(self._seen) >= _CACHE_ENTRIES:
            self._seen.clear()
        self._seen[token] = (float(claims["exp"]), user)
        return user

    def key_set(self) -> dict[str, Any]:
        """The public key, as /openid/v1/jwks gives it."""
        numbers = self._public.public_numbers()
        return {"keys": [{
            "use": "sig", "kty": "RSA", "kid": self.key_id, "alg": "RS256",
            "n": _b64(numbers.n.to_bytes((numbers.n.bit_length() + 7) // 8, "big")),
            "e": _b64(numbers.e.to_bytes(3, "big")),
        }]}


def _claims_user(claims: dict[str, Any]) -> User:
    bound = claims["kubernetes.io"]
    namespace, name = bound["namespace"], bound["serviceaccount"]["name"]
    if claims["sub"] != f"system:serviceaccount:{namespace}:{name}":
        raise ValueError("subject and bound account differ")
    extra = {"authentication.kubernetes.io/credential-id": [f"JTI={claims['jti']}"]}
    for thing in ("pod", "node"):
        if thing in bound:
            extra[f"authentication.kubernetes.io/{thing}-name"] = [bound[thing]["name"]]
            extra[f"authentication.kubernetes.io/{thing}-uid"] = [bound[thing]["uid"]]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
    return User(claims["sub"], groups, bound["serviceaccount"]["uid"], extra)
