"""What a sender shows under load: work, or patience; and what proves nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from firedoor.core.requests.proof import LASTS, WAIT, Proof, Shown, known, left, new_token, shown, solves

KEY, NOW = b"k" * 32, datetime(2026, 11, 30, 3, tzinfo=UTC)
TOKEN = new_token(KEY, NOW, b"r" * 12)
FEW = 8  # bits: enough to tell right from wrong


def worked(token: str, bits: int) -> Proof:
    return next(Proof(token, str(n)) for n in range(10**6) if solves(Proof(token, str(n)), bits))


def test_work_counts_at_once_and_waiting_after_a_while() -> None:
    """Either is enough; neither is nothing."""
    assert shown(KEY, worked(TOKEN, FEW), NOW, FEW) is Shown.WORKED
    assert shown(KEY, Proof(TOKEN), NOW + WAIT - timedelta(seconds=1), FEW) is Shown.NOTHING
    assert shown(KEY, Proof(TOKEN), NOW + WAIT, FEW) is Shown.WAITED
    assert left(KEY, TOKEN, NOW + timedelta(seconds=10)) == 21
    assert left(KEY, TOKEN, NOW + WAIT) == 0


@pytest.mark.parametrize(
    "token",
    ["", "x", "x" * 500, TOKEN[:-1] + ("A" if TOKEN[-1] != "A" else "B"), new_token(b"o" * 32, NOW, b"r" * 12),
     f"{int(NOW.timestamp()) - 100:x}{TOKEN[8:]}", "zz.é.é"],
)  # fmt: skip
def test_a_token_that_was_not_made_here_proves_nothing(token: str) -> None:
    """Of another installation, altered, made older than it is, or no token at all."""
    assert shown(KEY, Proof(token), NOW + WAIT, FEW) is Shown.NOTHING
    assert not known(KEY, token, NOW + WAIT)


@pytest.mark.parametrize("number", ["", "-1", "1e3", "٣", "9" * 13, "0 "])
def test_a_number_that_is_none_solves_nothing(number: str) -> None:
    """Whatever its hash may be."""
    assert not solves(Proof(TOKEN, number), 0)


def test_a_page_that_was_left_open_over_night_still_sends() -> None:
    """After that it is a new page."""
    assert shown(KEY, Proof(TOKEN), NOW + LASTS - timedelta(seconds=1), FEW) is Shown.WAITED
    assert shown(KEY, Proof(TOKEN), NOW + LASTS + timedelta(seconds=1), FEW) is Shown.NOTHING
