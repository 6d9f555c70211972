"""The gateway's control program, and alerts as it tells them."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab import LabError


TIMEOUT_SECONDS = 60  # thousands of alerts with all their findings take a while


@dataclass(frozen=True)
class Alert:
    """One exchange that the gateway did not simply let pass."""

    number: int
    time: float
    source: str
    principal: str
    call: str
    verdict: str
    status: int
    findings: tuple[dict[str, Any], ...]

    @property
    def families(self) -> set[str]:
        """unknown, invalid, anomalous: which of them there were."""
        return {str(finding.get("family", "")) for finding in self.findings}

    @property
    def codes(self) -> set[str]:
        """The findings' codes."""
        return {str(finding.get("code", "")) for finding in self.findings}


def seconds(stamp: str) -> float:
    """RFC 3339 as seconds."""
    return datetime.fromisoformat(stamp.replace("Z", "+00:00")).timestamp()


def alert(row: dict[str, Any]) -> Alert:
    """An alert from its JSON."""
    return Alert(int(row["id"]), seconds(row["time"]), str(row["source"]).split(":")[0], str(row["principal"]),
                 str(row["call"]), str(row["verdict"]), int(row.get("status") or 0), tuple(row.get("findings") or ()))


class Gateway:
    """Asks and commands through kubescopectl."""

    def __init__(self, program: Path, telemetry: Path) -> None:
        self._command = [str(program), "-s", str(telemetry)]
        self._alerts: dict[int, Alert] = {}

    def _run(self, *words: str) -> str:
        try:
            done = subprocess.run([*self._command, *words], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise LabError(f"kubescopectl {' '.join(words)}: {error}") from error
        if done.returncode:
            raise LabError(f"kubescopectl {' '.join(words)}: {done.stderr.strip()[-300:]}")
        return done.stdout

    def mode(self, name: str) -> None:
        """learn, detect or enforce; returns once it holds."""
        self._run("mode", name)
        time.sleep(0.5)

    def collect(self) -> list[Alert]:
        """All alerts so far, oldest first. The gateway holds its last 4096 ready, so of a burst's alerts
        the first may be missing here; each part of the demo asks anew."""
        last = max(self._alerts, default=0)
        try:
            rows = json.loads(self._run("--json", "alerts", "--after", str(last)))
            for row in rows:
                self._alerts[int(row["id"])] = alert(row)
        except (ValueError, KeyError, TypeError) as error:
            raise LabError(f"kubescopectl --json alerts: not what was agreed: {error!r}") from error
        return [self._alerts[number] for number in sorted(self._alerts)]
