"""The OpenAPI 2 document in the protobuf form that kubectl asks for (older ones know no other).

Field numbers are those of the published openapi.v2 messages; only what our document has is written.
"""

from __future__ import annotations

import json
from typing import Any, Callable, Iterable

Object = dict[str, Any]
MEDIA_TYPE = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
MEDIA_TYPE_MARK = "proto-openapi.spec.v2"  # older clients write the version behind it with an @


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _message(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _text(number: int, value: str | None) -> bytes:
    return _message(number, value.encode()) if value else b""


def _flag(number: int, value: Any) -> bytes:
    return _varint(number << 3) + b"\x01" if value else b""


def _named(items: Iterable[tuple[str, Any]], encode: Callable[[Any], bytes], number: int = 1) -> bytes:
    """A map: pairs of name (1) and value (2)."""
    return b"".join(_message(number, _text(1, name) + _message(2, encode(value))) for name, value in items)


def _extensions(number: int, obj: Object) -> bytes:
    """`x-...` members, each as YAML text (JSON is YAML)."""
    pairs = [(key, value) for key, value in obj.items() if key.startswith("x-")]
    return _named(pairs, lambda value: _text(2, json.dumps(value)), number)


def _schema(schema: Object) -> bytes:
    out = _text(1, schema.get("$ref")) + _text(2, schema.get("format"))
    if "additionalProperties" in schema:
        out += _message(21, _message(1, _schema(schema["additionalProperties"])))
    if "type" in schema:
        out += _message(22, _text(1, schema["type"]))
    if "items" in schema:
        out += _message(23, _message(1, _schema(schema["items"])))
    if schema.get("properties"):
        out += _message(25, _named(schema["properties"].items(), _schema))
    return out + _extensions(31, schema)


def _parameter(parameter: Object) -> bytes:
    if parameter["in"] == "body":
        body = _text(2, parameter["name"]) + _text(3, "body") + _flag(4, True) + _message(5, _schema(parameter["schema"]))
        return _message(1, _message(1, body))
    common = _flag(1, parameter["required"]) + _text(2, parameter["in"]) + _text(4, parameter["name"])
    if parameter["in"] == "query":
        kind = _message(3, common + _text(6, parameter["type"]) + _flag(20, True))
    else:
        kind = _message(4, common + _text(5, parameter["type"]) + _flag(19, True))
    return _message(1, _message(2, kind))


def _response(response: Object) -> bytes:
    return _message(1, _text(1, response["description"]) + _message(2, _message(1, _schema(response["schema"]))))


def _operation(operation: Object) -> bytes:
    out = _text(5, operation["operationId"]) + b"".join(_text(7, media) for media in operation["consumes"])
    out += b"".join(_message(8, _parameter(p)) for p in operation["parameters"])
    out += _message(9, _named(operation["responses"].items(), _response))
    return out + _extensions(13, operation)


def _path_item(item: Object) -> bytes:
    numbers = {"get": 2, "put": 3, "post": 4, "delete": 5, "patch": 8}
    out = b"".join(_message(numbers[method], _operation(item[method])) for method in numbers if method in item)
    return out + b"".join(_message(9, _parameter(p)) for p in item.get("parameters", []))


def encode(document: Object) -> bytes:
    """The whole document."""
    info = _text(1, document["info"]["title"]) + _text(2, document["info"]["version"])
    return (_text(1, document["swagger"]) + _message(2, info)
            + _message(8, _named(document["paths"].items(), _path_item, 2))
            + _message(9, _named(document["definitions"].items(), _schema)))
