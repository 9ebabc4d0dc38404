"""The items of a delivery, each read by itself.

Decides that every item has problems of its own, so that one which cannot be read loses none of its neighbours, and how
many there may be. Leaves reading an item to the source, and the note on the neighbours to `source.readable`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from firedoor.alerts.bodies import Payload
from firedoor.alerts.source import Read, readable
from firedoor.core.alerts.alert import Alert
from firedoor.core.json_types import Json
from firedoor.core.language.json_fields import Fields
from firedoor.core.problems import InvalidInput, Problem

MAXIMUM_ITEMS = 500


def each_item(payloads: Sequence[Payload], read: Callable[[Fields], Alert | None]) -> tuple[Alert, ...]:
    """Return the alerts of payloads, each an item or an array of them. Raises InvalidInput when none can be read."""
    found = list(_items(payloads))
    if len(found) > MAXIMUM_ITEMS:
        message = f"has {len(found)} items; at most {MAXIMUM_ITEMS} are read"
        raise InvalidInput(Problem(code="D116", field="(the body)", message=message, do="send fewer"))
    return readable([Read(None, (one,)) if isinstance(one, Problem) else read_item(*one, read) for one in found])


def read_item(item: Json, path: str, read: Callable[[Fields], Alert | None]) -> Read:
    """Read one item, which stands at `path` of the body."""
    problems: list[Problem] = []
    alert = read(Fields(item, path, problems))
    return Read(None, tuple(problems)) if problems else Read(alert)


def _items(payloads: Sequence[Payload]) -> Iterator[tuple[Json, str] | Problem]:
    for payload in payloads:
        if isinstance(payload, Problem):
            yield payload
        elif isinstance(payload, list):
            yield from ((item, f"[{index}]") for index, item in enumerate(payload))
        else:
            yield payload, ""
