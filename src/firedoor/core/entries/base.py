"""What the bodies of all entries have in common.

Decides how forms grow. A field is added with a default, so that entries of earlier versions keep their form; one that
is no longer written stays for as long as a journal may hold it. `v` is the version of a body whose meaning changed.
Leaves what follows from an entry to the folds, and who may write one to whoever writes it.

Instants are text in ISO 8601 with a zone. Values of facts are JSON, read by the type of each fact (`core.facts`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

Instant = str
Json = Mapping[str, Any]
Words = tuple[str, ...]


class EntryBody(BaseModel):
    """What all bodies have in common: `by_id` is the person behind the actor's name, where a person acted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=False)

    by_id: str | None = None
