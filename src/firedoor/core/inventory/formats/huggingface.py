"""Hugging Face cards: the YAML at the head of a README.md, of a model or of a data set.

Decides that a card is a model's when it has a base model, a pipeline or data sets of its own, and a data set's when it
says from which sources it comes or for which tasks it is; anything between is a question. Read as
https://huggingface.co/docs/hub/model-cards and https://huggingface.co/docs/hub/datasets-cards describe it
(`base_model`, `base_model_relation`, `datasets`, `license`; `source_datasets`, `task_categories`, `pretty_name`).
"""

from __future__ import annotations

from typing import Literal

from firedoor.core.assets import Dataset, Model
from firedoor.core.inventory.formats.reading import Entries, Files, Format, identifier, refused, texts, unread
from firedoor.core.json_types import JsonObject, as_object, as_objects
from firedoor.core.language.yaml_source import read_yaml

OF_MODELS = (
    "base_model",
    "base_model_relation",
    "pipeline_tag",
    "library_name",
    "datasets",
    "model_name",
    "model-index",
)
OF_DATA = (
    "source_datasets",
    "task_categories",
    "pretty_name",
    "size_categories",
    "annotations_creators",
    "dataset_info",
)
USED = ("base_model", "base_model_relation", "datasets", "license", "license_name", "model_name", "model-index",
        "source_datasets", "pretty_name", "annotations_creators", "language_creators")  # fmt: skip
Relation = Literal["weights", "adapter", "merge", "quantised"]
RELATIONS: dict[str, Relation] = {
    "adapter": "adapter",
    "merge": "merge",
    "quantized": "quantised",
    "finetune": "weights",
}
MADE = {"no-annotation"}


def wants(path: str) -> bool:
    """A card is the README of its folder."""
    return path.rsplit("/", 1)[-1].lower() == "readme.md"


def read(files: Files) -> Entries:
    """Read every card. Raises InvalidInput when none has a head."""
    entries, heads = Entries(), 0
    for name, content in sorted(files.items()):
        head = _head(content)
        if head is None:
            entries.passed_over.append(f"{name}: has no YAML between two lines of --- at its head")
            continue
        heads += 1
        _card(entries, name, as_object(read_yaml(head, name).data))
    if not heads:
        raise refused(next(iter(files), "the path"), "holds no Hugging Face card", "give a README.md with a YAML head")
    return entries


def _head(content: bytes) -> bytes | None:
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").split(b"\n")
    if not lines or lines[0].strip() != b"---":
        return None
    ends = [number for number, line in enumerate(lines[1:], 1) if line.strip() == b"---"]
    return b"\n".join(lines[1 : ends[0]]) if ends and ends[0] > 1 else None


def _card(entries: Entries, name: str, card: JsonObject) -> None:
    model, data = (sum(key in card for key in keys) for keys in (OF_MODELS, OF_DATA))
    if model == data:
        entries.questions.append(f"{name}: is it the card of a model or of a data set? Its head does not say")
        return
    entries.passed_over += unread(name, card, USED)
    if model > data:
        _model(entries, name, card)
        return
    made = [one for one in texts(card.get("annotations_creators")) if one not in MADE]
    called = identifier(_folder(name) or next(iter(texts(card.get("pretty_name"))), "")) or "unnamed"
    entries.datasets[called] = Dataset(
        title=next(iter(texts(card.get("pretty_name"))), ""), licence=_licence(card),
        source=f"Hugging Face card {name}",
        derived_from=tuple(identifier(one.removeprefix("extended|")) for one in texts(card.get("source_datasets"))
                           if one not in ("original", "extended")),
        sources=("original",) if "original" in texts(card.get("source_datasets")) else tuple(made),
    )  # fmt: skip


def _model(entries: Entries, name: str, card: JsonObject) -> None:
    relation = next(iter(texts(card.get("base_model_relation"))), "")
    base = tuple(identifier(one) for one in texts(card.get("base_model")))
    kind: Relation = RELATIONS.get(relation, "merge" if len(base) > 1 and not relation else "weights")
    if relation and relation not in RELATIONS:
        known = ", ".join(RELATIONS)
        entries.passed_over.append(f'{name}: base_model_relation "{relation[:40]}" is not one of {known}')
    if "adapter" not in relation and "peft" in texts(card.get("library_name")):
        kind = "adapter"  # PEFT's own cards say no relation
    named = _named(card) or identifier(_folder(name))
    if not named:
        entries.questions.append(f"{name}: the card names no model; which one is it?")
        return
    entries.models[named] = Model(
        title=next(iter(texts(card.get("model_name"))), ""), kind=kind, base=base, licence=_licence(card),
        datasets=tuple(identifier(one) for one in texts(card.get("datasets"))), source=f"Hugging Face card {name}",
    )  # fmt: skip


def _named(card: JsonObject) -> str:
    listed = (str(one["name"]) for one in as_objects(card.get("model-index")) if one.get("name"))
    return identifier(next(iter(texts(card.get("model_name"))), "") or next(listed, ""))


def _licence(card: JsonObject) -> str:
    return ", ".join(texts(card.get("license_name")) or texts(card.get("license")))


def _folder(name: str) -> str:
    parts = name.split("/")[:-1]
    return "/".join(parts[-2:])


FORMAT = Format("huggingface", "Hugging Face cards: README.md of models and data sets", wants, read)
