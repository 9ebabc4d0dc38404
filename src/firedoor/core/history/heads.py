"""Where journals stand, as one word that can leave the machine: in a letter, a heartbeat, a report.

Decides what is signed and how it is written, so that whoever kept an old letter can tell later whether the journals it
names were written over. Leaves signing to `store.heads`, which has the key.

The word is `firedoor-head.v1;ITEM;...;key=ID;sig=SIGNATURE`: items are `at=INSTANT`, `in=INSTALLATION` and one
`JOURNAL=ENTRY.HASH` for each journal, sorted. The signature is Ed25519 over everything before `;sig=`, in URL-safe
Base64 without padding. White space within it means nothing: mail programs break lines.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from firedoor.core.journal import Head
from firedoor.core.problems import InvalidInput, Problem

MARK = "firedoor-head.v1"
SIGNATURE = 64  # bytes
_WORD = re.compile(rf"{re.escape(MARK)};[A-Za-z0-9=.;:+_-]{{1,4000}}?;sig=[A-Za-z0-9_-]{{86}}")
_ITEM = re.compile(r"([1-9][0-9]{0,17}|0)\.([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class SignedHead:
    """Where journals stood at an instant, by whose key."""

    said: str  # everything that is signed
    signature: bytes
    at: datetime
    installation: str
    key: str
    heads: Mapping[str, Head]

    @property
    def word(self) -> str:
        """As it is published."""
        return f"{self.said};sig={base64.urlsafe_b64encode(self.signature).decode().rstrip('=')}"


def statement(installation: str, at: datetime, heads: Mapping[str, Head], key: str) -> str:
    """What is signed."""
    items = [f"{name}={head.seq}.{head.hash}" for name, head in sorted(heads.items())]
    instant = at.astimezone(UTC).isoformat(timespec="seconds")
    return ";".join([MARK, f"at={instant}", f"in={installation}", *items, f"key={key}"])


def heads_in(text: str) -> list[SignedHead]:
    """Every head that a text holds, such as a whole letter; a letter names the same one once for each of its forms.

    Reports in Markdown of before escaped some underscores of a signature; they are read all the same.
    """
    plain = text.replace("=\r\n", "").replace("=\n", "").replace("=3D", "=").replace("\\_", "_")
    found = _WORD.findall(re.sub(r"\s", "", plain))
    return [read_head(word) for word in dict.fromkeys(found)]


def read_head(word: str) -> SignedHead:
    """Read one. Raises InvalidInput for what is none; nothing is said about its signature."""
    said, _, signature = word.partition(";sig=")
    mark, *items = said.split(";")
    pairs = dict(item.partition("=")[::2] for item in items)
    try:
        raw = base64.urlsafe_b64decode(signature + "==")
        at = datetime.fromisoformat(pairs.pop("at"))
        installation, key = pairs.pop("in"), pairs.pop("key")
        heads = {name: _head(value) for name, value in pairs.items()}
    except (KeyError, ValueError, binascii.Error):
        raise InvalidInput(_unreadable()) from None
    if mark != MARK or len(raw) != SIGNATURE or at.tzinfo is None or len(items) != len(pairs) + 3:
        raise InvalidInput(_unreadable())
    return SignedHead(said, raw, at, installation, key, heads)


def _head(value: str) -> Head:
    found = _ITEM.fullmatch(value)
    if found is None:
        raise ValueError(value)
    return Head(int(found[1]), found[2])


def _unreadable() -> Problem:
    do = f"copy the whole of it, from {MARK} to the end of its signature"
    return Problem(code="J101", message="this is no signed head, or a part of it is missing", do=do)
