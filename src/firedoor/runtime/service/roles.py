"""The closed list of roles as it stands in this process: built in, named by playbooks, named by the organisation.

Decides where roles come from: the playbooks that are loaded, `roles:` of the organisation's profile, and the plans of
open incidents, so that a playbook that is edited or removed leaves no running incident without the people it asks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from sqlalchemy import select

from firedoor.core.access.roles import RoleList
from firedoor.core.problems import FiredoorError
from firedoor.runtime.config.container import World
from firedoor.runtime.service.playbook_cache import Shelf
from firedoor.store.database.sql import table
from firedoor.store.database.tables import IncidentRow

REMEMBERED = 2.0  # seconds for which the plans of open incidents are not read again


class Roles:
    """Which words are roles now."""

    def __init__(self, world: World, shelf: Shelf) -> None:
        self._world = world
        self._shelf = shelf
        self._of_open: tuple[float, frozenset[str]] = (float("-inf"), frozenset())

    def loaded(self) -> RoleList:
        """The roles that somebody can be given: those of loaded playbooks and of the organisation, and the built-in."""
        plans = self._shelf.plans.values()
        return RoleList(frozenset(self._world.organisation.roles) | {role for plan in plans for role in plan.roles})

    def covering(self, roles: Iterable[str]) -> RoleList:
        """The list by which roles that somebody has are judged. It asks the store only where a word is not loaded."""
        loaded = self.loaded()
        return loaded if not loaded.unknown(roles) else RoleList(loaded.named | self._pinned())

    def _pinned(self) -> frozenset[str]:
        at, found = self._of_open
        if time.monotonic() - at >= REMEMBERED:
            found = frozenset(role for digest in self._digests() for role in self._roles_of(digest))
            self._of_open = (time.monotonic(), found)
        return found

    def _digests(self) -> list[str]:
        columns = table(IncidentRow).c
        query = select(columns.plan_digest).where(columns.closed_at.is_(None) & (columns.plan_digest != "")).distinct()
        with self._world.store.engine.connect() as connection:
            return list(connection.execute(query).scalars())

    def _roles_of(self, digest: str) -> tuple[str, ...]:
        try:
            return self._world.store.plan(digest).roles
        except FiredoorError:  # a plan that is gone or was altered names nobody
            return ()
