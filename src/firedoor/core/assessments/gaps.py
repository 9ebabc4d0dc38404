"""What an impact assessment leaves open: by its own form, against the inventory, and after an incident.

Decides which gaps there are, each with the provision that it rests on, and when the authority has to be consulted
before processing (Art. 36(1) GDPR): when a risk stays high after the measures. Silence is unknown, never "no". It
says what is not written, never whether a law is kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from firedoor.core.assessments.form import Assessment
from firedoor.core.assets import Assets
from firedoor.core.inventory.affected import affected
from firedoor.core.inventory.graph import graph_of
from firedoor.core.json_types import Json, as_array
from firedoor.core.targets import Inventory

FEARED = {
    "illegitimate_access": "illegitimate access to the data", "unwanted_change": "unwanted change of the data",
    "disappearance": "disappearance of the data",
}  # fmt: skip
ICO = "ICO, How do we do a DPIA?, step"


@dataclass(frozen=True, slots=True)
class Gap:
    """One thing that is not written: where, what, what to do, and the provision."""

    code: str
    where: str
    message: str
    do: str
    source: str

    def as_json(self) -> dict[str, Json]:
        """The gap for programs."""
        return {"code": self.code, "where": self.where, "message": self.message, "do": self.do, "source": self.source}


def gaps(one: Assessment, inventory: Inventory | None, facts: Mapping[str, Json], today: date) -> list[Gap]:
    """Every gap; `facts` are those of an incident, empty for none."""
    found = [*_form(one), *_purposes(one), *_risks(one), *_signed(one, today)]
    if inventory is not None:
        found += [*_of_data(one, inventory), *_of_models(one, inventory), *_of_parties(one, inventory)]
    return [*found, *_of_incident(one, facts)]


def prior_consultation(one: Assessment) -> tuple[str, str]:
    """Whether Art. 36(1) asks for the authority first: yes, no or unknown, and why."""
    high = [risk.id for risk in one.risks if risk.residual == "high"]
    if high and one.sign_off.authority_consulted_at:
        return "no", f"the authority was consulted on {one.sign_off.authority_consulted_at}"
    if high:
        return "yes", f"the risk stays high after the measures: {', '.join(high)}"
    unsaid = [risk.id for risk in one.risks if risk.residual is None]
    if unsaid or not one.risks:
        return "unknown", f"nobody has said what is left of: {', '.join(unsaid) or 'any risk'}"
    return "no", "no risk stays high after the measures"


def _form(one: Assessment) -> Iterator[Gap]:
    """Fields of the steps without an answer."""
    texts = (
        ("need", one.need, "why an assessment is needed", f"{ICO} 1; GDPR Art. 35(1)"),
        ("processing.nature", one.processing.nature, "how data are collected and deleted", f"{ICO} 2; Art. 35(7)(a)"),
        ("processing.scope", one.processing.scope, "what the data are, how many, of whom", f"{ICO} 2; Art. 35(7)(a)"),
        ("processing.context", one.processing.context, "what people expect", f"{ICO} 2; Art. 35(7)(a)"),
        ("processing.retention", one.processing.retention, "how long data and models are kept", "GDPR Art. 5(1)(e)"),
        ("consultation.people", one.consultation.people, "what the people think, or why they were not asked",
         f"{ICO} 3; Art. 35(9)"),
        ("consultation.dpo_advice", one.consultation.dpo_advice, "what the DPO advises", f"{ICO} 3; Art. 35(2)"),
        ("necessity.proportionality", one.necessity.proportionality, "why it is proportionate",
         f"{ICO} 4; Art. 35(7)(b)"),
        ("necessity.minimisation", one.necessity.minimisation, "why no less data would do", "GDPR Art. 5(1)(c)"),
        ("necessity.rights", one.necessity.rights, "how people use their rights, in the model too", f"{ICO} 4"),
    )  # fmt: skip
    for where, text, what, source in texts:
        if not text.strip():
            yield Gap("A101", where, f"nothing is written about {what}", f"write `{where}`", source)
    if not one.processing.data_sources:
        yield Gap("A102", "processing.data_sources", "no source of data is named", "name them", "GDPR Art. 35(7)(a)")
    if not one.processing.purposes:
        yield Gap("A102", "processing.purposes", "no purpose is named", "name them", "GDPR Art. 35(7)(a), 5(1)(b)")
    if one.processing.children == "unknown":
        what = "whether children are concerned is unknown"
        yield Gap("A103", "processing.children", what, "write yes or no", "GDPR recitals 38 and 75")


def _purposes(one: Assessment) -> Iterator[Gap]:
    for number, purpose in enumerate(one.processing.purposes):
        where = f"processing.purposes.{number}"
        if not purpose.legal_basis:
            what = f"purpose {purpose.purpose} has no legal basis"
            yield Gap("A104", f"{where}.legal_basis", what, "write one of Art. 6(1)", "GDPR Art. 6(1)")
        if not purpose.necessity:
            what = f"nothing says why {purpose.purpose} is necessary"
            yield Gap("A104", f"{where}.necessity", what, "write it", "GDPR Art. 35(7)(b)")
        if not purpose.categories:
            what = f"purpose {purpose.purpose} is assessed for no category of data"
            yield Gap(
                "A104", f"{where}.categories", what, "write for which categories it was assessed", "GDPR Art. 35(7)(b)"
            )


def _risks(one: Assessment) -> Iterator[Gap]:
    held = {risk.feared_event for risk in one.risks}
    for event, words in FEARED.items():
        if event not in held:
            yield Gap(
                "A105",
                "risks",
                f"no risk is about {words}",
                f"assess it: feared_event: {event}",
                "CNIL, PIA guides, 2018",
            )
    reduced = {name for measure in one.measures for name in measure.reduces}
    for risk in one.risks:
        for name in ("likelihood", "severity", "residual"):
            if getattr(risk, name) is None:
                what = f"risk {risk.id} has no {'residual level' if name == 'residual' else name}"
                yield Gap("A106", f"risks.{risk.id}.{name}", what, f"write `{name}`", f"{ICO} 5; Art. 35(7)(c)")
        if risk.id not in reduced:
            what = f"no measure reduces risk {risk.id}"
            yield Gap("A107", f"risks.{risk.id}", what, "name it in `reduces` of a measure", f"{ICO} 6; Art. 35(7)(d)")
    for name in sorted(reduced - {risk.id for risk in one.risks}):
        yield Gap("A108", "measures", f"a measure reduces {name}, which is no risk here", "correct the id", f"{ICO} 6")


def _signed(one: Assessment, today: date) -> Iterator[Gap]:
    signed = one.sign_off
    for where, text, what in (
        ("measures_approved_by", signed.measures_approved_by, "nobody approved the measures"),
        ("residual_risks_accepted_by", signed.residual_risks_accepted_by, "nobody accepted what is left of the risks"),
        ("dpo", signed.dpo, "no DPO is named"), ("reviewed_by", signed.reviewed_by, "nobody keeps it under review"),
    ):  # fmt: skip
        if not text.strip():
            yield Gap("A109", f"sign_off.{where}", what, "write the name of a person", f"{ICO} 7")
    if one.review_by is None:
        yield Gap("A110", "review_by", "no day is set to look at it again", "write `review_by`", "GDPR Art. 35(11)")
    elif one.review_by < today:
        yield Gap(
            "A110", "review_by", f"it was to be looked at again by {one.review_by}", "review it", "GDPR Art. 35(11)"
        )


def _of_data(one: Assessment, inventory: Assets) -> Iterator[Gap]:
    """What the inventory does with data, and the assessment does not say."""
    named = {source.dataset for source in one.processing.data_sources}
    assessed = {(purpose.purpose, category) for purpose in one.processing.purposes for category in purpose.categories}
    purposes = {purpose.purpose: purpose for purpose in one.processing.purposes}
    missing: dict[str, str] = {}
    for name, dataset in inventory.datasets.items():
        if name not in named:
            what = f"data set {name} of the inventory is not in the assessment"
            yield Gap("A201", "processing.data_sources", what, f"add it: dataset: {name}", "GDPR Art. 35(7)(a)")
        for purpose in dataset.purposes:
            for category in dataset.categories or ("data of no named category",):
                if (purpose, category) not in assessed:
                    missing.setdefault(f"purpose {purpose} not assessed for {category}", name)
            basis, given = dataset.legal_bases.get(purpose, ""), purposes.get(purpose)
            if basis and given is not None and given.legal_basis and given.legal_basis != basis:
                what = f"{purpose} of {name} rests on {basis} in the inventory and on {given.legal_basis} here"
                yield Gap("A203", "processing.purposes", what, "find out which is right", "GDPR Art. 6(1), 5(2)")
    for what, name in missing.items():
        yield Gap(
            "A202", "processing.purposes", what, f"assess it; the inventory has it for {name}", "GDPR Art. 35(7)(b)"
        )
    for name in sorted(named - set(inventory.datasets) - {""}):
        what = f"data set {name} of the assessment is not in the inventory"
        yield Gap("A204", "processing.data_sources", what, "add it to the inventory, or correct the id", "GDPR Art. 30")


def _of_models(one: Assessment, inventory: Inventory) -> Iterator[Gap]:
    """Models that the lineage reaches from the assessed data, and that nobody assessed."""
    named = [source.dataset for source in one.processing.data_sources if source.dataset in inventory.datasets]
    if not named:
        return
    found = affected(graph_of(inventory), [f"dataset:{name}" for name in named])
    listed = set(one.processing.models)
    for node in found.of("model"):
        name = inventory.models[node.id].name if node.id in inventory.models else ""
        if not {node.id, name} & listed:
            what = (
                f"model {node.id} was trained on assessed data, or made from such a model, and is not in the assessment"
            )
            yield Gap("A205", "processing.models", what, f"assess {node.id}", "GDPR Art. 35(7)(a)")


def _of_parties(one: Assessment, inventory: Assets) -> Iterator[Gap]:
    named = {source.dataset for source in one.processing.data_sources}
    places: dict[str, str] = {}
    for name in named & set(inventory.datasets):
        dataset = inventory.datasets[name]
        for recipient in dataset.recipients:
            if recipient not in one.processing.recipients:
                what = f"{recipient} was given {name} and is not named as a recipient"
                yield Gap("A206", "processing.recipients", what, f"add {recipient}", "GDPR Art. 35(7)(a), 13(1)(e)")
        places.update(dict.fromkeys(dataset.people, name))
    for place, name in sorted(places.items()):
        if place not in one.processing.countries and place.split("-")[0] not in one.processing.countries:
            what = f"people of {name} live in {place}, which the assessment does not name"
            yield Gap("A207", "processing.countries", what, f"add {place}", f"{ICO} 2")


def _of_incident(one: Assessment, facts: Mapping[str, Json]) -> Iterator[Gap]:
    """What happened, and was not foreseen."""
    kind = str(facts.get("incident_type") or facts.get("incident") or "")
    if kind and kind not in {risk.incident for risk in one.risks} | {risk.category for risk in one.risks}:
        what = f"an incident of the type {kind} happened, and no risk here stands for it"
        yield Gap("A301", "risks", what, f"assess it: incident: {kind}", "GDPR Art. 35(11)")
    held = {c for source in one.processing.data_sources for c in source.categories}
    held |= {category for purpose in one.processing.purposes for category in purpose.categories}
    for category in map(str, as_array(facts.get("data_categories"))):
        if category not in held:
            what = f"{category} data were concerned in the incident, and are not in the assessment"
            yield Gap("A302", "processing.data_sources", what, f"assess {category}", "GDPR Art. 35(11), 35(7)(a)")
    for place in map(str, as_array(facts.get("jurisdictions"))):
        if place not in one.processing.countries and place.split("-")[0] not in one.processing.countries:
            what = f"people in {place} were concerned in the incident, and the assessment does not name it"
            yield Gap("A303", "processing.countries", what, f"add {place}", "GDPR Art. 35(11)")
    if facts.get("minor") == "yes" and one.processing.children != "yes":
        what = "a child was concerned in the incident, and the assessment does not say that children are"
        yield Gap("A304", "processing.children", what, "assess it for children", "GDPR Art. 35(11), recital 38")


def changes(before: Assessment, now: Assessment) -> list[str]:
    """What is different between two versions, one sentence each."""
    one, other = _flat(before.model_dump(mode="json")), _flat(now.model_dump(mode="json"))
    said = [f"{key}: added {other[key]}" for key in other if key not in one]
    said += [f"{key}: removed {one[key]}" for key in one if key not in other]
    return sorted([*said, *(f"{k}: {one[k]} is now {other[k]}" for k in one if k in other and one[k] != other[k])])


def _flat(value: object, path: str = "") -> dict[str, str]:
    """Every answer by its path; rows of a list by their id, purpose, measure or data set: order is no change."""
    if isinstance(value, Mapping):
        inner = [(str(key), held) for key, held in value.items()]
    elif isinstance(value, list):
        inner = [(_row(held, number), held) for number, held in enumerate(value)]
    else:
        return {path: str(value)[:200]} if value not in (None, "", "unknown") else {}
    return {k: v for name, held in inner for k, v in _flat(held, f"{path}.{name}" if path else name).items()}


def _row(value: object, number: int) -> str:
    if isinstance(value, Mapping):
        for name in ("id", "purpose", "dataset", "measure", "source"):
            if value.get(name):
                return str(value[name])
    return str(value) if isinstance(value, str) else str(number)
