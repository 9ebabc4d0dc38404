"""How much somebody has decided about intimate content, before they decide once more.

Decides that whoever has reached a bound answers no more requests, unless they say why nobody else can; and that the
manager is told when a bound is reached, and when it is passed. Leaves the bounds to the organisation's profile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from firedoor.core.entries.people import MessageSent
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft, Kind
from firedoor.core.lifecycle import IncidentType
from firedoor.core.person import Identity, Person, same
from firedoor.core.problems import Problem, Refused
from firedoor.core.requests.care import WEEK, Decided, Load, load_of, reached
from firedoor.runtime.config.container import World
from firedoor.store.incidents.decided import decided

LEAD = "manager"
ACTOR = "firedoor:care"


@dataclass(frozen=True, slots=True)
class Care:
    """What one person has decided; `over` says in words which bound is reached, `last` which one the next case is."""

    name: str
    load: Load
    over: str = ""
    last: str = ""

    def entry(self, alone: str) -> Sequence[Draft]:
        """What the manager is told when this person decides now. Raises Refused where somebody else takes over."""
        if self.over and not alone.strip():
            do = "somebody else takes over; where nobody can, say why (alone), and the manager is told"
            raise Refused(Problem(code="Q108", field="alone", message=f"{self.name}: {self.over}", do=do))
        said = f"{self.over}. Nobody else could: {alone.strip()[:500]}" if self.over else self.last
        if not said:
            return ()
        body: MessageSent = {
            "to": [LEAD], "subject": f"{self.name} has decided enough cases for now",
            "text": f"{self.name}: {said}. Have somebody else take over, and talk to {self.name}.", "op": None,
        }  # fmt: skip
        return (Draft(Kind.MESSAGE, ACTOR, body),)


def care_of(world: World, view: IncidentView, person: Person) -> Care:
    """The care for a person in a case. Of another kind of incident, or in practice, nothing is counted."""
    if view.type is not IncidentType.NONCONSENSUAL_GENERATION or view.practice:
        return Care(person.name, Load({}, {}))
    now, bounds = world.now(), world.organisation.care
    found = [
        one for who, one in decided(world.store.engine, now - WEEK) if same(person.identity, Identity(one.by, who))
    ]
    load = load_of(found, now)
    counted = any(one.incident == view.id for one in found)  # a case that is counted already is no further one
    over = "" if counted else reached(bounds, load)
    after = load_of([*found, Decided(person.name, view.id, view.shown_severity, now)], now)
    return Care(person.name, load, over, "" if over or counted else reached(bounds, after))


def loads(world: World) -> dict[str, Load]:
    """What everybody has decided within 7 days, by name: for whoever leads them."""
    now, by_person = world.now(), dict[tuple[str, str], list[Decided]]()
    for who, one in decided(world.store.engine, now - WEEK):
        by_person.setdefault((who, one.by), []).append(one)
    return {name: load_of(found, now) for (_, name), found in sorted(by_person.items(), key=lambda one: one[0][1])}
