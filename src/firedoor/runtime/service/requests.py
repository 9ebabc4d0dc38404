"""Requests of people within an incident, as calls: read them, register one, complete it, note a letter, answer it.

Decides that every door reads a request through one function, on one look at the journal. It is a part of `Service`.
Leaves the rules to `core.request_actions` and the words to `core.request_words`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from firedoor.core.clocks.request_clocks import clocks_of
from firedoor.core.incident.scope import typed_facts
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Draft
from firedoor.core.playbook.plan import Plan
from firedoor.core.reporting.requests import all_told
from firedoor.core.requests.request import Outcome, RequestKind
from firedoor.core.tasks import request_actions as rules
from firedoor.core.tasks import withdrawals
from firedoor.core.tasks.answers import Person
from firedoor.core.tasks.request_actions import Given, Told
from firedoor.runtime.config.container import World
from firedoor.runtime.service.reviewer_care import care_of

STANDING = "complaint_by_person_shown"  # who complains is who asked: whoever holds the link


def requests_told(world: World, plan: Plan, view: IncidentView) -> list[Body]:
    """Every request of an incident as every door shows it, in the order in which they came."""
    facts = typed_facts(view.facts, world.definitions(plan))
    return all_told(view, world.law, facts, plan.duties, world.now())


class Requesting:
    """Calls about requests."""

    world: World
    _write: Callable[..., Awaitable[IncidentView]]
    view: Callable[..., Awaitable[IncidentView]]
    plan_of: Callable[..., Awaitable[Plan]]
    freeze: Callable[..., Awaitable[tuple[dict[str, str], Sequence[Draft]]]]

    async def requests(self, incident: str) -> list[Body]:
        """The requests of an incident. Raises NotFound."""
        view, plan = await self.view(incident), await self.plan_of(incident)
        return await asyncio.to_thread(requests_told, self.world, plan, view)

    async def receive_request(
        self, incident: str, kind: str, received_at: datetime | None, told: Told, why: str, person: Person
    ) -> tuple[IncidentView, str]:
        """Register a request; the id of the one that it is, which is an older one for a second copy."""
        named: list[str] = []

        def decide(view: IncidentView) -> Sequence[Draft]:
            name, drafts = rules.receive(view, kind, received_at, told, why, person, self.world.now())
            named[:] = [name]
            return drafts

        return await self._write(incident, decide), named[0]

    async def complete_request(
        self, incident: str, name: str, at: datetime | None, told: Told, why: str, person: Person
    ) -> IncidentView:
        """Say what a request contains or lacks, or what came later."""
        return await self._changed(
            incident, lambda view: rules.complete(view, name, at, told, why, person, self.world.now())
        )

    async def note_letter(
        self, incident: str, name: str, letter: str, at: datetime | None, reference: str, person: Person
    ) -> IncidentView:
        """Note that a letter to the person was sent."""
        return await self._changed(
            incident, lambda view: rules.written(view, name, letter, at, reference, person, self.world.now())
        )

    async def withdraw_request(
        self, incident: str, name: str, places: Sequence[str], why: str, person: Person
    ) -> IncidentView:
        """Take back these places of a request, with none all of it, on the word of whoever sent it."""
        duties = self.world.law.by_request[0]

        def decide(view: IncidentView) -> Sequence[Draft]:
            clocks = clocks_of(view, duties, rules.the_request(view, name))
            return withdrawals.withdraw(view, name, places, why, clocks, person)

        return await self._changed(incident, decide)

    async def dispute_request(self, incident: str, name: str, why: str, person: Person) -> IncidentView:
        """Register that the person does not agree with an answer: a complaint. The same words again are none."""

        def decide(view: IncidentView) -> Sequence[Draft]:
            one = rules.the_request(view, name)
            same = {key: str(answer) for key, answer in one.elements.items() if key == STANDING}
            told = Told(elements=same, reference=withdrawals.disputed(one))
            if withdrawals.said_already(view, one, why):
                return []
            withdrawals.need_disputable(view, name)
            _, drafts = rules.receive(view, RequestKind.COMPLAINT, None, told, why, person, self.world.now())
            return [*drafts, withdrawals.told_of_a_dispute(view, name)]

        return await self._changed(incident, decide)

    async def answer_request(self, incident: str, name: str, given: Given, person: Person) -> IncidentView:
        """Answer a request: its open clocks and their tasks end with it. Of what was sent the text is kept first.

        Raises Refused for somebody who has decided as many cases as one person may, and says not why nobody else can.
        """
        duties, now = self.world.law.by_request[0], await self.view(incident)
        care = await asyncio.to_thread(care_of, self.world, now, person)
        told = care.entry(given.alone)
        ending = [one.id for one in clocks_of(now, duties, rules.the_request(now, name)) if not one.settled]
        frozen: dict[str, Mapping[str, str]] = {}
        kept: list[Draft] = []
        for clock in ending if given.outcome == Outcome.REMOVED else []:
            frozen[clock], entries = await self.freeze(incident, clock, given.fields, person)
            kept += entries

        def decide(view: IncidentView) -> Sequence[Draft]:
            clocks = clocks_of(view, duties, rules.the_request(view, name))
            two = self.world.organisation.two_people_refuse
            answered = rules.answer_request(view, name, given, clocks, person, self.world.now(), frozen, two=two)
            return [*kept, *answered, *told]

        return await self._changed(incident, decide)

    async def _changed(self, incident: str, decide: Callable[[IncidentView], Sequence[Draft]]) -> IncidentView:
        view: IncidentView = await self._write(incident, decide)
        return view
