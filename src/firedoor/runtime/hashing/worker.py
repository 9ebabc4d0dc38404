"""The process that hashes: it reads bytes from its parent, answers with hashes, and can do nothing else.

Decides what is a picture that is read here, within which bounds, and that an answer holds hashes, a size and one word
for why there is no PDQ hash; a message of a decoder, which may quote the file, is never passed on. Started as a program
by `pool`; nothing of a file is kept once its answer is written.

What it is told: frames of four bytes for a length and as many bytes; an empty frame ends a file. Arguments: an empty
folder, bytes of memory, bytes of a picture, pixels.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import struct
import sys
import warnings
from collections.abc import Iterator
from typing import BinaryIO

from firedoor.core.hashing.pdq import SMALLEST, pdq
from firedoor.runtime.hashing.isolation import leave_the_network, leave_the_rest

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP")  # of a moving picture, the first
# Pictures that are not decoded here: HEIC and its kin, TIFF, JPEG XL. They are told, not passed over as no pictures.
UNREAD_FORMS = re.compile(
    rb"....ftyp(?:hei[cxms]|hev[cx]|mif1|msf1)|II\*\x00|MM\x00\*|\xff\x0a|\x00\x00\x00\x0cJXL ", re.DOTALL
)
FORM = "form"
NO_PICTURE, LARGE, PIXELS, DAMAGED, MEMORY = "no_picture", "too_large", "too_many_pixels", "damaged", "memory"


def frames(told: BinaryIO) -> Iterator[bytes]:
    """The pieces of one file. Raises EOFError when the parent is gone."""
    while True:
        head = told.read(4)
        if len(head) < 4:
            raise EOFError
        (length,) = struct.unpack(">I", head)
        if not length:
            return
        piece = told.read(length)
        if len(piece) < length:
            raise EOFError
        yield piece


def answer(told: BinaryIO, largest: int, pixels: int) -> dict[str, object]:
    """Hash one file. SHA-256 is of all its bytes, however many there are."""
    whole, size, kept = hashlib.sha256(), 0, io.BytesIO()
    for piece in frames(told):
        whole.update(piece)
        size += len(piece)
        if size <= largest:
            kept.write(piece)
    said: dict[str, object] = {"sha256": whole.hexdigest(), "bytes": size}
    return said | ({"why": LARGE} if size > largest else _perceptual(kept, pixels))


def _perceptual(content: io.BytesIO, pixels: int) -> dict[str, object]:
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        content.seek(0)
        with Image.open(content, formats=FORMATS) as picture:
            if picture.width * picture.height > pixels:
                return {"why": PIXELS}
            if min(picture.size) < SMALLEST:
                return {"why": NO_PICTURE}
            made = pdq(np.asarray(picture.convert("RGB")))
    except UnidentifiedImageError:
        return {"why": FORM if UNREAD_FORMS.match(content.getvalue()[:16]) else NO_PICTURE}
    except MemoryError:
        return {"why": MEMORY}
    except Exception:  # noqa: BLE001 - decoders raise whatever they like at a hostile file
        return {"why": DAMAGED}
    return {"pdq": made.hash, "quality": made.quality, "dihedral": dict(made.dihedral)}


def warm_up() -> None:
    """Load everything that a picture of each form needs: later nothing can be loaded any more."""
    import numpy as np
    from PIL import Image

    picture = Image.fromarray(np.arange(64 * 64 * 3, dtype=np.uint32).astype(np.uint8).reshape(64, 64, 3))
    for form in FORMATS:
        for mode in ("RGB", "P"):
            out = io.BytesIO()
            try:
                picture.convert(mode).save(out, form)
            except (OSError, KeyError, ValueError):
                continue  # not every form has every mode, and not every Pillow has AVIF
            _perceptual(out, 1 << 20)
    _perceptual(io.BytesIO(b"no picture"), 1)


def main() -> None:
    """Give everything up, say what held, then hash until the parent goes."""
    alone = leave_the_network()  # before NumPy, which may start threads
    from PIL import Image

    warnings.simplefilter("ignore")
    Image.MAX_IMAGE_PIXELS = None  # the bound on pixels is ours
    root, memory, largest, pixels = sys.argv[1], *(int(one) for one in sys.argv[2:5])
    warm_up()
    told, said = sys.stdin.buffer, sys.stdout.buffer
    held = leave_the_rest(alone=alone, root=root, memory=memory)
    _say(said, {"network": held.network, "files": held.files})
    while True:
        try:
            found = answer(told, largest, pixels)
        except EOFError:
            return
        _say(said, found)


def _say(said: BinaryIO, what: dict[str, object]) -> None:
    said.write(json.dumps(what).encode() + b"\n")
    said.flush()


if __name__ == "__main__":
    main()
