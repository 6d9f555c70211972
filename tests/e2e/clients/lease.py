"""A lease that is created once and renewed again and again."""

from __future__ import annotations

import datetime
import os

from typing import Any

from kube import Kube

KIND = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}


def micro_time() -> str:
    """Now, with microseconds."""
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Lease:
    """Renews by update, as client-go's leader election and the kubelet do."""

    def __init__(self, client: Kube, namespace: str, name: str, holder: str, seconds: int, timeout: str) -> None:
        self.client = client
        self.base = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases"
        self.namespace, self.name, self.holder, self.seconds = namespace, name, holder, seconds
        self.query = f"?timeout={timeout}"
        self._lease: dict[str, Any] | None = None

    def renew(self) -> None:
        """Get or create at first and after a conflict, update from then on."""
        if self._lease is None:
            found = self.client.request("GET", f"{self.base}/{self.name}{self.query}")
            self._lease = found.json if found.status == 200 else self._create()
            return
        spec = {**self._lease["spec"], "holderIdentity": self.holder, "renewTime": micro_time()}
        reply = self.client.request("PUT", f"{self.base}/{self.name}{self.query}", {**self._lease, "spec": spec})
        self._lease = reply.json if reply.status == 200 else None

    def _create(self) -> dict[str, Any] | None:
        body = {**KIND, "metadata": {"name": self.name, "namespace": self.namespace},
                "spec": {"holderIdentity": self.holder, "leaseDurationSeconds": self.seconds, "renewTime": micro_time()}}
        reply = self.client.request("POST", f"{self.base}{self.query}", body)
        return reply.json if reply.status == 201 else None


def holder(name: str) -> str:
    """An identity as leader election makes it."""
    return f"{name}_{os.getpid():08x}"
