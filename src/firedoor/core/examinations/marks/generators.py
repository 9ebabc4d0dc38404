"""What the texts of a file say of the model that made it: a kind for each tool or standard that writes such texts.

Decides which text is whose, and that a model is named only where the tool wrote the model's name itself: a program that
made a picture is the organisation's or the version's, never a model. Leaves finding texts to `containers`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from firedoor.core.examinations.marks.containers import Text
from firedoor.core.json_types import Json, JsonObject, as_object, object_at, text_at

WEIGHTS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin", ".gguf")


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark: which kind, and what it says. Empty where it says nothing."""

    kind: str
    model: str = ""
    version: str = ""
    organisation: str = ""
    time: str = ""


def marks(found: Iterable[Text]) -> list[Mark]:
    """Every mark in some texts, each once."""
    every = list(found)
    made: dict[Mark, None] = {}
    for where, text in every:
        for mark in _of(where, text, dict(every)):
            made.setdefault(mark)
    return list(made)


def _of(where: str, text: str, beside: Mapping[str, str]) -> Iterator[Mark]:
    if where == "xmp":
        yield from _xmp(text)
    elif where in READERS:
        yield from READERS[where](text, beside)
    elif where in ("exif:UserComment", "jpeg:comment") and "Steps:" in text:
        yield from _a1111(text, beside)
    elif where.startswith(("id3:", "riff:", "mp4:", "vorbis:")) and (mark := _tool(where, text)):
        yield mark
    elif where == "iptc-iim" and "Made with Google AI" in text:
        yield Mark("google-ai-credit", organisation="Google")


def _a1111(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    """`Steps: 20, ..., Model hash: x, Model: y, Version: z`, as the web UI of AUTOMATIC1111 and its forks write it."""
    last = text[text.rfind("Steps:") :]
    said = dict(re.findall(r'(Model|Version|Model hash): ("[^"]*"|[^,\n]*)', last))
    if "Steps:" in text:
        yield Mark("a1111", _weights(said.get("Model", "").strip('" ')), said.get("Version", "").strip('" '))


def _comfyui(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    """A graph of nodes; the loaders name the checkpoints."""
    nodes = _json(text)
    inputs = [object_at(as_object(node), "inputs") for node in nodes.values() if "class_type" in as_object(node)]
    names = dict.fromkeys(
        _weights(str(one[name]))
        for one in inputs
        for name in ("ckpt_name", "unet_name")
        if isinstance(one.get(name), str)
    )
    if inputs:
        yield from (Mark("comfyui", name) for name in names or [""])


def _invokeai(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    said = _json(text)
    model = said.get("model")
    name = (
        text_at(as_object(model), "name")
        or text_at(as_object(model), "model_name")
        or str(said.get("model_weights") or "")
    )
    if said:
        yield Mark("invokeai", _weights(name), text_at(said, "app_version"))


def _novelai(text: str, beside: Mapping[str, str]) -> Iterator[Mark]:
    if text.strip() == "NovelAI":
        yield Mark("novelai", beside.get("png:Source", ""), organisation="NovelAI")


def _swarm(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    said = object_at(_json(text), "sui_image_params")
    if said:
        yield Mark(
            "swarmui", _weights(text_at(said, "model")), text_at(said, "swarm_version"), "", text_at(said, "date")
        )


def _fooocus(text: str, beside: Mapping[str, str]) -> Iterator[Mark]:
    said = _json(beside.get("png:parameters", "")) or _json(text)
    name = text_at(said, "base_model") or text_at(said, "Base Model")
    yield Mark("fooocus", _weights(name), text_at(said, "version") or text_at(said, "Version"))


def _parameters(text: str, beside: Mapping[str, str]) -> Iterator[Mark]:
    if "png:fooocus_scheme" in beside or "Base Model" in _json(text):
        yield from _fooocus(text, beside)
    elif "sui_image_params" in _json(text):
        yield from _swarm(text, beside)
    else:
        yield from _a1111(text, beside)


def _midjourney(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    if found := re.search(r"--v (\S+).*Job ID: [0-9a-f-]{36}|Job ID: [0-9a-f-]{36}", text):
        yield Mark("midjourney", version=found[1] or "", organisation="Midjourney")


def _own(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    if mark := record("provenance-record", _json(text)):
        yield mark


def _software(text: str, beside: Mapping[str, str]) -> Iterator[Mark]:
    """A program's name: no model. Kept as a mark only where the program generates."""
    if text.strip() == "NovelAI":
        yield from _novelai(text, beside)
    elif mark := _tool("exif:Software", text):
        yield mark


def _safetensors(text: str, _: Mapping[str, str]) -> Iterator[Mark]:
    """What weights say of themselves: modelspec (sai_model_spec), or a trainer's own words."""
    said = _json(text)
    name = text_at(said, "modelspec.title") or text_at(said, "ss_output_name")
    if name:
        yield Mark("safetensors", name, text_at(said, "modelspec.architecture"), text_at(said, "modelspec.author"),
                   text_at(said, "modelspec.date"))  # fmt: skip


GENERATORS = re.compile(
    r"stable.diffusion|midjourney|dall.?e|firefly|imagen|novelai|comfyui|invokeai|fooocus|diffusers|elevenlabs|suno|udio|"
    r"runway|sora|pika|flux|ideogram|leonardo\.ai|musicgen|audiocraft|bark|veo|kling|made with google ai", re.IGNORECASE
)  # fmt: skip


def _tool(where: str, text: str) -> Mark | None:
    """A generator that a tag of a container names; a version where it is written behind the name."""
    if record_of := record(f"{where.partition(':')[0]}-tags", _json(text)):
        return record_of
    found = GENERATORS.search(text)
    if not found:
        return None
    version = re.search(r"\bv?(\d+(?:\.\d+)+)\b", text)
    kind = f"{where.partition(':')[0]}-tags"
    return Mark(kind, version=version[1] if version else "", organisation=found[0])


def _xmp(text: str) -> Iterator[Mark]:
    """IPTC Photo Metadata 2025.1: the AI system and its version; the digital source type; and the tool."""
    system, version = _property(text, "AISystemUsed"), _property(text, "AISystemVersionUsed")
    if system:
        yield Mark(
            "iptc-ai-system", system, version, _property(text, "AISystemProvider"), _property(text, "CreateDate")
        )
    source = _property(text, "DigitalSourceType")
    tool = _property(text, "CreatorTool")
    if "AlgorithmicMedia" in source:
        yield Mark("iptc-digital-source-type", organisation=tool, time=_property(text, "CreateDate"))
    elif tool and GENERATORS.search(tool):
        yield Mark("xmp-creator-tool", organisation=tool, time=_property(text, "CreateDate"))


def _property(text: str, name: str) -> str:
    """An attribute or an element of RDF, by its local name. Read by form: no entity is ever resolved."""
    quoted = re.search(rf"[\w]+:{name}\s*=\s*[\"']([^\"']{{0,2000}})[\"']", text)
    inside = re.search(rf"<[\w]+:{name}(?:\s[^>]*)?>(.{{0,4000}}?)</[\w]+:{name}>", text, re.DOTALL)
    found = quoted[1] if quoted else re.sub(r"<[^>]*>", " ", inside[1]) if inside else ""
    return " ".join(found.split())


def record(kind: str, said: JsonObject) -> Mark | None:
    """A record with a model's name, whatever its keys are called."""
    low = {str(name).lower().replace("-", "_"): value for name, value in said.items()}

    def first(*names: str) -> str:
        return next((str(low[name]) for name in names if isinstance(low.get(name), str | int | float)), "")

    model = first("model", "model_id", "modelid", "model_name", "modelname")
    if not model:
        return None
    return Mark(kind, model, first("version", "model_version", "modelversion"),
                first("organisation", "organization", "org", "creator", "vendor", "organisation_id", "organization_id"),
                first("made_at", "time", "timestamp", "created_at", "created", "generated_at", "date"))  # fmt: skip


def _weights(name: str) -> str:
    """The name of a model from a path to its weights."""
    base = re.split(r"[\\/]", name)[-1]
    return next((base.removesuffix(end) for end in WEIGHTS if base.endswith(end)), base)


def _json(text: str) -> Mapping[str, Json]:
    try:
        return as_object(json.loads(text))
    except (ValueError, RecursionError):
        return {}


READERS: Mapping[str, Callable[[str, Mapping[str, str]], Iterator[Mark]]] = {
    "png:parameters": _parameters, "png:prompt": _comfyui, "png:invokeai_metadata": _invokeai,
    "png:sd-metadata": _invokeai,
    "png:Software": _novelai, "png:Description": _midjourney, "png:provenance": _own, "exif:Software": _software,
    "exif:ImageDescription": _midjourney, "png:fooocus_scheme": _fooocus, "safetensors": _safetensors,
}  # fmt: skip
KINDS = (
    "a1111", "comfyui", "invokeai", "novelai", "swarmui", "fooocus", "midjourney", "provenance-record",
    "iptc-ai-system",
    "iptc-digital-source-type", "xmp-creator-tool", "exif-tags", "id3-tags", "riff-tags", "mp4-tags", "vorbis-tags",
    "google-ai-credit", "safetensors",
)  # fmt: skip
