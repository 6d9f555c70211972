"""JSON schemas of the API's objects, made from the same table of fields as the protobuf decoder."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Iterator

from .patch import MERGE_KEYS
from .resources import Resource
from .wire import INLINE, PACKAGES, messages

Schema = dict[str, Any]
VERSION_2, VERSION_3 = "#/definitions/", "#/components/schemas/"  # where references point to
_SCALARS: dict[str, Schema] = {
    "string": {"type": "string"}, "bool": {"type": "boolean"}, "double": {"type": "number", "format": "double"},
    "int32": {"type": "integer", "format": "int32"}, "int64": {"type": "integer", "format": "int64"},
    "bytes": {"type": "string", "format": "byte"},
}
# Messages whose JSON form is not an object of their fields.
SPECIAL: dict[str, Schema] = {
    "meta.Time": {"type": "string", "format": "date-time"},
    "meta.MicroTime": {"type": "string", "format": "date-time"},
    "meta.Duration": {"type": "string"},
    "meta.FieldsV1": {"type": "object"},
    "api.resource.Quantity": {"type": "string"},
    "util.intstr.IntOrString": {"type": "string", "format": "int-or-string"},
    "runtime.RawExtension": {"type": "object"},
    "authentication.v1.ExtraValue": {"type": "array", "items": {"type": "string"}},
    "authorization.v1.ExtraValue": {"type": "array", "items": {"type": "string"}},
    "certificates.v1.ExtraValue": {"type": "array", "items": {"type": "string"}},
}


def message_of(resource: Resource) -> str:
    """The message that encodes a resource's objects."""
    group = PACKAGES.get(resource.group, resource.group.partition(".")[0])
    return f"{group}.{resource.version}.{resource.kind}"


def definition(message: str) -> str:
    """The name under which documents know a message."""
    if message.startswith("meta."):
        return f"io.k8s.apimachinery.pkg.apis.meta.v1.{message[5:]}"
    return f"io.k8s.api.{message}"


def _field(kind: str, package: str, prefix: str) -> Schema:
    if kind in _SCALARS:
        return dict(_SCALARS[kind])
    if kind.startswith("map<"):
        return {"type": "object", "additionalProperties": _field(kind[4:-1].partition(",")[2], package, prefix)}
    message = kind if "." in kind else f"{package}.{kind}"
    if message in SPECIAL:
        return dict(SPECIAL[message])
    reference: Schema = {"$ref": prefix + definition(message)}
    return reference if prefix == VERSION_2 else {"allOf": [reference]}


def _properties(message: str, prefix: str) -> Iterator[tuple[str, Schema]]:
    package = message.rpartition(".")[0]
    for name, kind, repeated in messages()[message].values():
        if name in INLINE and "." in kind:
            yield from _properties(kind, prefix)
        elif repeated:
            schema: Schema = {"type": "array", "items": _field(kind, package, prefix)}
            if name in MERGE_KEYS:
                schema.update({"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": MERGE_KEYS[name]})
            if name == "ports":
                key = "containerPort" if message == "core.v1.Container" else "port"
                schema.update({"x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key})
            yield name, schema
        else:
            yield name, _field(kind, package, prefix)


def _used(message: str, seen: set[str]) -> None:
    if message in seen or message in SPECIAL or message not in messages():
        return
    seen.add(message)
    package = message.rpartition(".")[0]
    for _, kind, _ in messages()[message].values():
        kind = kind[4:-1].partition(",")[2] if kind.startswith("map<") else kind
        if kind not in _SCALARS:
            _used(kind if "." in kind else f"{package}.{kind}", seen)


def schemas(resources: tuple[Resource, ...], prefix: str) -> dict[str, Schema]:
    """Every definition the given resources need; `prefix` is VERSION_2 or VERSION_3."""
    used: set[str] = set()
    for resource in resources:
        _used(message_of(resource), used)
    out: dict[str, Schema] = {definition(m): {"type": "object", "properties": dict(_properties(m, prefix))} for m in sorted(used)}
    for resource in resources:
        open_ended: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {}}
        schema = out.setdefault(definition(message_of(resource)), open_ended)
        schema["x-kubernetes-group-version-kind"] = [group_version_kind(resource)]
        schema["properties"].update(apiVersion={"type": "string"}, kind={"type": "string"})
    return out


@lru_cache(maxsize=None)
def group_version_kind(resource: Resource) -> Schema:
    """How documents name a resource's kind."""
    return {"group": resource.group, "version": resource.version, "kind": resource.kind}
