"""Walks the way of the first alert before it comes, so that it finds everything read, parsed and compiled.

Decides which work is done ahead: the shipped examples are parsed and triaged, the
first entries of an incident of every playbook are worked out and thrown away, every
door is compiled. Nothing is stored and nobody is called.
"""

from __future__ import annotations

import contextlib
import logging

from firedoor.alerts.registry import example_body
from firedoor.core.problems import FiredoorError
from firedoor.core.severity import Severity
from firedoor.runtime.service.facade import Service
from firedoor.runtime.service.opening import Opening, new_incident

log = logging.getLogger(__name__)


def warm(service: Service) -> None:
    """Do it; a fault here costs the first alert some milliseconds and nothing else."""
    for step in (_alerts, _plans, _doors):
        try:
            step(service)
        except Exception as error:  # noqa: BLE001 - warming is never worth a failed start
            log.warning("warming up: %s", error)


def _alerts(service: Service) -> None:
    for source in service.sources.values():
        for example in source.examples:
            with contextlib.suppress(FiredoorError):
                for alert in source.parse(example_body(example), example.headers):
                    service.triage(alert)


def _plans(service: Service) -> None:
    for plan in service.shelf.plans.values():
        service.world.store.keep_plan(plan, service.world.now())
        opening = Opening(plan, plan.title, "warming up", "firedoor", Severity.CRITICAL, {})
        new_incident(service.world, opening)
    _ = service.world.law
    _ = service.world.lineage


def _doors(service: Service) -> None:
    """Compile every door; a wrong one is reported where it is used, and by `firedoor check`."""
    world = service.world
    for target in world.inventory.targets.values():
        for door in target.doors:
            with contextlib.suppress(FiredoorError, KeyError):
                world.connectors[door.connector].check(target, door)
