"""The process that reads marks: it parses bytes that a stranger chose, without a network and within bounds.

Decides the order of readers for one file, and that what a decoder raises is one word and never its message. Started as
a program by `sandbox.ask`; a file at which it ends is named by whoever asked, and the others go on.
"""

from __future__ import annotations

import io
import json
import resource
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from firedoor.core.examinations.marks import containers, generators, low_bits
from firedoor.core.examinations.marks.generators import Mark
from firedoor.core.json_types import Json, JsonObject, array_at, as_object, object_at, objects_at, text_at
from firedoor.runtime.examinations import sandbox

LARGEST, PIXELS = 256 * 1024 * 1024, 50_000_000
MEMORY = 3 * 1024**3  # bytes of addresses
FORMATS = ("PNG", "BMP", "WEBP", "TIFF")  # what keeps its lowest bits: JPEG does not
MEDIA = {
    b"\x89PNG": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"RIFF": "",
    b"GIF8": "image/gif",
    b"ID3": "audio/mpeg",
}
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/avi"}


def work(request: JsonObject, said: sandbox.Said) -> Mapping[str, Json]:
    """Read each file; its marks are said as they come, so that a file which ends the process takes no other with it."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    warnings.simplefilter("ignore")
    for number, path in enumerate(array_at(request, "paths")):
        said(begun=number)
        said(file=number, **_one(Path(str(path))))
    return {"done": True}


def _one(path: Path) -> dict[str, Json]:
    with path.open("rb") as content:
        whole = content.read(LARGEST + 1)
    if len(whole) > LARGEST:
        return {"marks": [], "not_looked_for": ["anything: the file is too large"]}
    missing: list[str] = []
    found = [*generators.marks(containers.texts(whole)), *_credentials(whole, missing), *_pixels(whole, missing)]
    named: Json = [asdict(mark) for mark in dict.fromkeys(found)]
    return {"marks": named, "not_looked_for": list(missing)}


def _pixels(content: bytes, missing: list[str]) -> Iterator[Mark]:
    """A record in the lowest bits, in pictures of forms that keep them."""
    try:
        from PIL import Image, ImageFile, UnidentifiedImageError
    except ImportError:
        missing.append("low-bits: Pillow is not installed")
        return
    Image.MAX_IMAGE_PIXELS = None  # the bound on pixels is ours
    ImageFile.LOAD_TRUNCATED_IMAGES = False  # WeasyPrint says otherwise wherever it is imported as well
    try:
        with Image.open(io.BytesIO(content), formats=FORMATS) as picture:
            if picture.width * picture.height > PIXELS:
                missing.append("low-bits: the picture has too many pixels")
                return
            kept = picture.convert("RGBA" if "A" in picture.getbands() else "RGB")
            mark = low_bits.low_bits([one.tobytes() for one in kept.split()])
    except UnidentifiedImageError:
        missing.append("low-bits: no picture of a form that keeps them")
    except Exception:  # noqa: BLE001 - decoders raise whatever they like at a hostile file
        missing.append("low-bits: the picture is damaged")
    else:
        if mark:
            yield mark


def _credentials(content: bytes, missing: list[str]) -> Iterator[Mark]:
    """Content credentials (C2PA). A manifest that does not fit the bytes names no model."""
    media = _media(content)
    if not media:
        missing.append("c2pa: a form that is not read")
        return
    try:
        import c2pa
    except ImportError:
        missing.append("c2pa: c2pa-python is not installed")
        return
    try:
        with c2pa.Reader(media, io.BytesIO(content)) as reader:
            store = as_object(json.loads(reader.json()))
    except Exception as error:  # noqa: BLE001 - the library raises one class for no manifest and for a broken one
        if "ManifestNotFound" not in type(error).__name__ and "ManifestNotFound" not in str(error):
            missing.append("c2pa: the manifest is damaged")
        return
    yield from _of_manifest(store)


def _media(content: bytes) -> str:
    if content[:4] == b"RIFF":
        return RIFF.get(content[8:12], "")
    if content[4:8] == b"ftyp":
        return "image/avif" if content[8:12] == b"avif" else "video/mp4"
    return next((media for start, media in MEDIA.items() if content.startswith(start)), "")


def _of_manifest(store: JsonObject) -> Iterator[Mark]:
    manifest = object_at(store, "manifests", text_at(store, "active_manifest"))
    signed = object_at(manifest, "signature_info")
    if text_at(store, "validation_state") == "Invalid":
        yield Mark("c2pa-invalid")
        return
    organisation, time = text_at(signed, "issuer"), text_at(signed, "time")
    for assertion in objects_at(manifest, "assertions"):
        data = object_at(assertion, "data")
        if mark := generators.record("c2pa", data):
            yield Mark("c2pa", mark.model, mark.version, mark.organisation or organisation, mark.time or time)
        for action in objects_at(data, "actions"):
            agent = action.get("softwareAgent")
            name = agent if isinstance(agent, str) else text_at(as_object(agent), "name")
            made = (
                "lgorithmicMedia" in text_at(action, "digitalSourceType") or text_at(action, "action") == "c2pa.created"
            )
            if name and made:
                version = text_at(as_object(agent), "version")
                yield Mark("c2pa", name, version, organisation, text_at(action, "when") or time)
                return
    if manifest:
        yield Mark("c2pa", organisation=organisation, time=time)


def main() -> None:
    """Serve one request."""
    sandbox.serve(work, largest_file=0)


if __name__ == "__main__":
    main()
