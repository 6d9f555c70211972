"""Certificates and tokens that no lab client has: of unknown authorities, expired, forged."""

from __future__ import annotations

import base64
import datetime
import json
import secrets
import ssl
import sys
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

import lab

sys.path.insert(0, str(lab.ROOT / "tests" / "apiserver"))
from standin.tokens import TokenIssuer  # noqa: E402

DAY = datetime.timedelta(days=1)


def _name(user: str, groups: tuple[str, ...] = ()) -> x509.Name:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    return x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, user)])


class Authority:
    """Signs client certificates: the cluster's own, or one that nobody knows."""

    def __init__(self, directory: str = "") -> None:
        if directory:
            path = lab.DIR / "pki" / directory
            key = serialization.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
            assert isinstance(key, ec.EllipticCurvePrivateKey)
            self.key = key
            self.name = x509.load_pem_x509_certificate(path.with_suffix(".crt").read_bytes()).subject
        else:
            self.key = ec.generate_private_key(ec.SECP256R1())
            self.name = _name("nobody-knows-this-ca")

    def issue(self, user: str, *, groups: tuple[str, ...] = ("dev",), end: float = 10, begin: float = -20,
              usage: ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH) -> Path:
        """A file with certificate and key; `begin` and `end` are in days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.utcnow()
        certificate = (
            x509.CertificateBuilder().subject_name(_name(user, groups)).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now + begin * DAY).not_valid_after(now + end * DAY)
            .add_extension(x509.BasicConstraints(False, None), True)
            .add_extension(x509.ExtendedKeyUsage([usage]), False).sign(self.key, hashes.SHA256()))
        path = lab.DIR / f"made-{secrets.token_hex(6)}.pem"
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        return path


def with_certificate(path: Path) -> ssl.SSLContext:
    """TLS that shows this certificate, whatever it is."""
    tls = lab.context()
    tls.load_cert_chain(path)
    return tls


def mint(namespace: str, name: str, **options: Any) -> str:
    """A true token of a service account."""
    return TokenIssuer((lab.DIR / "pki" / "sa.key").read_bytes()).mint(namespace, name, **options)


def expired(namespace: str, name: str) -> str:
    """One whose time is over."""
    return mint(namespace, name, now=time.time() - 7200, seconds=3600)


def forged(true: str) -> str:
    """The claims of a true token under a signature that is none, and an identity of its own each time."""
    head, claims, signature = true.split(".")
    content = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
    content["jti"] = secrets.token_hex(8)
    body = base64.urlsafe_b64encode(json.dumps(content).encode()).rstrip(b"=").decode()
    random = base64.urlsafe_b64encode(secrets.token_bytes(256)).rstrip(b"=").decode()
    return f"{head}.{body}.{random[:len(signature)]}"
