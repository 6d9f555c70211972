"""Verdicts: what is normal is learned, then the same attacks are forwarded, flagged, blocked or throttled, by mode."""

from __future__ import annotations

import base64
import json
import sys
import time
from dataclasses import dataclass
from typing import Any, Iterator
from urllib.parse import quote

import lab
import pki
from gateways import Delta, Gateway
from lab import ApiServer
from runner import case, expect, same, until
from wire import Answer, Wire, as_user, ask, bearer, config_map, message

sys.path.insert(0, str(lab.ROOT / "tests" / "e2e" / "clients"))
from payloads import body as body_of, payloads, query as query_of  # noqa: E402

MAPS = "/api/v1/namespaces/guest/configmaps"
PODS = "/api/v1/namespaces/monitoring/pods"
METRICS = "system:serviceaccount:monitoring:metrics"
AGENT = {"User-Agent": "lab-agent/1.0"}
# Of the tenant, who makes three requests in each; enough to be a profile, and in any minute fewer than what is a burst
# for a caller without a past.
ROUNDS = 35


@dataclass(frozen=True)
class Attack:
    """One payload in one place of an otherwise everyday request of the tenant."""

    what: str
    method: str
    path: str
    body: bytes | None
    headers: dict[str, str]

    def send(self, connection: Wire) -> Answer:
        """As the tenant."""
        return connection.request(self.method, self.path, self.body, {**bearer("tenant"), **AGENT, **self.headers})


def attacks() -> Iterator[Attack]:
    """SQL injection, shell code, script and files, in parameters, cookies and bodies."""
    for number, payload in enumerate(payloads()):
        name, escaped = f"{payload.kind} {number}", quote(payload.value, safe="")
        yield Attack(f"{name} in a parameter", "GET", f"{MAPS}?{query_of(payload)}", None, {})
        yield Attack(f"{name} in a cookie", "GET", f"{MAPS}/tenant-notes", None, {"Cookie": f"session={escaped}"})
        yield Attack(f"{name} in a body", "PUT", f"{MAPS}/tenant-notes", json.dumps(body_of(payload)).encode(), {})


def notes_asks(count: int) -> list[bytes]:
    """What the tenant asks in so many rounds of everyday life."""
    own, asks = {**bearer("tenant"), **AGENT}, []
    for i in range(count):
        asks += [message("GET", f"{MAPS}/tenant-notes", headers=own),
                 message("GET", f"{MAPS}?labelSelector=app%3Dtenant&limit=10", headers=own),
                 message("PUT", f"{MAPS}/tenant-notes", config_map("tenant-notes", lastRun=f"run {i} went well"), own)]
    return asks


def everyday(rounds: int) -> None:
    """Everyday life: metrics reads pods, the tenant its notes."""
    metrics_ask, tenant_asks = message("GET", PODS, headers={**bearer("metrics"), **AGENT}), notes_asks(rounds)
    with as_user("metrics") as metrics, as_user("tenant") as tenant:
        for i in range(rounds):
            metrics.send(metrics_ask)
            tenant.send(b"".join(tenant_asks[3 * i:3 * i + 3]))
            same([metrics.answer().status] + [tenant.answer().status for _ in range(3)], [200] * 4, f"round {i}")
            time.sleep(0.2)


def teach() -> None:
    """The same as a profile."""
    asks = {"metrics": [message("GET", PODS, headers={**bearer("metrics"), **AGENT})] * 4 * ROUNDS, "tenant": notes_asks(ROUNDS)}
    for client, raw in asks.items():
        with as_user(client) as connection:
            for one in raw:
                connection.send(one)
                same(connection.answer().status, 200, f"{client} teaches")


def learned(gateway: Gateway, requests: int) -> None:
    """Waits until the profile holds at least so many requests: deltas are merged every second."""
    until(lambda: gateway.info()["profile_requests"] >= requests, f"{requests} requests are learned", 30, 0.2)


def findings(alert: dict[str, Any]) -> dict[str, str]:
    """The words of an alert's findings by their codes."""
    return {str(one["code"]): str(one["words"]) for one in alert["findings"]}


@case("in learn mode everything is forwarded, and what a signature hits is flagged nevertheless", gateway="judge")
def learn_forwards(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("learn")
    same(ask("tenant", "POST", MAPS, config_map("tenant-notes", lastRun="never"), AGENT).status, 201, "create")
    after, before = gateway.last_alert(), api.total()
    attack = next(attacks())
    with as_user("tenant") as connection:
        expect(attack.send(connection).status != 403, f"{attack.what} is forwarded")
    same(api.total(), before + 1, "requests at the API server")
    alert = gateway.alert_of(after, principal="guest:tenant")
    same((alert["verdict"], alert["advice"], alert["mode"]), ("flag", "block", "learn"), "verdict, advice and mode")
    expect("signature" in findings(alert), f"a signature among {findings(alert)}")


@case("everyday life is learned, and then it is nobody's alert in detect and enforce", gateway="judge")
def everyday_is_normal(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("learn")
    teach()
    time.sleep(12)  # windows of one and ten seconds count for what is usual once they are over
    learned(gateway, ROUNDS * 7)
    after = gateway.last_alert()
    for mode in ("detect", "enforce"):
        gateway.mode(mode)
        everyday(5)
    time.sleep(0.5)
    same([(one["call"], findings(one)) for one in gateway.alerts(after)], [], "alerts")


@case("detect forwards every attack and flags it", gateway="judge")
def detect_flags(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("detect")
    after, before, count = gateway.last_alert(), api.total(), 0
    with as_user("tenant") as connection:
        for attack in attacks():
            count += 1
            answer = attack.send(connection)
            expect(b"KubeScope" not in answer.body and answer.status != 429, f"{attack.what}: {answer.status} {answer.body[:200]!r}")
    same(api.total(), before + count, "requests at the API server")
    found = until(lambda: len(got := gateway.alerts(after)) >= count and got, "an alert for each")
    for one in found:
        same((one["verdict"], one["advice"]), ("flag", "block"), f"verdict and advice of {one['call']} for {findings(one)}")
    gateway.mode("learn")
    everyday(1)  # what the attacks have left in the notes is overwritten


@case("enforce blocks every attack with a 403 Status and its reason; none reaches the API server", gateway="judge")
def enforce_blocks(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    after, before, all_attacks, delta = gateway.last_alert(), api.total(), list(attacks()), Delta(gateway)
    passed = {}
    with as_user("tenant") as connection:
        for attack in all_attacks:
            answer = attack.send(connection)
            status = answer.json
            if answer.status != 403 or status["reason"] != "Forbidden" or not status["message"].startswith("blocked by KubeScope ("):
                passed[attack.what] = answer.status
        same(passed, {}, "attacks that were not blocked")
        same(connection.request("GET", f"{MAPS}/tenant-notes", headers={**bearer("tenant"), **AGENT}).status, 200, "the everyday request after them")
    same(api.total(), before + 1, "requests at the API server")
    same(delta.of("proxy.end_blocked"), len(all_attacks), "counter end_blocked")
    found = until(lambda: len(got := gateway.alerts(after)) >= len(all_attacks) and got, "an alert for each")
    for alert in found:
        words = findings(alert)
        same((alert["verdict"], alert["status"], alert["source"].split(":")[0]), ("block", 403, lab.address("tenant")), "the alert")
        expect("signature" in words and len(words["signature"]) > 20, f"words: {words}")


@case("nothing is learned from what was blocked", gateway="judge")
def blocked_teaches_nothing(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    time.sleep(2.5)
    before = gateway.info()["profile_requests"]
    attack = list(attacks())[2]
    with as_user("tenant") as connection:
        for _ in range(5):
            same(attack.send(connection).status, 403, "status")
    time.sleep(2.5)
    same(gateway.info()["profile_requests"], before, "requests in the profile")


@case("kubectl shows the block and its reason", gateway="judge")
def kubectl_blocked(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    done = lab.kubectl("bob", "-n", "guest", "annotate", "configmap", "tenant-notes", "note=x' UNION SELECT name, password FROM users -- ")
    expect(done.code == 1 and "Forbidden" in done.err and "blocked by KubeScope" in done.err, f"kubectl: {done}")
    same([one for one in api.seen("tenant-notes") if one["method"] == "PATCH"], [], "at the API server")


@case("a call that nobody of this name makes, and an address that it never comes from, are said in words", gateway="judge")
def new_call_and_source(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("detect")
    after = gateway.last_alert()
    same(ask("metrics", "GET", "/api/v1/namespaces/monitoring/secrets", headers=AGENT).status, 200, "list secrets")
    alert = gateway.alert_of(after, call="list secrets")
    same((alert["verdict"], alert["principal"]), ("flag", METRICS), "the alert")
    expect("has never made this call" in findings(alert)["caller_new_call"], f"words: {findings(alert)}")
    after = gateway.last_alert()
    with Wire(lab.address("tenant")) as other:
        same(other.request("GET", PODS, headers={**bearer("metrics"), **AGENT}).status, 200, "from elsewhere")
    alert = gateway.alert_of(after, principal="metrics")
    expect(f"has never come from {lab.address('tenant')}" in findings(alert)["source_new"], f"words: {findings(alert)}")


@case("invalid JSON is forwarded and flagged in detect, blocked in enforce", gateway="judge")
def invalid_json(api: ApiServer, gateway: Gateway) -> None:
    bodies = {"cut off": b'{"apiVersion":"v1","kind":', "two values": config_map("x") + b"{}", "no JSON": b"hello",
              "a control character": b'{"a":"\x01"}', "not UTF-8": b'{"a":"\xff\xfe"}'}
    for mode, expected, verdict in (("detect", 400, "flag"), ("enforce", 403, "block")):
        gateway.mode(mode)
        for what, body in bodies.items():
            after, before = gateway.last_alert(), api.total()
            answer = ask("tenant", "PUT", f"{MAPS}/tenant-notes", body, AGENT)
            same((mode, what, api.total() - before), (mode, what, 1 if mode == "detect" else 0), "requests at the API server")
            expect(mode == "detect" or answer.status == expected, f"{mode}, {what}: {answer.status} {answer.body[:200]!r}")
            alert = gateway.alert_of(after, principal="tenant")
            same((what, alert["verdict"]), (what, verdict), "verdict")
            expect("body_malformed" in findings(alert), f"{what}: {findings(alert)}")
    gateway.mode("learn")
    everyday(1)


def burst(connection: Wire, count: int, path: str, headers: dict[str, str]) -> list[Answer]:
    """Many requests as fast as they go."""
    answers = []
    for at in range(0, count, 50):
        connection.send(message("GET", path, headers=headers) * 50)
        answers += [connection.answer() for _ in range(50)]
    return answers


@case("a burst is only flagged in detect", gateway="judge")
def burst_detect(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("detect")
    after, before = gateway.last_alert(), api.total()
    with as_user("batch") as connection:
        answers = burst(connection, 600, PODS, bearer("batch"))
    same({one.status for one in answers}, {200}, "statuses")
    same(api.total() - before, 600, "requests at the API server")
    alert = gateway.alert_of(after, principal="batch", advice="throttle")
    expect(any(code.startswith("frequency_") for code in findings(alert)), f"words: {findings(alert)}")


@case("a burst is throttled in enforce: 429 with Retry-After; others are not, and kubectl just waits", gateway="judge")
def burst_enforce(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    before = api.total()
    with as_user("ci") as connection:
        answers = burst(connection, 900, PODS, bearer("ci"))
    throttled = [one for one in answers if one.status == 429]
    same({one.status for one in answers}, {200, 429}, "statuses")
    same(api.total() - before, len(answers) - len(throttled), "requests at the API server")
    expect(len(throttled) > 300, f"only {len(throttled)} of 900 were throttled")
    for one in throttled[:20]:
        status, wait = one.status_object(), int(one.header("retry-after"))
        same((status["reason"], status["details"]["retryAfterSeconds"]), ("TooManyRequests", wait), "the Status")
        expect(1 <= wait <= 120 and "throttled by KubeScope" in status["message"], f"Retry-After {wait}: {status['message']}")
    for _ in range(5):  # someone who has not been in a hurry in the cases before
        same(ask("alice", "GET", "/version").status, 200, "another's request")
        time.sleep(0.2)
    alert = gateway.alert_of(0, principal="ci:deployer", verdict="throttle")
    expect("requests in" in " ".join(findings(alert).values()), f"words: {findings(alert)}")


@case("leases and node status are never throttled", gateway="judge")
def never_throttled(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    with as_user("node-3") as connection:
        lease = burst(connection, 900, "/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/node-3", AGENT)
    same({one.status for one in lease} & {429}, set(), "throttled leases")


@case("forged tokens do not teach what their name may do", gateway="judge")
def forged_teach_nothing(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("learn")
    secrets, delta = "/api/v1/namespaces/kube-system/secrets", Delta(gateway)
    true = lab.token("metrics")
    with Wire(lab.address("visitor")) as connection:
        for _ in range(120):
            same(connection.request("GET", secrets, headers={"Authorization": f"Bearer {pki.forged(true)}", **AGENT}).status, 401, "forged")
    same((delta.of("proxy.forgeries"), delta.of("proxy.proofs")), (120, 0), "counters forgeries and proofs")
    time.sleep(2.5)
    gateway.mode("detect")
    after = gateway.last_alert()
    same(ask("metrics", "GET", secrets, headers=AGENT).status, 200, "the true metrics")
    expect("caller_new_call" in findings(gateway.alert_of(after, principal=METRICS, call="list secrets")), "it is still new to it")
    after = gateway.last_alert()
    with Wire(lab.address("visitor")) as connection:
        connection.request("GET", PODS, headers={**bearer("metrics"), **AGENT})
    expect("source_new" in findings(gateway.alert_of(after, principal=METRICS)), "and so is that address")


@case("a flood of forged tokens in another's name is held back, and the other is not", gateway="judge")
def forged_throttle_nobody(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    true, before = lab.token("metrics"), api.total()
    counted = {row["name"]: row["requests"] for row in gateway.ask("principals")}.get(METRICS, 0)
    with Wire(lab.address("visitor")) as connection:
        statuses = []
        for _ in range(16):
            connection.send(b"".join(message("GET", PODS, headers={"Authorization": f"Bearer {pki.forged(true)}", **AGENT}) for _ in range(50)))
            statuses += [connection.answer().status for _ in range(50)]
    same(set(statuses) <= {401, 429, 403}, True, f"statuses {set(statuses)}")
    expect(statuses.count(429) + statuses.count(403) > 200, f"held back: {statuses.count(429)} and {statuses.count(403)} of 800")
    expect(api.total() - before < 600, f"{api.total() - before} reached the API server")
    after = gateway.last_alert()
    with as_user("metrics") as connection:
        for _ in range(20):
            same(connection.request("GET", PODS, headers={**bearer("metrics"), **AGENT}).status, 200, "the true metrics")
    same([findings(one) for one in gateway.alerts(after) if one["principal"] == METRICS], [], "its alerts")
    now = {row["name"]: row["requests"] for row in gateway.ask("principals")}.get(METRICS, 0)
    expect(now - counted <= 40, f"{now - counted} requests are booked under its name, of which it made 20")


@case("a token is claimed until the API server has taken it once", gateway="judge")
def proven_once(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("learn")
    fresh, delta = pki.mint("monitoring", "metrics"), Delta(gateway)
    with as_user("metrics") as connection:
        for _ in range(3):
            same(connection.request("GET", PODS, headers={"Authorization": f"Bearer {fresh}", **AGENT}).status, 200, "status")
    same((delta.of("proxy.proofs"), delta.of("proxy.forgeries")), (1, 0), "counters proofs and forgeries")


def noted(text: str) -> bytes:
    """The tenant's notes with an annotation."""
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "tenant-notes", "annotations": {"guest/note": text}}}).encode()


@case("what is encoded is seen through: percent, base64, JSON escapes", gateway="judge")
def encoded(api: ApiServer, gateway: Gateway) -> None:
    gateway.mode("enforce")
    sql = "x' UNION SELECT name, password FROM users -- "
    escaped = "".join(f"\\u{ord(c):04x}" for c in sql)
    asked = {
        "percent twice": ("GET", f"{MAPS}?labelSelector={quote(quote(sql, safe=''), safe='')}", None),
        "base64": ("PUT", f"{MAPS}/tenant-notes", noted(base64.b64encode(sql.encode() * 2).decode())),
        "JSON escapes": ("PUT", f"{MAPS}/tenant-notes", noted("X").replace(b'"X"', b'"' + escaped.encode() + b'"')),
    }
    for what, (method, path, body) in asked.items():
        same((what, ask("tenant", method, path, body, AGENT).status), (what, 403), "status")
    json.loads(asked["JSON escapes"][2] or b"")
    gateway.mode("learn")
