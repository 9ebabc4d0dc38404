"""Finds step types: every file of this folder that defines `STEP`, and those of other packages.

Decides where they are, and that ours cannot be replaced from outside: a playbook means the same everywhere. An
outside package adds a type through the entry-point group `firedoor.steps`, each entry naming a class of
`firedoor.sdk.Step`, or a module with a `STEP`.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points

from firedoor.core.language.json_payload import one_line
from firedoor.core.playbook.step import StepType
from firedoor.core.problems import InvalidInput, Problem

GROUP = "firedoor.steps"


@cache
def step_types() -> dict[str, StepType]:
    """All step types by key, in alphabetical order. Raises InvalidInput when an outsider's cannot be used."""
    return collected(own_types(), entry_points(group=GROUP))


def own_types() -> dict[str, StepType]:
    """The step types of this folder by key."""
    package = import_module("firedoor.steps")
    modules = [import_module(f"firedoor.steps.{module.name}") for module in pkgutil.iter_modules(package.__path__)]
    found = [module.STEP for module in modules if hasattr(module, "STEP")]
    return {step.key: step for step in found}


def collected(own: dict[str, StepType], outside: Iterable[EntryPoint]) -> dict[str, StepType]:
    """Ours and outsiders' by key; each key once. Raises InvalidInput (P146, P147) with every problem."""
    found, problems = dict(own), []
    for point in outside:
        try:
            step = getattr(point.load(), "STEP", None)
        except (ImportError, AttributeError, TypeError) as error:
            problems.append(_problem(point, "P146", f"cannot be loaded: {one_line(str(error), 200)}"))
            continue
        if not isinstance(step, StepType):
            problems.append(_problem(point, "P146", "is neither a Step nor a module with a STEP"))
        elif found.setdefault(step.key, step) is not step:
            problems.append(_problem(point, "P147", f'the step type "{step.key}" is there already'))
        elif taken := sorted((step.field_names() - {step.key}) & set(own)):
            problems.append(_problem(point, "P146", f'a field is called "{taken[0]}", which is a step of its own'))
    if problems:
        raise InvalidInput(problems)
    return dict(sorted(found.items()))


def _problem(point: EntryPoint, code: str, message: str) -> Problem:
    package = point.dist.name if point.dist else point.value
    return Problem(
        code=code, field=point.name, message=f"{point.value}: {message}", do=f"repair or uninstall {package}"
    )
