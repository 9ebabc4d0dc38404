"""What the journal says about copies of content: each entry finds some, or says more of them.

Decides that a copy is known by the digest of where it is, that its place and how it was found stand as they were first
told, and that its story keeps every change. Part of the fold in `view`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from firedoor.core.entries.copies import BankFeedback, CopiesNoted, CopySaid
from firedoor.core.journal import Kind
from firedoor.core.removal.copy import Copy, CopyState, How, Step

if TYPE_CHECKING:
    from firedoor.core.incident.view import IncidentView, Meta


def _noted(view: IncidentView, body: CopiesNoted, meta: Meta) -> None:
    at = datetime.fromisoformat(meta.at)
    for said in body["copies"]:
        step = Step(CopyState(said["state"]), at, body.get("by", ""), said.get("why", ""))
        known = view.copies.get(said["copy"])
        one = known or _new(body["store"], said, len(view.copies) + 1)
        view.copies[one.id] = replace(
            one, state=step.state, story=(*one.story, step), undo=said.get("undo", one.undo)
        )  # fmt: skip


def _feedback(view: IncidentView, body: BankFeedback, _: Meta) -> None:
    view.bank_feedback.append(body)


def _new(store: str, said: CopySaid, number: int) -> Copy:
    return Copy(
        said["copy"], number, store, said["copy_locator"], How(said["how"]), CopyState(said["state"]),
        said.get("distance"), said.get("quality"),
    )  # fmt: skip


COPY_HANDLERS: Mapping[str, Callable[[IncidentView, Any, Meta], None]] = {
    Kind.COPIES: _noted, Kind.BANK_FEEDBACK: _feedback,
}  # fmt: skip
