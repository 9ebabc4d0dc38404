"""What doors of platforms with an HTTP API have in common: their bounds, and answers that have to be objects.

Decides that an answer which is no object is no answer, and what several calls mean of which some had an effect. Leaves
what is called to the connectors, one call to `calls`, and the order of things to `door_connector`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from typing import TypeVar

from pydantic import Field

from firedoor.connectors.parts.api import Api
from firedoor.connectors.parts.calls import Answer
from firedoor.connectors.parts.door_connector import DoorConnector
from firedoor.core.json_types import JsonObject
from firedoor.core.problems import FiredoorError, InDoubt, Problem, Unanswered
from firedoor.core.targets import Door, Part, Target

REFERENCE = r"^secret://"


class PlatformDoor(Part):
    """What every such door may say. `url` is the base address of the platform's API."""

    url: str
    blast_radius: tuple[str, ...] = ()
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)

    def headers(self) -> dict[str, str]:
        """Return the headers of each call; secrets as references."""
        return {}


Settings = TypeVar("Settings", bound=PlatformDoor)


class PlatformConnector(DoorConnector[Settings]):
    """A connector whose doors are PlatformDoors."""

    def check(self, target: Target, door: Door) -> None:
        """Raise InvalidInput with all problems of the door, its address included."""
        self.api(self.settings(target, door))

    def api(self, settings: Settings) -> Api:
        """Return the platform's API with the door's bounds."""
        return Api(self._context, settings.url, settings.headers(), settings.timeout_seconds)


class MarklessConnector(PlatformConnector[Settings]):
    """A connector of a platform that offers no place for a mark, or none that a suspension should depend on."""

    def mark(self, target: Target, door: Door, settings: Settings, operation_key: str) -> str | None:  # noqa: ARG002 - whatever they are
        """None: whose work a closed door is, only our own receipt says."""
        return None

    def changed_names(self, settings: Settings) -> frozenset[str]:  # noqa: ARG002 - another platform's answer may depend on it
        """Whether it is closed; all else must stay."""
        return frozenset({"closed"})


def read_object(answer: Answer, what: str) -> JsonObject:
    """Return the object that an answer holds. Raises Unanswered when it is none; `what` it should have been."""
    document = answer.document()
    if isinstance(document, dict):
        return document
    raise unreadable(f"the answer is not {what}")


def part(document: JsonObject, name: str) -> JsonObject:
    """Return an object inside an answer; an empty one where it is left out. Raises Unanswered for any other kind.

    What is left out is nothing, as platforms write it. What is there and cannot be read must never look like nothing:
    a door whose traffic is unreadable would count as closed.
    """
    found = document.get(name)
    if isinstance(found, Mapping):
        return found
    if not found:
        return {}
    raise unreadable(f"{name} in the answer is no object")


def unreadable(message: str, do: str = "compare the door with the platform; nothing was changed") -> Unanswered:
    """An answer that does not say what has to be known: nothing may be concluded from it."""
    return Unanswered(Problem(code="K207", message=message, do=do))


async def all_or_doubt(calls: Sequence[Coroutine[object, None, Answer]]) -> list[Answer]:
    """Make every call, whatever becomes of the others. Raises InDoubt when some had an effect and some did not."""
    results = await asyncio.gather(*calls, return_exceptions=True)
    failed = [result for result in results if isinstance(result, BaseException)]
    for error in failed:
        if not isinstance(error, FiredoorError):
            raise error
    answers = [result for result in results if not isinstance(result, BaseException)]
    if not failed:
        return answers
    if len(failed) == 1 and not answers:
        raise failed[0]
    said = [problem for error in failed if isinstance(error, FiredoorError) for problem in error.problems]
    done = Problem(code="K202", message=f"{len(answers)} of {len(results)} calls succeeded", do="look at each of them")
    if answers or any(isinstance(error, InDoubt) for error in failed):
        raise InDoubt([*said, done])
    raise Unanswered(said)
