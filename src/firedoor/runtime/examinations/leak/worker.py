"""The process that reads logs and a corpus: it counts, and tells hashes and numbers. Without a network.

Decides the order: corpus, then logs one after the other, with progress after each file. Started as a program by
`sandbox.ask`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from hashlib import file_digest
from pathlib import Path

from firedoor.core.examinations.leaks.exposure import Exposure
from firedoor.core.examinations.leaks.overlap import Corpus
from firedoor.core.json_types import Json, JsonObject, array_at, text_at
from firedoor.runtime.examinations import sandbox
from firedoor.runtime.examinations.consent.files import Trouble, opened
from firedoor.runtime.examinations.leak.logs import rows

LARGEST = 512 * 1024 * 1024  # bytes of one document of a corpus
SAYING = 50_000  # rows between two words of progress


def work(request: JsonObject, said: sandbox.Said) -> Mapping[str, Json]:
    """Count."""
    trouble = Trouble()
    documents = [str(one) for one in array_at(request, "corpus")]
    corpus = _corpus(documents, trouble, said) if documents else None
    salt = text_at(request, "salt").encode() or secrets.token_bytes(32)
    exposure = Exposure(salt, [str(one) for one in array_at(request, "canaries")], corpus)
    inputs: list[Json] = []
    for path in map(Path, map(str, array_at(request, "paths"))):
        for number, row in enumerate(rows(path, str(path), trouble)):
            exposure.add(row)
            if number % SAYING == 0:
                said(file=str(path), rows=number)
        with path.open("rb") as content:
            inputs.append({"name": str(path), "sha256": file_digest(content, "sha256").hexdigest()})
    report = exposure.report()
    if not report["records"]:
        trouble.add("", "no log has a row with an output: are these the right files?")
    return {**report, "documents": list(documents), "inputs": inputs, "problems": list(trouble.told)}


def _corpus(documents: list[str], trouble: Trouble, said: sandbox.Said) -> Corpus:
    corpus = Corpus()
    for name in documents:
        try:
            with opened(Path(name)) as content:
                whole = content.read(LARGEST + 1)
        except (OSError, EOFError) as error:
            trouble.add(name, f"could not be read: {type(error).__name__}")
            whole = b""
        if len(whole) > LARGEST:
            trouble.add(name, f"only its first {LARGEST} bytes were compared; split it")
        corpus.add(whole[:LARGEST].decode("utf-8", "replace"))
        said(corpus=name)
    return corpus


def main() -> None:
    """Serve one request."""
    sandbox.serve(work, largest_file=0)


if __name__ == "__main__":
    main()
