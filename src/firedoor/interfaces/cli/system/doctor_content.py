"""What `doctor` says about evidence that should not be here: what earlier versions kept and the gate refuses today.

Decides that each such piece is named by its digest and what it is, and by nothing of what it shows. Changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SHOWN = 20  # pieces named one by one


def refused_pieces(vault: Path) -> Iterator[tuple[str, str]]:
    """The pieces of a vault that would not be kept today: their digests, and why."""
    from firedoor.runtime.process.backup import refused

    for path in sorted(path for path in vault.glob("??/*") if not path.name.startswith(".")):
        if why := refused(path):
            yield path.name, why
