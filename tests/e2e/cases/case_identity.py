"""Who the API server is told is asking: what we have established, never what the client says by header."""

from __future__ import annotations

import secrets
from typing import Any

import lab
from gateways import Delta, Gateway
from lab import ApiServer, headers_of
from runner import case, expect, same
from wire import Answer, Wire, as_user, bearer, message

# Every way to write the fields by which a front proxy names users.
SPELLINGS = (
    "X-Remote-User", "x-remote-user", "X-REMOTE-USER", "x-ReMoTe-UsEr", "X_Remote_User", "X-Remote_User", "X-Remote-Group",
    "x-remote-group", "X_REMOTE_GROUP", "X-Remote-Uid", "X-Remote-Extra-Scopes", "x-remote-extra-", "X-Remote-Extra-A%2FB", "X-Remote-Anything",
)
FORWARDED = ("X-Forwarded-For", "x-forwarded-for", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Uri", "Forwarded", "X-Real-Ip", "X-Real-IP")


def mark() -> str:
    """A query parameter by which a request is found again."""
    return f"mark={secrets.token_hex(6)}"


def sent(connection: Wire, raw: bytes, api: ApiServer, tag: str) -> tuple[Answer, dict[str, Any]]:
    """Sends a head as it is. Returns the answer and what reached the API server."""
    connection.send(raw)
    answer = connection.answer()
    arrived = api.seen(tag)
    expect(arrived, f"nothing arrived; {answer.status} {answer.body!r} to {raw!r}")
    return answer, arrived[-1]


def with_lines(tag: str, lines: list[str]) -> bytes:
    """A request with further header lines."""
    plain = message("GET", f"/api/v1/namespaces/shop?{tag}")
    return plain[:-2] + "".join(f"{line}\r\n" for line in lines).encode() + b"\r\n"


def remote_fields(record: dict[str, Any]) -> list[list[str]]:
    """Whatever of the family arrived, in any spelling."""
    return [[name, value] for name, value in record["headers"] if name.lower().replace("_", "-").startswith("x-remote")]


@case("a certificate user arrives by the front-proxy certificate, with user and groups, without Authorization")
def certificate_user(api: ApiServer, gateway: Gateway) -> None:
    tag = mark()
    with as_user("node-1") as connection:
        lines = [f"Authorization: {bearer('ci')['Authorization']}"]
        answer, record = sent(connection, with_lines(tag, lines), api, tag)
    same(answer.status, 200, "status")
    same((record["user"], record["certificate"]), ("system:node:node-1", "front-proxy-client"), "user and connection")
    same(remote_fields(record), [["X-Remote-User", "system:node:node-1"], ["X-Remote-Group", "system:nodes"]], "identity fields")
    same(headers_of(record, "authorization"), [], "Authorization")


@case("a token arrives as it is, over a connection without certificate and without identity fields")
def token_user(api: ApiServer, gateway: Gateway) -> None:
    tag = mark()
    with as_user("ci") as connection:
        answer, record = sent(connection, with_lines(tag, [f"Authorization: {bearer('ci')['Authorization']}"]), api, tag)
    same(answer.status, 200, "status")
    same((record["user"], record["certificate"]), ("system:serviceaccount:ci:deployer", ""), "user and connection")
    same((remote_fields(record), len(headers_of(record, "authorization"))), ([], 1), "identity fields and Authorization")


@case("nobody is anonymous, over a connection without certificate")
def anonymous(api: ApiServer, gateway: Gateway) -> None:
    tag = mark()
    with Wire() as connection:
        answer, record = sent(connection, with_lines(tag, []), api, tag)
    same((answer.status, record["user"], record["certificate"]), (403, "system:anonymous", ""), "answer, user and connection")
    same(remote_fields(record), [], "identity fields")


def injected(client: str, credential: list[str], user: str, own: list[list[str]], api: ApiServer, gateway: Gateway) -> None:
    """No spelling of a claimed identity arrives for this client."""
    for name in SPELLINGS:
        tag, delta = mark(), Delta(gateway)
        claims = [f"{name}: kubernetes-admin", f"{name}: system:masters", *credential]
        with as_user(client) as connection:
            _, record = sent(connection, with_lines(tag, claims), api, tag)
        same((name, record["user"]), (name, user), "the user at the API server")
        same((name, remote_fields(record)), (name, own), "identity fields at the API server")
        same((name, delta.of("proxy.identity_fields")), (name, 2), "counter identity_fields")


def stripped(client: str, credential: list[str], api: ApiServer) -> None:
    """Connection must not make anybody lose an identity field: such a request goes nowhere."""
    for name in SPELLINGS:
        for named in (name, f"close, {name}", "X-Remote-User", "keep-alive, X-Remote-Group, X-Remote-User"):
            tag = mark()
            with as_user(client) as connection:
                connection.send(with_lines(tag, [f"{name}: kubernetes-admin", f"Connection: {named}", *credential]))
                same((name, named, connection.answer().status), (name, named, 400), "status")
            same(api.seen(tag), [], "at the API server")


@case("X-Remote-* of a certificate user never arrives, in no spelling")
def injected_certificate(api: ApiServer, gateway: Gateway) -> None:
    injected("alice", [], "alice", [["X-Remote-User", "alice"], ["X-Remote-Group", "dev"]], api, gateway)


@case("nor that of a token user")
def injected_token(api: ApiServer, gateway: Gateway) -> None:
    injected("ci", [f"Authorization: {bearer('ci')['Authorization']}"], "system:serviceaccount:ci:deployer", [], api, gateway)


@case("nor that of an anonymous client")
def injected_anonymous(api: ApiServer, gateway: Gateway) -> None:
    injected("visitor", [], "system:anonymous", [], api, gateway)


@case("a request whose Connection names identity fields is refused and goes nowhere")
def named_by_connection(api: ApiServer, gateway: Gateway) -> None:
    stripped("alice", [], api)
    stripped("ci", [f"Authorization: {bearer('ci')['Authorization']}"], api)


@case("X-Forwarded-For is the client's address and ours alone; its relatives never arrive")
def forwarded(api: ApiServer, gateway: Gateway) -> None:
    for name in FORWARDED:
        tag = mark()
        with as_user("alice") as connection:
            _, record = sent(connection, with_lines(tag, [f"{name}: 10.98.0.10"]), api, tag)
        arrived = [[key, value] for key, value in record["headers"] if "forwarded" in key.lower() or "real" in key.lower()]
        same((name, arrived), (name, [["X-Forwarded-For", lab.address("alice")]]), "at the API server")


@case("two tokens on one connection are two users; the two classes of connection never mix")
def one_connection(api: ApiServer, gateway: Gateway) -> None:
    names = {"ci": "system:serviceaccount:ci:deployer", "web": "system:serviceaccount:shop:web"}
    with Wire() as tokens, as_user("alice") as certificate:
        for _ in range(4):
            for client, name in names.items():
                tag = mark()
                _, record = sent(tokens, with_lines(tag, [f"Authorization: {bearer(client)['Authorization']}"]), api, tag)
                same((record["user"], record["certificate"]), (name, ""), "a token")
                tag = mark()
                _, record = sent(certificate, with_lines(tag, []), api, tag)
                same((record["user"], record["certificate"]), ("alice", "front-proxy-client"), "a certificate")


@case("a pipeline with a token and without one keeps them apart")
def pipelined_users(api: ApiServer, gateway: Gateway) -> None:
    tag = mark()
    authorization = f"Authorization: {bearer('ci')['Authorization']}"
    with Wire() as connection:
        connection.send(with_lines(tag, [authorization]) + with_lines(tag, []) + with_lines(tag, [authorization]))
        same([connection.answer().status for _ in range(3)], [200, 403, 200], "answers")
    users = [one["user"] for one in api.seen(tag)]
    same(users, ["system:serviceaccount:ci:deployer", "system:anonymous", "system:serviceaccount:ci:deployer"], "users at the API server")


@case("impersonation is the API server's business: its fields pass, the real user is ours")
def impersonation(api: ApiServer, gateway: Gateway) -> None:
    done = lab.kubectl("admin", "--as=bob", "--as-group=dev", "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    same(done.out, "bob", f"kubectl --as=bob ({done.err})")
    record = api.seen("selfsubjectreviews")[-1]
    same(headers_of(record, "impersonate-user"), ["bob"], "Impersonate-User at the API server")
    same(headers_of(record, "x-remote-user"), ["kubernetes-admin"], "the real user")


@case("a name that would not fit into a header is not put into one")
def odd_names(api: ApiServer, gateway: Gateway) -> None:
    import pki

    before = api.total()
    for name in ("a\r\nX-Remote-Group: system:masters", "with\x00zero", "line\nfeed"):
        try:
            path = pki.Authority("ca").issue(name)
        except ValueError:
            continue
        with Wire(tls=pki.with_certificate(path)) as connection:
            answer = connection.request("GET", "/api/v1/namespaces/shop")
        same((name, answer.status), (name, 401), "status")
    same(api.total(), before, "requests at the API server")
    expect(gateway.alive(), "the gateway lives")
