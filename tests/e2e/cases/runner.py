"""Cases: functions with a sentence, a gateway that they need, and a bound in time.

A case fails by raising. Cases that share a gateway share its process, in the order of the files: each
must leave behind what it found (objects of its own in the API server apart).
"""

from __future__ import annotations

import signal
import sys
import time
import traceback
from dataclasses import dataclass
from typing import Any, Callable, Iterator

CASE_SECONDS = 60


class Late(Exception):
    """A case did not end in its time."""


@dataclass(frozen=True)
class Case:
    """One thing that must hold."""

    name: str
    sentence: str
    gateway: str
    seconds: int
    run: Callable[..., None]


CASES: list[Case] = []


def case(sentence: str, gateway: str = "day", seconds: int = CASE_SECONDS) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Lists a function as a case; `gateway` names one of gateways.SETUPS, or "" for none."""

    def listed(function: Callable[..., None]) -> Callable[..., None]:
        theme = function.__module__.removeprefix("case_")
        CASES.append(Case(f"{theme}.{function.__name__}", sentence, gateway, seconds, function))
        return function

    return listed


def expect(condition: Any, what: str) -> None:
    """The case fails unless `condition` is true."""
    if not condition:
        raise AssertionError(what)


def same(got: Any, want: Any, what: str) -> None:
    """The case fails unless both are equal; long values are cut in the message."""
    if got != want:
        raise AssertionError(f"{what}: got {_short(got)}, want {_short(want)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 300 else f"{text[:280]}... ({len(text)} characters)"


def until(condition: Callable[[], Any], what: str, seconds: float = 20.0, pause: float = 0.05) -> Any:
    """Waits for `condition` to become true and returns what it gave. The bound is for hangs only."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds:.0f} s: {what}")
        time.sleep(pause)


def _late(_signal: int, _frame: Any) -> None:
    raise Late()


class Score:
    """Runs cases one by one and keeps count."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def run(self, name: str, sentence: str, function: Callable[[], None], seconds: int = CASE_SECONDS) -> bool:
        """One case, one line."""
        began = time.monotonic()
        signal.signal(signal.SIGALRM, _late)
        signal.alarm(seconds)
        try:
            function()
            error = ""
        except Late:
            error = f"did not end in {seconds} s, was at {_place()}"
        except Exception as caught:  # whatever it is, it is this case's failure
            error = f"{type(caught).__name__}: {caught} [{_place()}]"
        finally:
            signal.alarm(0)
        took = time.monotonic() - began
        if error:
            self.failed += 1
            print(f"FAIL {name} ({took:.1f} s): {sentence}\n     {error}", flush=True)
        else:
            self.passed += 1
            print(f"ok   {name} ({took:.1f} s): {sentence}", flush=True)
        return not error

    def line(self) -> str:
        """The sum."""
        return f"e2e: {self.passed} passed, {self.failed} failed"


def _place() -> str:
    """Where in the cases it was: the innermost line of one of them."""
    frames = traceback.extract_tb(sys.exc_info()[2])
    own = [frame for frame in frames if "/case_" in frame.filename] or frames
    return f"{own[-1].filename.rsplit('/', 1)[-1]}:{own[-1].lineno}" if own else "?"


def chosen(words: list[str]) -> Iterator[Case]:
    """The cases whose name holds one of the words; all without words."""
    for one in CASES:
        if not words or any(word in one.name for word in words):
            yield one
