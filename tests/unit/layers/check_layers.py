#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The walls between the rooms: who may include what.

Meson's include paths already keep a room from most of what is above it; what they cannot keep apart
(system headers, a path with "..", a call that needs no header) is looked for here. Run with the project's
root; the rules are first tried on a made-up tree that breaks every one of them.
"""

import re
import sys
import tempfile
from pathlib import Path

LAYERS = {
    "base": 0, "net": 1, "tcp": 2, "http": 3, "tls": 3, "kube": 4, "exchange": 5, "match": 6, "score": 6,
    "proxy": 7, "store": 7, "pipeline": 8, "manage": 9,
}

# What is included with <...> or called, and the only room that may. Programs are held to it as well.
OWNED_HEADERS = {
    "rte_ethdev.h": "net",
    "rte_ethdev_driver.h": "net",
    "rte_dev.h": "net",
    "openssl/": "tls",
    "hs.h": "match",
    "hs/": "match",
    "nghttp2/": "http",
    "libconfig.h": "manage",
    "rte_telemetry.h": "manage",
    "rte_launch.h": "pipeline",
    "sqlite3.h": "store",
}
OWNED_CALLS = {
    r"rte_eal_(mp_)?remote_launch": "pipeline",
    r"rte_eth_[a-z_]+": "net",
    r"rte_telemetry_register_cmd": "manage",
}

# Rooms below `pipeline` are pure: bytes, objects and `now` in, the same out. Exceptions stand with their file.
IMPURE = {
    r"<(sys/socket|sys/epoll|sys/select|poll|netdb)\.h>": set(),
    # The store is never on the data path; control core and telemetry take turns by its lock.
    r"<(pthread|threads)\.h>": {"store/"},
    r"\b(clock_gettime|gettimeofday)\s*\(": {"base/clock.c"},
    r"\b(fopen|openat?|creat|opendir|mkstemp)\s*\(": {"store/"},
    r"\b(usleep|nanosleep|sleep)\s*\(": {"store/"},
}
# Nothing in lib/ ends the process.
ENDING = re.compile(r"\b(_?exit|abort|quick_exit|rte_exit|rte_panic)\s*\(")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)


def blank(match):
    return "".join(c if c == "\n" else " " for c in match.group(0))


def strip_comments(text):
    return COMMENT.sub(blank, text)


def public_headers(root):
    return {p.name: p.parts[-3] for p in root.glob("lib/*/include/*.h")}


def check_include(room, kind, name, folder, owners):
    """Yields what is wrong with one include; `room` is None for a program."""
    if kind == "<":
        for prefix, owner in OWNED_HEADERS.items():
            hit = name == prefix or (prefix.endswith("/") and name.startswith(prefix))
            if hit and room != owner:
                yield f"<{name}> belongs to {owner}"
        if name in owners:
            yield f"<{name}> is ours: use double quotes"
        return
    if ".." in Path(name).parts:
        yield f'"{name}" goes around the include paths'
    owner = owners.get(name)
    if owner is None:
        if not (folder / name).exists() and not (folder.parent / name).exists():
            yield f'"{name}" is neither a public header nor beside the file'
    elif room is not None and owner != room and LAYERS[owner] >= LAYERS[room]:
        yield f'"{name}" is {owner}\'s (layer {LAYERS[owner]}), not below {room} (layer {LAYERS[room]})'


def check_calls(room, where, line):
    for pattern, owner in OWNED_CALLS.items():
        found = re.search(r"\b" + pattern + r"\s*\(", line)
        if found and room != owner:
            yield f"{found.group(0).rstrip('( ')} is {owner}'s to call"
    if room is None:
        return
    if ENDING.search(line):
        yield "lib/ never ends the process"
    if LAYERS[room] >= LAYERS["pipeline"]:
        return
    for pattern, allowed in IMPURE.items():
        found = re.search(pattern, line)
        if found and not any(where.startswith(a) for a in allowed):
            yield f"{found.group(0)} in a room that is pure"


def check_file(path, room, where, owners):
    lines = strip_comments(path.read_text(encoding="utf-8")).split("\n")
    for number, line in enumerate(lines, 1):
        include = INCLUDE.match(line)
        wrong = list(check_calls(room, where, line))
        if include:
            wrong += check_include(room, include.group(1), include.group(2), path.parent, owners)
        for what in wrong:
            yield f"{path}:{number}: {what}"


def check_placement(root):
    for path in root.glob("lib/**/*.h"):
        public = path.parent.name == "include"
        if public and not path.name.startswith("ks_"):
            yield f"{path}:1: a public header is called ks_*.h"
        if not public and path.name.startswith("ks_"):
            yield f"{path}:1: a header called ks_*.h belongs into include/"
    for folder in root.glob("lib/*/"):
        if folder.is_dir() and folder.name not in LAYERS:
            yield f"{folder}:1: no layer is known for this room"


def check_tree(root):
    owners = public_headers(root)
    wrong = list(check_placement(root))
    files = 0
    for path in sorted(root.glob("lib/**/*.[ch]")) + sorted(root.glob("app/**/*.[ch]")):
        parts = path.relative_to(root).parts
        room = parts[1] if parts[0] == "lib" else None
        if room is not None and room not in LAYERS:
            continue
        where = "/".join(parts[1:])
        wrong += check_file(path, room, where, owners)
        files += 1
    return files, wrong


BROKEN = {
    "lib/base/include/ks_base.h": ("", 0),
    "lib/score/include/ks_score.h": ("", 0),
    "lib/proxy/include/ks_proxy.h": ("", 0),
    "lib/pipeline/include/ks_gateway.h": ("", 0),
    "lib/net/port.c": ("#include <rte_ethdev.h>\nint f(void) { return rte_eth_dev_count(); }\n", 0),
    "lib/tcp/up.c": ('#include "ks_proxy.h"\n', 1),
    "lib/match/same.c": ('#include "ks_score.h"\n', 1),
    "lib/score/own.c": ('#include "ks_score.h"\n#include "ks_base.h"\n', 0),
    "lib/kube/ssl.c": ("#include <openssl/ssl.h>\n", 1),
    "lib/proxy/around.c": ('#include "../score/include/ks_score.h"\n', 1),
    "lib/proxy/gone.c": ('#include "nowhere.h"\n', 1),
    "lib/proxy/angle.c": ("#include <ks_base.h>\n", 1),
    "lib/tcp/clock.c": ("void f(void) { clock_gettime(0, 0); }\n", 1),
    "lib/base/clock.c": ("void f(void) { clock_gettime(0, 0); }\n", 0),
    "lib/http/file.c": ('void f(void) { fopen("x", "r"); }\n', 1),
    "lib/http/comment.c": ("/* fopen(x) and\n#include <openssl/ssl.h> */ // exit(1)\n", 0),
    "lib/store/end.c": ("void f(void) { exit(1); }\n", 1),
    "lib/tls/lock.c": ("#include <pthread.h>\n", 1),
    "lib/manage/tel.c": ("#include <rte_telemetry.h>\n#include <libconfig.h>\n", 0),
    "lib/pipeline/conf.c": ("#include <libconfig.h>\n", 1),
    "lib/proxy/launch.c": ("void f(void) { rte_eal_remote_launch(0, 0, 1); }\n", 1),
    "lib/proxy/ks_hidden.h": ("", 1),
    "lib/proxy/include/open.h": ("", 1),
    "lib/attic/x.c": ("", 1),
    "app/tool/main.c": ('#include "ks_gateway.h"\n#include <hs.h>\nint main(void) { exit(0); }\n', 1),
}


def self_test():
    """Every made-up file must be told exactly as often as it breaks a rule."""
    passed, failed = 0, 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for name, (text, _) in BROKEN.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        _, wrong = check_tree(root)
        for name, (_, expected) in BROKEN.items():
            probe = str((root / name).parent if name.startswith("lib/attic") else root / name)
            told = [w for w in wrong if w.startswith(probe + ":")]
            if len(told) == expected:
                passed += 1
            else:
                failed += 1
                print(f"self-test: {name}: {len(told)} told, {expected} expected: {told}")
    return passed, failed


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    passed, failed = self_test()
    files, wrong = check_tree(root)
    for what in wrong:
        print(what)
    if files < 40:
        wrong.append(f"only {files} files found under {root}: wrong folder?")
        print(wrong[-1])
    # The tree is one case, however many files it has.
    print(f"layers: {passed + (not wrong)} passed, {failed + bool(wrong)} failed")
    return 1 if failed or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
