"""Tables: the form in which kubectl asks for what it prints."""

from __future__ import annotations

import calendar
import time
from typing import Any, Callable, Iterable

from .resources import Resource

Object = dict[str, Any]
Cell = Callable[[Object], Any]
# A column: name, priority (1 is shown with -o wide only), how to get the cell.
Column = tuple[str, int, Cell]


def age(stamp: Any) -> str:
    """How long ago, in the short form kubectl uses."""
    try:
        seconds = max(0, int(time.time() - calendar.timegm(time.strptime(str(stamp)[:19], "%Y-%m-%dT%H:%M:%S"))))
    except ValueError:
        return "<unknown>"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _at(obj: Object, path: str, default: Any = "") -> Any:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return default if value is None else value


def _path(path: str, default: Any = "<none>") -> Cell:
    return lambda obj: _at(obj, path, default)


def _created(obj: Object) -> str:
    return age(_at(obj, "metadata.creationTimestamp"))


def _ready(obj: Object) -> str:
    states = _at(obj, "status.containerStatuses", [])
    total = len(_at(obj, "spec.containers", []))
    return f"{sum(1 for state in states if state.get('ready'))}/{total}"


def _restarts(obj: Object) -> int:
    return sum(int(state.get("restartCount", 0)) for state in _at(obj, "status.containerStatuses", []))


def _replicas(obj: Object) -> str:
    return f"{_at(obj, 'status.readyReplicas', 0)}/{_at(obj, 'spec.replicas', 0)}"


def _containers(attribute: str) -> Cell:
    return lambda obj: ",".join(str(c.get(attribute, "")) for c in _at(obj, "spec.template.spec.containers", []))


def _labels(path: str) -> Cell:
    return lambda obj: ",".join(f"{k}={v}" for k, v in _at(obj, path, {}).items()) or "<none>"


def _service_ports(obj: Object) -> str:
    return ",".join(f"{p.get('port')}/{p.get('protocol', 'TCP')}" for p in _at(obj, "spec.ports", [])) or "<none>"


def _endpoints(obj: Object) -> str:
    out = [f"{a.get('ip')}:{p.get('port')}" for s in obj.get("subsets") or []
           for a in s.get("addresses") or [] for p in s.get("ports") or []]
    return ",".join(out[:3]) + (f" + {len(out) - 3} more..." if len(out) > 3 else "") or "<none>"


def _node_ready(obj: Object) -> str:
    for condition in _at(obj, "status.conditions", []):
        if condition.get("type") == "Ready":
            return "Ready" if condition.get("status") == "True" else "NotReady"
    return "Unknown"


def _count(field: str) -> Cell:
    return lambda obj: len(obj.get(field) or {})


def _event_object(obj: Object) -> str:
    about = obj.get("involvedObject") or obj.get("regarding") or {}
    return f"{str(about.get('kind', '')).lower()}/{about.get('name', '')}"


NAME: Column = ("Name", 0, _path("metadata.name"))
AGE: Column = ("Age", 0, _created)
COLUMNS: dict[str, list[Column]] = {
    "Pod": [NAME, ("Ready", 0, _ready), ("Status", 0, _path("status.phase", "Unknown")), ("Restarts", 0, _restarts),
            AGE, ("IP", 1, _path("status.podIP")), ("Node", 1, _path("spec.nodeName")),
            ("Nominated Node", 1, _path("status.nominatedNodeName")), ("Readiness Gates", 1, lambda obj: "<none>")],
    "Deployment": [NAME, ("Ready", 0, _replicas), ("Up-to-date", 0, _path("status.updatedReplicas", 0)),
                   ("Available", 0, _path("status.availableReplicas", 0)), AGE, ("Containers", 1, _containers("name")),
                   ("Images", 1, _containers("image")), ("Selector", 1, _labels("spec.selector.matchLabels"))],
    "ReplicaSet": [NAME, ("Desired", 0, _path("spec.replicas", 0)), ("Current", 0, _path("status.replicas", 0)),
                   ("Ready", 0, _path("status.readyReplicas", 0)), AGE],
    "StatefulSet": [NAME, ("Ready", 0, _replicas), AGE],
    "Service": [NAME, ("Type", 0, _path("spec.type")), ("Cluster-IP", 0, _path("spec.clusterIP")),
                ("External-IP", 0, lambda obj: "<none>"), ("Port(s)", 0, _service_ports), AGE,
                ("Selector", 1, _labels("spec.selector"))],
    "Endpoints": [NAME, ("Endpoints", 0, _endpoints), AGE],
    "Node": [NAME, ("Status", 0, _node_ready), ("Roles", 0, lambda obj: "<none>"), AGE,
             ("Version", 0, _path("status.nodeInfo.kubeletVersion", ""))],
    "Namespace": [NAME, ("Status", 0, _path("status.phase")), AGE],
    "ConfigMap": [NAME, ("Data", 0, _count("data")), AGE],
    "Secret": [NAME, ("Type", 0, _path("type")), ("Data", 0, _count("data")), AGE],
    "ServiceAccount": [NAME, ("Secrets", 0, _count("secrets")), AGE],
    "Lease": [NAME, ("Holder", 0, _path("spec.holderIdentity", "")), AGE],
    "Event": [("Last Seen", 0, lambda obj: age(obj.get("lastTimestamp") or _at(obj, "metadata.creationTimestamp"))),
              ("Type", 0, _path("type", "")), ("Reason", 0, _path("reason", "")), ("Object", 0, _event_object),
              ("Message", 0, _path("message", "")), ("Name", 1, _path("metadata.name"))],
}


def definitions(resource: Resource) -> list[dict[str, Any]]:
    """The columns of a resource."""
    return [{"name": name, "type": "string", "format": "name" if name == "Name" else "", "description": name,
             "priority": priority} for name, priority, _ in COLUMNS.get(resource.kind, [NAME, AGE])]


def row(resource: Resource, obj: Object, include: str) -> dict[str, Any]:
    """One object as cells; `include` says what of the object itself goes along."""
    cells = [cell(obj) for _, _, cell in COLUMNS.get(resource.kind, [NAME, AGE])]
    out: dict[str, Any] = {"cells": cells}
    if include == "Object":
        out["object"] = obj
    elif include != "None":
        out["object"] = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    return out


def table(resource: Resource, objects: Iterable[Object], metadata: dict[str, Any], include: str,
          *, with_columns: bool = True) -> dict[str, Any]:
    """A whole Table."""
    return {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
            "columnDefinitions": definitions(resource) if with_columns else [],
            "rows": [row(resource, obj, include) for obj in objects]}
