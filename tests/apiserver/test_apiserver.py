#!/usr/bin/python3
"""The stand-in's own test: a server on a random port, real TLS, no mocks."""

from __future__ import annotations

import base64
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SHELL_LIB = HERE.parents[1] / "scripts" / "lib"
sys.path.insert(0, str(HERE))
from standin import wire  # noqa: E402
from standin.patch import json_patch, strategic  # noqa: E402
from standin.status import ApiError  # noqa: E402
from standin.tokens import TokenIssuer  # noqa: E402

PKI_SCRIPT = """
set -euo pipefail
. "$1/lab-env.sh"; . "$1/lab-pki.sh"
pki_up; cd "$KS_LAB_DIR/pki"
pki_issue ca alice /O=dev/O=ops/CN=alice clientAuth
pki_issue front-proxy-ca stranger /CN=stranger clientAuth
"""
CM = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
POD = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"},
       "spec": {"containers": [{"name": "c", "image": "i"}]}}


def config_map(name: str, **data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


class Answer:
    """A response, read whole."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.code = response.status
        self.headers = response.headers
        self.body = response.read()

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Lab(unittest.TestCase):
    """Starts one server for all tests; each test has a namespace's worth of fresh names."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.dir = Path(tempfile.mkdtemp(prefix="standin-"))
        env = {**os.environ, "KS_LAB_DIR": str(cls.dir)}
        subprocess.run(["bash", "-c", PKI_SCRIPT, "pki", str(SHELL_LIB)], check=True, env=env)
        cls.pki = cls.dir / "pki"
        pki = str(cls.pki)
        cls.process = subprocess.Popen(
            [sys.executable, str(HERE / "apiserver.py"), "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
             "--cert", f"{pki}/apiserver.crt", "--key", f"{pki}/apiserver.key", "--client-ca", f"{pki}/ca.crt",
             "--front-proxy-ca", f"{pki}/front-proxy-ca.crt", "--sa-key", f"{pki}/sa.key"],
            stdout=subprocess.PIPE, text=True)
        assert cls.process.stdout
        line = cls.process.stdout.readline()
        cls.port, cls.admin = (int(word) for word in line.partition("=")[2].split())
        cls.issuer = TokenIssuer((cls.pki / "sa.key").read_bytes())
        cls.token = cls.issuer.mint("default", "default")

    @classmethod
    def tearDownClass(cls) -> None:
        cls.process.send_signal(signal.SIGTERM)
        cls.process.wait(10)
        assert cls.process.stdout
        cls.process.stdout.close()
        shutil.rmtree(cls.dir)

    def context(self, certificate: str | None = None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.pki / "ca.crt"))
        if certificate:
            context.load_cert_chain(self.pki / f"{certificate}.crt", self.pki / f"{certificate}.key")
        return context

    def connect(self, certificate: str | None = None) -> http.client.HTTPSConnection:
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=10, context=self.context(certificate))
        self.addCleanup(connection.close)
        return connection

    def ask(self, method: str, path: str, body: Any = None, *, certificate: str | None = None,
            headers: dict[str, str] | None = None, token: str | None = "") -> Answer:
        headers = dict(headers or {})
        if token == "" and certificate is None:
            token = self.token
        if token:
            headers.setdefault("Authorization", f"Bearer {token}")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        connection = self.connect(certificate)
        connection.request(method, path, body, headers)
        return Answer(connection.getresponse())

    def raw(self, data: bytes) -> bytes:
        """Bytes sent as they are; what comes back until the server closes."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain:
            with self.context().wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(data)
                out = b""
                try:
                    while chunk := tls.recv(65536):
                        out += chunk
                except OSError:
                    pass
                return out

    def counts(self) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        self.addCleanup(connection.close)
        connection.request("GET", "/kubescope-lab/counts")
        return json.loads(connection.getresponse().read())


class Identity(Lab):
    """The table of who a request is from."""

    def who(self, **how: Any) -> Any:
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = self.ask("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews", review, **how)
        return answer.json["status"]["userInfo"] if answer.code == 201 else answer.code

    def test_certificate_is_user_and_wins_over_a_token(self) -> None:
        user = self.who(certificate="alice", token="garbage")
        self.assertEqual((user["username"], user["groups"]), ("alice", ["dev", "ops", "system:authenticated"]))

    def test_token(self) -> None:
        self.assertEqual(self.who()["username"], "system:serviceaccount:default:default")
        self.assertIn("system:serviceaccounts:default", self.who()["groups"])

    def test_bad_tokens_are_401(self) -> None:
        head, claims, signature = self.token.split(".")
        forged = base64.urlsafe_b64encode(base64.urlsafe_b64decode(claims + "==").replace(b"default:default", b"default:defaulT"))
        none = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
        old = self.issuer.mint("default", "default", now=time.time() - 7200)
        for token in ("x", f"{head}.{forged.decode().rstrip('=')}.{signature}", f"{none}.{claims}.", old,
                      self.issuer.mint("default", "default", audiences=["vault"])):
            self.assertEqual(self.who(token=token), 401)
        self.assertEqual(self.ask("GET", "/livez", token="x").code, 401)

    def test_anonymous(self) -> None:
        for path, code in (("/livez", 200), ("/readyz/ping", 200), ("/version", 200), ("/api", 403), (CM, 403)):
            answer = self.ask("GET", path, token=None)
            self.assertEqual(answer.code, code, path)
        self.assertIn('User "system:anonymous" cannot list resource "configmaps"', answer.json["message"])

    def test_front_proxy_names_users(self) -> None:
        remote = {"X-Remote-User": "bob", "X-Remote-Group": "a,b", "X-Remote-Extra-Team": "red"}
        user = self.who(certificate="front-proxy-client", headers=remote, token="garbage")
        self.assertEqual((user["username"], user["groups"], user["extra"]),
                         ("bob", ["a,b", "system:authenticated"], {"team": ["red"]}))
        self.assertEqual(self.who(certificate="front-proxy-client", token=self.token)["username"],
                         "system:serviceaccount:default:default")
        self.assertEqual(self.who(certificate="front-proxy-client", token="x"), 401)
        self.assertEqual(self.who(certificate="front-proxy-client"), 401)
        self.assertEqual(self.ask("GET", "/livez", certificate="front-proxy-client").code, 401)
        self.assertEqual(self.who(certificate="stranger", headers=remote), 401)
        anonymous = {"X-Remote-User": "system:anonymous"}
        self.assertEqual(self.who(certificate="front-proxy-client", headers=anonymous), 403)

    def test_remote_headers_of_others_mean_nothing(self) -> None:
        remote = {"X-Remote-User": "bob", "X-Remote-Group": "system:masters"}
        self.assertEqual(self.who(certificate="alice", headers=remote)["username"], "alice")
        self.assertEqual(self.who(headers=remote)["username"], "system:serviceaccount:default:default")
        self.assertEqual(self.who(headers=remote, token=None), 403)

    def test_impersonation(self) -> None:
        self.assertEqual(self.who(certificate="alice", headers={"Impersonate-User": "eve"})["username"], "eve")
        self.assertEqual(self.who(certificate="alice", headers={"Impersonate-Group": "g"}), 500)


class Objects(Lab):
    """The verbs."""

    def test_life_of_an_object(self) -> None:
        made = self.ask("POST", CM, config_map("life", a="1"))
        self.assertEqual(made.code, 201)
        self.assertEqual(self.ask("POST", CM, config_map("life")).json["reason"], "AlreadyExists")
        stale = made.json
        changed = self.ask("PUT", f"{CM}/life", {**stale, "data": {"a": "2"}})
        self.assertEqual(changed.json["data"], {"a": "2"})
        self.assertEqual(self.ask("PUT", f"{CM}/life", {**stale, "data": {"a": "3"}}).json["reason"], "Conflict")
        same = self.ask("PUT", f"{CM}/life", changed.json)
        self.assertEqual(same.json["metadata"]["resourceVersion"], changed.json["metadata"]["resourceVersion"])
        self.assertEqual(self.ask("DELETE", f"{CM}/life", {"preconditions": {"uid": "other"}}).code, 409)
        self.assertEqual(self.ask("DELETE", f"{CM}/life").json["status"], "Success")
        gone = self.ask("GET", f"{CM}/life")
        self.assertEqual((gone.code, gone.json["message"]), (404, 'configmaps "life" not found'))

    def test_errors(self) -> None:
        cases = [
            ("POST", CM, {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "x"}}, 400),
            ("POST", CM, {"metadata": {"name": "x"}}, 400),
            ("POST", CM, {**config_map("x"), "metadata": {"name": "x", "namespace": "other"}}, 400),
            ("POST", CM, config_map("Not A Name"), 422),
            ("POST", PODS, {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}, 422),
            ("POST", "/api/v1/namespaces/nowhere/configmaps", config_map("x"), 404),
            ("POST", f"{CM}/x", config_map("x"), 405),
            ("GET", "/api/v1/nosuchthings", None, 404),
            ("GET", f"{CM}?fieldSelector=what", None, 400),
            ("GET", f"{CM}?continue=%21", None, 400),
            ("DELETE", "/api/v1/configmaps", None, 405),
        ]
        for method, path, body, code in cases:
            answer = self.ask(method, path, body)
            self.assertEqual((answer.code, answer.json["kind"], answer.json["code"]), (code, "Status", code), path)
        bodies = [(b"{", "application/json", 400), (b'{"a":1,"a":2}', "application/json", 400), (b"{}", "text/plain", 415),
                  (b"k8s\0\xff\xff", wire.MEDIA_TYPE, 400), (b"[" * 100000, "application/json", 400), (b"", "application/json", 400)]
        for body, kind, code in bodies:
            self.assertEqual(self.ask("POST", CM, body, headers={"Content-Type": kind}).code, code, body[:20])
        self.assertEqual(self.ask("GET", CM, headers={"Accept": "application/vnd.kubernetes.protobuf"}).code, 406)

    def test_selectors_and_pages(self) -> None:
        for n in range(5):
            body = config_map(f"page-{n}")
            body["metadata"]["labels"] = {"n": str(n), "set": "page"}
            self.ask("POST", CM, body)

        def names(query: str) -> list[str]:
            return [item["metadata"]["name"] for item in self.ask("GET", f"{CM}?{query}").json["items"]]

        self.assertEqual(names("labelSelector=set%3Dpage,n+in+(1,3)"), ["page-1", "page-3"])
        self.assertEqual(names("labelSelector=set%3Dpage,n+notin+(1,3),n!%3D4"), ["page-0", "page-2"])
        self.assertEqual(names("labelSelector=set,!other&fieldSelector=metadata.name%3Dpage-2"), ["page-2"])
        first = self.ask("GET", f"{CM}?labelSelector=set%3Dpage&limit=2").json
        self.assertEqual((len(first["items"]), first["metadata"]["remainingItemCount"]), (2, 3))
        rest = names(f"labelSelector=set%3Dpage&continue={first['metadata']['continue']}")
        self.assertEqual(rest, ["page-2", "page-3", "page-4"])
        self.ask("DELETE", f"{CM}?labelSelector=set%3Dpage,n%3D0")
        self.assertEqual(len(names("labelSelector=set%3Dpage")), 4)

    def test_patches(self) -> None:
        self.ask("POST", CM, config_map("patched", a="1"))
        for kind, patch, expected in (
                ("json-patch", [{"op": "test", "path": "/data/a", "value": "1"}, {"op": "add", "path": "/data/b", "value": "2"}],
                 {"a": "1", "b": "2"}),
                ("merge-patch", {"data": {"a": None, "c": "3"}}, {"b": "2", "c": "3"}),
                ("strategic-merge-patch", {"data": {"b": None}}, {"c": "3"})):
            answer = self.ask("PATCH", f"{CM}/patched", patch, headers={"Content-Type": f"application/{kind}+json"})
            self.assertEqual((answer.code, answer.json.get("data")), (200, expected))
        self.assertEqual(self.ask("PATCH", f"{CM}/patched", {}).code, 415)
        merge = {"Content-Type": "application/merge-patch+json"}
        self.assertEqual(self.ask("PATCH", f"{CM}/absent", {}, headers=merge).code, 404)
        apply = {"Content-Type": "application/apply-patch+yaml"}
        self.assertEqual(self.ask("PATCH", f"{CM}/applied", config_map("applied"), headers=apply).code, 201)

    def test_patch_rules(self) -> None:
        before = {"spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b"}], "x": [1]}}
        after = strategic(before, {"spec": {"containers": [{"name": "a", "image": "2"}, {"name": "b", "$patch": "delete"}], "x": [2]}})
        self.assertEqual(after, {"spec": {"containers": [{"name": "a", "image": "2"}], "x": [2]}})
        document = {"a": [1, 2], "b": {"c~/": 1}}
        self.assertEqual(json_patch(document, [{"op": "move", "from": "/a/0", "path": "/d"}, {"op": "remove", "path": "/b/c~0~1"}]),
                         {"a": [2], "b": {}, "d": 1})
        for bad in ([{"op": "remove", "path": "/a/9"}], [{"op": "x", "path": "/a"}], [{"op": "add", "path": "a"}], {}):
            with self.assertRaises(ApiError):
                json_patch(document, bad)

    def test_workload_scale_status(self) -> None:
        base = "/apis/apps/v1/namespaces/default/deployments"
        labels = {"app": "web"}
        made = self.ask("POST", base, {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}}}).json
        self.assertEqual(made["status"]["readyReplicas"], 1)
        scale = self.ask("GET", f"{base}/web/scale").json
        scale["spec"]["replicas"] = 4
        self.assertEqual(self.ask("PUT", f"{base}/web/scale", scale).json["status"]["replicas"], 4)
        now = self.ask("PUT", f"{base}/web/status", {**made, "metadata": {"name": "web"}, "status": {"replicas": 9}}).json
        self.assertEqual((now["status"], now["spec"]["replicas"], now["metadata"]["generation"]), ({"replicas": 9}, 4, 2))
        self.assertEqual(self.ask("PATCH", f"{base}/web/scale", {"spec": {"replicas": -1}},
                                  headers={"Content-Type": "application/merge-patch+json"}).code, 422)

    def test_pod_binding_log_token_exec(self) -> None:
        self.assertEqual(self.ask("POST", PODS, POD).code, 201)
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n1"}}
        self.assertEqual(self.ask("POST", f"{PODS}/p/binding", binding).code, 201)
        self.assertEqual(self.ask("POST", f"{PODS}/p/binding", binding).code, 409)
        self.assertEqual(len(self.ask("GET", f"{PODS}/p/log?tailLines=3").body.splitlines()), 3)
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                   "spec": {"boundObjectRef": {"kind": "Pod", "name": "p"}}}
        token = self.ask("POST", "/api/v1/namespaces/default/serviceaccounts/default/token", request).json["status"]["token"]
        claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        self.assertEqual(claims["kubernetes.io"]["pod"]["name"], "p")
        self.assertEqual(self.ask("GET", f"{PODS}/p", token=token).code, 200)
        self.assertEqual(self.ask("GET", f"{PODS}/p/exec?command=ls").code, 400)

    def test_table(self) -> None:
        table = self.ask("GET", "/api/v1/namespaces", headers={
            "Accept": "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"}).json
        self.assertEqual((table["kind"], table["rows"][0]["cells"][:2]), ("Table", ["default", "Active"]))

    def test_namespace_takes_its_objects_along(self) -> None:
        self.ask("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "brief"}})
        inside = "/api/v1/namespaces/brief/configmaps"
        self.ask("POST", inside, config_map("x"))
        self.assertEqual(len(self.ask("GET", inside).json["items"]), 2)
        self.ask("DELETE", "/api/v1/namespaces/brief")
        self.assertEqual(len(self.ask("GET", inside).json["items"]), 0)

    def test_documents(self) -> None:
        for path in ("/api", "/apis", "/apis/apps", "/apis/apps/v1", "/api/v1", "/openapi/v2", "/openapi/v3",
                     "/openapi/v3/apis/apps/v1", "/openid/v1/jwks", "/"):
            self.assertEqual(self.ask("GET", path).code, 200, path)
        document = self.ask("GET", "/openapi/v2")
        definitions = document.json["definitions"]
        pod = definitions["io.k8s.api.core.v1.PodSpec"]["properties"]
        self.assertEqual(pod["hostPID"], {"type": "boolean"})
        for name in re.findall(r'"#/definitions/([^"]+)"', document.body.decode()):
            self.assertIn(name, definitions)

    def test_openapi_2_in_protobuf(self) -> None:
        kind = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
        answer = self.ask("GET", "/openapi/v2", headers={"Accept": kind})
        self.assertEqual((answer.code, answer.body[:5]), (200, b"\x0a\x032.0"))
        self.assertIn("proto-openapi", answer.headers["Content-Type"])

    def test_strict_fields(self) -> None:
        pod = {**POD, "metadata": {"name": "strict"}, "spec": {"containers": [{"name": "c", "image": "i", "imag": "j"}]}}
        answer = self.ask("POST", f"{PODS}?fieldValidation=Strict", pod)
        self.assertEqual(answer.code, 400)
        self.assertIn('unknown field "spec.containers[0].imag"', answer.json["message"])
        self.assertEqual(self.ask("POST", PODS, pod).code, 201)

    def test_protobuf_body(self) -> None:
        def text(number: int, value: bytes) -> bytes:
            return bytes([number << 3 | 2, len(value)]) + value

        entry = text(1, b"key") + text(2, b"value")
        config = text(1, text(1, b"from-wire") + text(3, b"default")) + text(2, entry)
        body = wire.MAGIC + text(1, text(1, b"v1") + text(2, b"ConfigMap")) + text(2, config)
        made = self.ask("POST", CM, body, headers={"Content-Type": wire.MEDIA_TYPE})
        self.assertEqual((made.code, made.json["data"]), (201, {"key": "value"}))


class Watching(Lab):
    """Streams of events."""

    def watch(self, path: str, query: str, seconds: int, **how: Any) -> list[Any]:
        answer = self.ask("GET", f"{path}?watch=true&timeoutSeconds={seconds}&{query}", **how)
        self.assertEqual(answer.code, 200)
        return [json.loads(line) for line in answer.body.splitlines()]

    def later(self, *calls: tuple[str, str, Any]) -> None:
        def run() -> None:
            time.sleep(0.3)
            for method, path, body in calls:
                self.ask(method, path, body, headers={"Content-Type": "application/merge-patch+json"} if method == "PATCH" else None)
        thread = threading.Thread(target=run)
        thread.start()
        self.addCleanup(thread.join)

    def test_events_in_order_from_a_version(self) -> None:
        version = self.ask("GET", CM).json["metadata"]["resourceVersion"]
        self.ask("POST", CM, config_map("seen", a="1"))
        self.later(("PATCH", f"{CM}/seen", {"data": {"a": "2"}}), ("DELETE", f"{CM}/seen", None))
        events = self.watch(CM, f"resourceVersion={version}", 1)
        self.assertEqual([e["type"] for e in events], ["ADDED", "MODIFIED", "DELETED"])
        numbers = [int(e["object"]["metadata"]["resourceVersion"]) for e in events]
        self.assertEqual(numbers, sorted(numbers))

    def test_selector_sees_objects_come_and_go(self) -> None:
        self.ask("POST", PODS, {**POD, "metadata": {"name": "mover"}})
        version = self.ask("GET", PODS).json["metadata"]["resourceVersion"]
        binding = {"apiVersion": "v1", "kind": "Binding", "target": {"name": "node-9"}}
        self.later(("POST", f"{PODS}/mover/binding", binding), ("PATCH", f"{PODS}/mover", {"spec": {"nodeName": "node-8"}}))
        events = self.watch(PODS, f"resourceVersion={version}&fieldSelector=spec.nodeName%3Dnode-9", 1)
        self.assertEqual([e["type"] for e in events], ["ADDED", "DELETED"])

    def test_initial_events_and_bookmark(self) -> None:
        events = self.watch("/api/v1/namespaces", "sendInitialEvents=true&allowWatchBookmarks=true", 1)
        self.assertEqual([e["type"] for e in events], ["ADDED"] * 4 + ["BOOKMARK"] * 2)  # the last one: time is up
        self.assertEqual(events[4]["object"]["metadata"]["annotations"], {"k8s.io/initial-events-end": "true"})

    def test_too_old_version(self) -> None:
        connection = self.connect()
        for n in range(2100):
            connection.request("PATCH", "/api/v1/namespaces/default", json.dumps({"metadata": {"labels": {"n": str(n)}}}),
                               {"Content-Type": "application/merge-patch+json", "Authorization": f"Bearer {self.token}"})
            connection.getresponse().read()
        events = self.watch("/api/v1/namespaces", "resourceVersion=3", 1)
        self.assertEqual((events[0]["type"], events[0]["object"]["code"]), ("ERROR", 410))

    def test_many_watches_end_when_their_clients_leave(self) -> None:
        connections = [self.connect("alice") for _ in range(60)]
        for connection in connections:
            connection.request("GET", f"{PODS}?watch=true&resourceVersion=0")
            connection.getresponse()
        self.assertEqual(self.counts()["openWatches"], 60)
        for connection in connections:
            assert connection.sock
            connection.sock.close()
            connection.close()
        deadline = time.monotonic() + 5
        while self.counts()["openWatches"] and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.counts()["openWatches"], 0)


class Messages(Lab):
    """HTTP/1.1 as strict as promised."""

    def get(self, *lines: str, body: bytes = b"") -> bytes:
        head = "\r\n".join(("GET /livez HTTP/1.1", "Host: x", "Connection: close", *lines))
        return self.raw(head.encode("latin-1") + b"\r\n\r\n" + body)

    def test_refused(self) -> None:
        for lines in (("Content-Length: 1", "Content-Length: 1"), ("Content-Length: +1",), ("Content-Length: 0x1",),
                      ("Content-Length: 3", "Transfer-Encoding: chunked"), ("Transfer-Encoding: gzip, chunked",),
                      ("Host: y",), ("X : 1",), ("X: 1\r\n folded",), ("X: a\nb",), ("X: \x01",)):
            self.assertTrue(self.get(*lines).startswith(b"HTTP/1.1 400"), lines)
        for data in (b"GET /livez\r\n\r\n", b"GET http://x/livez HTTP/1.1\r\nHost: x\r\n\r\n", b"GET  /livez HTTP/1.1\r\nHost: x\r\n\r\n",
                     b"GET /livez HTTP/1.1\r\n\r\n"):
            self.assertTrue(self.raw(data).startswith(b"HTTP/1.1 400"), data)
        self.assertTrue(self.raw(b"GET /livez HTTP/2.0\r\nHost: x\r\n\r\n").startswith(b"HTTP/1.1 505"))
        self.assertTrue(self.get("X: " + "a" * 70000).startswith(b"HTTP/1.1 431"))
        self.assertTrue(self.get("Transfer-Encoding: chunked", body=b"zz\r\n").startswith(b"HTTP/1.1 400"))
        self.assertTrue(self.get("Transfer-Encoding: chunked", body=b"2\r\nabX\r\n").startswith(b"HTTP/1.1 400"))
        self.assertTrue(self.get(f"Content-Length: {3 * 2**20 + 1}").startswith(b"HTTP/1.1 413"))

    def test_chunked_body_pipelining_and_continue(self) -> None:
        self.assertIn(b"200 OK", self.get("Transfer-Encoding: chunked", body=b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: 1\r\n\r\n"))
        two = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n" + b"GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        answer = self.raw(two)
        self.assertEqual((answer.count(b"200 OK"), answer.count(b"403 Forbidden")), (1, 1))
        self.assertTrue(self.get("Content-Length: 2", "Expect: 100-continue", body=b"ab").startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200"))

    def test_upgrade_echoes(self) -> None:
        self.ask("POST", PODS, {**POD, "metadata": {"name": "shell"}})
        with socket.create_connection(("127.0.0.1", self.port), 10) as plain:
            with self.context("alice").wrap_socket(plain, server_hostname="localhost") as tls:
                tls.sendall(f"POST {PODS}/shell/exec?command=sh HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
                            "Upgrade: SPDY/3.1\r\n\r\n".encode())
                self.assertTrue(tls.recv(4096).startswith(b"HTTP/1.1 101"))
                tls.sendall(b"\x00\x01abc")
                self.assertEqual(tls.recv(4096), b"\x00\x01abc")

    def test_counts(self) -> None:
        self.ask("GET", f"{CM}?x=1", certificate="alice", headers={"X-Remote-User": "eve"})
        last = self.counts()["recent"][-1]
        self.assertEqual((last["user"], last["call"], last["target"], last["status"], last["certificate"]),
                         ("alice", "list configmaps", f"{CM}?x=1", 200, "alice"))
        self.assertIn(["X-Remote-User", "eve"], last["headers"])
        self.ask("GET", CM)
        shown = dict(self.counts()["recent"][-1]["headers"])["Authorization"]
        self.assertTrue(shown.startswith("Bearer sha256:"))
        connection = http.client.HTTPConnection("127.0.0.1", self.admin, timeout=10)
        connection.request("POST", "/kubescope-lab/reset")
        connection.getresponse().read()
        connection.close()
        self.assertEqual(self.counts()["total"], 0)

    def test_big_body_survives(self) -> None:
        blob = "x" * (2 * 2**20)
        self.assertEqual(self.ask("POST", CM, config_map("big", blob=blob)).code, 201)
        self.assertEqual(len(self.ask("GET", f"{CM}/big").json["data"]["blob"]), len(blob))


if __name__ == "__main__":
    unittest.main()
