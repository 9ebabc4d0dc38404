"""Keeps the collector of cyclic garbage from stopping a server for longer than a page may take.

Decides that what a process has read, parsed and compiled by the time it is ready is never looked through again: it
lives as long as the process, and walking through it stopped every thread, containment included, for a tenth of a
second or more. And that young garbage is looked for after more allocations than usual, because the folding of one long
journal already makes as many. Reference counting frees nearly everything at once; this is about the rest.
"""

from __future__ import annotations

import gc

YOUNG = 10_000  # allocations that outlive their release, between two looks at the youngest objects
_settled: set[str] = set()


def settle(what: str) -> bool:
    """Put aside all that lives now. Once a process for each `what`: in tests many servers live in one process."""
    if what in _settled:
        return False
    _settled.add(what)
    gc.collect(1)  # a full look is the very pause that this avoids, and a process that begins has no old garbage
    gc.freeze()
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])
    return True
