"""A house in the middle of an incident, for whoever looks at it from outside: audit, backup, faults of the disk."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from tests.tampering import unguarded_file

from firedoor.testing.house import House, plan_of

PAGE = """
playbook: outside
version: 1.0.0
title: An incident that is looked at from outside
incident: data_leakage_in_ai_models
facts:
  endpoint: {type: target, ask: "Which?"}
roles: [commander, dpo]
phases:
  identification: []
  containment:
    - preserve: model_card
      of: "{{ facts.endpoint }}"
    - suspend: "{{ facts.endpoint }}"
      automatic: always
  remediation:
    - confirm: "Is it mended?"
      id: mended
      by: commander
      within: 30m
      escalate_to: dpo
  post_incident: []
"""


def house(folder: Path, url: str = "") -> House:
    """A house of that plan."""
    return House(folder, plan_of(PAGE), url=url)


async def in_flight(here: House) -> str:
    """An incident that is contained and waits for a person, with a watch that lives."""
    incident = await here.open(endpoint="chat-large")
    await here.settle(incident)
    await lived(here)
    return incident


async def lived(here: House, *, holding: bool = True) -> None:
    """One round of the loops of a living process; without `holding` it never looks at what is held closed."""
    await here.driver.look()
    await here.watch.look()
    if holding:
        await here.holding.look()
    await here.watch.pulse()


def alter(here: House, statement: str) -> None:
    """Change the database behind everybody's back."""
    with closing(sqlite3.connect(here.folder / "firedoor.db")) as connection, connection:
        unguarded_file(connection).execute(statement)
