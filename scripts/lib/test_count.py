#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts cases in the output of one step of scripts/test.sh; prints "PASSED FAILED".

  test_count.py meson LOG.json STATUS   meson's testlog.json: cases where a program names them
  test_count.py text LOG STATUS         one program's output

A case count is a line "[word:] N passed, N failed"; Python's unittest is understood too. A program that ends
badly without naming a failed case counts as one failed case, whatever else it said; names of failed tests
go to stderr.
"""

import json
import re
import sys

PLAIN = re.compile(r"^(?:\S+:? )?(\d+) passed, (\d+) failed\b", re.M)
UNITTEST = re.compile(r"^Ran (\d+) tests? in", re.M)
UNITTEST_BAD = re.compile(r"\b(?:failures|errors)=(\d+)")


def count_text(text, good):
    lines = PLAIN.findall(text)
    ran = UNITTEST.findall(text)
    if lines:
        passed, failed = int(lines[-1][0]), int(lines[-1][1])
    elif ran:
        failed = sum(int(n) for n in UNITTEST_BAD.findall(text.splitlines()[-1]))
        passed = int(ran[-1]) - failed
    else:
        passed, failed = (1, 0) if good else (0, 0)
    if not good and failed == 0:
        failed = 1
    return passed, failed


def count_meson(path, status):
    passed = failed = 0
    try:
        with open(path, encoding="utf-8") as log:
            tests = [json.loads(line) for line in log]
    except (OSError, ValueError):
        tests = []
    for test in tests:
        if test["result"] == "SKIP":
            continue
        good = test["result"] in ("OK", "EXPECTEDFAIL")
        p, f = count_text(test.get("stdout") or "", good)
        passed, failed = passed + p, failed + f
        if f:
            print(f"    {test['name']}: {test['result'].lower()}, {f} failed", file=sys.stderr)
    if failed == 0 and (status != 0 or not tests):
        failed = 1
    return passed, failed


def main():
    kind, path, status = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if kind == "meson":
        counts = count_meson(path, status)
    else:
        with open(path, encoding="utf-8", errors="replace") as log:
            counts = count_text(log.read(), status == 0)
    print(*counts)


if __name__ == "__main__":
    main()
