#!/usr/bin/python3
"""A kubelet as the API server sees it: registers its node, keeps its lease, watches its pods."""

from __future__ import annotations

import argparse
from typing import Any

from events import post_event, stamp
from kube import Journal, Kube, account, add_arguments
from lease import Lease
from pace import Pace, Reflector

USER_AGENT = "kubelet/v1.34.0 (linux/amd64) kubernetes/4b5c7d1"
STRATEGIC = "application/strategic-merge-patch+json"


class Kubelet:
    """One node."""

    def __init__(self, client: Kube, node: str, pace: Pace) -> None:
        self.client, self.node, self.pace = client, node, pace
        self.pods: dict[str, dict[str, Any]] = {}
        self.lease = Lease(client, "kube-node-lease", node, node, 40, "10s")

    def register(self) -> None:
        """The requests of a kubelet's first seconds."""
        client, node = self.client, self.node
        client.request("GET", f"/apis/storage.k8s.io/v1/csinodes/{node}?resourceVersion=0")
        client.request("POST", "/api/v1/nodes", self._node_object())
        self.lease.renew()
        rng = self.pace.random
        Reflector(client, "/api/v1/services", rng, fields="spec.clusterIP%21%3DNone").start()
        Reflector(client, "/api/v1/nodes", rng, fields=f"metadata.name%3D{node}").start()
        Reflector(client, "/apis/storage.k8s.io/v1/csidrivers", rng).start()
        Reflector(client, "/apis/node.k8s.io/v1/runtimeclasses", rng).start()
        Reflector(client, "/api/v1/pods", rng, fields=f"spec.nodeName%3D{node}", seen=self._pod).start()

    def _node_object(self) -> dict[str, Any]:
        labels = {"kubernetes.io/hostname": self.node, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
        return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": self.node, "labels": labels},
                "spec": {}, "status": {"capacity": {"cpu": "4", "memory": "16Gi", "pods": "110"},
                                       "allocatable": {"cpu": "4", "memory": "15Gi", "pods": "110"},
                                       "conditions": self._conditions(),
                                       "addresses": [{"type": "InternalIP", "address": self.client.account.source or "10.98.0.20"},
                                                     {"type": "Hostname", "address": self.node}],
                                       "nodeInfo": {"kubeletVersion": "v1.34.0", "operatingSystem": "linux", "architecture": "amd64"}}}

    @staticmethod
    def _conditions() -> list[dict[str, str]]:
        rows = (("MemoryPressure", "False", "KubeletHasSufficientMemory"), ("DiskPressure", "False", "KubeletHasNoDiskPressure"),
                ("PIDPressure", "False", "KubeletHasSufficientPID"), ("Ready", "True", "KubeletReady"))
        return [{"type": kind, "status": status, "reason": reason, "message": reason,
                 "lastHeartbeatTime": stamp()} for kind, status, reason in rows]

    def _pod(self, kind: str, pod: dict[str, Any]) -> None:
        if kind == "DELETED":
            self.pods.pop(pod["metadata"]["name"], None)
        else:
            self.pods[pod["metadata"]["name"]] = pod

    def heartbeat(self) -> None:
        """The node's own status."""
        self.client.request("GET", f"/api/v1/nodes/{self.node}?resourceVersion=0&timeout=10s")
        self.client.request("PATCH", f"/api/v1/nodes/{self.node}/status?timeout=10s",
                            {"status": {"conditions": self._conditions()}}, content_type=STRATEGIC)

    def sync_pods(self) -> None:
        """The status of one pod of this node, and now and then an event about it."""
        if not self.pods:
            return
        pod = self.pods[self.pace.random.choice(sorted(self.pods))]
        metadata = pod["metadata"]
        base = f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}"
        self.client.request("GET", base)
        patch = {"metadata": {"uid": metadata["uid"]},
                 "status": {"conditions": [{"type": "Ready", "status": "True", "lastProbeTime": stamp()}]}}
        self.client.request("PATCH", f"{base}/status", patch, content_type=STRATEGIC)
        if self.pace.random.random() < 0.3:
            post_event(self.client, {"kind": "Pod", "apiVersion": "v1", **pod}, "Pulled", "image is present on the machine",
                       "kubelet", self.node)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "node-1")
    args = parser.parse_args()
    who = account(args)
    pace = Pace(args.seed, args.pace, args.seconds)
    kubelet = Kubelet(Kube(who, USER_AGENT, Journal(args.client, args.journal)), args.client, pace)
    kubelet.register()
    pace.every(10, kubelet.lease.renew)
    pace.every(10, kubelet.heartbeat)
    pace.every(15, kubelet.sync_pods)
    pace.run()


if __name__ == "__main__":
    main()
