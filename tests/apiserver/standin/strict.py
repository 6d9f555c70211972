"""Field validation: fields that the API does not know, for clients that ask to be told."""

from __future__ import annotations

from typing import Any, Iterator

from .resources import Resource
from .schemas import SPECIAL, message_of
from .status import ApiError
from .wire import INLINE, messages

Field = tuple[str, bool]
_TYPE_META = ("apiVersion", "kind")


def _fields(message: str) -> dict[str, Field]:
    """Name to (type, repeated), with what Go embeds flattened."""
    package = message.rpartition(".")[0]
    out: dict[str, Field] = {}
    for name, kind, repeated in messages()[message].values():
        if name in INLINE and "." in kind:
            out.update(_fields(kind))
        else:
            local = kind[:1].isupper()  # a message of the same package
            out[name] = (f"{package}.{kind}" if local else kind, repeated)
    return out


def unknown_fields(message: str, obj: Any, path: str = "") -> Iterator[str]:
    """Paths of members that are not fields of the message."""
    if not isinstance(obj, dict) or message in SPECIAL or message not in messages():
        return
    fields = _fields(message)
    for name, value in obj.items():
        if name not in fields:
            if path or name not in _TYPE_META:
                yield path + name
            continue
        kind, repeated = fields[name]
        if repeated and isinstance(value, list):
            for number, item in enumerate(value):
                yield from unknown_fields(kind, item, f"{path}{name}[{number}].")
        else:
            yield from unknown_fields(kind, value, f"{path}{name}.")


def validate(resource: Resource, obj: dict[str, Any], wanted: str) -> None:
    """400 for unknown fields under fieldValidation=Strict; otherwise they are let pass."""
    if wanted != "Strict":
        return
    unknown = list(unknown_fields(message_of(resource), obj))
    if unknown:
        words = ", ".join(f'unknown field "{path}"' for path in unknown)
        raise ApiError(400, f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                            f"strict decoding error: {words}")
