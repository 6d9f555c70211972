"""Request bodies in the API's protobuf encoding, turned into the JSON form of the same object.

Typed clients (kubectl create, kubelets) send these. Answers are JSON: every such client accepts it.
"""

from __future__ import annotations

import base64
import json
import struct
import time
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, Iterator

MEDIA_TYPE = "application/vnd.kubernetes.protobuf"
MAGIC = b"k8s\0"
MAX_DEPTH = 64
# Go embeds these; in JSON their fields stand in the parent.
INLINE = {"volumeSource", "localObjectReference", "handler", "persistentVolumeSource", "ephemeralContainerCommon"}
PACKAGES = {"": "core", "meta.k8s.io": "meta"}
Field = tuple[str, str, bool]


class WireError(ValueError):
    """The bytes are not what they say they are."""


@lru_cache(maxsize=None)
def messages() -> dict[str, dict[int, Field]]:
    """Every message: field number to (name, type, repeated)."""
    out: dict[str, dict[int, Field]] = {}
    for line in (Path(__file__).parent / "wire-fields.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        message, *fields = line.split(" ")
        out[message] = {}
        for text in fields:
            number, name, kind = text.split(":")
            out[message][int(number)] = (name, kind.rstrip("*"), kind.endswith("*"))
    return out


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            raise WireError("a number is cut short")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFFFFFFFFFFFFFF, at
    raise WireError("a number is too long")


def _fields(data: bytes) -> Iterator[tuple[int, int, Any]]:
    """(number, wire type, value) of every field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind, length = key & 7, 0
        if kind == 0:
            value, at = _varint(data, at)
            yield key >> 3, kind, value
            continue
        if kind == 2:
            length, at = _varint(data, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise WireError(f"wire type {kind}")
        if at + length > len(data):
            raise WireError("a field is cut short")
        yield key >> 3, kind, data[at:at + length]
        at += length


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def _scalar(kind: str, wire: int, value: Any) -> Any:
    expected = {"string": 2, "bytes": 2, "double": 1}.get(kind, 0)
    if wire != expected:
        raise WireError(f"a {kind} in wire type {wire}")
    if kind == "string":
        return value.decode("utf-8")
    if kind == "bytes":
        return base64.b64encode(value).decode()
    if kind == "double":
        return struct.unpack("<d", value)[0]
    return bool(value) if kind == "bool" else _signed(value)


def _stamp(fields: dict[str, Any]) -> str | None:
    seconds = fields.get("seconds", 0)
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds > 0 else None


def _micro_stamp(fields: dict[str, Any]) -> str | None:
    stamp = _stamp(fields)
    return f"{stamp[:-1]}.{fields.get('nanos', 0) // 1000:06d}Z" if stamp else None


def _raw_json(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda fields: json.loads(base64.b64decode(fields.get(name) or "bnVsbA=="))


# Messages whose JSON form is not an object of their fields.
_SPECIAL: dict[str, Callable[[dict[str, Any]], Any]] = {
    "meta.Time": _stamp,
    "meta.MicroTime": _micro_stamp,
    "meta.Duration": lambda fields: f"{fields.get('duration', 0) / 1e9:g}s",
    "meta.FieldsV1": _raw_json("Raw"),
    "api.resource.Quantity": lambda fields: fields.get("string", "0"),
    "util.intstr.IntOrString": lambda fields: fields.get("strVal", "") if fields.get("type") else fields.get("intVal", 0),
    "runtime.RawExtension": _raw_json("raw"),
    "authentication.v1.ExtraValue": lambda fields: fields.get("items", []),
    "authorization.v1.ExtraValue": lambda fields: fields.get("items", []),
    "certificates.v1.ExtraValue": lambda fields: fields.get("items", []),
}


def _map_entry(kind: str, package: str, data: bytes, depth: int) -> tuple[str, Any]:
    _, _, value_kind = kind[4:-1].partition(",")
    key, value = "", "" if value_kind == "string" else None
    for number, wire, raw in _fields(data):
        if number == 1:
            key = _scalar("string", wire, raw)
        elif number == 2:
            value = _value(value_kind, package, wire, raw, depth)
    return key, value


def _value(kind: str, package: str, wire: int, value: Any, depth: int) -> Any:
    if kind in ("string", "bytes", "double", "bool", "int32", "int64"):
        return _scalar(kind, wire, value)
    if wire != 2:
        raise WireError(f"a message in wire type {wire}")
    return _message(kind if "." in kind else f"{package}.{kind}", value, depth + 1)


def _message(name: str, data: bytes, depth: int = 0) -> Any:
    if depth > MAX_DEPTH:
        raise WireError("nested too deeply")
    table = messages().get(name)
    if table is None:
        raise WireError(f"{name} is not known here")
    package = name.rpartition(".")[0]
    out: dict[str, Any] = {}
    for number, wire, raw in _fields(data):
        if number not in table:
            continue
        field, kind, repeated = table[number]
        if kind.startswith("map<"):
            key, value = _map_entry(kind, package, raw, depth)
            out.setdefault(field, {})[key] = value
            continue
        value = _value(kind, package, wire, raw, depth)
        if repeated:
            out.setdefault(field, []).append(value)
        elif field in INLINE and "." in kind:
            out.update(value)
        elif value != "" and (field, value) != ("generation", 0):  # Go always writes them, JSON leaves them out
            out[field] = value
    return _SPECIAL[name](out) if name in _SPECIAL else out


def decode(body: bytes) -> dict[str, Any]:
    """The object in `body`, as its JSON form. WireError, ValueError where it is not one."""
    if not body.startswith(MAGIC):
        raise WireError("the body does not begin as Kubernetes protobuf")
    type_meta, raw = b"", b""
    for number, wire, value in _fields(body[len(MAGIC):]):
        if wire == 2 and number == 1:
            type_meta = value
        elif wire == 2 and number == 2:
            raw = value
    names = {number: value.decode() for number, wire, value in _fields(type_meta) if wire == 2}
    api_version, kind = names.get(1, ""), names.get(2, "")
    group, _, version = api_version.rpartition("/")
    if kind == "DeleteOptions":
        message = "meta.DeleteOptions"
    else:
        message = f"{PACKAGES.get(group, group.partition('.')[0])}.{version}.{kind}"
    return {"kind": kind, "apiVersion": api_version, **_message(message, raw)}
