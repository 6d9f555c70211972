"""What the server itself puts into objects, and what it refuses.

Only as much as clients can see: identity and times, a few defaults, and the state that controllers
would reach. There are no controllers here, so workloads report at once that they are ready.
"""

from __future__ import annotations

import base64
import random
import re
import time
import zlib
from typing import Any

from .resources import Resource
from .status import ApiError, invalid
from .store import Store
from .tokens import object_uid

Object = dict[str, Any]
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\Z")
_PATH_SEGMENT = re.compile(r"[^/%]{1,253}\Z")
_SUFFIX = "bcdfghjklmnpqrstvwxz2456789"
_GENERATION_FREE = {"Event", "Lease", "ConfigMap", "Secret", "ServiceAccount", "Node", "Namespace", "Endpoints"}


def timestamp() -> str:
    """Now, as metav1.Time prints it."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def check_object(resource: Resource, obj: Any, namespace: str) -> Object:
    """The body is an object of this resource and belongs where the path says."""
    if not isinstance(obj, dict):
        raise ApiError(400, "the body is not a JSON object")
    if not obj.get("kind"):
        raise ApiError(400, f"Object 'Kind' is missing in the {resource.plural} of the request")
    if (obj.get("apiVersion"), obj["kind"]) != (resource.api_version, resource.kind):
        raise ApiError(400, f"{obj.get('apiVersion')}, Kind={obj['kind']} in the body does not match the expected "
                            f"{resource.api_version}, Kind={resource.kind}")
    metadata = obj.get("metadata") or {}
    if not isinstance(metadata, dict):
        raise ApiError(400, "metadata is not an object")
    given = metadata.get("namespace") or namespace
    if resource.namespaced and given != namespace:
        raise ApiError(400, "the namespace of the provided object does not match the namespace sent on the request")
    return {**obj, "metadata": metadata}


def _check_name(resource: Resource, name: str) -> None:
    pattern = _PATH_SEGMENT if resource.group == "rbac.authorization.k8s.io" else _NAME
    if not pattern.match(name):
        raise invalid(resource.kind, name, "metadata.name",
                      f'Invalid value: "{name}": a lowercase RFC 1123 subdomain is required')


def new_object(store: Store, resource: Resource, obj: Object, namespace: str) -> Object:
    """A create's body made into the object that is stored."""
    metadata = dict(obj["metadata"])
    name = metadata.get("name") or ""
    if not name and metadata.get("generateName"):
        name = str(metadata["generateName"]) + "".join(random.choices(_SUFFIX, k=5))
    if not isinstance(name, str) or not name:
        raise invalid(resource.kind, "", "metadata.name", "Required value: name or generateName is required")
    _check_name(resource, name)
    if metadata.get("resourceVersion"):
        raise ApiError(400, "resourceVersion should not be set on objects to be created")
    metadata.update(name=name, uid=metadata.get("uid") or object_uid_for(store, resource, namespace, name),
                    creationTimestamp=timestamp())
    if resource.namespaced:
        metadata["namespace"] = namespace
    if resource.kind not in _GENERATION_FREE:
        metadata["generation"] = 1
    return settle(resource, defaults(resource, {**obj, "metadata": metadata}))


def object_uid_for(store: Store, resource: Resource, namespace: str, name: str) -> str:
    """The first object of a name has a uid that tokens made beforehand know; later ones do not."""
    first = object_uid(resource.plural, namespace, name)
    taken = store.used_uids
    if first in taken:
        return object_uid(resource.plural, namespace, f"{name}#{store.revision}")
    taken.add(first)
    return first


def defaults(resource: Resource, obj: Object) -> Object:
    """Fields the server fills in."""
    fill = _DEFAULTS.get((resource.group, resource.kind))
    return fill(obj) if fill else obj


def _pod(obj: Object) -> Object:
    spec = obj.get("spec")
    name = obj["metadata"]["name"]
    if not isinstance(spec, dict) or not isinstance(spec.get("containers"), list) or not spec["containers"]:
        raise invalid("Pod", name, "spec.containers", "Required value")
    spec = {"restartPolicy": "Always", "terminationGracePeriodSeconds": 30, "dnsPolicy": "ClusterFirst",
            "serviceAccountName": "default", "securityContext": {}, "schedulerName": "default-scheduler", **spec}
    containers = []
    for container in spec["containers"]:
        if not isinstance(container, dict) or not container.get("name"):
            raise invalid("Pod", name, "spec.containers[].name", "Required value")
        containers.append({"resources": {}, "imagePullPolicy": "IfNotPresent", **container})
    status = obj.get("status") or {"phase": "Pending", "qosClass": "BestEffort"}
    return {**obj, "spec": {**spec, "containers": containers}, "status": status}


def _namespace(obj: Object) -> Object:
    metadata = obj["metadata"]
    labels = {**(metadata.get("labels") or {}), "kubernetes.io/metadata.name": metadata["name"]}
    return {**obj, "metadata": {**metadata, "labels": labels},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}


def _secret(obj: Object) -> Object:
    out: Object = {"type": "Opaque", **obj}
    plain = out.pop("stringData", None) or {}
    data = {key: base64.b64encode(str(value).encode()).decode() for key, value in plain.items()}
    if data:
        out["data"] = {**(out.get("data") or {}), **data}
    return out


def _service(obj: Object) -> Object:
    number = zlib.crc32(obj["metadata"]["name"].encode())
    address = f"10.96.{number >> 8 & 255}.{number & 255}"
    spec = {"type": "ClusterIP", "clusterIP": address, "sessionAffinity": "None", **(obj.get("spec") or {})}
    return {**obj, "spec": spec, "status": {"loadBalancer": {}}}


def _deployment(obj: Object) -> Object:
    spec = {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            **(obj.get("spec") or {})}
    if not spec.get("selector") or not spec.get("template"):
        raise invalid("Deployment", obj["metadata"]["name"], "spec.selector", "Required value")
    return {**obj, "spec": spec}


def _replicated(obj: Object) -> Object:
    return {**obj, "spec": {"replicas": 1, **(obj.get("spec") or {})}}


_DEFAULTS = {
    ("", "Pod"): _pod, ("", "Namespace"): _namespace, ("", "Secret"): _secret, ("", "Service"): _service,
    ("apps", "Deployment"): _deployment, ("apps", "ReplicaSet"): _replicated, ("apps", "StatefulSet"): _replicated,
}


def settle(resource: Resource, obj: Object) -> Object:
    """The status a controller would have reached for this spec."""
    if (resource.group, resource.kind) not in _DEFAULTS or resource.group != "apps":
        return obj
    count = obj["spec"].get("replicas", 1)
    status = {"observedGeneration": obj["metadata"].get("generation", 1), "replicas": count,
              "readyReplicas": count, "availableReplicas": count}
    if resource.kind != "ReplicaSet":
        status["updatedReplicas"] = count
    if resource.kind == "Deployment":
        status["conditions"] = [
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable",
             "message": "Deployment has minimum availability."},
            {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable", "message": "done"}]
    return {**obj, "status": status}


def next_object(resource: Resource, before: Object, wanted: Object, subresource: str) -> Object:
    """An update's or patch's result made into the next version of `before`."""
    old, new = before["metadata"], wanted.get("metadata") or {}
    if new.get("name", old["name"]) != old["name"]:
        raise ApiError(400, f"the name of the object ({new.get('name')}) does not match the name on the URL ({old['name']})")
    if new.get("uid", old["uid"]) != old["uid"]:
        raise ApiError(409, f"Precondition failed: UID in precondition: {new['uid']}, UID in object meta: {old['uid']}")
    keep = {key: old[key] for key in ("name", "namespace", "uid", "creationTimestamp", "generation") if key in old}
    metadata = {**new, **keep}
    if subresource:  # status, approval and the like leave the rest of the object alone
        return {**before, "metadata": {**metadata, "generation": old["generation"]} if "generation" in old else metadata,
                "status": wanted.get("status", {})}
    out = defaults(resource, {**wanted, "metadata": metadata})
    if "status" in resource.subresources:
        out = {key: value for key, value in out.items() if key != "status"}
        if "status" in before:
            out["status"] = before["status"]
    if "generation" in old and out.get("spec") != before.get("spec"):
        out = settle(resource, {**out, "metadata": {**metadata, "generation": old["generation"] + 1}})
    return out
