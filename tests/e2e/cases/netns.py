"""Network namespaces of this process: a socket stays in the one that it was made in."""

from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from typing import Iterator

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def enter(name: str) -> None:
    """This thread is in the namespace from now on, and so is what it starts."""
    with open(f"/run/netns/{name}", "rb") as handle:
        if _libc.setns(handle.fileno(), _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f"namespace {name}: {os.strerror(ctypes.get_errno())}")


@contextmanager
def inside(name: str) -> Iterator[None]:
    """In the namespace for a while."""
    with open("/proc/thread-self/ns/net", "rb") as before:
        enter(name)
        try:
            yield
        finally:
            if _libc.setns(before.fileno(), _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "back from a namespace")
