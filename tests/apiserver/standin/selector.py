"""Label and field selectors."""

from __future__ import annotations

import re
from typing import Any, Callable

from .status import ApiError

Object = dict[str, Any]
Predicate = Callable[[Object], bool]
_SET = re.compile(r"^(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s+\((?P<values>[^()]*)\)$")
_EQUAL = re.compile(r"^(?P<key>[^\s!=,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s!=,()]*)$")
_EXISTS = re.compile(r"^(?P<not>!?)\s*(?P<key>[^\s!=,()]+)$")


def _split(text: str) -> list[str]:
    """Commas separate requirements, except inside parentheses."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", text) if part.strip()]


def _label_requirement(text: str) -> Predicate:
    def labels(obj: Object) -> dict[str, str]:
        return obj.get("metadata", {}).get("labels") or {}

    if match := _SET.match(text):
        key, values = match["key"], {v.strip() for v in match["values"].split(",")}
        if match["op"] == "in":
            return lambda obj: labels(obj).get(key) in values
        return lambda obj: labels(obj).get(key) not in values
    if match := _EQUAL.match(text):
        key, value = match["key"], match["value"]
        if match["op"] == "!=":
            return lambda obj: labels(obj).get(key) != value
        return lambda obj: labels(obj).get(key) == value
    if match := _EXISTS.match(text):
        key, wanted = match["key"], not match["not"]
        return lambda obj: (key in labels(obj)) is wanted
    raise ApiError(400, f'unable to parse requirement: "{text}"')


def _field(obj: Object, path: str) -> str:
    value: Any = obj
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _field_requirement(text: str) -> Predicate:
    match = re.match(r"^([A-Za-z.]+)(==|=|!=)(.*)$", text)
    if not match:
        raise ApiError(400, f'invalid field selector: "{text}"')
    path, wanted = match[1], match[3].replace("\\,", ",")
    if match[2] == "!=":
        return lambda obj: _field(obj, path) != wanted
    return lambda obj: _field(obj, path) == wanted


def selector(labels: str, fields: str) -> Predicate | None:
    """One predicate for both, or None where everything matches."""
    tests = [_label_requirement(part) for part in _split(labels)]
    tests += [_field_requirement(part) for part in re.split(r"(?<!\\),", fields) if part]
    if not tests:
        return None
    return lambda obj: all(test(obj) for test in tests)
