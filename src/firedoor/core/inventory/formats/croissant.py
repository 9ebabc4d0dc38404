"""Croissant: a data set described as JSON-LD.

Decides what of it the inventory takes: name, version, licence, day, digests, sources, and what the vocabulary for
responsible AI says about people in the data. Read as https://docs.mlcommons.org/croissant/docs/croissant-spec-1.1.html
and the same for 1.0 and RAI describe it. JSON-LD is read by its usual short names; a file with another `@context` is
not expanded, and what is then missing is listed.
"""

from __future__ import annotations

from firedoor.core.assets import Dataset
from firedoor.core.inventory.formats.reading import (
    Entries,
    Files,
    Format,
    day,
    identifier,
    objects,
    refused,
    sha256,
    texts,
    unread,
)
from firedoor.core.json_types import Json, JsonObject, as_array, as_object, as_objects

PREFIXES = ("sc:", "schema:", "https://schema.org/", "http://schema.org/", "cr:", "rai:", "prov:", "dct:")
USED = (
    "@context", "@type", "@id", "name", "description", "version", "license", "url", "datePublished", "dateModified",
    "creator", "publisher", "distribution", "recordSet", "conformsTo", "isBasedOn", "wasDerivedFrom", "keywords",
    "personalSensitiveInformation", "dataCollection", "citeAs", "citation", "inLanguage", "isLiveDataset", "sameAs",
)  # fmt: skip


def wants(path: str) -> bool:
    """JSON files; whether they are Croissant is for their content to say."""
    return path.lower().endswith((".json", ".jsonld"))


def read(files: Files) -> Entries:
    """Read every description. Raises InvalidInput when no file is one."""
    entries = Entries()
    for name, content in sorted(files.items()):
        data = _plain(objects(name, content))
        if "Dataset" not in {_short(one) for one in texts(data.get("@type"))}:
            entries.passed_over.append(f"{name}: its @type is not Dataset")
            continue
        _dataset(entries, name, data)
    if not entries.datasets:
        raise refused(next(iter(files), "the path"), "holds no Croissant description", 'its "@type" is sc:Dataset')
    return entries


def _plain(data: JsonObject) -> dict[str, Json]:
    """The same with short names for its keys."""
    return {_short(key): value for key, value in data.items()}


def _short(word: str) -> str:
    prefix = next((one for one in PREFIXES if word.startswith(one)), "")
    return word.removeprefix(prefix)


def _dataset(entries: Entries, name: str, data: JsonObject) -> None:
    called = identifier(next(iter(texts(data.get("name"))), ""))
    if not called:
        entries.questions.append(f"{name}: the description has no name; which data set is it?")
        return
    files = [_plain(one) for one in as_objects(data.get("distribution"))]
    digests = [found for one in files if (found := sha256(one.get("sha256")))]
    if len(files) > 1:
        entries.passed_over.append(f"{name}: {len(files)} files; an entry has one digest, so none was taken")
    if not any("croissant" in one for one in _ids(data.get("conformsTo"))):
        entries.passed_over.append(f"{name}: does not say in `conformsTo` to which Croissant it keeps")
    entries.passed_over += unread(name, data, USED)
    entries.datasets[called] = Dataset(
        title=str(data.get("description") or "")[:200], version=_text(data.get("version")),
        sha256=digests[0] if len(files) == 1 and digests else None, location=_text(data.get("url")),
        licence=", ".join(_ids(data.get("license"))), as_of=day(data.get("dateModified") or data.get("datePublished")),
        sources=tuple(dict.fromkeys((*_names(data.get("creator")), *_names(data.get("publisher"))))),
        categories=texts(data.get("personalSensitiveInformation")), source=f"Croissant {name}",
        derived_from=tuple(identifier(one) for key in ("wasDerivedFrom", "isBasedOn") for one in _names(data.get(key))),
    )  # fmt: skip


def _text(value: Json) -> str:
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _names(value: Json) -> tuple[str, ...]:
    """Texts, or objects by their name or id."""
    found = as_array(value) or ([value] if value else [])
    plain = (_plain(as_object(one)) for one in found if isinstance(one, dict))
    named = (_text(one.get("name")) or _text(one.get("@id")) or _text(one.get("url")) for one in plain)
    return (*texts(value), *(one for one in named if one))


def _ids(value: Json) -> tuple[str, ...]:
    return tuple(one.rstrip("/") for one in _names(value))


FORMAT = Format("croissant", "Croissant: descriptions of data sets as JSON-LD", wants, read)
