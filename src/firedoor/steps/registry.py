"""Finds step types: every file of this folder that defines `STEP`, and those of other packages.

Decides nothing but where they are. An outside package adds a type through the
entry-point group `firedoor.steps`, each entry naming a module with a `STEP`.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points

from firedoor.core.playbook.step import StepType

GROUP = "firedoor.steps"


@cache
def step_types() -> dict[str, StepType]:
    """All step types by key, in alphabetical order."""
    package = import_module("firedoor.steps")
    names = [f"firedoor.steps.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
    modules = [import_module(name) for name in names] + [entry.load() for entry in entry_points(group=GROUP)]
    found = [module.STEP for module in modules if hasattr(module, "STEP")]
    return {step.key: step for step in sorted(found, key=lambda step: step.key)}
