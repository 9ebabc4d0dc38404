"""The form that Prefect shows for a playbook: its facts as a typed, nested model.

Decides how each type of fact is asked for in Prefect's pages and what its API refuses. Leaves the reading of the
values to `core.facts`: what comes out of a form is what a person could have written on the command line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, create_model

from firedoor.core.alerts.evidence_strength import EVIDENCE
from firedoor.core.facts import MAXIMUM_COUNT, MAXIMUM_TEXT, FactDefinition, FactType

Json = dict[str, Any]
KNOWN = "What is known at the start. What is left empty stays unknown, and a person is asked for it."


def field_title(name: str, _: object = None) -> str:
    """The label of a fact's field."""
    return name.replace("_", " ").capitalize()


def ask(question: str) -> Any:  # noqa: ANN401 - the default of a field of any type
    """A field that may be left empty, with the playbook's question beside it."""
    return Field(default=None, description=question)


class CountForm(BaseModel):
    """How many, at least and at most. Leave the most empty when no upper bound is known."""

    model_config = ConfigDict(extra="forbid", title="Count")

    min: int = Field(default=0, ge=0, le=MAXIMUM_COUNT, description="At least")
    max: int | None = Field(default=None, ge=0, le=MAXIMUM_COUNT, description="At most")


class FactsForm(BaseModel):
    """What every form of facts has in common: nothing is demanded, and nothing unknown is taken."""

    model_config = ConfigDict(extra="forbid", field_title_generator=field_title)


Flag = Literal["yes", "no", "unknown"]
Count = Annotated[int, Field(ge=0, le=MAXIMUM_COUNT)] | CountForm | str  # `20..400` is text
Instant = AwareDatetime
SeverityWord = Literal["info", "low", "medium", "high", "critical"]
Text = Annotated[str, Field(max_length=MAXIMUM_TEXT)]
Target = Text  # the id of a target of the inventory


def facts_form(playbook_name: str, facts: Mapping[str, FactDefinition]) -> type[BaseModel]:
    """Return a model with one optional field for each fact: what is left empty stays unknown."""
    fields: dict[str, Any] = {
        name: (_written(definition) | None, ask(definition.ask) if definition.ask else None)
        for name, definition in facts.items()
        if name != EVIDENCE  # nobody sets how strong the evidence is
    }
    title = f"Facts of {playbook_name}"
    made: type[FactsForm] = create_model("Facts", __base__=_titled(title), __doc__=KNOWN, **fields)
    return made


def _titled(title: str) -> type[FactsForm]:
    class Facts(FactsForm, title=title):
        pass

    return Facts


def given_facts(form: object) -> Json:
    """Return the facts that were filled in, as JSON values that `core.facts.read_all` reads."""
    if form is None:
        return {}
    values = form.model_dump(mode="json") if isinstance(form, BaseModel) else dict(form)  # type: ignore[call-overload]
    return {name: value for name, value in values.items() if value is not None}


def _written(definition: FactDefinition) -> Any:  # noqa: ANN401 - a type expression
    match definition.type:
        case FactType.FLAG:
            return Flag
        case FactType.COUNT:
            return Count
        case FactType.CHOICE:
            return _one_of(definition.choices)
        case FactType.LIST:
            return list[_one_of(definition.choices)] if definition.choices else list[str]  # type: ignore[misc]
        case FactType.INSTANT:
            return Instant
        case FactType.SEVERITY:
            return SeverityWord
    return Text


def _one_of(words: tuple[str, ...]) -> Any:  # noqa: ANN401
    return Literal[words] if words else str
