#!/usr/bin/python3
"""A controller manager as the API server sees it: informers, a leader's lease, status updates."""

from __future__ import annotations

import argparse
from typing import Any

from events import post_event
from kube import Journal, Kube, account, add_arguments
from lease import Lease, holder
from pace import Pace, Reflector

BUILD = "kube-controller-manager/v1.34.0 (linux/amd64) kubernetes/4b5c7d1"
WATCHED = ("/api/v1/pods", "/api/v1/nodes", "/api/v1/services", "/api/v1/endpoints", "/api/v1/serviceaccounts",
           "/api/v1/namespaces", "/apis/apps/v1/replicasets", "/apis/apps/v1/daemonsets")


class Controller:
    """Deployment and endpoints controllers, as much as they show on the wire."""

    def __init__(self, client: Kube, pace: Pace) -> None:
        self.client, self.pace = client, pace
        self.deployments: dict[tuple[str, str], dict[str, Any]] = {}
        self.reports: list[str] = []

    def start(self) -> None:
        """All informers."""
        for path in WATCHED:
            Reflector(self.client, path, self.pace.random).start()
        Reflector(self.client, "/apis/apps/v1/deployments", self.pace.random, seen=self._deployment).start()

    def _deployment(self, kind: str, obj: dict[str, Any]) -> None:
        key = (obj["metadata"]["namespace"], obj["metadata"]["name"])
        if key[0] != "shop":  # a cluster may have deployments that are none of the demo's business
            return
        if kind == "DELETED":
            self.deployments.pop(key, None)
        else:
            self.deployments[key] = obj

    def sync_deployment(self) -> None:
        """The status of one deployment, from what the informer knows."""
        if not self.deployments:
            return
        key = self.pace.random.choice(sorted(self.deployments))
        base = f"/apis/apps/v1/namespaces/{key[0]}/deployments/{key[1]}"
        current = self.client.request("GET", base)
        if current.status != 200:
            return
        obj: dict[str, Any] = {"apiVersion": "apps/v1", "kind": "Deployment", **current.json}
        count = obj["spec"].get("replicas", 1)
        status = {**obj.get("status", {}), "observedGeneration": obj["metadata"].get("generation", 1), "replicas": count}
        reply = self.client.request("PUT", f"{base}/status", {**obj, "status": status})
        if reply.status == 200 and self.pace.random.random() < 0.3:
            post_event(self.client, obj, "ScalingReplicaSet", f"Scaled up replica set {key[1]} to {count}",
                       "deployment-controller")

    def sync_endpoints(self) -> None:
        """The shop's endpoints, with an address that comes and goes."""
        base = "/api/v1/namespaces/shop/endpoints"
        addresses = [{"ip": f"10.98.0.{host}"} for host in (50, 52) if host == 50 or self.pace.random.random() < 0.5]
        wanted = {"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": "cart", "namespace": "shop"},
                  "subsets": [{"addresses": addresses, "ports": [{"name": "http", "port": 8080, "protocol": "TCP"}]}]}
        reply = self.client.request("GET", f"{base}/cart")
        if reply.status == 404:
            self.client.request("POST", base, wanted)
        elif reply.status == 200:
            self.client.request("PUT", f"{base}/cart", {**wanted, "metadata": reply.json["metadata"]})

    def sync_reports(self) -> None:
        """A job's pods: a new one each time, the oldest goes."""
        base = "/api/v1/namespaces/shop/pods"
        container = {"name": "report", "image": "registry.local/report:2.1", "command": ["/report", "--once"],
                     "resources": {"requests": {"cpu": "50m", "memory": "32Mi"}}}
        reply = self.client.request("POST", base, {
            "apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "report-", "labels": {"app": "report"}},
            "spec": {"restartPolicy": "Never", "serviceAccountName": "batch", "containers": [container]}})
        if reply.status == 201:
            self.reports.append(reply.json["metadata"]["name"])
        if len(self.reports) > 3:
            self.client.request("DELETE", f"{base}/{self.reports.pop(0)}",
                                {"kind": "DeleteOptions", "apiVersion": "v1", "propagationPolicy": "Background"})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "controller-manager")
    parser.add_argument("--lease-namespace", default="kube-system", help="another one beside a real leader")
    args = parser.parse_args()
    who = account(args)
    journal = Journal(args.client, args.journal)
    pace = Pace(args.seed, args.pace, args.seconds)
    controller = Controller(Kube(who, f"{BUILD}/deployment-controller", journal), pace)
    controller.start()
    election = Kube(who, f"{BUILD}/leader-election", journal)
    lease = Lease(election, args.lease_namespace, "kube-controller-manager", holder("control-plane"), 15, "5s")
    pace.every(2, lease.renew)
    pace.every(6, controller.sync_deployment)
    pace.every(8, controller.sync_endpoints)
    pace.every(7, controller.sync_reports)
    pace.run()


if __name__ == "__main__":
    main()
