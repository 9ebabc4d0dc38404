"""One way to write JSON as bytes, and digests of it.

Decides the canonical form: UTF-8, keys sorted by code point, no white space, no
floating-point numbers, integers within 53 bits. Python's own
`json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`
writes the same bytes, so an outsider needs no library to verify a digest.
(RFC 8785 sorts by UTF-16 code unit; the two differ only for keys outside the
Basic Multilingual Plane, which Firedoor never writes.)
"""

from __future__ import annotations

import hashlib

import orjson

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER


def canonical(value: object) -> bytes:
    """Write a JSON value. Raises TypeError for what the form cannot hold, floats included."""
    _refuse_floats(value)
    return orjson.dumps(value, option=_OPTIONS)


def digest(value: object) -> str:
    """SHA-256 of the canonical form, as 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value)).hexdigest()


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise TypeError(f"a floating-point number has no canonical form: {value!r}; write it as text")
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for item in parts:
        if type(item) is not str:  # most are, and every entry of every journal comes through here
            _refuse_floats(item)
