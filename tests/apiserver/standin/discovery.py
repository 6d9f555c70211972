"""Discovery documents, in the old form and in the aggregated one that newer clients ask for."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from .resources import ALL_VERBS, GROUPS, RESOURCES, SUBRESOURCE_KINDS, SUBRESOURCE_VERBS, Resource

AGGREGATED_V2 = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


def _subresource_verbs(name: str) -> list[str]:
    return list(SUBRESOURCE_VERBS.get(name, ("get", "patch", "update")))


def _list_entries(resource: Resource) -> list[dict[str, Any]]:
    entry: dict[str, Any] = {
        "name": resource.plural, "singularName": resource.singular, "namespaced": resource.namespaced,
        "kind": resource.kind, "verbs": list(resource.verbs),
    }
    if resource.short:
        entry["shortNames"] = list(resource.short)
    if resource.categories:
        entry["categories"] = list(resource.categories)
    entries = [entry]
    for sub in resource.subresources:
        row: dict[str, Any] = {"name": f"{resource.plural}/{sub}", "singularName": "",
                               "namespaced": resource.namespaced, "kind": resource.kind,
                               "verbs": _subresource_verbs(sub)}
        if sub in SUBRESOURCE_KINDS:
            group, version, row["kind"] = SUBRESOURCE_KINDS[sub]
            row.update({"group": group, "version": version} if group else {})
        entries.append(row)
    return entries


@lru_cache(maxsize=None)
def resource_list(group: str, version: str) -> dict[str, Any] | None:
    """APIResourceList of one group and version."""
    rows = [entry for r in RESOURCES if (r.group, r.version) == (group, version) for entry in _list_entries(r)]
    if not rows:
        return None
    return {"kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": f"{group}/{version}" if group else version, "resources": rows}


def api_versions(address: str) -> dict[str, Any]:
    """/api"""
    return {"kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]}


def api_group(group: str) -> dict[str, Any] | None:
    """/apis/GROUP"""
    versions = [{"groupVersion": f"{group}/{v}", "version": v} for g, v in GROUPS if g == group and g]
    if not versions:
        return None
    return {"kind": "APIGroup", "apiVersion": "v1", "name": group, "versions": versions,
            "preferredVersion": versions[0]}


@lru_cache(maxsize=None)
def api_group_list() -> dict[str, Any]:
    """/apis"""
    groups = [dict(api_group(g) or {}) for g, _ in GROUPS if g]
    for group in groups:
        group.pop("kind"), group.pop("apiVersion")
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def _aggregated_resource(resource: Resource) -> dict[str, Any]:
    kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
    row: dict[str, Any] = {
        "resource": resource.plural, "responseKind": kind, "verbs": list(resource.verbs or ALL_VERBS),
        "scope": "Namespaced" if resource.namespaced else "Cluster", "singularResource": resource.singular,
    }
    if resource.short:
        row["shortNames"] = list(resource.short)
    if resource.categories:
        row["categories"] = list(resource.categories)
    subs = []
    for sub in resource.subresources:
        group, version, name = SUBRESOURCE_KINDS.get(sub, (resource.group, resource.version, resource.kind))
        subs.append({"subresource": sub, "verbs": _subresource_verbs(sub),
                     "responseKind": {"group": group, "version": version, "kind": name}})
    if subs:
        row["subresources"] = subs
    return row


@lru_cache(maxsize=None)
def aggregated(core: bool) -> dict[str, Any]:
    """APIGroupDiscoveryList for /api (core) or /apis (the rest)."""
    items = []
    for group, version in GROUPS:
        if core == bool(group):
            continue
        rows = [_aggregated_resource(r) for r in RESOURCES if (r.group, r.version) == (group, version)]
        items.append({"metadata": {"name": group} if group else {},
                      "versions": [{"version": version, "freshness": "Current", "resources": rows}]})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {},
            "items": items}
