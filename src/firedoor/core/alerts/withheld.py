"""What of an alert is left out because it is content: a locator that is none, a label that is a picture in letters.

Decides that the alert itself is never lost: whatever hides content is replaced by a word, and a note says which field
it was and what it hid, never how it read. Leaves reading payloads to `alerts`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

from firedoor.core.alerts.alert import MAXIMUM_NOTES, Alert
from firedoor.core.content import hidden
from firedoor.core.content.locators import address_fault

WITHHELD = "[withheld]"
LONG = 48  # characters; few names of models and teams have so many
LONG_ADDRESS = 256  # characters
FIXED = frozenset(("fingerprint", "raw_sha256", "content_hashes"))  # of a form that has no room for anything else
Values = Mapping[str, Any]


def without_content(values: Values) -> dict[str, object]:
    """The fields of an alert without what is content, and with a note for each; most have none."""
    locators, notes = _locators(values.get("locators", ()))
    found = {**values, "locators": locators} if notes else dict(values)
    said = {name: value for name, value in found.items() if name not in FIXED}
    if together := hidden("\n".join(_texts(said))):
        cleaned: dict[str, str] = {}
        said = {name: _apart(name, _field(name, value, cleaned)) for name, value in said.items()}
        cleaned = cleaned or {"several fields together": together}
        found |= said
        notes += [f"The content of {name} was left out: {what}." for name, what in cleaned.items()]
    return {**found, "notes": (*found.get("notes", ()), *notes)[-MAXIMUM_NOTES:]} if notes else found


def stored(record: Values) -> Alert:
    """An alert as it was stored. An earlier version also stored locators that are none: they are left out."""
    locators, _ = _locators(record.get("locators", ()))
    return Alert.model_validate({**record, "locators": locators})


def _locators(given: object) -> tuple[tuple[str, ...], list[str]]:
    texts = tuple(given) if isinstance(given, (list, tuple)) else ()
    faults = [(text, address_fault(text) if isinstance(text, str) else "it is no text") for text in texts]
    notes = [f"A locator was left out: {fault}." for fault in dict.fromkeys(fault for _, fault in faults if fault)]
    return tuple(text for text, fault in faults if not fault), notes


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield str(name)
            yield from _texts(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner)


def _field(name: str, value: object, cleaned: dict[str, str]) -> object:
    if isinstance(value, str):
        what = hidden(value)
        if what:
            cleaned[name] = what
        return _instead(name, value) if what else value
    if isinstance(value, Mapping):
        pairs = ((_field(name, str(key), cleaned), _field(name, inner, cleaned)) for key, inner in value.items())
        return dict(pairs)
    if isinstance(value, (list, tuple)):
        return tuple(_field(name, inner, cleaned) for inner in value)
    return value


def _apart(name: str, value: object) -> object:
    """The value without long texts: whoever sends content in one field may have cut the rest of it into others."""
    if isinstance(value, str):
        longest = LONG_ADDRESS if name == "locators" else LONG
        return WITHHELD if len(value) >= longest else value
    if isinstance(value, Mapping):
        return {_apart(name, key): _apart(name, inner) for key, inner in value.items()}
    return tuple(_apart(name, inner) for inner in value) if isinstance(value, (list, tuple)) else value


def _instead(name: str, value: str) -> str:
    """The word in place of it. An identifier stays one, so that a second delivery is known as the same detection."""
    return f"withheld-{hashlib.sha256(value.encode()).hexdigest()[:32]}" if name == "source_id" else WITHHELD
