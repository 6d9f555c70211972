"""OpenAPI documents: version 3 by group, as kubectl reads them, and version 2 for all groups."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Any

from . import swagger_wire
from .patch import PATCHES
from .resources import GROUPS, RESOURCES, Resource
from .schemas import VERSION_2, VERSION_3, definition, group_version_kind, message_of, schemas

Object = dict[str, Any]
_WRITE = ("dryRun", "fieldManager", "fieldValidation", "pretty")
_QUERY = {
    "create": _WRITE, "update": _WRITE, "patch": (*_WRITE, "force"), "get": ("pretty",),
    "delete": ("dryRun", "gracePeriodSeconds", "orphanDependents", "propagationPolicy", "pretty"),
    "list": ("allowWatchBookmarks", "continue", "fieldSelector", "labelSelector", "limit", "pretty", "resourceVersion",
             "resourceVersionMatch", "sendInitialEvents", "timeoutSeconds", "watch"),
}
_QUERY["deletecollection"] = (*_QUERY["delete"], "continue", "fieldSelector", "labelSelector", "limit",
                              "resourceVersion", "resourceVersionMatch", "timeoutSeconds")
_ON_COLLECTION = {"list": "get", "create": "post", "deletecollection": "delete"}
_ON_OBJECT = {"get": "get", "update": "put", "patch": "patch", "delete": "delete"}
_INTEGERS = ("limit", "timeoutSeconds", "gracePeriodSeconds")
_BOOLEANS = ("allowWatchBookmarks", "watch", "sendInitialEvents", "force", "orphanDependents")


class _Version3:
    """How version 3 words parameters, bodies and answers."""

    prefix = VERSION_3

    @staticmethod
    def parameter(name: str, where: str, kind: str) -> Object:
        return {"name": name, "in": where, "required": where == "path", "schema": {"type": kind, "uniqueItems": True}}

    @staticmethod
    def operation(parameters: list[Object], body: Object | None, media: list[str], answer: Object) -> Object:
        out: Object = {"parameters": parameters, "responses": {
            "200": {"description": "OK", "content": {"application/json": {"schema": answer}}}}}
        if body is not None:
            out["requestBody"] = {"required": True, "content": {m: {"schema": body} for m in media}}
        return out


class _Version2:
    """How version 2 does."""

    prefix = VERSION_2

    @staticmethod
    def parameter(name: str, where: str, kind: str) -> Object:
        return {"name": name, "in": where, "required": where == "path", "type": kind, "uniqueItems": True}

    @staticmethod
    def operation(parameters: list[Object], body: Object | None, media: list[str], answer: Object) -> Object:
        out: Object = {"parameters": list(parameters), "consumes": media,
                       "responses": {"200": {"description": "OK", "schema": answer}}}
        if body is not None:
            out["parameters"].append({"name": "body", "in": "body", "required": True, "schema": body})
        return out


Words = type[_Version3] | type[_Version2]


def _operation(resource: Resource, verb: str, words: Words) -> Object:
    kinds = {**dict.fromkeys(_INTEGERS, "integer"), **dict.fromkeys(_BOOLEANS, "boolean")}
    parameters = [words.parameter(name, "query", kinds.get(name, "string")) for name in _QUERY[verb]]
    obj = {"$ref": words.prefix + definition(message_of(resource))}
    body: Object | None = obj if verb in ("create", "update") else None
    media = ["*/*"]
    if verb == "patch":
        body, media = {"type": "object"}, sorted(PATCHES)
    operation = words.operation(parameters, body, media, {"type": "object"} if verb == "list" else obj)
    action = {"create": "post", "update": "put"}.get(verb, verb)
    return {"operationId": f"{verb}{resource.group.partition('.')[0].title() or 'Core'}{resource.kind}", **operation,
            "x-kubernetes-action": action, "x-kubernetes-group-version-kind": group_version_kind(resource)}


def _path_item(resource: Resource, verbs: dict[str, str], names: list[str], words: Words) -> Object:
    item: Object = {method: _operation(resource, verb, words) for verb, method in verbs.items() if verb in resource.verbs}
    if item and names:
        item["parameters"] = [words.parameter(name, "path", "string") for name in names]
    return item


def _paths(resource: Resource, words: Words) -> dict[str, Object]:
    names = ["namespace"] if resource.namespaced else []
    base = f"/{resource.prefix}" + ("/namespaces/{namespace}" if names else "") + f"/{resource.plural}"
    items = {base: _path_item(resource, _ON_COLLECTION, names, words),
             base + "/{name}": _path_item(resource, _ON_OBJECT, ["name", *names], words)}
    if resource.namespaced:
        items[f"/{resource.prefix}/{resource.plural}"] = _path_item(resource, {"list": "get"}, [], words)
    return {path: item for path, item in items.items() if item}


def _all_paths(resources: tuple[Resource, ...], words: Words) -> dict[str, Object]:
    return {path: item for resource in resources for path, item in _paths(resource, words).items()}


def _encode(document: Object) -> bytes:
    return json.dumps(document, separators=(",", ":")).encode()


@lru_cache(maxsize=None)
def document(group: str, version: str) -> bytes | None:
    """The version 3 document of one group and version."""
    resources = tuple(r for r in RESOURCES if (r.group, r.version) == (group, version))
    if not resources:
        return None
    return _encode({"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": "stand-in"},
                    "paths": _all_paths(resources, _Version3),
                    "components": {"schemas": schemas(resources, _Version3.prefix)}})


@lru_cache(maxsize=None)
def index() -> Object:
    """/openapi/v3: where each document is; the hash lets clients keep it."""
    paths = {}
    for group, version in GROUPS:
        prefix = f"apis/{group}/{version}" if group else f"api/{version}"
        digest = hashlib.sha512(document(group, version) or b"").hexdigest().upper()
        paths[prefix] = {"serverRelativeURL": f"/openapi/v3/{prefix}?hash={digest}"}
    return {"paths": paths}


@lru_cache(maxsize=None)
def _swagger() -> Object:
    resources = tuple(RESOURCES)
    return {"swagger": "2.0", "info": {"title": "Kubernetes", "version": "stand-in"},
                    "paths": _all_paths(resources, _Version2), "definitions": schemas(resources, _Version2.prefix)}


@lru_cache(maxsize=None)
def swagger(protobuf: bool) -> bytes:
    """/openapi/v2, in either form."""
    return swagger_wire.encode(_swagger()) if protobuf else _encode(_swagger())
