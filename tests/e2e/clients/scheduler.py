#!/usr/bin/python3
"""A scheduler as the API server sees it: informers, a leader's lease, bindings for new pods."""

from __future__ import annotations

import argparse
import queue
from typing import Any

from events import post_event
from kube import Journal, Kube, account, add_arguments
from lease import Lease, holder
from pace import Pace, Reflector

BUILD = "kube-scheduler/v1.34.0 (linux/amd64) kubernetes/4b5c7d1"
NODES = ("node-1", "node-2", "node-3")


class Scheduler:
    """Binds the shop's pods that have no node."""

    def __init__(self, client: Kube, pace: Pace) -> None:
        self.client, self.pace = client, pace
        self.waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def start(self) -> None:
        """All informers."""
        rng = self.pace.random
        Reflector(self.client, "/api/v1/pods", rng, seen=self._pod,
                  fields="status.phase%21%3DSucceeded%2Cstatus.phase%21%3DFailed").start()
        for path in ("/api/v1/nodes", "/api/v1/namespaces", "/api/v1/persistentvolumeclaims"):
            Reflector(self.client, path, rng).start()

    def _pod(self, kind: str, pod: dict[str, Any]) -> None:
        ours = pod["metadata"]["namespace"] == "shop"  # a real cluster's own pods are not for these nodes
        if ours and kind == "ADDED" and not pod["spec"].get("nodeName"):
            self.waiting.put(pod)

    def bind(self) -> None:
        """Give every waiting pod a node."""
        while not self.waiting.empty():
            pod = self.waiting.get()
            metadata = pod["metadata"]
            node = self.pace.random.choice(NODES)
            base = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
            reply = self.client.request("POST", f"{base}/binding", {
                "apiVersion": "v1", "kind": "Binding",
                "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"]},
                "target": {"kind": "Node", "name": node}})
            if reply.status == 201:
                post_event(self.client, pod, "Scheduled", f"Successfully assigned {metadata['name']} to {node}",
                           "default-scheduler")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "scheduler")
    parser.add_argument("--lease-namespace", default="kube-system", help="another one beside a real leader")
    args = parser.parse_args()
    who = account(args)
    journal = Journal(args.client, args.journal)
    pace = Pace(args.seed, args.pace, args.seconds)
    scheduler = Scheduler(Kube(who, f"{BUILD}/scheduler", journal), pace)
    scheduler.start()
    election = Kube(who, f"{BUILD}/leader-election", journal)
    lease = Lease(election, args.lease_namespace, "kube-scheduler", holder("control-plane"), 15, "5s")
    pace.every(2, lease.renew)
    pace.every(1, scheduler.bind)
    pace.run()


if __name__ == "__main__":
    main()
