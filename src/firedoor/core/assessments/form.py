"""The form of a data protection impact assessment of AI, as YAML.

Decides the sections: the seven steps of the ICO's process (ico.org.uk, "How do we do a DPIA?"), which hold what
Art. 35(7) GDPR asks for, with the CNIL's three feared events for risks (PIA guides of 2018: illegitimate access,
unwanted change, disappearance). Every field may be missing: a gap is found, never a
file refused for it. An outline with lists of sources, purposes, risk categories and governance is read as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from firedoor.core.json_types import as_object
from firedoor.core.language.yaml_source import problems_of, read_yaml
from firedoor.core.problems import InvalidInput

Level = Literal["low", "medium", "high"]
FearedEvent = Literal["illegitimate_access", "unwanted_change", "disappearance"]
Answer = Literal["yes", "no", "unknown"]


class Section(BaseModel):
    """A frozen part; unknown keys are refused, because a typing error would leave out an answer without a word."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DataSource(Section):
    """Data that are processed. `dataset` is their id in the inventory."""

    dataset: str = ""
    source: str = ""
    categories: tuple[str, ...] = ()
    people: str = ""


class Purpose(Section):
    """A purpose, for which categories of data it was assessed, on which legal basis, and why it is needed."""

    purpose: str
    categories: tuple[str, ...] = ()
    legal_basis: str = ""
    necessity: str = ""


class Processing(Section):
    """Step 2, Art. 35(7)(a)."""

    nature: str = ""
    scope: str = ""
    context: str = ""
    data_sources: tuple[DataSource, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    models: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    retention: str = ""
    children: Answer = "unknown"


class Consultation(Section):
    """Step 3, Art. 35(2) and (9): the views of the people, or why they were not asked; the DPO's advice."""

    people: str = ""
    processors: str = ""
    dpo_advice: str = ""


class Necessity(Section):
    """Step 4, Art. 35(7)(b)."""

    proportionality: str = ""
    minimisation: str = ""
    rights: str = ""
    transfers: str = ""


class Risk(Section):
    """Step 5, Art. 35(7)(c): one risk to people. `incident` is a type of incident that it stands for."""

    id: str
    risk: str = ""
    category: str = ""
    feared_event: FearedEvent | None = None
    incident: str = ""
    likelihood: Literal["remote", "possible", "probable"] | None = None
    severity: Literal["minimal", "significant", "severe"] | None = None
    residual: Level | None = None  # after the measures


class Measure(Section):
    """Step 6, Art. 35(7)(d). `reduces` are ids of risks."""

    measure: str
    reduces: tuple[str, ...] = ()
    owner: str = ""
    due: date | None = None
    done: Answer = "unknown"


class SignOff(Section):
    """Step 7."""

    measures_approved_by: str = ""
    residual_risks_accepted_by: str = ""
    dpo: str = ""
    reviewed_by: str = ""
    authority_consulted_at: date | None = None  # Art. 36


class Assessment(Section):
    """An assessment. `review_by` is the day by which it is looked at again (Art. 35(11))."""

    title: str = ""
    version: str = ""
    controller: str = ""
    assessed_on: date | None = None
    review_by: date | None = None
    need: str = ""  # step 1
    processing: Processing = Field(default_factory=Processing)
    consultation: Consultation = Field(default_factory=Consultation)
    necessity: Necessity = Field(default_factory=Necessity)
    risks: tuple[Risk, ...] = ()
    measures: tuple[Measure, ...] = ()
    sign_off: SignOff = Field(default_factory=SignOff)


OUTLINE = {
    "data_sources": "sources", "sources": "sources", "training_data_sources": "sources", "purposes": "purposes",
    "processing_purposes": "purposes", "risk_categories": "risks", "risks": "risks", "governance": "governance",
    "governance_measures": "governance", "mitigation_measures": "governance",
}  # fmt: skip


def read(content: bytes, name: str) -> Assessment:
    """Read an assessment or an outline of one. Raises InvalidInput with every problem and its place."""
    source = read_yaml(content, name)
    if not isinstance(source.data, Mapping):
        raise InvalidInput(
            source.problem((), "A100", "is no assessment", "write one field a line, such as `title: ...`")
        )
    data = as_object(source.data)
    if len(data) == 1 and isinstance(next(iter(data.values())), Mapping):
        inner = as_object(next(iter(data.values())))  # under one heading, such as `ai_dpia:`
        data = inner if not set(data) & set(Assessment.model_fields) else data
    try:
        return Assessment.model_validate(_outline(data) or data)
    except ValidationError as error:
        raise InvalidInput(problems_of(error, source, known=Assessment.model_fields)) from None


def _outline(data: Mapping[str, object]) -> dict[str, object] | None:
    """An outline made into the form: lists of words under names that templates use. None where it is no outline."""
    named = {OUTLINE.get("_".join(key.lower().replace("-", " ").split())): value for key, value in data.items()}
    if None in named or ("sources" not in named and "purposes" not in named):
        return None
    words = {key: _words(value) for key, value in named.items() if key}
    if any(found is None for found in words.values()):
        return None
    return {
        "processing": {
            "data_sources": [{"source": one} for one in words.get("sources") or ()],
            "purposes": [{"purpose": one} for one in words.get("purposes") or ()],
        },
        "risks": [{"id": f"r{n}", "category": one} for n, one in enumerate(words.get("risks") or (), 1)],
        "measures": [{"measure": one} for one in words.get("governance") or ()],
    }


def _words(value: object) -> list[str] | None:
    """Texts of a list, or keys of a mapping of answers; None for anything else."""
    found = list(value) if isinstance(value, list | Mapping) else None
    return [str(one) for one in found] if found is not None and all(isinstance(o, str) for o in found) else None
