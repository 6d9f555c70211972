#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nanoseconds of useful work of a running gateway so far, for a lab that asks before and after a run.

usage: bench_busy.py PID TELEMETRY_DIR STATE_FILE

What the scheduler took away between two calls can be told from the two looks alone (see bench_gateway.py),
so the last look and the sum up to it are kept in STATE_FILE.
"""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

from bench_gateway import Snapshot, Telemetry, Watch, cost


def main() -> int:
    """One number on one line."""
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        return 2
    pid, directory, state = int(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3])
    telemetry = Telemetry(directory)
    watch = Watch(pid, telemetry)
    kept = json.loads(state.read_text()) if state.exists() else None
    if kept is None:    # the first call comes before the first load
        kept = {"idle": watch.idle_share(), "last": dataclasses.asdict(watch.look()), "total_ns": 0.0}
    now = watch.look()
    telemetry.close()
    kept["total_ns"] += 1e3 * cost(Snapshot(**kept["last"]), now, 1, kept["idle"]).us
    kept["last"] = dataclasses.asdict(now)
    state.write_text(json.dumps(kept))
    print(int(kept["total_ns"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
