"""Custody: what is held, in which form, and everybody who touched it: a fold of the journal.

Decides that a piece is known by its SHA-256 and that each handling is an entry with a
person, a moment and a reason. Leaves the bytes to the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from firedoor.core.alert import HASH_LENGTHS, MAXIMUM_ITEMS
from firedoor.core.journal import Body, Draft, Entry, Kind
from firedoor.core.people import MAXIMUM_WHY, Person
from firedoor.core.problems import InvalidInput, NotFound, Problem, Refused
from firedoor.core.view import IncidentView

MODES = {
    "vault": "the bytes are kept",
    "journal": "the content stands in the journal itself",
    "digest": "only the digest is kept, never the bytes",
}
VISUAL = ("image/", "video/")
POINTER = "hashes and locators, nothing was fetched"
LONGEST_LOCATOR = 2048  # characters


@dataclass(frozen=True, slots=True)
class Pointer:
    """What is kept of something that must never be brought here: its hashes, and where it is.

    `algorithm` is one of `HASH_LENGTHS`; `hashes` are hexadecimal. Locators are addresses or object keys.
    """

    name: str
    algorithm: str = "sha256"
    hashes: tuple[str, ...] = ()
    locators: tuple[str, ...] = ()

    def content(self) -> Body:
        """What the piece holds, in the shape in which a playbook keeps locators."""
        named = [{"algorithm": self.algorithm, "value": value.lower()} for value in self.hashes]
        return {"content_hashes": named, "locators": list(self.locators)}


def custody(entries: Iterable[Entry]) -> list[Body]:
    """Return every piece in the order of keeping, each with its chain of custody."""
    pieces: dict[tuple[str, str], Body] = {}
    for entry in entries:
        body = entry.body
        if entry.kind == Kind.EVIDENCE:
            first = {"seq": entry.seq, "at": entry.at, "by": entry.actor, "action": "kept", "why": body.get("why", "")}
            piece = pieces.setdefault((body["name"], body["sha256"]), {**_piece(body), "chain": []})
            piece["chain"].append(first)
        elif entry.kind == Kind.CUSTODY:
            touched = {
                "seq": entry.seq,
                "at": entry.at,
                "by": entry.actor,
                "action": body["action"],
                "why": body.get("why", ""),
            }
            for piece in pieces.values():
                if piece["sha256"] == body["sha256"]:
                    piece["chain"].append(touched)
    return list(pieces.values())


def _piece(body: Body) -> Body:
    return {
        "name": body["name"], "sha256": body["sha256"], "size": body["size"], "media_type": body.get("media_type", ""),
        "source": body.get("source", ""), "mode": body["mode"], "means": MODES.get(body["mode"], ""),
        "taken_at": body.get("taken_at"), "op": body.get("op"), "kind": body.get("kind", ""),
        "missing": body.get("missing", []), "content_hashes": body.get("content_hashes", []),
    }  # fmt: skip


def piece_of(view: IncidentView, sha256: str) -> Body:
    """Return the entry body of a piece whose content can be read. Raises NotFound or Refused."""
    found = next((piece for piece in view.evidence if piece["sha256"] == sha256), None)
    if found is None:
        raise NotFound(
            _problem("E101", f"{view.id} keeps nothing under {sha256[:12]}", "the list of evidence has the digests")
        )
    if found["mode"] == "digest":
        raise Refused(_problem("E102", f"of {found['name']} only the digest is kept", "the bytes were never held here"))
    return found


def touched(piece: Body, action: str, why: str, person: Person) -> Draft:
    """The entry that a handling becomes."""
    body: Body = {"sha256": piece["sha256"], "name": piece["name"], "action": action, "by": person.name, "why": why}
    return Draft(Kind.CUSTODY, person.actor, body)


def added(name: str, sha256: str, size: int, media_type: str, mode: str, why: str, person: Person, at: str) -> Draft:  # noqa: PLR0913, PLR0917 - the fields of a piece
    """The entry that a piece added by hand becomes."""
    body: Body = {
        "op": None, "name": name, "sha256": sha256, "size": size, "source": f"added by {person.name}", "mode": mode,
        "media_type": media_type, "taken_at": at, "why": why.strip(),
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, person.actor, body)


def pointed(pointer: Pointer, sha256: str, size: int, why: str, person: Person, at: str) -> Draft:
    """The entry that hashes and locators become. The locators stand in the vault alone; hashes identify nobody."""
    body = {**added(pointer.name.strip(), sha256, size, "application/json", "vault", why, person, at).body}
    body |= {"source": f"{POINTER}; stated by {person.name}", "content_hashes": pointer.content()["content_hashes"]}
    return Draft(Kind.EVIDENCE, person.actor, body)


def check_pointer(pointer: Pointer, why: str) -> None:
    """Refuse what is no hash or no locator. Raises InvalidInput with every problem."""
    problems = [*_words_of(pointer.name, why), *_faults_of(pointer)]
    if problems:
        raise InvalidInput(problems)


def _faults_of(pointer: Pointer) -> Iterator[Problem]:
    if not pointer.hashes and not pointer.locators:
        yield _problem("E108", "neither a hash nor a locator is given", "give what you have: one of the two is enough")
    if len(pointer.hashes) > MAXIMUM_ITEMS or len(pointer.locators) > MAXIMUM_ITEMS:
        yield _problem("E108", f"at most {MAXIMUM_ITEMS} hashes and {MAXIMUM_ITEMS} locators", "send them in several")
    length = HASH_LENGTHS.get(pointer.algorithm)
    if length is None:
        known = ", ".join(HASH_LENGTHS)
        yield _problem("E109", f'"{pointer.algorithm[:20]}" is no kind of hash that is known', f"one of {known}")
    elif any(len(one) != length or set(one.lower()) - set("0123456789abcdef") for one in pointer.hashes):
        do = "give the hash itself, one a line, and choose its kind"
        yield _problem("E109", f"a {pointer.algorithm} has {length} hexadecimal digits", do)
    yield from _no_locators(pointer.locators)


def _no_locators(locators: Sequence[str]) -> Iterator[Problem]:
    if any(len(one) > LONGEST_LOCATOR for one in locators):
        yield _problem("E110", f"a locator has at most {LONGEST_LOCATOR} characters", "give the address alone")
    if any(one.strip().lower().startswith("data:") for one in locators):
        message = "an address that begins with data: is the content itself"
        yield _problem("E110", message, "give the place where it is, never what is there")


def _words_of(name: str, why: str) -> Iterator[Problem]:
    if not name.strip() or len(name) > 200:
        yield _problem("E104", "a piece needs a name of at most 200 characters", "say what it is and of what")
    if not why.strip() or len(why) > MAXIMUM_WHY:
        yield _problem("E105", "a reason is needed", "say where it comes from and why it is kept")


def check_addition(view: IncidentView, name: str, media_type: str, mode: str, why: str) -> None:
    """Refuse what may not be kept. Raises InvalidInput with every problem, or Refused."""
    problems = []
    if mode not in ("vault", "digest"):
        problems.append(
            _problem("E103", f'"{mode[:20]}" is no way of keeping', "vault keeps the bytes, digest only their SHA-256")
        )
    problems += _words_of(name, why)
    if problems:
        raise InvalidInput(problems)
    if mode == "vault" and media_type.lower().startswith(VISUAL):
        message = f"images and videos are not stored with an incident ({view.type})"
        raise Refused(
            _problem("E106", message, "keep its SHA-256 alone (mode digest); the original stays where it is, on hold")
        )


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
