"""What people can ask of a running incident in the middle of the night: tasks passed on, and the run steered.

Decides nothing; reads, has the core decide, and writes in one transaction. It is a part of
`Service`, in a file of its own. Leaves links that answer a task to `links`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from firedoor.core.access.need_to_know import change_readers, says_the_same
from firedoor.core.execution.run_control import Action, consequences, control
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Draft
from firedoor.core.tasks.answers import Answer, Person
from firedoor.core.tasks.releasing import legal_hold, open_again
from firedoor.core.tasks.task_actions import break_glass, claim, reassign

if TYPE_CHECKING:
    from firedoor.core.playbook.plan import Plan
    from firedoor.runtime.config.container import World


class Operating(ABC):
    """Calls that steer. Each names the person who does it and asks why."""

    world: World

    async def reassign(self, incident: str, task: str, role: str, why: str, person: Person) -> IncidentView:
        """Give a task to another role of the playbook."""
        roles = (await self.plan_of(incident)).roles
        return await self._write(incident, lambda view: reassign(view, task, role, why, person, roles))

    async def claim(self, incident: str, task: str, why: str, person: Person) -> IncidentView:
        """Take a task over by name."""
        return await self._write(incident, lambda view: claim(view, task, why, person))

    async def break_glass(self, incident: str, task: str, answer: Answer, person: Person) -> IncidentView:
        """Answer a task without its role: told to everybody, and reviewed before the incident ends.

        Where it says that a notice was sent, the newest text is kept as sent, approved or not.
        """
        plan = await self.plan_of(incident)
        definitions = self.world.definitions(plan)
        given, kept = await self.with_text(incident, task, answer, person, newest=True)
        return await self._write(
            incident,
            lambda view: [*kept, *break_glass(view, task, given, person, definitions, self.world.now(), plan.roles)],
        )

    async def set_readers(
        self, incident: str, roles: Sequence[str] | None, people: Sequence[str], why: str, person: Person
    ) -> IncidentView:
        """Name who may read it from now on; `roles` None is every reader."""
        known = (await self.plan_of(incident)).roles

        def decide(view: IncidentView) -> list[Draft]:
            draft = change_readers(roles, people, why, person, known)
            return [] if says_the_same(view.readers, draft) else [draft]

        return await self._write(incident, decide)

    async def steer(self, action: Action, incident: str, operation: str, why: str, person: Person) -> IncidentView:
        """Pause, unpause, skip, redo, take over by hand or abort."""
        plan = await self.plan_of(incident)
        now = self.world.now
        return await self._write(incident, lambda view: control(action, view, plan, operation, why, person, now()))

    async def foresee(self, action: Action, incident: str, operation: str, person: Person) -> list[str]:
        """What steering would lead to. Refused where the action itself would be. Nothing is changed."""
        plan, view = await self.plan_of(incident), await self.view(incident)
        drafts = control(action, view, plan, operation, "to see what it leads to", person, self.world.now())
        return consequences(action, view, plan, operation, drafts)

    async def open_again(self, incident: str, target: str, why: str, person: Person) -> IncidentView:
        """Agree to open what an ended incident keeps closed; when enough people have agreed it is opened."""
        plan, now = await self.plan_of(incident), self.world.now
        return await self._write(incident, lambda view: open_again(view, plan, target, why, person, now()))

    async def legal_hold(self, incident: str, why: str, person: Person, *, release: bool) -> IncidentView:
        """Place a legal hold on an incident, or release it."""
        return await self._write(incident, lambda view: legal_hold(view, why, person, release=release))

    @abstractmethod
    async def with_text(
        self, incident: str, task: str, answer: Answer, person: Person, *, newest: bool = False
    ) -> tuple[Answer, Sequence[Draft]]:
        """The answer with the text of the notice that it says was sent, and the entry that keeps it."""

    @abstractmethod
    async def view(self, incident: str) -> IncidentView:
        """The incident as its journal tells it now."""

    @abstractmethod
    async def plan_of(self, incident: str) -> Plan:
        """The plan that the incident is pinned to."""

    @abstractmethod
    async def _write(self, incident: str, decide: Callable[[IncidentView], Sequence[Draft]]) -> IncidentView:
        """Read, have it decided, and write, as one."""
