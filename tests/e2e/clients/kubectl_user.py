#!/usr/bin/python3
"""A person at a terminal: real kubectl, the same everyday commands again and again.

Run it as the user it plays (lab.sh run alice ...): KUBECONFIG and HOME are that user's own.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import time

from kube import Journal
from pace import Pace

NAMESPACE = "shop"
ROUND = (
    ("get", "pods"), ("get", "deployments", "-o", "wide"), ("get", "configmap", "web-config", "-o", "yaml"),
    ("describe", "pod", "web-1"), ("get", "services"), ("logs", "web-1", "--tail=5"), ("apply", "-f", "-"),
    ("get", "events"), ("scale", "deployment", "cart", "--replicas=2"), ("rollout", "status", "deployment/cart"),
    ("scale", "deployment", "cart", "--replicas=3"), ("get", "nodes"),
)
# One cheap question again and again: how long it takes is what a person feels.
PROBE = (("get", "pods"),)


def manifest(greeting: str) -> str:
    """The shop: what a developer applies every time."""
    labels = {"app": "cart"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [
        {"name": "cart", "image": "registry.local/cart:1.4", "ports": [{"containerPort": 8080}],
         "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}}}]}}
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "web-config", "namespace": NAMESPACE},
         "data": {"greeting": greeting, "currency": "EUR"}},
        {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "cart", "namespace": NAMESPACE, "labels": labels},
         "spec": {"replicas": 2, "selector": {"matchLabels": labels}, "template": template}},
        {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart", "namespace": NAMESPACE},
         "spec": {"selector": labels, "ports": [{"port": 8080, "targetPort": 8080}]}},
    ]
    return "\n".join(json.dumps(obj) for obj in objects)


class Terminal:
    """Runs commands and keeps a journal of how they went."""

    def __init__(self, journal: Journal, pace: Pace, commands: tuple[tuple[str, ...], ...]) -> None:
        self.journal, self.pace, self.commands = journal, pace, commands
        self.turn = 0

    def run(self, *words: str, stdin: str | None = None) -> int:
        """One kubectl command."""
        started = time.time()
        done = subprocess.run(["kubectl", "-n", NAMESPACE, *words], input=stdin, capture_output=True, text=True, check=False)
        fields = {"error": done.stderr.strip()[-300:]} if done.returncode else {}
        self.journal.note(method="kubectl", path=" ".join(words), status=done.returncode,
                          ms=round((time.time() - started) * 1000, 2), **fields)
        return done.returncode

    def apply(self) -> None:
        """Apply the shop, sometimes with a change."""
        greeting = self.pace.random.choice(("hello", "welcome", "good morning"))
        self.run("apply", "-f", "-", stdin=manifest(greeting))

    def next(self) -> None:
        """The next command of the round."""
        words = self.commands[self.turn % len(self.commands)]
        self.turn += 1
        if words[0] == "apply":
            self.apply()
        else:
            self.run(*words)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--as", dest="client", default="alice", help="name in the journal (default %(default)s)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--pace", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--journal")
    parser.add_argument("--probe", action="store_true", help="only 'get pods', again and again")
    args = parser.parse_args()
    if args.pace <= 0:
        parser.error("--pace must be greater than zero")
    if not shutil.which("kubectl"):
        parser.error("kubectl is not installed")
    pace = Pace(args.seed, args.pace, args.seconds)
    terminal = Terminal(Journal(args.client, args.journal), pace, PROBE if args.probe else ROUND)
    if not args.probe:
        terminal.apply()
    pace.every(5, terminal.next, first=0)
    pace.run()


if __name__ == "__main__":
    main()
