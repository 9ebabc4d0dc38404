"""Impact assessments: read, held against the inventory and an incident, compared; and the flag of Art. 36."""

from __future__ import annotations

import copy
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.command import Firedoor, _firedoor  # noqa: F401 - a fixture

from firedoor.core.assessments.form import Assessment, read
from firedoor.core.assessments.gaps import changes, gaps, prior_consultation
from firedoor.core.problems import InvalidInput
from firedoor.core.targets import Inventory

NOT_ASSESSED = "purpose model_training not assessed for user_generated_content"
TODAY = date(2026, 12, 1)
WHOLE: dict[str, Any] = {
    "title": "Chat model", "version": "2", "review_by": "2027-06-01", "need": "Large-scale use of posts.",
    "processing": {
        "nature": "Collected from our service.", "scope": "Posts of adults.", "context": "They expect publication.",
        "data_sources": [{"dataset": "posts", "source": "own service", "categories": ["user_generated_content"]}],
        "purposes": [{"purpose": "model_training", "categories": ["user_generated_content"], "legal_basis": "consent",
                      "necessity": "No other data are like them."}],
        "models": ["chat"], "recipients": ["collab"], "countries": ["DE", "US"], "retention": "Two years.",
        "children": "no",
    },
    "consultation": {"people": "A panel was asked.", "dpo_advice": "Go ahead with the measures."},
    "necessity": {"proportionality": "Yes, because.", "minimisation": "Names are taken out.", "rights": "By a form."},
    "risks": [
        {"id": event, "feared_event": event, "incident": "data_leakage_in_ai_models", "likelihood": "possible",
         "severity": "significant", "residual": "low"}
        for event in ("illegitimate_access", "unwanted_change", "disappearance")
    ],
    "measures": [
        {"measure": "Extraction tests", "reduces": ["illegitimate_access", "unwanted_change", "disappearance"]}
    ],
    "sign_off": {"measures_approved_by": "B. Bo", "residual_risks_accepted_by": "C. Cy", "dpo": "D. Du",
                 "reviewed_by": "D. Du"},
}  # fmt: skip
TOLD: dict[str, Any] = {
    "datasets": {"posts": {"purposes": ["model_training"], "categories": ["user_generated_content"],
                           "legal_bases": {"model_training": "consent"}, "people": {"DE": 10},
                           "recipients": ["collab"]}},
    "models": {"chat@3": {"name": "chat", "datasets": ["posts"]}},
}  # fmt: skip
INVENTORY = Inventory.model_validate(TOLD)


def changed(path: str, value: object) -> Assessment:
    """The whole assessment with another value at a path."""
    data = copy.deepcopy(WHOLE)
    *way, last = path.split(".")
    held: Any = data
    for name in way:
        held = held[int(name)] if isinstance(held, list) else held[name]
    held[int(last) if isinstance(held, list) else last] = value
    return Assessment.model_validate(data)


def test_a_whole_assessment_has_no_gap() -> None:
    """By its form, against the inventory, and after an incident that it foresaw."""
    one = Assessment.model_validate(WHOLE)
    facts = {"incident_type": "data_leakage_in_ai_models", "jurisdictions": ["US-CA"]}
    assert not gaps(one, INVENTORY, facts, TODAY)
    assert prior_consultation(one)[0] == "no"


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("need", "", "nothing is written about why an assessment is needed"),
        ("processing.purposes.0.categories", ["contact"], NOT_ASSESSED),
        ("processing.purposes.0.purpose", "analytics", NOT_ASSESSED),
        ("processing.purposes.0.legal_basis", "contract", "rests on consent in the inventory and on contract here"),
        ("processing.data_sources.0.dataset", "other", "data set posts of the inventory is not in the assessment"),
        ("processing.models", [], "model chat@3 was trained on assessed data"),
        ("processing.recipients", [], "collab was given posts and is not named as a recipient"),
        ("processing.countries", ["US"], "people of posts live in DE"),
        ("processing.children", "unknown", "whether children are concerned is unknown"),
        ("risks.0.feared_event", None, "no risk is about illegitimate access"),
        ("risks.0.residual", None, "has no residual level"),
        ("measures.0.reduces", ["illegitimate_access"], "no measure reduces risk disappearance"),
        ("measures.0.reduces.0", "typo", "a measure reduces typo, which is no risk here"),
        ("sign_off.dpo", " ", "no DPO is named"),
        ("review_by", "2026-01-01", "it was to be looked at again by 2026-01-01"),
    ],
)  # fmt: skip
def test_each_gap_is_found(path: str, value: object, said: str) -> None:
    """Take one answer away, and it is missed, with the provision that asks for it."""
    found = gaps(changed(path, value), INVENTORY, {}, TODAY)
    assert any(said in gap.message for gap in found), [gap.message for gap in found]
    assert all(gap.source for gap in found)


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"incident_type": "unauthorized_ai_training"}, "no risk here stands for it"),
        ({"data_categories": ["health"]}, "health data were concerned"),
        ({"jurisdictions": ["JP"]}, "people in JP were concerned"),
        ({"minor": "yes"}, "a child was concerned"),
    ],
)
def test_what_an_incident_showed_is_a_gap(facts: dict[str, Any], said: str) -> None:
    """Whatever happened and was not foreseen has to be assessed (Art. 35(11))."""
    found = gaps(Assessment.model_validate(WHOLE), INVENTORY, facts, TODAY)
    assert len(found) == 1
    assert said in found[0].message
    assert "35(11)" in found[0].source


def test_the_authority_comes_first_while_a_risk_stays_high() -> None:
    """Art. 36(1): yes while nobody consulted it; unknown while nobody said what is left."""
    high = changed("risks.0.residual", "high")
    assert prior_consultation(high)[0] == "yes"
    assert prior_consultation(changed("risks.0.residual", None))[0] == "unknown"
    consulted = high.model_copy(update={"sign_off": high.sign_off.model_copy(update={"authority_consulted_at": TODAY})})
    assert prior_consultation(consulted)[0] == "no"
    assert prior_consultation(Assessment())[0] == "unknown"


def test_what_changed_is_said_by_name() -> None:
    """The order of rows is no change; a purpose, a level and a field are."""
    data = copy.deepcopy(WHOLE)
    data["risks"] = list(reversed(data["risks"]))
    before = Assessment.model_validate(WHOLE)
    assert not changes(before, Assessment.model_validate(data))
    assert changes(before, changed("risks.0.residual", "high")) == [
        "risks.illegitimate_access.residual: low is now high"
    ]
    assert "need: removed Large-scale use of posts." in changes(before, changed("need", ""))


def test_an_outline_is_read() -> None:
    """Lists of sources, purposes, risk categories and governance, under one heading as templates have it."""
    lists = {
        "Data Sources": ["posts"],
        "Purposes": ["model_training"],
        "Risk Categories": ["privacy"],
        "Governance": ["board"],
    }
    text = yaml.safe_dump({"ai_dpia": lists})
    one = read(text.encode(), "outline.yaml")
    assert one.processing.purposes[0].purpose == "model_training"
    assert (one.risks[0].category, one.measures[0].measure) == ("privacy", "board")
    assert any("nobody approved" in gap.message for gap in gaps(one, None, {}, TODAY))


@pytest.mark.parametrize("text", ["need: [1", "neeed: x\n", "risks: [{id: a, residual: tiny}]\n", "- a\n", ""])
def test_a_file_that_is_none_is_refused_with_its_place(text: str) -> None:
    """A typing error would otherwise leave out an answer without a word."""
    with pytest.raises(InvalidInput) as caught:
        read(text.encode(), "dpia.yaml")
    assert caught.value.problems[0].place is not None


def test_the_command_ends_with_1_while_something_is_open(firedoor: Firedoor, tmp_path: Path) -> None:
    """For CI: 0 for a whole one, 1 with the gap of the issue, 1 without an inventory because nobody can know."""
    dpia, inventory = tmp_path / "dpia.yaml", tmp_path / "inventory.yaml"
    whole = {**WHOLE, "review_by": "2999-01-01"}
    dpia.write_text(yaml.safe_dump(whole))
    inventory.write_text(yaml.safe_dump(TOLD))
    assert firedoor("examine", "dpia", dpia, "--inventory", inventory, "--format", "json").code == 0
    whole["processing"] = {**WHOLE["processing"], "purposes": []}
    changed_file = tmp_path / "changed.yaml"
    changed_file.write_text(yaml.safe_dump(whole))
    said = firedoor("examine", "dpia", changed_file, "--inventory", inventory, "--since", dpia)
    assert said.code == 1
    assert "purpose model_training not assessed for user_generated_content" in said.out
    assert "processing.purposes.model_training.legal_basis: removed consent" in said.out
    assert firedoor("examine", "dpia", dpia).code == 1
