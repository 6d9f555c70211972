"""Questions about users and rights. Nothing is stored; everybody who is somebody may do everything."""

from __future__ import annotations

from typing import Any, Callable

from .call import Call, Response
from .identity import User
from .resources import ApiPath
from .status import ApiError
from .tokens import TokenIssuer

Object = dict[str, Any]


def user_info(user: User) -> Object:
    """A user as reviews describe it."""
    info: Object = {"username": user.name, "groups": list(user.groups)}
    if user.uid:
        info["uid"] = user.uid
    if user.extra:
        info["extra"] = user.extra
    return info


def _token_review(body: Object, _user: User, issuer: TokenIssuer) -> Object:
    found = issuer.user(str((body.get("spec") or {}).get("token", "")))
    if found is None:
        return {"authenticated": False, "error": "invalid bearer token"}
    return {"authenticated": True, "user": user_info(found)}


def _allowed(_body: Object, _user: User, _issuer: TokenIssuer) -> Object:
    return {"allowed": True, "reason": "the lab allows everything to every authenticated user"}


def _rules(_body: Object, _user: User, _issuer: TokenIssuer) -> Object:
    return {"resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}], "incomplete": False}


def _self(_body: Object, user: User, _issuer: TokenIssuer) -> Object:
    return {"userInfo": user_info(user)}


_REVIEWS: dict[str, Callable[[Object, User, TokenIssuer], Object]] = {
    "tokenreviews": _token_review, "selfsubjectreviews": _self, "selfsubjectrulesreviews": _rules,
    "subjectaccessreviews": _allowed, "selfsubjectaccessreviews": _allowed, "localsubjectaccessreviews": _allowed,
}


def is_review(path: ApiPath) -> bool:
    """Whether a path is one of these."""
    return path.resource.plural in _REVIEWS


def review(call: Call, path: ApiPath, issuer: TokenIssuer) -> Response:
    """The request's object with its status filled in."""
    if call.verb != "create":
        raise ApiError(405, "the server does not allow this method on the requested resource")
    body = call.body()
    if not isinstance(body, dict):
        raise ApiError(400, "the body is not a JSON object")
    answer = _REVIEWS[path.resource.plural](body, call.user, issuer)
    return Response.of({**body, "kind": path.resource.kind, "apiVersion": path.resource.api_version,
                        "status": answer}, 201)
