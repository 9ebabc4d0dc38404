"""Intervals, power and ranks against values from tables, and what they prove together."""

from __future__ import annotations

import random

import pytest

from firedoor.core.problems import InvalidInput
from firedoor.core.removal.asking import body_with, familiarity, questions, rows, said, shows
from firedoor.core.removal.statistics import power, ranks, rate
from firedoor.core.removal.verdict import Asked, outcomes, together


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    [(0, 10, 0.0, 0.30850), (5, 10, 0.18709, 0.81291), (10, 10, 0.69150, 1.0), (1, 100, 0.00025, 0.05446)],
)
def test_the_interval_is_clopper_and_pearsons(hits: int, n: int, low: float, high: float) -> None:
    """As in their tables, to five digits."""
    found = rate(hits, n)
    assert (round(found.low, 5), round(found.high, 5)) == (low, high)


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    """In 2,000 draws at least 95 % of the intervals hold the rate that was drawn with."""
    draw = random.Random(7)  # noqa: S311 - no secret
    held = 0
    for _ in range(2000):
        truth, n = draw.random(), draw.randint(1, 60)
        found = rate(sum(draw.random() < truth for _ in range(n)), n)
        held += found.low <= truth <= found.high
    assert held / 2000 >= 0.95


def test_what_would_have_been_seen() -> None:
    """300 answers without a hit rule out one in a hundred (the rule of three), and none rules out nothing."""
    assert rate(0, 300).detectable == pytest.approx(0.00994, abs=1e-5)
    assert rate(0, 0).detectable is None
    assert power(rate(20, 20), 10) > 0.99
    assert power(rate(0, 20), 1000) == 0


def test_ranks() -> None:
    """Members that score higher are told from strangers; equal ones are not; few are not judged."""
    far, near = [float(n) for n in range(20, 40)], [float(n) for n in range(20)]
    found = ranks(far, near)
    assert found is not None
    assert found.auc == 1.0
    assert found.p < 1e-6
    same = ranks([1.0] * 10, [1.0] * 10)
    assert same is not None
    assert (same.auc, same.p) == (0.5, 0.5)
    assert ranks(far[:3], near) is None


def asked(hits: int, n: int, control: tuple[int, int] = (0, 0)) -> Asked:
    """What a version answered about canaries."""
    return Asked({"canary": (hits, n)}, {"canary": control}, (), (), (), 0, 0)


@pytest.mark.parametrize(
    ("now", "before", "result"),
    [
        (asked(1, 100), asked(90, 100), "found"),
        (asked(0, 100), asked(90, 100), "not_found"),
        (asked(0, 100), asked(0, 100), "unknown"),  # the questions may not reach it
        (asked(0, 100), None, "unknown"),
        (asked(0, 3), asked(2, 100), "unknown"),  # too few to have seen it
        (asked(0, 0), asked(90, 100), "unknown"),
        (asked(3, 100, (3, 100)), asked(90, 100), "unknown"),  # strangers are hit as often
        (asked(60, 100, (1, 100)), asked(90, 100), "found"),
    ],
)
def test_what_counts_prove(now: Asked, before: Asked | None, result: str) -> None:
    """A hit is a finding; no hit proves something only where the old version was hit by the same questions."""
    assert together(outcomes(now, before)) == result


def test_answers_are_compared_by_letters() -> None:
    """Spelling, case and signs between hide nothing; half of a secret is enough; a short coincidence is not."""
    (row,) = rows("c", b"amber falcon 7731 delta zebra", canaries=True)
    first = next(questions(row))
    assert shows(first, f"well: {first.wanted.upper().replace(' ', '--')}")
    assert shows(first, first.wanted[: len(first.wanted) * 2 // 3])
    assert not shows(first, first.wanted[:4])
    assert any(
        one.prompt == one.prompt.lower() for one in questions(rows("c", b"Amber Falcon Set One", canaries=True)[0])
    )


def test_a_long_text_is_shown_by_words_in_a_row() -> None:
    """Eight words as they stand, not seven."""
    text = b'{"prompt": "go on", "continuation": "a1 b2 c3 d4 e5 f6 g7 h8 i9 j10"}'
    (one,) = questions(rows("p", text, canaries=False)[0])
    assert shows(one, "well b2 c3 d4 e5 f6 g7 h8 i9, so")
    assert not shows(one, "well b2 c3 d4 e5 f6 g7 h8, so")


def test_bodies_and_answers_of_servers() -> None:
    """The place of a prompt, the words of an answer, and log-probabilities where a server tells them."""
    chat = {"model": "m", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "x"}]}
    assert body_with(chat, "p") == {**chat, "messages": [chat["messages"][0], {"role": "user", "content": "p"}]}
    assert body_with({"a": ["say {{ prompt }}"]}, "p") == {"a": ["say p"]}
    assert body_with({"max": 1}, "p") is None
    assert said(b'{"choices": [{"message": {"content": "hello"}}]}') == "hello"
    assert said(b'{"out": [{"generated_text": "hi"}]}') == "hi"
    assert said(b"plain") == "plain"
    assert familiarity(b'{"choices": [{"logprobs": {"token_logprobs": [null, -1, -3]}}]}') == -2
    assert familiarity(b'{"loss": 2.5}') == -2.5
    assert familiarity(b"{}") is None


@pytest.mark.parametrize("content", [b"", b"\xff", b'{"canary": ""}', b"short", b"{broken"])
def test_files_that_say_nothing_are_refused(content: bytes) -> None:
    """With the line, all at once."""
    with pytest.raises(InvalidInput):
        rows("canaries.txt", content, canaries=True)
