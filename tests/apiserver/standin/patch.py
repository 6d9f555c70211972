"""The patch formats of the API: JSON patch, merge patch, strategic merge patch, apply."""

from __future__ import annotations

import copy
from typing import Any

from .status import ApiError

MAX_OPERATIONS = 10000  # the real server's limit

# Lists whose items have an identity, by field name. Everything else is replaced whole.
MERGE_KEYS = {
    "containers": "name", "initContainers": "name", "ephemeralContainers": "name", "env": "name",
    "volumes": "name", "volumeMounts": "mountPath", "imagePullSecrets": "name", "conditions": "type",
    "addresses": "type", "taints": "key", "ownerReferences": "uid", "secrets": "name", "hostAliases": "ip",
}
PORT_KEYS = ("containerPort", "port")


def merge(target: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    out = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merge(out.get(key), value)
    return out


def _merge_key(field: str, items: list[Any]) -> str | None:
    if field == "ports":
        return next((key for key in PORT_KEYS if items and isinstance(items[0], dict) and key in items[0]), None)
    return MERGE_KEYS.get(field)


def _merge_list(field: str, target: list[Any], patch: list[Any]) -> list[Any]:
    key = _merge_key(field, patch or target)
    if key is None or not all(isinstance(item, dict) for item in patch):
        return patch
    out = list(target)
    for item in patch:
        directive = item.get("$patch")
        if directive == "replace":
            return [i for i in patch if "$patch" not in i]
        at = next((n for n, old in enumerate(out) if isinstance(old, dict) and old.get(key) == item.get(key)), None)
        if directive == "delete":
            if at is not None:
                del out[at]
        elif at is None:
            out.append(strategic({}, item))
        else:
            out[at] = strategic(out[at], item)
    return out


def strategic(target: Any, patch: Any) -> Any:
    """Merge patch whose keyed lists merge item by item, with the `$` directives kubectl sends."""
    if not isinstance(patch, dict):
        return patch
    if patch.get("$patch") == "replace":
        return {k: v for k, v in patch.items() if k != "$patch"}
    out = dict(target) if isinstance(target, dict) else {}
    retain = patch.get("$retainKeys")
    if isinstance(retain, list):
        out = {k: v for k, v in out.items() if k in retain}
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            out[field] = [item for item in out.get(field, []) if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            out.pop(key, None)
        elif isinstance(value, list) and isinstance(out.get(key), list):
            out[key] = _merge_list(key, out[key], value)
        else:
            out[key] = strategic(out.get(key), value)
    return out


def _steps(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise ApiError(422, "json patch: a path must begin with /")
    return [s.replace("~1", "/").replace("~0", "~") for s in pointer.split("/")[1:]]


def _index(parent: list[Any], step: str, *, adding: bool) -> int:
    if adding and step == "-":
        return len(parent)
    if not step.isdigit() or int(step) > len(parent) - (0 if adding else 1):
        raise ApiError(422, f"json patch: index {step} is out of range")
    return int(step)


def _find(document: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(document, list):
            document = document[_index(document, step, adding=False)]
        elif isinstance(document, dict) and step in document:
            document = document[step]
        else:
            raise ApiError(422, f"json patch: no such path: {'/'.join(steps)}")
    return document


def _add(document: Any, steps: list[str], value: Any) -> Any:
    if not steps:
        return value
    parent = _find(document, steps[:-1])
    if isinstance(parent, list):
        parent.insert(_index(parent, steps[-1], adding=True), value)
    elif isinstance(parent, dict):
        parent[steps[-1]] = value
    else:
        raise ApiError(422, "json patch: the parent is neither object nor array")
    return document


def _remove(document: Any, steps: list[str]) -> Any:
    removed = _find(document, steps)
    if not steps:
        raise ApiError(422, "json patch: the whole document cannot be removed")
    parent = _find(document, steps[:-1])
    del parent[int(steps[-1]) if isinstance(parent, list) else steps[-1]]
    return removed


def _operation(document: Any, operation: Any) -> Any:
    if not isinstance(operation, dict):
        raise ApiError(400, "json patch: an operation is not an object")
    op, steps = operation.get("op"), _steps(operation.get("path"))
    if op == "add":
        return _add(document, steps, operation.get("value"))
    if op == "remove":
        _remove(document, steps)
    elif op == "replace":
        if steps:
            _remove(document, steps)
        return _add(document, steps, operation.get("value"))
    elif op == "move":
        return _add(document, steps, _remove(document, _steps(operation.get("from"))))
    elif op == "copy":
        return _add(document, steps, copy.deepcopy(_find(document, _steps(operation.get("from")))))
    elif op == "test":
        if _find(document, steps) != operation.get("value"):
            raise ApiError(422, f"json patch: test of {operation.get('path')} failed")
    else:
        raise ApiError(400, f"json patch: unknown operation {op!r}")
    return document


def json_patch(target: Any, operations: Any) -> Any:
    """RFC 6902."""
    if not isinstance(operations, list):
        raise ApiError(400, "json patch: the body is not an array")
    if len(operations) > MAX_OPERATIONS:
        raise ApiError(413, f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}")
    document = copy.deepcopy(target)
    for operation in operations:
        document = _operation(document, operation)
    return document


PATCHES = {
    "application/json-patch+json": json_patch,
    "application/merge-patch+json": merge,
    "application/strategic-merge-patch+json": strategic,
    "application/apply-patch+yaml": strategic,
}
