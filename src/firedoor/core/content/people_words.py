"""Words that people write into the journal: reasons, facts, names, answers, notes. They carry no content.

Decides that an entry by a person which hides a picture or its like is refused before it is written, through whichever
way it came (console, API, Slack, a form of Prefect, a link). What machines write is judged where it comes in.
"""

from __future__ import annotations

from collections.abc import Iterable

from firedoor.core.canonical import canonical
from firedoor.core.content import hidden
from firedoor.core.journal import Draft
from firedoor.core.problems import InvalidInput, Problem

MACHINES = ("firedoor", "system:", "source:", "alert:")


def check_words(drafts: Iterable[Draft]) -> None:
    """Raises InvalidInput for the first entry by a person that holds content."""
    for draft in drafts:
        if draft.actor.startswith(MACHINES):
            continue
        if what := hidden(canonical(draft.body).decode()):
            do = "write words; keep a hash or an address with `firedoor evidence point`, and never the content"
            raise InvalidInput(Problem(code="E113", message=f"what was written holds content: {what}", do=do))
