"""The cleaner of text: what is dropped, what a script keeps, and that cleaning twice changes nothing."""

# ruff: noqa: RUF001 - letters of other scripts are what this is about
from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.problems import InvalidInput
from firedoor.core.text import clean_text, clean_value

SCOTLAND = "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"  # a flag that tags spell
UGLY = "\x00\x07\x1b\x7f\x9b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200b\u2060\u2063\ufeff\u00ad\u180e\u3164"


@pytest.mark.parametrize(
    ("given_text", "kept"),
    [
        ("plain words", "plain words"),
        ("a\x00b\x1b[31mc", "ab[31mc"),
        ("ann\u202egnp.exe", "anngnp.exe"),
        ("one\r\ntwo\rthree\u2028four\tfive", "one two three four five"),
        ("ze\u200bro\ufeff", "zero"),
        ("e\u0301te\u0301", "été"),
        ("pass\u200dword", "password"),
        ("می\u200cخواهم", "می\u200cخواهم"),  # Persian: "I want"
        ("क्\u200dष", "क्\u200dष"),  # Devanagari: a half form
        ("👩\u200d🔬 ❤\ufe0f\u200d🔥", "👩\u200d🔬 ❤\ufe0f\u200d🔥"),
        ("👍🏽", "👍🏽"),
        ("\u200fשלום (a)", "\u200fשלום (a)"),
        ("\u200fhello", "hello"),
        (SCOTLAND, SCOTLAND),
        ("hi\U000e0068\U000e0069", "hi"),
        ("葛\U000e0100", "葛\U000e0100"),
        ("a\ufe0f\ufe0e\ufe0d", "a\ufe0f"),
    ],
)  # fmt: skip
def test_what_nobody_sees_is_dropped_and_what_a_script_needs_is_kept(given_text: str, kept: str) -> None:
    """On one line, in NFC."""
    assert clean_text(given_text) == kept


def test_lines_stay_where_a_text_may_have_them() -> None:
    """Every kind of line break becomes LF, and a tab stays."""
    assert clean_text("one\r\ntwo\rthree\x85four\tx", lines=True) == "one\ntwo\nthree\nfour\tx"


@given(st.text(st.one_of(st.characters(exclude_categories=["Cs"]), st.sampled_from(UGLY + "\u200d\u200c\u200eاक👩"))))
def test_cleaning_is_final(text: str) -> None:
    """Nothing ugly is left, a second time changes nothing, and the text is in NFC."""
    cleaned = clean_text(text, lines=True)
    assert clean_text(cleaned, lines=True) == cleaned
    assert not set(cleaned) & set(UGLY)
    assert unicodedata.is_normalized("NFC", cleaned)
    assert "\n" not in clean_text(text)


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_a_surrogate_pair_is_refused(text: str) -> None:
    """It is no character; dropping it would hide what was sent."""
    with pytest.raises(InvalidInput, match="surrogate"):
        clean_text(text)


def test_a_value_is_cleaned_in_every_depth() -> None:
    """Keys too; which names keep their lines is asked for by their path."""
    value = {"why": "a\nb", "x\x00": ["\x1b", {"y": "c\nd", "n": 5}]}
    assert clean_value(value, lambda name: name == ".why") == {"why": "a\nb", "x": ["", {"y": "c d", "n": 5}]}
