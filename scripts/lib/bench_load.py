#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kubescope-load on the bench: clients and API server at the other ends of the two memif wires."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from bench_gateway import BenchError, end, raise_priority


def wire(index: int, path: Path) -> str:
    """The gateway is memif's server; both ends name the same id. Without a fixed address a second load
    would be another machine, which the gateway looks for at the first one's until its ARP entry ages."""
    mac = f"02:00:00:9{8 + index}:00:01"
    return f"net_memif{index},role=client,id={index},socket={path},socket-abstract=no,mac={mac}"


class Load:
    """One run; what it says is JSON."""

    def __init__(self, program: Path, directory: Path, core: int, args: list[str]) -> None:
        pki = directory / "pki"
        self.ready_file = directory / "load.ready"
        self.ready_file.unlink(missing_ok=True)
        self.errors = directory / "load.log"
        with self.errors.open("w") as log:
            self.process = subprocess.Popen(
                [str(program), "--client-port", wire(0, directory / "c.sock"),
                 "--api-port", wire(1, directory / "a.sock"),
                 "--ca", str(pki / "ca.crt"), "--api-cert", str(pki / "apiserver.crt"),
                 "--api-key", str(pki / "apiserver.key"), "--token-file", str(directory / "token"),
                 f"--eal=--lcores=0@{core}", "--eal=--no-huge", "--eal=-m", "--eal=256",
                 "--eal=--no-pci", "--ready-file", str(self.ready_file), *args],
                stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True,
                start_new_session=True)
        raise_priority(self.process.pid)

    def wait_ready(self, seconds: float = 90) -> None:
        """Returns when all connections are open and the warming up is over."""
        until = time.monotonic() + seconds
        while not self.ready_file.exists():
            if self.process.poll() is not None:
                raise BenchError(f"the load ended: {self.errors.read_text().strip()[-400:]}")
            if time.monotonic() > until:
                raise BenchError("the load does not get its connections open")
            time.sleep(0.002)

    def result(self, seconds: float = 60) -> dict[str, Any]:
        """What it measured; the program has ended then."""
        try:
            text, _ = self.process.communicate(timeout=seconds)
            return json.loads(text)
        except (subprocess.TimeoutExpired, ValueError) as error:
            raise BenchError(f"the load: {error}; {self.errors.read_text().strip()[-400:]}") from error

    def stop(self) -> None:
        """For the case that something else went wrong."""
        end(self.process)
        if self.process.stdout is not None:
            self.process.stdout.close()
