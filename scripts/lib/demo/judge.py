"""Was every attack caught, and nothing else?"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from gateway import Alert

SLACK_SECONDS = 1.5      # an alert is stamped with the whole second in which its exchange ended
BAD_STATUS = {0, 403, 429}
KUBECTL = "kubectl"


@dataclass
class Attack:
    """One hostile step: where its alerts must come from and what they must be."""

    name: str
    source: str
    call: str                      # a pattern for the alert's call
    began: float
    ended: float
    verdicts: tuple[str, ...]      # any of these is caught
    family: str = ""               # a family that must be among the findings
    codes: str = ""                # a pattern one of the findings' codes must match
    at_least: int = 1              # so many alerts of that kind
    owned: list[int] | None = None  # the alerts' numbers, where order says more than time
    alerts: list[Alert] = field(default_factory=list)
    note: str = ""                 # why it does not count as caught, although alerts are there

    def covers(self, alert: Alert) -> bool:
        """Whether an alert belongs to this step, caught rightly or not."""
        return (alert.source == self.source and re.search(self.call, alert.call) is not None
                and self.began - SLACK_SECONDS <= alert.time <= self.ended + SLACK_SECONDS)

    def right(self, alert: Alert) -> bool:
        """Whether an alert says what it should."""
        return (alert.verdict in self.verdicts and (not self.family or self.family in alert.families)
                and (not self.codes or any(re.search(self.codes, code) for code in alert.codes)))

    @property
    def proof(self) -> list[Alert]:
        """The alerts that catch it."""
        return [alert for alert in self.alerts
                if self.right(alert) and (self.owned is None or alert.number in self.owned)]

    @property
    def caught(self) -> bool:
        """Enough right alerts, and nothing that speaks against it."""
        return len(self.proof) >= self.at_least and not self.note


def assign(attacks: list[Attack], alerts: list[Alert]) -> list[Alert]:
    """Give each alert to the steps it belongs to; what belongs to none is a false alarm."""
    false_alarms = []
    for attack in attacks:
        attack.alerts = []
    for alert in alerts:
        owners = [attack for attack in attacks if attack.covers(alert)]
        for attack in owners:
            attack.alerts.append(alert)
        if not owners:
            false_alarms.append(alert)
    return false_alarms


def refused(journal: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Everyday requests that were not answered as without a gateway."""
    out = []
    for line in journal:
        status = int(line["status"])
        if line["method"] == KUBECTL:
            if status != 0:
                out.append(line)
        elif status in BAD_STATUS or status >= 500:
            out.append(line)
    return out
