"""The gate for training pipelines: `from firedoor.gate import Wanted, gate`.

Decides nothing: it is the address that a pipeline imports. `gate(Wanted(...))` returns what passed, or raises.
"""

from __future__ import annotations

from firedoor.runtime.examinations.consent.gate import Passed, gate
from firedoor.runtime.examinations.consent.reconcile import Wanted

__all__ = ["Passed", "Wanted", "gate"]
