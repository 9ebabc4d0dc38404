"""An incident's evidence as a folder that an outsider can verify: pieces, journal, and the program that checks it.

Decides the folder's layout and what verifying it means: every entry follows from the one
before it, and every piece that the journal says was kept is there, unaltered. What is
in the folder beyond that is named, because nobody vouches for it. Leaves custody to the API,
which writes into the journal that the pieces were handed out. A list of people never leaves, and neither
does what an earlier version kept and is not kept any more: the contents name both as withheld.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from firedoor.core.journal import Entry, Head, verify
from firedoor.interfaces.cli.terminal.client import Api
from firedoor.interfaces.shapes.records import Exported, Piece, Pieces, Withheld

JOURNAL, PIECES, PROGRAM, CONTENTS = "journal.jsonl", "evidence", "verify_journal.py", "contents.json"


async def export(api: Api, incident: str, folder: Path, why: str) -> Exported:
    """Write the folder; returns its contents. Raises InvalidInput when it is there already, with something in it."""
    _new(folder)
    listed = (await api.get(f"/incidents/{incident}/evidence", Pieces))["evidence"]
    withheld = _sealed(listed)
    for piece in {piece["sha256"]: piece for piece in listed if piece["mode"] == "vault"}.values():
        digest = piece["sha256"]
        if digest not in withheld and (refused := await _fetch(api, incident, digest, folder, why)):
            withheld[digest] = {"sha256": digest, "name": piece["name"], "why": refused}
    journal = await api.send(
        "GET", f"/incidents/{incident}/export"
    )  # after the pieces: it holds that they were handed out
    (folder / JOURNAL).write_bytes(journal.content)
    program = await api.send("GET", "/journal/verify_journal.py")
    (folder / PROGRAM).write_bytes(program.content)
    contents: Exported = {
        "incident": incident,
        "head": journal.headers.get("x-firedoor-head", ""),
        "pieces": listed,
        "withheld": [*withheld.values()],
    }
    (folder / CONTENTS).write_text(json.dumps(contents, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return contents


def _sealed(listed: Sequence[Piece]) -> dict[str, Withheld]:
    """The pieces that leave in no export, by digest."""
    from firedoor.core.evidence.kinds import Reader, reader_of

    why = "it names people; only counts leave"
    sealed = [piece for piece in listed if piece["mode"] == "vault" and reader_of(piece) is Reader.UNSEALED]
    return {piece["sha256"]: {"sha256": piece["sha256"], "name": piece["name"], "why": why} for piece in sealed}


async def _fetch(api: Api, incident: str, digest: str, folder: Path, why: str) -> str:
    """Write one piece; return why it is withheld where the gate of content refuses it, and "" where it is written."""
    from firedoor.core.problems import Refused

    try:
        answer = await api.send("GET", f"/incidents/{incident}/evidence/{digest}", params={"why": why})
    except Refused as refused:
        if refused.problems[0].code != "E112":
            raise
        return refused.problems[0].message
    (folder / PIECES / digest).write_bytes(answer.content)
    return ""


def withheld(folder: Path) -> dict[str, str]:
    """The pieces that the folder itself says it does not hold: their names by digest."""
    try:
        named = json.loads((folder / CONTENTS).read_text(encoding="utf-8")).get("withheld", [])
        return {str(one["sha256"]): f"{one['name']}: {one['why']}" for one in named}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _new(folder: Path) -> None:
    from firedoor.core.problems import InvalidInput, Problem

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(
            Problem(code="U140", message=f"{folder} is not empty", do="name a folder that does not exist yet")
        )
    (folder / PIECES).mkdir(parents=True, mode=0o700)


def faults(folder: Path) -> tuple[int, int, list[str]]:
    """Verify the folder: the number of entries, of pieces, and whatever is wrong, in words. Raises InvalidInput."""
    entries = _entries(folder)
    incident = entries[0].incident if entries else ""
    broken = verify(incident, entries, _head(folder))
    wrong = [f"{JOURNAL}: entry {broken.seq} {broken.what}"] if broken else []
    kept = {
        str(entry.body["sha256"]): entry
        for entry in entries
        if entry.kind == "evidence.kept" and entry.body["mode"] == "vault"
    }
    held = {digest: entry for digest, entry in kept.items() if digest not in withheld(folder)}
    wrong += list(_pieces(folder, held))
    return len(entries), len(held), wrong


def _pieces(folder: Path, kept: Mapping[str, Entry]) -> Iterator[str]:
    for digest, entry in kept.items():
        file = folder / PIECES / digest
        if not file.is_file():
            yield f"{PIECES}/{digest[:16]} is missing: {entry.body['name']}, kept by entry {entry.seq}"
        elif hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield f"{PIECES}/{digest[:16]} was altered: {entry.body['name']}, kept by entry {entry.seq}"
    known = {folder / PIECES / digest for digest in kept} | {folder / name for name in (JOURNAL, PROGRAM, CONTENTS)}
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file not in known:
            yield f"{file.relative_to(folder)} is in no entry of the journal"


def _entries(folder: Path) -> list[Entry]:
    from firedoor.core.problems import InvalidInput, Problem

    file = folder / JOURNAL
    try:
        return [Entry(**json.loads(line)) for line in file.read_text(encoding="utf-8").splitlines()]
    except OSError as error:
        message = f"{file} cannot be read: {error.strerror}"
    except (ValueError, TypeError):
        message = f"{file} holds lines that are no entries"
    raise InvalidInput(
        Problem(code="U141", message=message, do="name a folder that `firedoor evidence export` has written")
    )


def _head(folder: Path) -> Head | None:
    """The head that was noted beside the journal; None when there is none, and a cut-off end is then not seen."""
    try:
        number, _, digest = str(json.loads((folder / CONTENTS).read_text(encoding="utf-8"))["head"]).partition(":")
        return Head(int(number), digest)
    except (OSError, ValueError, KeyError, TypeError):
        return None
