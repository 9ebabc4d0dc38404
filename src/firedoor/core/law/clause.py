"""A clause of a law: what it says, the expression that decides it, and where it is written.

Decides how conditions appear in `duties/*.yaml`. Leaves the language of the
expressions to `expression` and their combination to `assessment`.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from firedoor.core.language.expression import Expression


class Frozen(BaseModel):
    """A record of the law: frozen, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True, populate_by_name=True)


Condition = Annotated[
    Expression,
    BeforeValidator(lambda raw: raw if isinstance(raw, Expression) else Expression.parse(str(raw))),
    PlainSerializer(lambda expression: expression.text),
    WithJsonSchema({"type": "string", "description": "an expression over the facts of the vocabulary"}),
]


class Clause(Frozen):
    """One part of a condition: in words, as an expression, and where it is written.

    `curable`: a "no" leaves a labelled shadow clock running, because the person
    can complete what is missing (an incomplete removal request).
    """

    says: str
    holds: Condition | None = Field(default=None, alias="if")
    cite: str = ""
    curable: bool = False


class Overlap(Frozen):
    """Another law takes this one's place for some (DORA for NIS2, HIPAA for the FTC's rule)."""

    by: tuple[str, ...]
    says: str
    holds: Condition = Field(alias="if")
    cite: str
