"""The gateway under test: its configuration, made from conf/lab.conf, its process and kubescopectl."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import lab
from runner import expect, until

BUILD = Path(os.environ["KS_BUILD"])
PROGRAM = BUILD / "app/kubescope/kubescope"
CONTROL = BUILD / "app/kubescopectl/kubescopectl"
TELEMETRY = lab.DIR / "telemetry" / "dpdk" / "lab"
START_SECONDS = 90
STOP_SECONDS = 30


@dataclass(frozen=True)
class Setup:
    """How a gateway differs from conf/lab.conf."""

    mode: str = "learn"
    more: str = ""  # top-level groups to add
    upstream: dict[str, int] = field(default_factory=dict)  # keys of services.upstream
    eal: dict[str, int] = field(default_factory=dict)


SETUPS = {
    # What every lab has.
    "day": Setup(),
    # Everything that one waits for comes soon, everything that can be full is small.
    "tight": Setup(more="""
limits = {
	half_open = 64;
	handshake_timeout_ms = 2000;
	head_timeout_ms = 2000;
	idle_timeout_ms = 3000;
	head_bytes = 16384;
	target_bytes = 8192;
	fields = 64;
};
""", upstream={"connect_timeout_ms": 1500, "response_timeout_ms": 2500}),
    # Judges early: a few hundred requests are a profile, one surprise is an alert, and a small burst is a burst
    # on a slow machine, too.
    "judge": Setup(more="score = { flag_db = 20; throttle_db = 20; };\n"),
}


def shell_conf(mode: str) -> str:
    """What scripts/lab.sh makes of conf/lab.conf for this lab."""
    lib = lab.ROOT / "scripts/lib"
    code = 'set -eu; LIB_DIR=$1; . "$1/lab-env.sh"; . "$1/lab-gateway.sh"; gateway_conf "$2"'
    done = lab.run("bash", "-c", code, "gateway_conf", str(lib), mode)
    if done.code != 0:
        raise RuntimeError(f"gateway_conf: {done.err}")
    return (lab.DIR / "kubescope.conf").read_text()


def edit(text: str, pattern: str, replacement: str) -> str:
    """Replaces what must be there once."""
    out, found = re.subn(pattern, lambda _: replacement, text)
    if found != 1:
        raise RuntimeError(f"conf/lab.conf: {pattern!r} is there {found} times")
    return out


def configuration(name: str) -> str:
    """The text of a gateway's configuration."""
    setup = SETUPS[name]
    text = shell_conf(setup.mode)
    for what, file in (("profile", f"{name}.profile"), ("events.db", f"{name}.db")):
        text = edit(text, f'"{lab.DIR}/{re.escape(what)}"', f'"{lab.DIR}/{file}"')
    if rules := os.environ.get("KS_RULES"):
        text = edit(text, r'directories = \[[^]]*\]', f'directories = [ "{rules}" ]')
    keys = "".join(f"\t\t{key} = {value};\n" for key, value in setup.upstream.items())
    text = edit(text, r'\t\tlocal_address = ', f"{keys}\t\tlocal_address = ")
    return text + setup.more


class Gateway:
    """One kubescope process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.conf = lab.DIR / f"{name}.conf"
        self.log = lab.DIR / "logs" / f"gateway-{name}.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns when it serves."""
        TELEMETRY.parents[1].mkdir(mode=0o700, exist_ok=True)
        self.conf.write_text(configuration(self.name))
        # Whatever ends this program ends the gateway, too.
        command = ["ip", "netns", "exec", lab.NS_GW, "setpriv", "--pdeathsig", "TERM", str(PROGRAM), "-c", str(self.conf)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            start_new_session=True)
        until(self._serves, f"gateway {self.name} serves; see {self.log}", START_SECONDS)

    def _serves(self) -> bool:
        if not self.alive():
            raise RuntimeError(f"the gateway ended: {self.last_words()}")
        done = lab.run("curl", "-fsS", "-m", "3", "-o", "/dev/null", "--cacert", lab.ca(), f"{lab.URL}/livez")
        return done.code == 0

    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def last_words(self) -> str:
        """The end of its log."""
        return " / ".join(self.log.read_text(errors="replace").splitlines()[-4:])

    def signal(self, number: int) -> int:
        """Sends a signal that ends it. Returns its exit status."""
        assert self.process
        self.process.send_signal(number)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the gateway did not end within {STOP_SECONDS} s") from None

    def kill(self) -> None:
        """Ends it however it is."""
        if self.alive():
            assert self.process
            self.process.kill()
            self.process.wait()

    def memory(self) -> int:
        """Its resident memory, in bytes."""
        assert self.process
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", text, re.M).group(1)) * 1024  # type: ignore[union-attr]

    # --- kubescopectl ---------------------------------------------------------------------

    def ctl(self, *words: str) -> lab.Done:
        """kubescopectl, as an operator types it."""
        return lab.run(str(CONTROL), "-s", str(TELEMETRY), *words)

    def ask(self, *words: str) -> Any:
        """kubescopectl --json; must succeed."""
        done = self.ctl("--json", *words)
        if done.code != 0:
            raise AssertionError(f"kubescopectl --json {' '.join(words)}: {done.code} {done.err.strip()}")
        return json.loads(done.out)

    def counters(self) -> dict[str, int]:
        """Every counter as "room.name"."""
        return {f"{row['room']}.{row['name']}": int(row["value"]) for row in self.ask("counters")}

    def info(self) -> dict[str, Any]:
        """The figures of `status`."""
        return dict(self.ask("status"))

    def mode(self, name: str) -> None:
        """Sets the mode; it holds from the next turn of the data path on."""
        done = self.ctl("mode", name)
        expect(done.code == 0, f"kubescopectl mode {name}: {done.err}")
        time.sleep(0.1)

    def alerts(self, after: int = 0) -> list[dict[str, Any]]:
        """Alerts with their findings."""
        return list(self.ask("alerts", "--after", str(after)))

    def last_alert(self) -> int:
        """The highest number so far. Records take a moment to arrive."""
        time.sleep(0.2)
        return max((int(row["id"]) for row in self.alerts()), default=0)

    def alert_of(self, after: int, **wanted: str) -> dict[str, Any]:
        """The first alert after `after` whose values hold the given texts; waits for it."""

        def fitting() -> dict[str, Any] | None:
            for row in self.alerts(after):
                if all(text in str(row[key]) for key, text in wanted.items()):
                    return row
            return None

        return dict(until(fitting, f"an alert with {wanted}"))

    def quiet(self) -> bool:
        """Nothing is under way and nothing is held."""
        info = self.info()
        return int(info["body_used_bytes"]) == 0 and not self.ask("connections")


class Delta:
    """What counters did during a case."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._before = gateway.counters()

    def of(self, name: str) -> int:
        """How much one has grown by now."""
        return self._gateway.counters()[name] - self._before[name]

    def reaches(self, name: str, least: int, seconds: float = 20.0) -> None:
        """Waits until it has grown by at least so much."""
        until(lambda: self.of(name) >= least, f"{name} grows by {least} (so far {self.of(name)})", seconds)


def programs_there() -> None:
    """A finished build, or a sentence that says what to do."""
    for program in (PROGRAM, CONTROL):
        if not program.exists():
            sys.exit(f"{program} is not there: meson setup build --buildtype=release && ninja -C build, or KS_BUILD=DIR")
