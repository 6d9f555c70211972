"""The demo's four parts: (a) everyday life, (b) the stolen token, (c) the burst, (d) the payloads."""

from __future__ import annotations

import json
import os
import statistics
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway import Alert, Gateway
from judge import Attack
from lab import Lab, LabError, Upstream

ADDRESS = {"web": "10.98.0.50", "metrics": "10.98.0.51", "batch": "10.98.0.52", "tenant": "10.98.0.53"}
WEB_FORM = "http://10.98.0.50:8080/"
SERVER = "https://10.98.0.2:6443"
METRICS_USER = "system:serviceaccount:monitoring:metrics"
TENANT_USER = "system:serviceaccount:guest:tenant"
CAUGHT = ("flag", "throttle", "block")
# client, program, further options: who lives in this cluster
EVERYDAY: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("node-1", "kubelet.py", ()), ("node-2", "kubelet.py", ()), ("node-3", "kubelet.py", ()),
    ("controller-manager", "controller.py", ()), ("scheduler", "scheduler.py", ()),
    ("web", "webshop.py", ()), ("metrics", "metrics.py", ()), ("batch", "batch.py", ()), ("tenant", "batch.py", ()),
    ("alice", "kubectl_user.py", ()), ("bob", "kubectl_user.py", ("--probe",)),
)
PACE = {"bob": 8.0}
PAYLOAD_CALLS = {"query": r"list configmaps", "cookie": r"get configmaps", "body": r"update configmaps"}
BURST = ("--requests", "15000", "--seconds", "6", "--connections", "8", "--rate", "2500")


@dataclass
class Numbers:
    """What the burst did, once without and once with throttling."""

    sent: dict[str, dict[str, Any]] = field(default_factory=dict)
    reached: dict[str, int] = field(default_factory=dict)
    kubectl_ms: dict[str, list[float]] = field(default_factory=dict)

    def line(self, title: str, name: str) -> str:
        """One row of the burst's numbers."""
        sent, times = self.sent.get(name), self.kubectl_ms.get(name, [])
        burst = "-" if sent is None else f"{sent['answered']} in {sent['seconds']} s, {_statuses(sent['byStatus'])}"
        latency = f"{statistics.median(times):.0f} / {max(times):.0f} ms" if times else "-"
        return f"{title:<34}{burst:<42}{self.reached.get(name, '-')!s:>12}   {latency:>18}"

    def text(self) -> str:
        """All rows."""
        head = f"{'':<34}{'the burst: answers':<42}{'reached API':>12}   {'kubectl p50 / max':>18}"
        return "\n".join([head, self.line("before", "quiet"), self.line("burst, KubeScope only watching", "detect"),
                          self.line("burst, KubeScope throttling", "enforce")])


def _statuses(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))


class Demo:
    """Runs the parts one after the other and keeps what has to be judged."""

    def __init__(self, lab: Lab, gateway: Gateway, upstream: Upstream, *, learn_seconds: float, pace: float) -> None:
        self.lab, self.gateway, self.upstream = lab, gateway, upstream
        self.learn_seconds, self.pace = learn_seconds, pace
        self.attacks: list[Attack] = []
        self.numbers = Numbers()

    # --- (a) ------------------------------------------------------------------------------

    def start_everyday(self) -> None:
        """Everybody begins; the victim's web form too."""
        for seed, (client, script, options) in enumerate(EVERYDAY, 1):
            pace = PACE.get(client, self.pace)
            if self.upstream.real and script in ("controller.py", "scheduler.py"):
                options = (*options, "--lease-namespace", "shop")  # the real leaders keep theirs
            self.lab.start(client, self.lab.program(
                client, script, "--as", client, "--seed", str(seed), "--pace", str(pace),
                "--journal", str(self.lab.journals / f"{client}.jsonl"), *options))
        self.lab.start("form", self.lab.program("web", "webform.py"))

    def learn(self) -> None:
        """Everyday traffic is learned, then watched for a while: nothing of it may be abnormal."""
        self.start_everyday()
        self._live(self.learn_seconds)
        self.gateway.mode("detect")
        self._measured("quiet", 10.0)

    def _live(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            time.sleep(min(1.0, max(0.0, end - time.monotonic())))
            for label in self.lab.ended():
                raise LabError(f"{label} ended: {self.lab.log_tail(label)}")

    def _measured(self, name: str, seconds: float) -> None:
        began = time.time()
        self._live(seconds)
        self._kubectl_times(name, began, time.time())

    def _kubectl_times(self, name: str, began: float, ended: float) -> None:
        self.numbers.kubectl_ms[name] = [float(line["ms"]) for line in self.lab.journal()
                                         if line["client"] == "bob" and began <= line["time"] <= ended]

    # --- (b) ------------------------------------------------------------------------------

    def stolen_token(self) -> None:
        """Through the form, from the very pod; then from another pod."""
        stolen = self.lab.dir / "clients" / "visitor" / "home" / "stolen-token"
        began = time.time()
        steps = self.lab.json_lines(self.lab.program("visitor", "intruder.py", "form", WEB_FORM, "--server", SERVER,
                                                     "--token-out", str(stolen)))
        ended = time.time()
        if not stolen.exists():
            raise LabError(f"the form did not give the token away: {json.dumps(steps)}")
        self._token_attacks("(b) from the very pod", ADDRESS["web"], began, ended)
        time.sleep(2)
        loot = self._hand_over(stolen)
        began = time.time()
        self.lab.json_lines(self.lab.program("tenant", "intruder.py", "lodger", str(loot), "--server", SERVER))
        self._token_attacks("(b) from another pod", ADDRESS["tenant"], began, time.time(), "source_new")
        self.gateway.collect()

    def _hand_over(self, stolen: Path) -> Path:
        """The token travels to the other pod, outside of the cluster's sight."""
        loot = self.lab.dir / "clients" / "tenant" / "home" / "loot"
        loot.write_text(stolen.read_text())
        owner = loot.parent.stat()
        loot.chmod(0o600)
        os.chown(loot, owner.st_uid, owner.st_gid)
        return loot

    def _token_attacks(self, name: str, source: str, began: float, ended: float, codes: str = "") -> None:
        for what, call in (("list secrets", r"list secrets"), ("create a privileged pod", r"create pods?\b")):
            self.attacks.append(Attack(f"{name}: {what}", source, call, began, ended, CAUGHT, "unknown", codes))

    # --- (c) ------------------------------------------------------------------------------

    def bursts(self) -> None:
        """The same burst twice: watched only, then throttled."""
        self.lab.stop("metrics")
        self._burst("detect", CAUGHT)
        self.gateway.collect()
        self.gateway.mode("enforce")
        self._live(5)
        self._burst("enforce", ("throttle", "block"))
        self.gateway.collect()
        self._compare()

    def _burst(self, name: str, verdicts: tuple[str, ...]) -> None:
        before = self.upstream.reached(METRICS_USER)
        began = time.time()
        # The pod would be on another machine: what it computes must not slow kubectl down.
        sent = self.lab.json_lines(self.lab.program("metrics", "burst.py", *BURST, nice=15))[-1]
        ended = time.time()
        after = self.upstream.reached(METRICS_USER)
        self.numbers.sent[name] = sent
        if before is None or after is None:
            self.numbers.reached[name] = sum(n for status, n in sent["byStatus"].items() if status == "200")
        else:
            self.numbers.reached[name] = after - before
        self._kubectl_times(name, began, ended)
        title = {"detect": "(c) burst, only watching", "enforce": "(c) burst, throttling"}[name]
        self.attacks.append(Attack(title, ADDRESS["metrics"], r"list pods", began, ended, verdicts,
                                   "anomalous", r"^frequency"))

    def _compare(self) -> None:
        """Throttling that lets everything through is no throttling."""
        share = self.numbers.reached["enforce"] / max(1, self.numbers.reached["detect"])
        if share > 0.5:
            self.attacks[-1].note = f"{share:.0%} of the unthrottled burst still reached the API server"

    # --- (d) ------------------------------------------------------------------------------

    def payloads(self) -> None:
        """Four classes in three places, each from a pod whose everyday request it hides in."""
        self.lab.stop("tenant")
        before = self.upstream.reached(TENANT_USER)
        sent = self.lab.json_lines(self.lab.program("tenant", "payloads.py"))
        after = self.upstream.reached(TENANT_USER)
        groups = self._payload_attacks(sent)
        if before is not None and after is not None and after > before:
            groups[-1].note = f"{after - before} payloads reached the API server"
        self.attacks += groups

    def _payload_attacks(self, sent: list[dict[str, Any]]) -> list[Attack]:
        """One step for each class and place. The gateway keeps the order of one call's requests, so the
        alerts of a call belong to its payloads one by one; times would not tell them apart."""
        groups: dict[tuple[str, str], Attack] = {}
        blocked = {place: iter([alert for alert in self.gateway.collect() if self._payload_alert(alert, place, sent)])
                   for place in PAYLOAD_CALLS}
        for line in sent:
            kind, place = line["class"], line["place"]
            where = "the body" if place == "body" else f"a {place}"
            attack = groups.setdefault((kind, place), Attack(
                f"(d) {kind} in {where}", ADDRESS["tenant"], PAYLOAD_CALLS[place], float(line["time"]),
                float(line["time"]), ("block",), "invalid", r"^(signature|body_malformed)", 0, owned=[]))
            attack.ended, attack.at_least = float(line["time"]), attack.at_least + 1
            if line["status"] != 403:
                attack.note = f"answered {line['status']}, not 403"
            elif alert := next(blocked[place], None):
                assert attack.owned is not None
                attack.owned.append(alert.number)
        return list(groups.values())

    @staticmethod
    def _payload_alert(alert: Alert, place: str, sent: list[dict[str, Any]]) -> bool:
        began, ended = float(sent[0]["time"]), float(sent[-1]["time"])
        whole = Attack("", ADDRESS["tenant"], PAYLOAD_CALLS[place], began, ended, ())
        return alert.verdict == "block" and whole.covers(alert)
