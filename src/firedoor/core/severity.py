"""How bad something is, as an ordered scale of five words.

Decides the order. Leaves the reading of each vendor's scale to `alerts`.
"""

from __future__ import annotations

from enum import StrEnum

UNSAID = "unknown"  # what lists, pages and messages show where nobody has said it


class Severity(StrEnum):
    """Ordered: info < low < medium < high < critical."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info up to 4 for critical."""
        return tuple(Severity).index(self)

    def __lt__(self, other: str) -> bool:
        return self.rank < Severity(other).rank

    def __le__(self, other: str) -> bool:
        return self.rank <= Severity(other).rank

    def __gt__(self, other: str) -> bool:
        return self.rank > Severity(other).rank

    def __ge__(self, other: str) -> bool:
        return self.rank >= Severity(other).rank
