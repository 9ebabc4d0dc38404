"""Containment goes first: while a reflex runs, Prefect's thread in the same process waits.

Decides nothing about incidents. Python lets one thread run at a time, and Prefect's
engine computes for tens of milliseconds when a run begins or ends; an alert that comes
at that moment must not pay for it. The wait is bounded, so that Prefect gets on even in
a storm. There is one of these in a process because there is one interpreter lock.
"""

from __future__ import annotations

import contextlib
import selectors
import threading
from collections.abc import Iterator

LONGEST = 0.1  # seconds for which Prefect's loop is held up before each of its turns


class Precedence:
    """Counts what is urgent now. Entered and left in one thread, waited for in another."""

    def __init__(self) -> None:
        self._urgent = 0
        self._calm = threading.Event()
        self._calm.set()

    @contextlib.contextmanager
    def urgent(self) -> Iterator[None]:
        """What runs inside goes before everything that waits for calm."""
        self._urgent += 1
        self._calm.clear()
        try:
            yield
        finally:
            self._urgent -= 1
            if not self._urgent:
                self._calm.set()

    def wait(self) -> None:
        """Wait until nothing urgent runs, or for `LONGEST`."""
        if not self._calm.is_set():
            self._calm.wait(LONGEST)


containment = Precedence()


class PoliteSelector(selectors.DefaultSelector):
    """The selector of an event loop that lets containment go first, once in each turn of the loop."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for calm, then for events."""
        containment.wait()
        return super().select(timeout)
