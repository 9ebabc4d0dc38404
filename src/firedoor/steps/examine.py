"""`examine:` reads artefacts of a target and keeps a report: consent, scores, an audit, hashes, the model's mark.

The inputs themselves are not kept, only their digests beside the report. What the report
tells and nobody knew before becomes a fact; what somebody has said stays as it is.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from firedoor.core.examinations import EXAMINATIONS
from firedoor.core.playbook.plan import Keep
from firedoor.core.playbook.step import Fragment, Options, StepContext, StepType


class Examine(Options):
    """What is examined, and `of` which target."""

    examine: Literal["audit", "consent", "hashes", "provenance", "scores"] = Field(description="which examination")
    of: str = Field(description="the target whose artefacts are read; a template")


def lower(options: Examine, context: StepContext) -> Fragment:
    """One report."""
    title = context.title or EXAMINATIONS[options.examine].says.rstrip(".")
    keep = Keep(**context.base("", title), source="examination", name=options.examine, target=options.of)
    return Fragment((keep,), (keep.id,))


STEP = StepType(
    key="examine",
    options=Examine,
    lower=lower,
    summary="Read artefacts of a target and keep a report with what follows from it.",
    example='- examine: consent\n  of: "{{ facts.endpoint }}"',
)
