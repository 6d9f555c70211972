"""Subresources: views of an object (status, scale) and things done to it (token, binding, log ...)."""

from __future__ import annotations

import time
from typing import Any, Callable

from . import admission
from .call import Call, Response, Stream
from .connection import Connection
from .patch import PATCHES
from .resources import BY_PATH, ApiPath
from .rest import Rest
from .status import ApiError, not_found
from .store import Entry
from .tokens import DEFAULT_SECONDS, ISSUER, TokenIssuer

Object = dict[str, Any]
PODS = BY_PATH[("", "v1", "pods")]
NODES = BY_PATH[("", "v1", "nodes")]
_VIEWS = ("status", "finalize", "approval", "ephemeralcontainers")
_TUNNELS = ("exec", "attach", "portforward")


class Subresources:
    """Dispatches by the name of the subresource."""

    def __init__(self, rest: Rest, issuer: TokenIssuer) -> None:
        self.rest = rest
        self.store = rest.store
        self.issuer = issuer
        self._handlers: dict[str, Callable[[Call, ApiPath], Response | Stream]] = {
            "scale": self._scale, "token": self._token, "binding": self._binding,
            "eviction": self._eviction, "log": self._log, "proxy": self._proxy,
            **{name: self._view for name in _VIEWS}, **{name: self._tunnel for name in _TUNNELS},
        }

    def handle(self, call: Call, path: ApiPath) -> Response | Stream:
        """The answer to a call on a subresource."""
        if path.subresource not in path.resource.subresources:
            raise not_found(path.resource.plural, path.resource.group, f"{path.name}/{path.subresource}")
        return self._handlers[path.subresource](call, path)

    def _view(self, call: Call, path: ApiPath) -> Response | Stream:
        if call.verb not in ("get", "update", "patch"):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        return self.rest.handle(call, path)

    # --- scale ----------------------------------------------------------------------------

    def _scale(self, call: Call, path: ApiPath) -> Response:
        entry = self.store.get(path.resource, path.namespace, path.name)
        scale = _scale_of(entry)
        if call.verb == "get":
            return Response.of(scale)
        if call.verb == "update":
            wanted = call.body()
        elif call.verb == "patch":
            apply = PATCHES.get(call.content_type())
            if apply is None:
                raise ApiError(415, f"unknown patch format: {call.content_type()}")
            wanted = apply(scale, call.decode(call.request.body, call.content_type()))
        else:
            raise ApiError(405, "the server does not allow this method on the requested resource")
        replicas = (wanted.get("spec") or {}).get("replicas", 0) if isinstance(wanted, dict) else None
        if isinstance(replicas, bool) or not isinstance(replicas, int) or replicas < 0:
            raise ApiError(422, 'Scale is invalid: spec.replicas: Invalid value: must be a number, zero or greater')
        changed = {**entry.obj, "spec": {**entry.obj["spec"], "replicas": replicas}}
        if not call.dry_run:
            entry = self.store.replace(path.resource, entry, admission.next_object(path.resource, entry.obj, changed, ""))
        return Response.of(_scale_of(entry))

    # --- pods -----------------------------------------------------------------------------

    def _binding(self, call: Call, path: ApiPath) -> Response:
        body = _post(call)
        entry = self.store.get(PODS, path.namespace, path.name)
        node = (body.get("target") or {}).get("name")
        if not node:
            raise ApiError(422, "Binding is invalid: target.name: Required value")
        if entry.obj["spec"].get("nodeName"):
            raise ApiError(409, f"pod {path.name} is already assigned to node {entry.obj['spec']['nodeName']}")
        spec = {**entry.obj["spec"], "nodeName": node}
        conditions = [{"type": "PodScheduled", "status": "True", "lastTransitionTime": admission.timestamp()}]
        self.store.replace(PODS, entry, {**entry.obj, "spec": spec,
                                         "status": {**entry.obj.get("status", {}), "conditions": conditions}})
        return Response.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)

    def _eviction(self, call: Call, path: ApiPath) -> Response:
        _post(call)
        self.rest.remove(path, self.store.get(PODS, path.namespace, path.name))
        return Response.of({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}, 201)

    def _log(self, call: Call, path: ApiPath) -> Response:
        if call.verb != "get":
            raise ApiError(405, "the server does not allow this method on the requested resource")
        entry = self.store.get(PODS, path.namespace, path.name)
        lines = [f"{path.name}: line {n} of the stand-in's log\n" for n in range(1, 21)]
        tail = call.request.query.get("tailLines", "")
        if tail.isdigit():
            lines = lines[len(lines) - min(int(tail), len(lines)):]
        return Response.text("".join(lines) if entry.obj["spec"].get("nodeName") else "")

    def _tunnel(self, call: Call, path: ApiPath) -> Stream:
        """exec, attach, portforward: after the upgrade every byte comes back as it was sent."""
        self.store.get(PODS, path.namespace, path.name)
        protocol = call.request.header("upgrade")
        if not protocol or "upgrade" not in call.request.header("connection").lower():
            raise ApiError(400, "Upgrade request required")
        return Stream(_echo, 101, "", [("Connection", "Upgrade"), ("Upgrade", protocol)], chunked=False)

    def _proxy(self, call: Call, path: ApiPath) -> Response:
        """What a pod or service behind the proxy would say: which request came through."""
        name = path.name.split(":")[-2] if path.name.count(":") == 2 else path.name.partition(":")[0]
        self.store.get(path.resource, path.namespace, name)
        return Response.of({"method": call.request.method, "path": "/" + "/".join(path.rest),
                            "query": call.request.raw_query, "bodyBytes": len(call.request.body)})

    # --- service accounts -----------------------------------------------------------------

    def _token(self, call: Call, path: ApiPath) -> Response:
        body = _post(call)
        account = self.store.get(path.resource, path.namespace, path.name)
        spec = body.get("spec") or {}
        audiences = spec.get("audiences") or [ISSUER]
        seconds = spec.get("expirationSeconds") or DEFAULT_SECONDS
        if isinstance(seconds, bool) or not isinstance(seconds, int) or not 600 <= seconds <= 2**32:
            raise ApiError(422, "TokenRequest is invalid: spec.expirationSeconds: Invalid value: "
                                "may not specify a duration less than 10 minutes")
        pod, node = self._bound(path, spec.get("boundObjectRef") or {})
        token = self.issuer.mint(path.namespace, path.name, uid=account.obj["metadata"]["uid"], seconds=seconds,
                                 audiences=audiences, pod=pod, node=node)
        expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))
        return Response.of({
            "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
            "metadata": {"name": path.name, "namespace": path.namespace, "creationTimestamp": admission.timestamp()},
            "spec": {"audiences": audiences, "expirationSeconds": seconds,
                     "boundObjectRef": spec.get("boundObjectRef")},
            "status": {"token": token, "expirationTimestamp": expires}}, 201)

    def _bound(self, path: ApiPath, ref: Object) -> tuple[tuple[str, str] | None, tuple[str, str] | None]:
        if ref.get("kind") != "Pod":
            return None, None
        pod = self.store.get(PODS, path.namespace, str(ref.get("name", "")))
        uid = pod.obj["metadata"]["uid"]
        if ref.get("uid", uid) != uid:
            raise ApiError(409, "the UID in the bound object reference does not match the UID in record")
        node_name = pod.obj["spec"].get("nodeName")
        node = self.store.find(NODES, "", node_name) if node_name else None
        bound_node = (node_name, node.obj["metadata"]["uid"]) if node else None
        return (pod.obj["metadata"]["name"], uid), bound_node


def _post(call: Call) -> Object:
    if call.verb != "create":
        raise ApiError(405, "the server does not allow this method on the requested resource")
    body = call.body()
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not a JSON object")
    return body


def _scale_of(entry: Entry) -> Object:
    obj, metadata = entry.obj, entry.obj["metadata"]
    keep = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    labels = ((obj["spec"].get("selector") or {}).get("matchLabels")) or {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {k: metadata[k] for k in keep if k in metadata},
            "spec": {"replicas": obj["spec"].get("replicas", 0)},
            "status": {"replicas": (obj.get("status") or {}).get("replicas", 0),
                       "selector": ",".join(f"{k}={v}" for k, v in labels.items())}}


async def _echo(conn: Connection) -> None:
    while data := await conn.read_raw():
        await conn.write(data)
