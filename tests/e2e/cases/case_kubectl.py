"""Everyday life with real kubectl, as a user with a certificate and as a service account with a token."""

from __future__ import annotations

import json
import time
from typing import Any

import lab
from gateways import Gateway
from lab import ApiServer, Done, kubectl
from runner import case, expect, same, until

DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: %s, namespace: shop, labels: {app: %s}}
spec:
  replicas: 2
  selector: {matchLabels: {app: %s}}
  template:
    metadata: {labels: {app: %s}}
    spec:
      containers:
      - {name: web, image: "registry.local/web:1.0", ports: [{containerPort: 8080}]}
"""


def good(done: Done, what: str) -> str:
    """What a command that must succeed printed."""
    expect(done.code == 0, f"{what}: exit {done.code}: {done.err.strip()[-300:]}")
    return done.out


def the_deployment(client: str, name: str) -> dict[str, Any]:
    """As kubectl reads it."""
    return dict(json.loads(good(kubectl(client, "-n", "shop", "get", "deployment", name, "-o", "json"), "get -o json")))


def life(client: str, name: str) -> None:
    """From apply to delete."""
    text = DEPLOYMENT % (name, name, name, name)
    good(kubectl(client, "apply", "-f", "-", stdin=text), "apply")
    same(the_deployment(client, name)["spec"]["replicas"], 2, "replicas after apply")
    good(kubectl(client, "apply", "-f", "-", stdin=text.replace("web:1.0", "web:1.1")), "apply again")
    good(kubectl(client, "-n", "shop", "scale", "deployment", name, "--replicas=5"), "scale")
    good(kubectl(client, "-n", "shop", "patch", "deployment", name, "-p", '{"metadata":{"labels":{"tier":"front"}}}'), "patch")
    good(kubectl(client, "-n", "shop", "annotate", "deployment", name, "note=a note with spaces"), "annotate")
    got = the_deployment(client, name)
    same(got["spec"]["replicas"], 5, "replicas after scale")
    same(got["metadata"]["labels"]["tier"], "front", "label after patch")
    same(got["metadata"]["annotations"]["note"], "a note with spaces", "annotation")
    same(got["spec"]["template"]["spec"]["containers"][0]["image"], "registry.local/web:1.1", "image after the second apply")
    table = good(kubectl(client, "-n", "shop", "get", "deployments"), "get")
    expect(name in table and table.startswith("NAME"), f"a table of deployments, not {table!r}")
    words = good(kubectl(client, "-n", "shop", "describe", "deployment", name), "describe").split()
    same(words[:2], ["Name:", name], "how describe begins")
    good(kubectl(client, "-n", "shop", "delete", "deployment", name), "delete")
    gone = kubectl(client, "-n", "shop", "get", "deployment", name)
    expect(gone.code != 0 and f'deployments.apps "{name}" not found' in gone.err, f"after delete: {gone}")


@case("a certificate user applies, scales, patches, describes and deletes a deployment")
def certificate_life(api: ApiServer, gateway: Gateway) -> None:
    life("alice", "life-of-alice")
    users = {one["user"] for one in api.seen("life-of-alice")}
    same(users, {"alice"}, "who the API server saw")


@case("a service account does the same with its token")
def token_life(api: ApiServer, gateway: Gateway) -> None:
    life("ci", "life-of-ci")
    users = {one["user"] for one in api.seen("life-of-ci")}
    same(users, {"system:serviceaccount:ci:deployer"}, "who the API server saw")


@case("create, get, edit in place and delete of a ConfigMap keep every byte of its values")
def values(api: ApiServer, gateway: Gateway) -> None:
    value = "ä\u4e2d 100% \"quoted\" \\ back\ttab & <tag>"
    good(kubectl("bob", "-n", "shop", "create", "configmap", "values", f"--from-literal=key={value}"), "create")
    out = good(kubectl("bob", "-n", "shop", "get", "configmap", "values", "-o", "jsonpath={.data.key}"), "get")
    same(out, value, "the value")
    changed = json.loads(good(kubectl("bob", "-n", "shop", "get", "configmap", "values", "-o", "json"), "get"))
    changed["data"]["key"] = value * 2
    good(kubectl("bob", "replace", "-f", "-", stdin=json.dumps(changed)), "replace")
    out = good(kubectl("bob", "-n", "shop", "get", "configmap", "values", "-o", "jsonpath={.data.key}"), "get")
    same(out, value * 2, "the value after replace")
    good(kubectl("bob", "-n", "shop", "delete", "configmap", "values"), "delete")


@case("kubectl get -w shows a change while it watches")
def watch(api: ApiServer, gateway: Gateway) -> None:
    watcher = lab.kubectl_start("alice", "-n", "shop", "get", "configmaps", "-w", "-o", "name")
    try:
        until(lambda: api.counts()["openWatches"] > 0, "the watch is open")
        good(kubectl("ci", "-n", "shop", "create", "configmap", "watched", "--from-literal=a=b"), "create")
        assert watcher.stdout
        for line in watcher.stdout:
            if line.strip() == "configmap/watched":
                return
        raise AssertionError("the watch ended")
    finally:
        lab.kubectl_end(watcher)
        kubectl("ci", "-n", "shop", "delete", "configmap", "watched")


@case("the API server's own errors arrive as they are")
def errors(api: ApiServer, gateway: Gateway) -> None:
    missing = kubectl("alice", "-n", "shop", "get", "pod", "none")
    expect("NotFound" in missing.err and 'pods "none" not found' in missing.err, f"missing pod: {missing}")
    twice = kubectl("alice", "create", "namespace", "shop")
    expect("AlreadyExists" in twice.err, f"second namespace: {twice}")
    invalid = kubectl("alice", "create", "-f", "-", stdin='{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x","namespace":"shop"},"spec":{}}')
    expect(invalid.code != 0 and "Unauthorized" not in invalid.err, f"invalid pod: {invalid}")


@case("logs, auth can-i, api-resources, explain and version work, too")
def more_commands(api: ApiServer, gateway: Gateway) -> None:
    good(kubectl("alice", "-n", "shop", "logs", "web-1"), "logs")
    same(good(kubectl("alice", "auth", "can-i", "list", "pods"), "can-i").strip(), "yes", "can-i")
    expect("deployments" in good(kubectl("alice", "api-resources"), "api-resources"), "deployments among the resources")
    expect("Server Version" in good(kubectl("alice", "version"), "version"), "the server's version")
    who = good(kubectl("alice", "auth", "whoami", "-o", "json"), "whoami")
    same(json.loads(who)["status"]["userInfo"]["username"], "alice", "whoami")


@case("many kubectls at once from all users are all served")
def together(api: ApiServer, gateway: Gateway) -> None:
    running = [lab.kubectl_start(client, "get", "pods", "-A", "-o", "name")
               for client in ("alice", "bob", "admin", "ci", "web", "metrics") for _ in range(2)]
    began = time.monotonic()
    for process in running:
        out, err = process.communicate(timeout=50)
        same(process.returncode, 0, f"exit status ({err.strip()[-200:]}, after {time.monotonic() - began:.0f} s)")
        expect("pod/web-1" in out, f"pods in {out!r}")
