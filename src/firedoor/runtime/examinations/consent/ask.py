"""What the command asks: every option as text, and the answer with why a gate stays closed.

Decides how options become a request. Leaves reconciling to `reconcile` and the gate to `gate`.
"""

from __future__ import annotations

from collections.abc import Sequence

from firedoor.core.examinations.finding import instant
from firedoor.core.json_types import JsonObject
from firedoor.runtime.examinations.consent.gate import refusal
from firedoor.runtime.examinations.consent.reconcile import Wanted, reconcile


def ask(manifest: Sequence[str], ledger: Sequence[str], purpose: str, as_of: str, **more: object) -> JsonObject:
    """Answer. Raises InvalidInput for an instant without an offset, and as `reconcile`."""
    return reconcile(Wanted(manifest, ledger, purpose, instant("--as-of", as_of), **more))  # type: ignore[arg-type]


__all__ = ["ask", "refusal"]
