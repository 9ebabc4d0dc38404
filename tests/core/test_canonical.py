"""The canonical form: the bytes that every hash covers, which an outsider can write with Python alone."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firedoor.core.canonical import canonical, digest

TEXT = st.text(st.characters(exclude_categories=("Cs",), max_codepoint=0xFFFF))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


@given(VALUES)
def test_python_itself_writes_the_same_bytes(value) -> None:
    """An auditor needs no library of ours: json.dumps with three arguments gives the same bytes."""
    assert canonical(value) == json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(VALUES)
def test_it_reads_back_as_it_was_written(value) -> None:
    """Writing what was read gives the same bytes again."""
    assert canonical(json.loads(canonical(value))) == canonical(value)


@pytest.mark.parametrize("value", [0.5, [1.0], {"a": {"b": [float("nan")]}}, (1, 2.5)])
def test_a_floating_point_number_is_refused_however_deep(value) -> None:
    """Two programs write one float differently, so no hash may cover one."""
    with pytest.raises(TypeError, match="floating-point"):
        canonical(value)


@pytest.mark.parametrize("value", [2**53, -(2**53), {1, 2}, b"bytes", "\ud800", {1: "a"}])
def test_what_the_form_cannot_hold_is_refused(value) -> None:
    """Large integers, sets, bytes, half a character and keys that are no text never get a hash."""
    with pytest.raises(TypeError):
        canonical(value)


def test_the_order_of_keys_changes_nothing() -> None:
    """Keys are sorted by code point at every depth."""
    assert canonical({"b": {"z": 1, "a": 2}, "a": None}) == b'{"a":null,"b":{"a":2,"z":1}}'


def test_a_digest_is_the_sha256_of_those_bytes() -> None:
    """As hexadecimal, so that sha256sum gives the same."""
    assert digest({"ä": "ß"}) == hashlib.sha256('{"ä":"ß"}'.encode()).hexdigest()
