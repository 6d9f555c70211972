#!/usr/bin/python3
"""A small pod with one habit: it keeps a note of its last run in a ConfigMap.

`batch` and `tenant` are such pods: known to the cluster, with tokens of their own.
"""

from __future__ import annotations

import argparse
import time

from kube import Journal, Kube, account, add_arguments
from pace import Pace

USER_AGENT = "OpenAPI-Generator/30.1.0/python"
NAMESPACES = {"batch": "shop", "tenant": "guest"}


class Notes:
    """Reads and rewrites one ConfigMap."""

    def __init__(self, client: Kube, namespace: str, name: str) -> None:
        self.client = client
        self.base = f"/api/v1/namespaces/{namespace}/configmaps"
        self.name = name

    def write(self) -> None:
        """Get, then update; create at first."""
        found = self.client.request("GET", f"{self.base}/{self.name}")
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": self.name},
                "data": {"lastRun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}}
        if found.status == 404:
            self.client.request("POST", self.base, body)
        elif found.status == 200:
            self.client.request("PUT", f"{self.base}/{self.name}", {**body, "metadata": found.json["metadata"]})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "batch")
    args = parser.parse_args()
    if args.client not in NAMESPACES:
        parser.error(f"--as must be one of {', '.join(NAMESPACES)}")
    pace = Pace(args.seed, args.pace, args.seconds)
    client = Kube(account(args), USER_AGENT, Journal(args.client, args.journal))
    pace.every(5, Notes(client, NAMESPACES[args.client], f"{args.client}-notes").write, first=0)
    pace.run()


if __name__ == "__main__":
    main()
