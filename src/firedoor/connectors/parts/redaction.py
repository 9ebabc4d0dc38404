"""Taking secrets out of whatever leaves a call: errors, receipts, snapshots.

Decides how a resolved secret is recognised in text and in JSON. Leaves resolving
secrets to the Secrets port and choosing what is kept to the connectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote

from firedoor.core.json_types import Json, JsonObject

REDACTED = "[redacted]"
_SHORTEST = 4  # characters; a shorter one would take half of every text with it


@dataclass
class Redactor:
    """Remembers the secrets that one call has used, in every form in which they may come back."""

    forms: set[str] = field(default_factory=set)

    def learn(self, secret: str) -> None:
        """Remember one resolved secret."""
        if len(secret) >= _SHORTEST:
            self.forms |= {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}

    def text(self, text: str) -> str:
        """Return the text without any secret."""
        for form in sorted(self.forms, key=len, reverse=True):
            text = text.replace(form, REDACTED)
        return text

    def value(self, value: Json) -> Json:
        """Return a JSON value without any secret, keys included."""
        match value:
            case str():
                return self.text(value)
            case dict():
                return self.members(value)
            case list() | tuple():
                return [self.value(item) for item in value]
            case _:
                return value

    def members(self, value: JsonObject) -> dict[str, Json]:
        """Return the members of a JSON object without any secret."""
        return {self.text(str(key)): self.value(item) for key, item in value.items()}

    def excerpt(self, content: bytes, length: int = 200) -> str:
        """Return the start of an answer as one printable line, without any secret."""
        line = self.text(content[: 64 * 1024].decode("utf-8", "replace"))
        return "".join(character if character.isprintable() else " " for character in line[:length]).strip()


def is_redacted(values: Iterable[object]) -> bool:
    """Tell whether something was taken out of any of these JSON values."""
    return any(REDACTED in json.dumps(value, ensure_ascii=False) for value in values)
