"""The form that Prefect shows for a playbook: its facts as a typed, nested model.

Decides how each type of fact is asked for in Prefect's pages and what its API refuses. Leaves the reading of the
values to `core.facts`: what comes out of a form is what a person could have written on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from firedoor.core.facts import MAXIMUM_COUNT, MAXIMUM_TEXT, FactDefinition, FactType
from firedoor.core.severity import Severity

Json = dict[str, Any]


class CountForm(BaseModel):
    """How many, at least and at most. Leave the most empty when no upper bound is known."""

    model_config = ConfigDict(extra="forbid", title="Count")

    min: int = Field(default=0, ge=0, le=MAXIMUM_COUNT, description="At least")
    max: int | None = Field(default=None, ge=0, le=MAXIMUM_COUNT, description="At most")


def facts_form(playbook_name: str, facts: Mapping[str, FactDefinition]) -> type[BaseModel]:
    """Return a model with one optional field for each fact: what is left empty stays unknown."""
    fields: dict[str, Any] = {
        name: (_written(definition) | None, Field(default=None, title=_title(name), description=definition.ask or None))
        for name, definition in facts.items()
    }
    title = f"Facts of {playbook_name}"
    return create_model("Facts", __config__=ConfigDict(extra="forbid", title=title), **fields)


def given_facts(form: object) -> Json:
    """Return the facts that were filled in, as JSON values that `core.facts.read_all` reads."""
    if form is None:
        return {}
    values = form.model_dump(mode="json") if isinstance(form, BaseModel) else dict(form)  # type: ignore[call-overload]
    return {name: value for name, value in values.items() if value is not None}


def _written(definition: FactDefinition) -> Any:  # noqa: ANN401 - a type expression
    match definition.type:
        case FactType.FLAG:
            return Literal["yes", "no", "unknown"]
        case FactType.COUNT:
            return Annotated[int, Field(ge=0, le=MAXIMUM_COUNT)] | CountForm | str
        case FactType.CHOICE:
            return _one_of(definition.choices)
        case FactType.LIST:
            return list[_one_of(definition.choices)] if definition.choices else list[str]  # type: ignore[misc]
        case FactType.INSTANT:
            return AwareDatetime
        case FactType.SEVERITY:
            return _one_of(tuple(severity.value for severity in Severity))
    return Annotated[str, Field(max_length=MAXIMUM_TEXT)]


def _one_of(words: tuple[str, ...]) -> Any:  # noqa: ANN401
    return Literal[words] if words else str


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()
