"""The lab as the demo uses it: programs run as lab clients, and what the API server counted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PYTHON = ["/usr/bin/python3", "-B"]


class LabError(Exception):
    """Something the demo needs does not work; the message says what."""


class Lab:
    """Starts programs in the lab and ends them again."""

    def __init__(self, lab_dir: Path, load_cpu: str) -> None:
        self.dir = lab_dir
        self.journals = lab_dir / "journal"
        self.programs = lab_dir / "programs"
        self._pin = ["taskset", "-c", load_cpu]
        self._running: dict[str, subprocess.Popen[str]] = {}

    def command(self, where: str, *argv: str) -> list[str]:
        """A command line that runs as a lab client or in one of the namespaces."""
        return [*self._pin, str(ROOT / "scripts/lab.sh"), "run", where, *argv]

    def program(self, where: str, script: str, *args: str, nice: int = 0) -> list[str]:
        """One of the client programs, from where every lab client may read it."""
        niceness = ["nice", "-n", str(nice)] if nice else []
        return self.command(where, *niceness, *PYTHON, str(self.programs / script), *args)

    def start(self, label: str, command: list[str]) -> None:
        """In the background, with its errors in the lab's log directory."""
        with open(self.dir / "logs" / f"demo-{label}.log", "w") as log:
            self._running[label] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, text=True)

    def stop(self, *labels: str) -> None:
        """End some programs, or all; patience first."""
        chosen = [self._running.pop(label) for label in (labels or tuple(self._running)) if label in self._running]
        for process in chosen:
            process.send_signal(signal.SIGTERM)
        for process in chosen:
            try:
                process.wait(3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def ended(self) -> list[str]:
        """Programs that should still run but do not."""
        return [label for label, process in self._running.items() if process.poll() is not None]

    def log_tail(self, label: str) -> str:
        """The last line a program wrote."""
        lines = (self.dir / "logs" / f"demo-{label}.log").read_text().strip().splitlines()
        return lines[-1] if lines else "(it wrote nothing)"

    def output(self, command: list[str], seconds: float = 60) -> str:
        """Run to the end; an error carries what the program said."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"took longer than {seconds:.0f} s: {' '.join(command[-4:])}") from error
        if done.returncode:
            raise LabError(f"failed: {' '.join(command[-4:])}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def json_lines(self, command: list[str], seconds: float = 60) -> list[dict[str, Any]]:
        """Output of a program that prints a JSON object a line."""
        return [json.loads(line) for line in self.output(command, seconds).splitlines() if line.startswith("{")]

    def journal(self) -> list[dict[str, Any]]:
        """Every answer the everyday clients got, in order of time."""
        lines: list[dict[str, Any]] = []
        for path in sorted(self.journals.glob("*.jsonl")):
            for line in path.read_text().splitlines():
                try:
                    lines.append(json.loads(line))
                except ValueError:
                    pass  # the last line of a program that was just ended
        return sorted(lines, key=lambda line: float(line["time"]))


class Upstream:
    """What reached the API server; only the stand-in counts."""

    def __init__(self, lab: Lab, *, real: bool) -> None:
        self.lab = lab
        self.real = real

    def reached(self, user: str, call: str = "") -> int | None:
        """How many requests of a user (and call) it received; None from a real API server."""
        if self.real:
            return None
        text = self.lab.output(self.lab.command("api", "curl", "-fsS", "-m", "10",
                                                "http://127.0.0.1:8001/kubescope-lab/counts?recent=0"))
        calls = json.loads(text)["byUserCall"].get(user, {})
        return int(calls.get(call, 0)) if call else int(sum(calls.values()))


def pin_self(cpu: str) -> None:
    """Keep the demo itself off the gateway's core."""
    try:
        os.sched_setaffinity(0, {int(cpu)})
    except (OSError, ValueError):
        pass  # a machine with one core
