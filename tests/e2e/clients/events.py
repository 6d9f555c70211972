"""Events as controllers and kubelets write them."""

from __future__ import annotations

import time
from typing import Any

from kube import Kube


def stamp() -> str:
    """Now, to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def post_event(client: Kube, about: dict[str, Any], reason: str, message: str, component: str, host: str = "") -> None:
    """One event about an object."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace", "default")
    source = {"component": component, **({"host": host} if host else {})}
    client.request("POST", f"/api/v1/namespaces/{namespace}/events", {
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": f"{metadata['name']}.{time.time_ns():x}", "namespace": namespace},
        "involvedObject": {"kind": about.get("kind", "Pod"), "namespace": namespace, "name": metadata["name"],
                           "uid": metadata.get("uid", ""), "apiVersion": about.get("apiVersion", "v1")},
        "reason": reason, "message": message, "source": source, "firstTimestamp": stamp(), "lastTimestamp": stamp(),
        "count": 1, "type": "Normal", "reportingComponent": component, "reportingInstance": host})
