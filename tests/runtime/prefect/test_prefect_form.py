"""The form that Prefect shows for a playbook's facts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from firedoor.core.facts import FactDefinition, FactType, read_all
from firedoor.runtime.prefect.flow import entrypoint_name, playbook_of
from firedoor.runtime.prefect.form import facts_form, given_facts

FACTS = {
    name: FactDefinition(name=name, type=kind, ask=f"What is {name}?", choices=choices)
    for name, kind, choices in (
        ("endpoint", FactType.TARGET, ()),
        ("people_affected", FactType.COUNT, ()),
        ("child", FactType.FLAG, ()),
        ("kind", FactType.CHOICE, ("prompt", "training")),
        ("countries", FactType.LIST, ("DE", "FR")),
        ("since", FactType.INSTANT, ()),
        ("severity", FactType.SEVERITY, ()),
    )
}
FORM = facts_form("model-data-leakage", FACTS)


def test_an_empty_form_gives_no_fact() -> None:
    """What is left empty stays unknown: it must not become a value."""
    assert given_facts(FORM()) == {}


def test_what_a_form_gives_is_what_the_facts_read() -> None:
    """Every type that the form offers is read by the core without a problem."""
    form = FORM(
        endpoint="chat", people_affected={"min": 3}, child="yes", kind="prompt", countries=["DE"], severity="high",
        since="2026-10-24T10:00:00+02:00",
    )  # fmt: skip
    assert set(read_all(FACTS, given_facts(form))) == set(FACTS)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "other"},
        {"child": "perhaps"},
        {"people_affected": -1},
        {"since": "2026-10-24T10:00:00"},
        {"no_such": 1},
    ],
)
def test_the_form_refuses_what_the_facts_would_refuse(wrong: dict[str, object]) -> None:
    """A wrong value is refused where it is typed, not after the run has begun."""
    with pytest.raises(ValidationError):
        FORM(**wrong)


def test_the_question_stands_beside_the_field() -> None:
    """The schema carries each fact's question, which Prefect shows as help."""
    schema = FORM.model_json_schema()
    assert schema["properties"]["endpoint"]["description"] == "What is endpoint?"


@pytest.mark.parametrize("source", ["model-data-leakage", "a--b", "/srv/Play Books/über.yaml"])
def test_an_entrypoint_leads_back_to_its_playbook(source: str) -> None:
    """Whatever a playbook is called, the importable name of its flow gives the playbook back."""
    assert entrypoint_name(source).isidentifier()
    assert playbook_of(entrypoint_name(source)) == source
