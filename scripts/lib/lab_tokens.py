#!/usr/bin/python3
"""Tokens for the lab clients that are service accounts, and the objects they belong to.

usage: lab_tokens.py LAB_DIR

Reads LAB_DIR/clients.tsv, writes each client's token and LAB_DIR/seed.json, from which the stand-in
API server starts, so that namespaces, service accounts and pods of the tokens exist from the start.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "apiserver"))
from standin.tokens import TokenIssuer, object_uid  # noqa: E402

TOKEN_SECONDS = 24 * 3600


def service_accounts(lab: Path) -> list[tuple[str, str, list[str]]]:
    """(client, address, [namespace, account, pod, node]) of every client that has a token."""
    out = []
    for line in (lab / "clients.tsv").read_text().splitlines():
        name, address, _uid, _kind, credential = line.split("\t")
        kind, *rest = credential.split("|")
        if kind == "sa":
            out.append((name, address, rest))
    return out


def write_token(lab: Path, issuer: TokenIssuer, client: str, row: list[str]) -> None:
    """A token bound to the client's pod where it has one."""
    namespace, account, pod, node = row
    token = issuer.mint(
        namespace, account, seconds=TOKEN_SECONDS,
        pod=(pod, object_uid("pods", namespace, pod)) if pod != "-" else None,
        node=(node, object_uid("nodes", "", node)) if node != "-" else None)
    path = lab / "clients" / client / "secrets/kubernetes.io/serviceaccount/token"
    path.write_text(token)
    path.chmod(0o600)


def pod_object(client: str, address: str, row: list[str]) -> dict[str, Any]:
    """The pod a client plays."""
    namespace, account, pod, node = row
    return {
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": pod, "namespace": namespace, "labels": {"app": client}},
        "spec": {"serviceAccountName": account, "nodeName": node,
                 "containers": [{"name": client, "image": f"registry.local/{client}:1.0"}]},
        "status": {"phase": "Running", "podIP": address,
                   "conditions": [{"type": "Ready", "status": "True"}],
                   "containerStatuses": [{"name": client, "ready": True, "restartCount": 0,
                                          "image": f"registry.local/{client}:1.0", "imageID": "",
                                          "state": {"running": {"startedAt": None}}}]},
    }


def seed(rows: list[tuple[str, str, list[str]]]) -> list[dict[str, Any]]:
    """Namespaces first: the server refuses objects of a namespace that is not there."""
    spaces = dict.fromkeys(row[0] for _, _, row in rows)
    objects: list[dict[str, Any]] = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": space}} for space in spaces]
    for client, address, row in rows:
        objects.append({"apiVersion": "v1", "kind": "ServiceAccount",
                        "metadata": {"name": row[1], "namespace": row[0]}})
        if row[2] != "-":
            objects.append(pod_object(client, address, row))
    return objects


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    lab = Path(sys.argv[1])
    issuer = TokenIssuer((lab / "pki/sa.key").read_bytes())
    rows = service_accounts(lab)
    for client, _address, row in rows:
        write_token(lab, issuer, client, row)
    objects = {"apiVersion": "v1", "kind": "List", "items": seed(rows)}
    (lab / "seed.json").write_text(json.dumps(objects, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
