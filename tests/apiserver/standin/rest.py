"""The verbs on stored objects."""

from __future__ import annotations

import base64
import json
from typing import Any, Callable

from . import admission
from .call import Call, Response, Stream
from .patch import PATCHES
from .resources import BY_PATH, ApiPath
from .selector import selector
from .status import ApiError, not_found, qualified, success
from .store import Entry, Store
from .strict import validate
from .table import table
from .watching import watch

Object = dict[str, Any]
NAMESPACES = BY_PATH[("", "v1", "namespaces")]
SERVICE_ACCOUNTS = BY_PATH[("", "v1", "serviceaccounts")]
CONFIG_MAPS = BY_PATH[("", "v1", "configmaps")]


class Rest:
    """Create, read, update, patch, delete and watch, for any resource."""

    def __init__(self, store: Store, root_ca: str) -> None:
        self.store = store
        self.root_ca = root_ca

    def handle(self, call: Call, path: ApiPath) -> Response | Stream:
        """The answer to a call without a subresource, or with one that is a view of the object."""
        if call.verb not in path.resource.verbs or (path.name and call.request.method == "POST"):
            raise ApiError(405, "the server does not allow this method on the requested resource")
        verbs: dict[str, Callable[[Call, ApiPath], Response | Stream]] = {
            "get": self._get, "list": self._list, "watch": self._watch, "create": self._create, "update": self._update,
            "patch": self._patch, "delete": self._delete, "deletecollection": self._deletecollection}
        return verbs[call.verb](call, path)

    # --- reading --------------------------------------------------------------------------

    def one(self, call: Call, path: ApiPath, entry: Entry, code: int = 200) -> Response:
        """One object, in the form the client asked for."""
        if call.table:
            include = call.request.query.get("includeObject", "Metadata")
            return Response.of(table(path.resource, [entry.obj], {"resourceVersion": str(entry.revision)}, include), code)
        return Response(code, entry.raw)

    def _get(self, call: Call, path: ApiPath) -> Response | Stream:
        if call.watching:
            return watch(self.store, call, path)
        return self.one(call, path, self.store.get(path.resource, path.namespace, path.name))

    def _watch(self, call: Call, path: ApiPath) -> Stream:
        return watch(self.store, call, path)

    def _list(self, call: Call, path: ApiPath) -> Response:
        query = call.request.query
        matches = selector(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        entries = list(self.store.select(path.resource, path.namespace, matches))
        entries, metadata = self._page(query, entries)
        resource = path.resource
        if call.table:
            include = query.get("includeObject", "Metadata")
            return Response.of(table(resource, (e.obj for e in entries), metadata, include))
        head = json.dumps({"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata},
                          separators=(",", ":"))
        return Response(200, head[:-1].encode() + b',"items":[' + b",".join(e.raw for e in entries) + b"]}")

    def _page(self, query: dict[str, str], entries: list[Entry]) -> tuple[list[Entry], Object]:
        metadata: Object = {"resourceVersion": str(self.store.revision)}
        try:
            limit = int(query.get("limit") or 0)
            after = json.loads(base64.urlsafe_b64decode(query["continue"])) if query.get("continue") else None
            if after is not None:
                entries = [e for e in entries if _key(e) > (str(after[0]), str(after[1]))]
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise ApiError(400, "limit or continue is not valid") from error
        if 0 < limit < len(entries):
            metadata["remainingItemCount"] = len(entries) - limit
            entries = entries[:limit]
            metadata["continue"] = base64.urlsafe_b64encode(json.dumps(_key(entries[-1])).encode()).decode()
        return entries, metadata

    # --- writing --------------------------------------------------------------------------

    def _create(self, call: Call, path: ApiPath) -> Response:
        obj = admission.check_object(path.resource, call.body(), path.namespace)
        validate(path.resource, obj, call.field_validation)
        return self.one(call, path, self.add(path, obj, dry_run=call.dry_run), 201)

    def add(self, path: ApiPath, obj: Object, *, dry_run: bool = False) -> Entry:
        """Store a new object, and what comes into being with it."""
        resource = path.resource
        if resource.namespaced:
            space = self.store.get(NAMESPACES, "", path.namespace)
            if space.obj["status"].get("phase") == "Terminating":
                raise ApiError(403, f"unable to create new content in namespace {path.namespace} because it is being terminated")
        elif resource is not NAMESPACES and path.namespace:
            raise not_found(resource.plural, resource.group, "")
        obj = admission.new_object(self.store, resource, obj, path.namespace)
        if dry_run:
            if self.store.find(resource, path.namespace, obj["metadata"]["name"]):
                raise ApiError(409, f'{resource.plural} "{obj["metadata"]["name"]}" already exists', "AlreadyExists")
            return Entry(obj, self.store.revision)
        entry = self.store.create(resource, obj)
        if resource is NAMESPACES:
            self._furnish(obj["metadata"]["name"])
        return entry

    def _furnish(self, namespace: str) -> None:
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}
        self.add(ApiPath(SERVICE_ACCOUNTS, namespace), account)
        bundle = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "kube-root-ca.crt"},
                  "data": {"ca.crt": self.root_ca}}
        self.add(ApiPath(CONFIG_MAPS, namespace), bundle)

    def _update(self, call: Call, path: ApiPath) -> Response:
        wanted = admission.check_object(path.resource, call.body(), path.namespace)
        validate(path.resource, wanted, call.field_validation)
        before = self.store.get(path.resource, path.namespace, path.name)
        return self.one(call, path, self._next(call, path, before, wanted))

    def _next(self, call: Call, path: ApiPath, before: Entry, wanted: Object) -> Entry:
        obj = admission.next_object(path.resource, before.obj, wanted, path.subresource)
        if call.dry_run:
            return Entry(obj, before.revision)
        return self.store.replace(path.resource, before, obj)

    def _patch(self, call: Call, path: ApiPath) -> Response:
        media_type = call.content_type()
        apply = PATCHES.get(media_type)
        if apply is None:
            raise ApiError(415, f"the body of the request was in an unknown format: {media_type}; "
                                f"accepted are {', '.join(sorted(PATCHES))}")
        change = call.decode(call.request.body, media_type)
        before = self.store.find(path.resource, path.namespace, path.name)
        if before is None:
            return self._apply_new(call, path, change, media_type)
        wanted = apply(before.obj, change)
        if not isinstance(wanted, dict) or not isinstance(wanted.get("metadata"), dict):
            raise ApiError(422, "the patch does not leave an object")
        validate(path.resource, wanted, call.field_validation)
        if isinstance(change, list) or "resourceVersion" not in (change.get("metadata") or {}):
            wanted = {**wanted, "metadata": {k: v for k, v in wanted["metadata"].items() if k != "resourceVersion"}}
        return self.one(call, path, self._next(call, path, before, wanted))

    def _apply_new(self, call: Call, path: ApiPath, change: Any, media_type: str) -> Response:
        """Server-side apply creates what is not there; other patches do not."""
        if media_type != "application/apply-patch+yaml":
            raise not_found(path.resource.plural, path.resource.group, path.name)
        obj = admission.check_object(path.resource, change, path.namespace)
        obj["metadata"] = {**obj["metadata"], "name": path.name}
        return self.one(call, path, self.add(path, obj, dry_run=call.dry_run), 201)

    # --- deleting -------------------------------------------------------------------------

    def _options(self, call: Call) -> Object:
        if not call.request.body:
            return {}
        options = call.body()
        if not isinstance(options, dict):
            raise ApiError(400, "the body is not a DeleteOptions object")
        return options

    def _delete(self, call: Call, path: ApiPath) -> Response:
        wanted = (self._options(call).get("preconditions") or {}).get("uid")
        entry = self.store.get(path.resource, path.namespace, path.name)
        metadata = entry.obj["metadata"]
        if wanted and wanted != metadata["uid"]:
            raise ApiError(409, f"Precondition failed: UID in precondition: {wanted}, UID in object meta: {metadata['uid']}")
        if not call.dry_run:
            self.remove(path, entry)
        if path.resource.kind in ("Pod", "Namespace"):
            ending = {**metadata, "deletionTimestamp": admission.timestamp(), "deletionGracePeriodSeconds": 0}
            return Response.of({**entry.obj, "metadata": ending})
        return Response.of(success(path.resource.plural, path.resource.group, path.name, metadata["uid"]))

    def remove(self, path: ApiPath, entry: Entry) -> None:
        """Remove an object; with a namespace goes all that is in it."""
        if path.resource is NAMESPACES:
            for resource in BY_PATH.values():
                if resource.namespaced:
                    for inside in list(self.store.select(resource, entry.obj["metadata"]["name"], None)):
                        self.store.delete(resource, inside)
        self.store.delete(path.resource, entry)

    def _deletecollection(self, call: Call, path: ApiPath) -> Response:
        query = call.request.query
        self._options(call)
        if path.resource.namespaced and not path.namespace:
            raise ApiError(405, f"the server does not allow this method on {qualified(path.resource.plural, path.resource.group)} "
                                "of all namespaces")
        matches = selector(query.get("labelSelector", ""), query.get("fieldSelector", ""))
        entries = list(self.store.select(path.resource, path.namespace, matches))
        for entry in entries if not call.dry_run else ():
            self.remove(path, entry)
        items = b",".join(entry.raw for entry in entries)
        head = json.dumps({"kind": f"{path.resource.kind}List", "apiVersion": path.resource.api_version,
                           "metadata": {"resourceVersion": str(self.store.revision)}}, separators=(",", ":"))
        return Response(200, head[:-1].encode() + b',"items":[' + items + b"]}")


def _key(entry: Entry) -> tuple[str, str]:
    metadata = entry.obj["metadata"]
    return metadata.get("namespace", ""), metadata["name"]
