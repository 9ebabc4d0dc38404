"""CycloneDX with machine learning (ML-BOM): models and data sets as components of a bill of materials.

Decides that a component of type `machine-learning-model` is a model and one of type `data` a data set; that `datasets`
of a model card are those it was trained on, and models in `pedigree.ancestors` or in what it depends on those it was
made from. Read as the JSON schema of 1.5 to 1.7 has it (https://cyclonedx.org/docs/1.6/json/). Software is passed over.
"""

from __future__ import annotations

from collections import Counter

from firedoor.core.assets import Dataset, Model, Owner
from firedoor.core.inventory.formats.reading import Entries, Files, Format, identifier, objects, refused, sha256
from firedoor.core.json_types import JsonObject, array_at, as_object, object_at, objects_at, text_at

MODEL, DATA = "machine-learning-model", "data"


def wants(path: str) -> bool:
    """JSON files; whether they are bills of materials is for their content to say."""
    return path.lower().endswith(".json")


def read(files: Files) -> Entries:
    """Read every bill. Raises InvalidInput when no file is one."""
    entries, bills = Entries(), 0
    for name, content in sorted(files.items()):
        bill = objects(name, content)
        if bill.get("bomFormat") != "CycloneDX":
            entries.passed_over.append(f'{name}: its bomFormat is not "CycloneDX"')
            continue
        bills += 1
        _Bill(entries, name, bill).read()
    if not bills:
        raise refused(next(iter(files), "the path"), "is no CycloneDX bill of materials in JSON", "export it as JSON")
    return entries


class _Bill:
    """One bill, with the ids of its components by reference."""

    def __init__(self, entries: Entries, name: str, bill: JsonObject) -> None:
        self.entries, self.name, self.bill = entries, name, bill
        own = object_at(bill, "metadata", "component")
        self.parts = [*([own] if own else []), *_nested(bill)]
        self.models = {_ref(one): _id(one) for one in self.parts if one.get("type") == MODEL}
        self.data = {_ref(one): _id(one) for one in self.parts if one.get("type") == DATA}
        self.needs = {text_at(one, "ref"): array_at(one, "dependsOn") for one in objects_at(bill, "dependencies")}

    def read(self) -> None:
        """Take in what is about models and data; count the rest."""
        for part in self.parts:
            if part.get("type") == MODEL:
                self._model(part)
            elif part.get("type") == DATA:
                self._dataset(part)
        other = Counter(str(part.get("type")) for part in self.parts if part.get("type") not in (MODEL, DATA))
        for kind, count in sorted(other.items()):
            self.entries.passed_over.append(f"{self.name}: {count} components of type {kind[:40]}")

    def _model(self, part: JsonObject) -> None:
        card = object_at(part, "modelCard")
        within = [self._inline(one) for one in objects_at(object_at(card, "modelParameters"), "datasets")]
        needs = [str(one) for one in self.needs.get(_ref(part), ())]
        ancestors = objects_at(object_at(part, "pedigree"), "ancestors")
        made_from = [_id(one) for one in ancestors if one.get("type") == MODEL]
        for section in ("considerations", "quantitativeAnalysis"):
            if section in card:
                self.entries.passed_over.append(f"{self.name}: {section} of the card of {_id(part)}")
        called = _id(part)
        base = _once([*made_from, *(self.models[one] for one in needs if one in self.models)])
        self.entries.models[called] = Model(
            title=text_at(part, "description")[:200], name=identifier(text_at(part, "group"), text_at(part, "name")),
            version=text_at(part, "version"), sha256=_hash(part), licence=_licence(part),
            source=f"CycloneDX {self.name}",
            datasets=_once([*(one for one in within if one), *(self.data[one] for one in needs if one in self.data)]),
            base=tuple(one for one in base if one != called),
        )  # fmt: skip

    def _inline(self, one: JsonObject) -> str:
        """The id of a data set in a model card: a reference to a component, or described in its place."""
        ref = text_at(one, "ref")
        if ref:
            if ref not in self.data:
                self.entries.questions.append(
                    f"{self.name}: the reference {ref[:80]} leads to no data set of this bill"
                )
            return self.data.get(ref, "")
        called = identifier(text_at(one, "name"))
        if not called:
            self.entries.questions.append(f"{self.name}: a data set of a model card has no name; which one is it?")
            return ""
        self._add(called, one, Dataset(title=text_at(one, "description")[:200], source=f"CycloneDX {self.name}"))
        return called

    def _dataset(self, part: JsonObject) -> None:
        described = next(objects_at(part, "data"), {})
        self._add(_id(part), described, Dataset(
            title=text_at(part, "description")[:200], version=text_at(part, "version"), sha256=_hash(part),
            licence=_licence(part), source=f"CycloneDX {self.name}",
        ))  # fmt: skip

    def _add(self, called: str, described: JsonObject, entry: Dataset) -> None:
        sensitive = tuple(str(one) for one in array_at(described, "sensitiveData") if isinstance(one, str))
        owners = list(objects_at(object_at(described, "governance"), "owners"))
        entry = entry.model_copy(update={
            "categories": sensitive, "location": text_at(object_at(described, "contents"), "url"),
            "owner": self._owner(owners[0]) if owners else None,
        })  # fmt: skip
        known = self.entries.datasets.get(called)
        if known is not None and known != entry:
            self.entries.questions.append(
                f"{self.name}: {called} is described twice and differently; the first was taken"
            )
            return
        self.entries.datasets[called] = entry

    def _owner(self, party: JsonObject) -> str | None:
        contact, organisation = object_at(party, "contact"), object_at(party, "organization")
        name = text_at(contact, "name") or text_at(organisation, "name")
        key = identifier(text_at(contact, "email") or name)
        if key and name:
            self.entries.owners[key] = Owner(name=name, contact=text_at(contact, "email"))
        return key or None


def _nested(bill: JsonObject) -> list[JsonObject]:
    """All components, those inside others as well."""
    found: list[JsonObject] = []
    waiting = list(objects_at(bill, "components"))
    while waiting:
        part = waiting.pop(0)
        found.append(part)
        waiting += objects_at(part, "components")
    return found


def _ref(part: JsonObject) -> str:
    return text_at(part, "bom-ref") or _id(part)


def _id(part: JsonObject) -> str:
    version = text_at(part, "version")
    name = identifier(text_at(part, "group"), text_at(part, "name")) or "unnamed"
    return f"{name}@{identifier(version)}" if version else name


def _hash(part: JsonObject) -> str | None:
    found = (sha256(one.get("content")) for one in objects_at(part, "hashes") if one.get("alg") == "SHA-256")
    return next((one for one in found if one), None)


def _licence(part: JsonObject) -> str:
    found = []
    for one in objects_at(part, "licenses"):
        held = as_object(one.get("license"))
        found.append(text_at(one, "expression") or text_at(held, "id") or text_at(held, "name"))
    return ", ".join(one for one in found if one)


def _once(names: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


FORMAT = Format("cyclonedx", "CycloneDX ML-BOM: models and data sets of a bill of materials, in JSON", wants, read)
