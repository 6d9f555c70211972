"""TLS: openssl s_client as it is, and client certificates good and bad."""

from __future__ import annotations

import ssl

from cryptography.x509.oid import ExtendedKeyUsageOID

import lab
import pki
from gateways import Delta, Gateway
from lab import ApiServer, Done
from runner import case, expect, same
from wire import Answer, Wire, bearer, message


def s_client(*words: str, stdin: bytes = b"", ca: str = "") -> Done:
    """openssl s_client; a request from stdin is answered before it ends, as it says Connection: close."""
    return lab.run("timeout", "20", "openssl", "s_client", "-CAfile", ca or lab.ca(), "-verify_return_error",
                   "-connect", f"{lab.HOST}:{lab.PORT}", *words, stdin=stdin)


def closing(path: str = "/version") -> bytes:
    """A request after which the connection ends."""
    return message("GET", path, headers={"Connection": "close"})


@case("openssl s_client speaks TLS 1.3 with us and verifies our certificate")
def tls13(api: ApiServer, gateway: Gateway) -> None:
    done = s_client("-tls1_3", "-verify_ip", lab.HOST, "-ign_eof", stdin=closing())
    expect("Verify return code: 0 (ok)" in done.out, f"verification: {done.err[-300:]}")
    expect("TLSv1.3" in done.out and "HTTP/1.1 200" in done.out, f"an answer over TLS 1.3: {done.out[-500:]}")


@case("and TLS 1.2, with forward secrecy and AEAD only")
def tls12(api: ApiServer, gateway: Gateway) -> None:
    done = s_client("-tls1_2", "-ign_eof", stdin=closing())
    expect("Verify return code: 0 (ok)" in done.out and "HTTP/1.1 200" in done.out, f"an answer over TLS 1.2: {done.out[-500:]}")
    for cipher in ("ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"):
        done = s_client("-tls1_2", "-cipher", cipher, "-ign_eof", stdin=closing())
        expect("HTTP/1.1 200" in done.out, f"{cipher}: {done.err[-300:]}")
    for cipher in ("AES128-SHA", "AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA"):
        done = s_client("-tls1_2", "-cipher", f"{cipher}:@SECLEVEL=0")
        expect(done.code != 0 and "alert" in done.err, f"{cipher} is refused: {done.err[-300:]}")


@case("TLS 1.1 and 1.0 are refused with an alert")
def tls11(api: ApiServer, gateway: Gateway) -> None:
    for version in ("-tls1_1", "-tls1"):
        done = s_client(version, "-cipher", "ALL:@SECLEVEL=0")
        expect(done.code != 0 and "alert protocol version" in done.err, f"{version}: {done.err[-300:]}")


@case("ALPN chooses http/1.1, whatever else is offered; none is no fault, and nothing in common is an alert")
def alpn(api: ApiServer, gateway: Gateway) -> None:
    for offer in ("http/1.1", "h2,http/1.1", "spdy/3,http/1.1"):
        done = s_client("-alpn", offer, "-ign_eof", stdin=closing())
        expect("ALPN protocol: http/1.1" in done.out and "HTTP/1.1 200" in done.out, f"{offer}: {done.out[-300:]}")
    done = s_client("-ign_eof", stdin=closing())
    expect("No ALPN negotiated" in done.out and "HTTP/1.1 200" in done.out, f"without ALPN: {done.out[-300:]}")
    done = s_client("-alpn", "h3")
    expect(done.code != 0 and "alert no application protocol" in done.err, f"h3 alone: {done.err[-300:]}")


@case("a client that trusts another authority refuses us, and nothing is left of it")
def other_trust(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    done = s_client("-tls1_3", ca=str(lab.DIR / "pki" / "front-proxy-ca.crt"))
    expect(done.code != 0, "s_client refuses")
    delta.reaches("proxy.sessions", 1)


@case("sessions are resumed, under TLS 1.2 and 1.3, and the resumed user is the same")
def resumption(api: ApiServer, gateway: Gateway) -> None:
    delta = Delta(gateway)
    home = lab.DIR / "clients" / "alice"
    own = ("-cert", str(home / "client.crt"), "-key", str(home / "client.key"))
    for n, version in enumerate(("-tls1_2", "-tls1_3")):
        file = str(lab.DIR / "session.pem")
        first = s_client(version, *own, "-sess_out", file, "-ign_eof", stdin=closing(f"/api/v1/namespaces/shop?resume=1{version}"))
        expect("HTTP/1.1 200" in first.out, f"{version}, first: {first.out[-300:]}")
        second = s_client(version, *own, "-sess_in", file, "-ign_eof", stdin=closing(f"/api/v1/namespaces/shop?resume=2{version}"))
        expect("HTTP/1.1 200" in second.out and "\nReused, " in second.out, f"{version}, second: {second.out[-600:]}")
        same([one["user"] for one in api.seen(f"{version}")], ["alice", "alice"], "the users at the API server")
        same(delta.of("proxy.handshake_resumed"), n + 1, "counter handshake_resumed")


@case("plain HTTP on the TLS port is told so in plain HTTP, and counted")
def plain_http(api: ApiServer, gateway: Gateway) -> None:
    delta, before = Delta(gateway), api.total()
    done = lab.run("curl", "-sS", "-m", "10", "-w", " %{http_code}", f"http://{lab.HOST}:{lab.PORT}/api")
    expect(done.out.endswith(" 400") and "HTTPS" in done.out, f"curl: {done}")
    same(delta.of("proxy.plain_http"), 1, "counter plain_http")
    same(api.total(), before, "requests at the API server")


def answer_with(tls: ssl.SSLContext, headers: dict[str, str] | None = None) -> Answer:
    """A request that only the authenticated may make."""
    with Wire(tls=tls) as connection:
        return connection.request("GET", "/api/v1/namespaces/shop?certificate=1", headers=headers)


@case("a certificate of the cluster's authority is its user, with its groups")
def good_certificate(api: ApiServer, gateway: Gateway) -> None:
    path = pki.Authority("ca").issue("carol", groups=("dev", "ops"))
    same(answer_with(pki.with_certificate(path)).status, 200, "status")
    record = api.seen("certificate=1")[-1]
    same(record["user"], "carol", "the user at the API server")
    same(lab.headers_of(record, "x-remote-group"), ["dev", "ops"], "the groups at the API server")


@case("bad certificates are answered 401, unless a valid token comes with them")
def bad_certificates(api: ApiServer, gateway: Gateway) -> None:
    cluster, stranger = pki.Authority("ca"), pki.Authority()
    bad = {
        "of an unknown authority": stranger.issue("alice"),
        "expired": cluster.issue("alice", end=-1),
        "not yet valid": cluster.issue("alice", begin=1),
        "for servers only": cluster.issue("alice", usage=ExtendedKeyUsageOID.SERVER_AUTH),
        "of the front-proxy authority": pki.Authority("front-proxy-ca").issue("alice"),
    }
    for what, path in bad.items():
        tls, delta, before = pki.with_certificate(path), Delta(gateway), api.total()
        answer = answer_with(tls)
        same((what, answer.status), (what, 401), "status")
        same((what, answer.status_object()["reason"]), (what, "Unauthorized"), "reason")
        same(api.total(), before, f"requests at the API server ({what})")
        same(delta.of("proxy.certificate_refused"), 1, f"counter certificate_refused ({what})")
        same((what, answer_with(tls, bearer("ci")).status), (what, 200), "with a valid token")
        same(api.seen("certificate=1")[-1]["user"], "system:serviceaccount:ci:deployer", f"who it is then ({what})")
        same((what, answer_with(tls, {"Authorization": f"Bearer {pki.expired('ci', 'deployer')}"}).status), (what, 401), "with an expired token")


@case("an expired or forged token is the API server's 401")
def bad_tokens(api: ApiServer, gateway: Gateway) -> None:
    for what, token in (("expired", pki.expired("ci", "deployer")), ("forged", pki.forged(lab.token("ci"))), ("none at all", "x")):
        answer = answer_with(lab.context(), {"Authorization": f"Bearer {token}"})
        same((what, answer.status, answer.status_object()["reason"]), (what, 401, "Unauthorized"), "answer")


@case("a certificate that expires while its connection lives is no longer its user")
def expires_meanwhile(api: ApiServer, gateway: Gateway) -> None:
    path = pki.Authority("ca").issue("brief", end=6 / 86400)
    with Wire(tls=pki.with_certificate(path)) as connection:
        same(connection.request("GET", "/api/v1/namespaces/shop").status, 200, "while it is valid")
        lab.sleep_through(8)
        same(connection.request("GET", "/api/v1/namespaces/shop").status, 401, "when it has expired")
