#!/usr/bin/python3
"""A metrics pod: scrapes the API server and lists the pods, over and over."""

from __future__ import annotations

import argparse

from kube import Journal, Kube, account, add_arguments
from pace import Pace

USER_AGENT = "metrics-scraper/v0.0.0 (linux/amd64) kubernetes/$Format"
PODS = "/api/v1/pods?limit=500&resourceVersion=0"


class Scraper:
    """One round of requests at a time."""

    def __init__(self, client: Kube) -> None:
        self.client = client

    def scrape(self) -> None:
        """What the API server says of itself."""
        for path in ("/metrics", "/livez", "/readyz?verbose=", "/healthz"):
            self.client.request("GET", path)

    def pods(self) -> None:
        """All pods."""
        self.client.request("GET", PODS)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    add_arguments(parser, "metrics")
    args = parser.parse_args()
    pace = Pace(args.seed, args.pace, args.seconds)
    scraper = Scraper(Kube(account(args), USER_AGENT, Journal(args.client, args.journal)))
    pace.every(10, scraper.scrape, first=0)
    pace.every(5, scraper.pods, first=1)
    pace.run()


if __name__ == "__main__":
    main()
