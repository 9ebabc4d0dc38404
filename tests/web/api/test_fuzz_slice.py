"""A small slice of `make fuzz`, always the same: ugly values break nothing."""

from __future__ import annotations

import pytest
from tests.fuzz.running import LANES, fuzz

FEW = {"playbooks": 5}  # each is compiled five times


@pytest.mark.parametrize("lane", LANES)
def test_ugly_values_break_nothing(lane: str) -> None:
    """No answer of 5xx, no traceback, no incident that cannot be driven, no readiness lost."""
    found = fuzz(lane, FEW.get(lane, 25), 20261121)
    assert (found.broken, found.examples > 0) == ("", True)
