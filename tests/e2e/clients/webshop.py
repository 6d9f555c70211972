#!/usr/bin/python3
"""A web shop's pod: reads its ConfigMap, looks up its Endpoints, watches its configuration."""

from __future__ import annotations

import argparse
import http.client
import threading
import time

from kube import Journal, Kube, account, add_arguments
from pace import Pace

USER_AGENT = "web/v0.0.0 (linux/amd64) kubernetes/$Format"
CONFIG = "/api/v1/namespaces/shop/configmaps"
ACCEPT = "application/json, */*"


def watch_config(client: Kube) -> None:
    """Short watches, one after the other, as a small program with one informer keeps them."""
    while True:
        try:
            for _ in client.watch(f"{CONFIG}?fieldSelector=metadata.name%3Dweb-config&timeout=20s&timeoutSeconds=20&watch=true"):
                pass
        except (OSError, http.client.HTTPException, ValueError):
            pass
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "web")
    args = parser.parse_args()
    pace = Pace(args.seed, args.pace, args.seconds)
    client = Kube(account(args), USER_AGENT, Journal(args.client, args.journal))
    threading.Thread(target=watch_config, args=(client,), daemon=True).start()
    pace.every(2, lambda: client.request("GET", f"{CONFIG}/web-config"), first=0)
    pace.every(6, lambda: client.request("GET", "/api/v1/namespaces/shop/endpoints/cart"), first=1)
    pace.run()


if __name__ == "__main__":
    main()
