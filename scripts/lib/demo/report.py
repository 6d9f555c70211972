"""The table, in 120 columns."""

from __future__ import annotations

import re
import textwrap
import time

from gateway import Alert
from judge import Attack

# name, width; the last one takes what is left of 120 columns
COLUMNS = (("time", 8), ("source", 10), ("principal", 18), ("call", 20), ("verdict", 8))
WIDTH = 120
GAP = 2
REASONS = WIDTH - sum(width + GAP for _, width in COLUMNS)
SHOWN_REASONS = 4
SERVICE_ACCOUNT = re.compile(r"system:serviceaccount:([^\s:]+):([^\s:,]+)")


def _wrap(text: str, width: int) -> list[str]:
    """Lines that fit; long names are broken rather than cut."""
    return textwrap.wrap(text, width, break_long_words=True, break_on_hyphens=False) or [""]


def _line(cells: list[str]) -> str:
    """Cells side by side, each wrapped in its column."""
    widths = [width for _, width in COLUMNS] + [REASONS]
    blocks = [_wrap(cell, width) if "\n" not in cell else
              [part for line in cell.split("\n") for part in _wrap(line, width)]  # one reason a line
              for cell, width in zip(cells, widths)]
    height = max(len(block) for block in blocks)
    rows = []
    for n in range(height):
        parts = [(block[n] if n < len(block) else "").ljust(width) for block, width in zip(blocks, widths)]
        rows.append((" " * GAP).join(parts).rstrip())
    return "\n".join(rows)


def reasons(alert: Alert) -> str:
    """The strongest findings, in words."""
    ranked = sorted(alert.findings, key=lambda finding: -float(finding.get("db") or 0))
    lines = [str(finding.get("words", finding.get("code", "?")))
             for finding in ranked[:SHOWN_REASONS]]
    if len(ranked) > SHOWN_REASONS:
        lines.append(f"and {len(ranked) - SHOWN_REASONS} more")
    return "\n".join(f"- {short(line)}" for line in lines)


def short(text: str) -> str:
    """Service accounts as people call them: shop/web."""
    return SERVICE_ACCOUNT.sub(r"\1/\2", text)


def _row(alert: Alert, count: int) -> str:
    verdict = alert.verdict + (f" x{count}" if count > 1 else "")
    clock = time.strftime("%H:%M:%S", time.localtime(alert.time))
    return _line([clock, alert.source, short(alert.principal), alert.call, verdict, reasons(alert)])


def _missed(attack: Attack) -> str:
    clock = time.strftime("%H:%M:%S", time.localtime(attack.began))
    why = attack.note or f"{len(attack.proof)} of {attack.at_least} alerts that were due"
    if attack.alerts and not attack.proof:
        first = attack.alerts[0]
        why += f"; there was {first.verdict} ({', '.join(sorted(first.codes))})"
    return _line([clock, attack.source, "", attack.name, "MISSED", why])


def table(attacks: list[Attack], false_alarms: list[Alert]) -> str:
    """Every step of every attack, then false alarms if there were any."""
    head = _line([name for name, _ in COLUMNS] + ["reasons"])
    rule = (" " * GAP).join("-" * width for width in [w for _, w in COLUMNS] + [REASONS])
    lines = [head, rule]
    for attack in attacks:
        lines.append(f"[{attack.name}]")
        lines.append(_row(attack.proof[0], len(attack.proof)) if attack.caught else _missed(attack))
    if false_alarms:
        lines += ["", "[FALSE ALARMS: everyday requests]"]
        lines += [_row(alert, 1) for alert in false_alarms[:20]]
        if len(false_alarms) > 20:
            lines.append(f"and {len(false_alarms) - 20} more")
    return "\n".join(lines)
