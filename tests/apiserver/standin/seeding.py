"""What is there at the start: the cluster's own namespaces, and objects from a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import admission
from .resources import BY_KIND, BY_PATH, ApiPath
from .rest import Rest

NAMESPACES = BY_PATH[("", "v1", "namespaces")]
SERVICES = BY_PATH[("", "v1", "services")]
SYSTEM_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")


def seed_system(rest: Rest) -> None:
    """What every cluster has."""
    for name in SYSTEM_NAMESPACES:
        rest.add(ApiPath(NAMESPACES), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    rest.add(ApiPath(SERVICES, "default"), {
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "kubernetes"},
        "spec": {"clusterIP": "10.96.0.1", "ports": [{"name": "https", "port": 443, "targetPort": 6443}]}})


def seed_file(rest: Rest, path: Path) -> None:
    """A v1 List; each object must be of a known kind, in a namespace that is there by then."""
    try:
        objects: Any = json.loads(path.read_text())
        if not isinstance(objects, dict) or not isinstance(objects.get("items"), list):
            raise ValueError("not a List of objects")
        for number, obj in enumerate(objects["items"]):
            resource = BY_KIND.get((obj.get("apiVersion"), obj.get("kind")))
            if resource is None:
                raise ValueError(f"object {number}: unknown kind {obj.get('apiVersion')} {obj.get('kind')}")
            namespace = obj["metadata"].get("namespace", "") if resource.namespaced else ""
            rest.add(ApiPath(resource, namespace), admission.check_object(resource, obj, namespace))
    except (OSError, ValueError, KeyError) as error:
        raise SystemExit(f"seed file {path}: {error}") from error
