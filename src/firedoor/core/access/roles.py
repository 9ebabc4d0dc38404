"""The closed list of roles of an installation, and which of them decide.

Decides which words are roles: those of the system, those that the shipped playbooks share, and those that the loaded
playbooks and the organisation's profile name. A word that is not on the list is refused where somebody gives it, and
gives no access where somebody has it already. Leaves what a role may do to `interfaces.web.access`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from firedoor.core.problems import InvalidInput, Problem, nearest
from firedoor.core.tasks.answers import Person

SYSTEM_ROLES = frozenset(("responder", "approver", "manager", "viewer", "source", "admin"))
PLAYBOOK_ROLES = frozenset(("commander", "dpo", "legal", "communications", "engineering", "victim_support", "manager"))
BUILT_IN = SYSTEM_ROLES | PLAYBOOK_ROLES

SOURCE = "source"  # a machine that sends alerts, and does nothing else
ADMIN = "admin"
ROUTINE = frozenset(("viewer", "responder", SOURCE))  # every other role decides, approves or administers

LONGEST = 40  # characters of a word that is shown again


@dataclass(frozen=True, slots=True)
class RoleList:
    """The roles of one installation. `named` are those that its playbooks and its organisation add."""

    named: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """Every role that somebody can have."""
        return BUILT_IN | self.named

    @property
    def own(self) -> frozenset[str]:
        """The roles that only this installation has: they take part in incidents like those of the playbooks."""
        return self.named - BUILT_IN

    def unknown(self, roles: Iterable[str]) -> list[str]:
        """The words that are no role here, in order."""
        return sorted(set(roles) - self.known)

    def holding(self, person: Person) -> Person:
        """The person without what is no role here: such a word gives nothing, wherever it is stored."""
        counted = person.roles & self.known
        return person if counted == person.roles else replace(person, roles=counted)

    def need_known(self, roles: Iterable[str], field: str = "roles") -> None:
        """Raises InvalidInput for every word that is no role, naming the nearest one."""
        wrong = self.unknown(roles)
        if wrong:
            raise InvalidInput([
                Problem(code="W130", field=field, message=f'"{word[:LONGEST]}" is no role here',
                        do=nearest(word[:LONGEST], self.known))
                for word in wrong
            ])  # fmt: skip


def owes_codes(roles: Iterable[str], *, has: bool) -> bool:
    """Whether somebody with these roles lacks one-time codes where they are demanded for deciding."""
    return not has and bool(deciding(roles))


def deciding(roles: Iterable[str]) -> frozenset[str]:
    """Those of these roles that decide: everything but reading, responding and sending alerts."""
    return frozenset(roles) - ROUTINE
