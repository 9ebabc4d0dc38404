"""`preserve:` puts evidence under custody: artefacts of a target, the alert, or only hashes and locators.

What is kept of intimate or possibly illegal material is its hashes and locators,
never the material: `locators` keeps what the alert or the request named, and
nothing is fetched from there.
"""

from __future__ import annotations

from pydantic import Field

from firedoor.core.playbook.plan import Keep
from firedoor.core.playbook.step import Fragment, Options, StepContext, StepType, Words
from firedoor.core.problems import InvalidInput, Problem

WITHOUT_TARGET = ("alert", "locators")


class Preserve(Options):
    """What to keep, and `of` which target (a template)."""

    preserve: Words = Field(min_length=1, description="names of artefacts; `alert` and `locators` need no target")
    of: str | None = Field(default=None, description="the target whose artefacts they are; a template")


def lower(options: Preserve, context: StepContext) -> Fragment:
    """One operation for each piece; they run side by side."""
    keeps = tuple(_keep(name, options, context) for name in options.preserve)
    return Fragment(keeps, tuple(keep.id for keep in keeps))


def _keep(name: str, options: Preserve, context: StepContext) -> Keep:
    title = f"Preserve {name.replace('_', ' ')}"
    part = name.replace("_", "-")
    if name in WITHOUT_TARGET:
        return Keep(**context.base(part, title), source="alert" if name == "alert" else "locators", name=name)
    if options.of is None:
        raise InvalidInput(
            Problem(code="P130", message=f'"{name}" of which target?', do='add `of: "{{ facts.endpoint }}"`')
        )
    return Keep(**context.base(part, title), source="artefact", name=name, target=options.of)


STEP = StepType(
    key="preserve",
    options=Preserve,
    lower=lower,
    summary="Put evidence under custody.",
    example='- preserve: [request_log, model_card, index_snapshot]\n  of: "{{ facts.endpoint }}"',
)
