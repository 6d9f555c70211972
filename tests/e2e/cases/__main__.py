"""Runs the cases: python3 cases [--list] [WORD...]. The lab must stand; run.sh sees to that."""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

import gateways
import lab
import netns
import runner
from gateways import Gateway
from lab import ApiServer

# Gateways in the order in which they are needed; "" are cases without one.
ORDER = ["", *gateways.SETUPS]


def load() -> None:
    """Imports every file of cases, so that they list themselves."""
    for path in sorted(Path(__file__).parent.glob("case_*.py")):
        importlib.import_module(path.stem)


def end_gateway(gateway: Gateway) -> None:
    """Every gateway must be empty when all clients have left, and end when it is told to."""
    runner.until(gateway.quiet, "no connection and no body is left after all cases", 30)
    code = gateway.signal(15)
    runner.same(code, 0, f"exit status after SIGTERM ({gateway.last_words()})")


def run_group(score: runner.Score, name: str, cases: list[runner.Case], api: ApiServer) -> None:
    """The cases of one gateway."""
    gateway = Gateway(name)
    if not name:
        for one in cases:
            score.run(one.name, one.sentence, lambda one=one: one.run(api), one.seconds)  # type: ignore[misc]
        return
    if not score.run(f"gateway.{name}.start", f"the gateway \"{name}\" starts and serves", gateway.start, 120):
        gateway.kill()
        return
    for one in cases:
        if not gateway.alive() and not score.run(f"gateway.{name}.again", "it starts again", gateway.start, 120):
            break
        score.run(one.name, one.sentence, lambda one=one: one.run(api, gateway), one.seconds)  # type: ignore[misc]
        if not gateway.alive():
            score.run(f"{one.name}.after", "the gateway survives", lambda: runner.expect(False, gateway.last_words()))
    if gateway.alive():
        score.run(f"gateway.{name}.end", "nothing is left in it, and SIGTERM ends it with 0", lambda: end_gateway(gateway))
    gateway.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", action="store_true", help="names and sentences of all cases")
    parser.add_argument("words", nargs="*", help="run only cases whose name holds one of these")
    args = parser.parse_args()
    load()
    cases = list(runner.chosen(args.words))
    if args.list:
        for one in cases:
            print(f"{one.name}: {one.sentence}")
        return 0
    gateways.programs_there()
    netns.enter(lab.NS_CLIENT)
    score = runner.Score()
    api = ApiServer()
    api.start()
    for name in ORDER:
        group = [one for one in cases if one.gateway == name]
        if group:
            run_group(score, name, group, api)
    print(score.line())
    return 0 if score.failed == 0 and score.passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
