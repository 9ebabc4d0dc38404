"""What the bodies of all entries have in common.

Decides how forms grow. A field is added as one that may be missing, so that entries of earlier versions keep their
form; one that is no longer written stays for as long as a journal may hold it. `v` is the version of a body whose
meaning changed. Leaves what follows from an entry to the folds, and who may write one to whoever writes it.

The forms are dictionaries with known keys: whoever writes an entry makes one, whoever reads an entry is handed one, and
a key that is misspelt in either place is a type error. They cost nothing while the program runs; `registry.read_body`
checks a body against its form.

Instants are text in ISO 8601 with a zone. Values of facts are JSON, read by the type of each fact (`core.facts`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypeAlias

from typing_extensions import TypedDict  # the one of `typing` lacks what pydantic needs before Python 3.12

Instant: TypeAlias = str
Words: TypeAlias = Sequence[str]


class EntryBody(TypedDict):
    """What all bodies have in common: `by_id` is the person behind the actor's name, where a person acted."""

    by_id: NotRequired[str | None]
