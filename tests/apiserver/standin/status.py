"""Errors as the API server tells them: a Status object with a code and a machine-readable reason."""

from __future__ import annotations

from typing import Any

REASONS = {
    400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound",
    405: "MethodNotAllowed", 406: "NotAcceptable", 409: "Conflict", 410: "Expired",
    413: "RequestEntityTooLarge", 415: "UnsupportedMediaType", 422: "Invalid",
    429: "TooManyRequests", 500: "InternalError", 503: "ServiceUnavailable",
}


class ApiError(Exception):
    """Ends a request with a Status. `reason` defaults to the usual one of the code."""

    def __init__(self, code: int, message: str, reason: str | None = None,
                 details: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.reason = reason if reason is not None else REASONS.get(code, "")
        self.details = details

    def status(self) -> dict[str, Any]:
        """The object that goes into the body."""
        body: dict[str, Any] = {
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "reason": self.reason, "code": self.code,
        }
        if self.details:
            body["details"] = self.details
        return body


def _details(resource: str, group: str, name: str) -> dict[str, Any]:
    details: dict[str, Any] = {"name": name, "kind": resource}
    if group:
        details["group"] = group
    return details


def qualified(resource: str, group: str) -> str:
    """`deployments.apps`, `pods`: how messages name a resource."""
    return f"{resource}.{group}" if group else resource


def not_found(resource: str, group: str, name: str) -> ApiError:
    """The named object is not there."""
    return ApiError(404, f'{qualified(resource, group)} "{name}" not found',
                    details=_details(resource, group, name))


def already_exists(resource: str, group: str, name: str) -> ApiError:
    """A create met an object of that name."""
    return ApiError(409, f'{qualified(resource, group)} "{name}" already exists', "AlreadyExists",
                    _details(resource, group, name))


def conflict(resource: str, group: str, name: str, why: str) -> ApiError:
    """A write was based on an older version of the object."""
    return ApiError(409, f'Operation cannot be fulfilled on {qualified(resource, group)} "{name}": {why}',
                    details=_details(resource, group, name))


def invalid(kind: str, name: str, field: str, why: str) -> ApiError:
    """The object is well-formed but not acceptable."""
    return ApiError(422, f'{kind} "{name}" is invalid: {field}: {why}', details={
        "name": name, "kind": kind, "causes": [{"reason": "FieldValueInvalid", "message": why, "field": field}]})


def success(resource: str, group: str, name: str, uid: str) -> dict[str, Any]:
    """What a delete answers."""
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
            "details": {**_details(resource, group, name), "uid": uid}}
