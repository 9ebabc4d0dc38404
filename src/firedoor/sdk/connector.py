"""The base of a connector of another package: the door connector, and short ways to say what it found.

Decides how an outsider says what Firedoor has words of its own for: a look, a description, three kinds of failure.
Leaves the order of things (look, close once, tell our own work from others') to `connectors.parts.door_connector`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from firedoor.connectors.parts.context import ConnectorContext
from firedoor.connectors.parts.door_connector import Description, DoorConnector, Live
from firedoor.core.ports import Json, PlannedCall, Reversible
from firedoor.core.problems import InDoubt, Problem, Refused, Unanswered
from firedoor.core.ternary import UNKNOWN, of

Settings = TypeVar("Settings")


class Connector(DoorConnector[Settings]):
    """A connector. A subclass sets `kind` and `Config`, and writes `look`, `close`, `open` and `describe`.

    `look` raises `self.unanswered(...)`. `close` and `open` return details for the receipt, and raise
    `self.unanswered(...)` (certainly no effect), `self.in_doubt(...)` (perhaps one: it is looked at before anything
    is repeated) or `self.refused(...)` (the far end is in another state).
    """

    @property
    def context(self) -> ConnectorContext:
        """What a connector is given: `client` (httpx), `secrets`, `now()` and the `inventory`."""
        return self._context

    def live(self, *, closed: bool | None, state: Json, mark: str | None = None, version: str | None = None) -> Live:
        """How the door stands now. `closed` is None where that cannot be told. `state` is JSON without secrets."""
        seen = UNKNOWN if closed is None else of(closed)
        return Live(state=state, closed=seen, at=self._context.now(), mark=mark, version_token=version)

    def description(
        self,
        *,
        capture: str,
        suspend: str,
        resume: str = "",
        touches: Iterable[str] = (),
        permissions: Iterable[str] = (),
        reversible: Reversible = "yes",
    ) -> Description:
        """What a person reads before: each call in words, whom it touches besides the target, and its rights."""
        calls = [PlannedCall(verb="capture", summary=capture), PlannedCall(verb="suspend", summary=suspend)]
        calls += [PlannedCall(verb="resume", summary=resume)] if resume else []
        return Description(tuple(calls), tuple(touches), tuple(permissions), reversible)

    def unanswered(self, message: str, do: str = "") -> Unanswered:
        """The error for a system that did not answer, when nothing can have happened."""
        return Unanswered(self._said(message, do))

    def in_doubt(self, message: str, do: str = "") -> InDoubt:
        """The error for a call that broke off: it may have had its effect."""
        return InDoubt(self._said(message, do))

    def refused(self, message: str, do: str = "") -> Refused:
        """The error for a far end that is in another state than we thought."""
        return Refused(self._said(message, do))

    def _said(self, message: str, do: str) -> Problem:
        return Problem(code="K900", message=f"{self.kind}: {message}", do=do or "look at the system itself")
