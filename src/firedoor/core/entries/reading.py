"""The body of an entry as the form of its kind, for whoever has looked at the kind already.

Decides nothing: a body that is not of the form (an old journal, an altered line) fails where its key is missing, as any
dictionary does. Leaves checking it whole to `registry`.
"""

from __future__ import annotations

from typing import TypeVar, cast

from firedoor.core.entries.base import EntryBody
from firedoor.core.journal import Draft, Entry

Form = TypeVar("Form", bound=EntryBody)


def body_of(entry: Entry | Draft, form: type[Form]) -> Form:  # noqa: ARG001 - for whoever checks types
    """The body of an entry or draft whose kind has this form."""
    # No type can follow from the value of `kind`; this is the one place that says so.
    return cast("Form", entry.body)
