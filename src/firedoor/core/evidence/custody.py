"""Custody: what is held, in which form, and everybody who touched it: a fold of the journal.

Decides that a piece is known by its SHA-256 and that each handling is an entry with a
person, a moment and a reason. Leaves the bytes to the vault.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from firedoor.core.alerts.alert import HASH_LENGTHS, MAXIMUM_ITEMS
from firedoor.core.content import ContentVerdict, hidden
from firedoor.core.content.locators import locator_fault
from firedoor.core.entries.custody import EvidenceTouched, PieceKept
from firedoor.core.evidence.kinds import EvidenceKind, judged
from firedoor.core.incident.view import IncidentView
from firedoor.core.journal import Body, Content, Draft, Entry, Kind
from firedoor.core.problems import InvalidInput, NotFound, Problem, Refused
from firedoor.core.tasks.answers import MAXIMUM_WHY, Person

MODES = {
    "vault": "the bytes are kept",
    "journal": "the content stands in the journal itself",
    "digest": "only the digest is kept, never the bytes",
}
CHOICES = ("auto", "vault", "digest")  # how a piece is asked to be kept; `auto` keeps the bytes where they may be
INSTEAD = "keep its SHA-256 alone (mode digest, or auto); the original stays where it is, on hold"
POINTER = "hashes and locators, nothing was fetched"


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


def _piece(body: Content) -> Body:
    return {
        "name": body["name"], "sha256": body["sha256"], "size": body["size"], "media_type": body.get("media_type", ""),
        "source": body.get("source", ""), "mode": body["mode"], "means": MODES.get(body["mode"], ""),
        "taken_at": body.get("taken_at"), "op": body.get("op"), "kind": body.get("kind", ""),
        "missing": body.get("missing", []), "content_hashes": body.get("content_hashes", []),
        "what": body.get("what", ""), "refused": body.get("refused", ""),
    }  # fmt: skip


def piece_of(view: IncidentView, sha256: str) -> PieceKept:
    """Return the entry body of a piece whose content can be read. Raises NotFound or Refused."""
    found = next((piece for piece in view.evidence if piece["sha256"] == sha256), None)
    if found is None:
        raise NotFound(
            _problem("E101", f"{view.id} keeps nothing under {sha256[:12]}", "the list of evidence has the digests")
        )
    if found["mode"] == "digest":
        raise Refused(_problem("E102", f"of {found['name']} only the digest is kept", "the bytes were never held here"))
    return found


def touched(piece: PieceKept, action: str, why: str, person: Person) -> Draft:
    """The entry that a handling becomes."""
    body: EvidenceTouched = {
        "sha256": piece["sha256"],
        "name": piece["name"],
        "action": action,
        "by": person.name,
        "why": why,
    }
    return Draft(Kind.CUSTODY, person.actor, body)


def added(  # noqa: PLR0913, PLR0917 - the fields of a piece
    name: str, sha256: str, size: int, media_type: str, mode: str, why: str, person: Person, at: str,
    verdict: ContentVerdict | None = None,
) -> Draft:  # fmt: skip
    """The entry that a piece added by hand becomes; `verdict` is what was seen in its bytes."""
    body: Body = {
        "op": None, "name": name, "sha256": sha256, "size": size, "source": f"added by {person.name}", "mode": mode,
        "media_type": media_type, "taken_at": at, "why": why.strip(), "kind": str(EvidenceKind.ADDED),
        **(judged(verdict) if verdict else {}),
    }  # fmt: skip
    return Draft(Kind.EVIDENCE, person.actor, body)


def pointed(pointer: Pointer, sha256: str, size: int, why: str, person: Person, at: str) -> Draft:
    """The entry that hashes and locators become. The locators stand in the vault alone; hashes identify nobody."""
    body = {**added(pointer.name.strip(), sha256, size, "application/json", "vault", why, person, at).body}
    body |= {"source": f"{POINTER}; stated by {person.name}", "content_hashes": pointer.content()["content_hashes"]}
    body["kind"] = str(EvidenceKind.POINTER)
    return Draft(Kind.EVIDENCE, person.actor, body)


def kept_already(view: IncidentView, draft: Draft) -> PieceKept | None:
    """The piece that says the same, by the same person and for the same reason: whoever sends it twice adds one."""
    names = ("sha256", "name", "kind", "mode", "source", "why")
    for piece in view.evidence:
        if piece["kept_by"] == draft.actor and all(piece.get(name) == draft.body.get(name) for name in names):
            return piece
    return None


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
    for fault in dict.fromkeys(filter(None, map(locator_fault, locators))):
        yield _problem("E110", fault, "give the address or the key of the place where it is, never what is there")


def _words_of(name: str, why: str) -> Iterator[Problem]:
    if not name.strip() or len(name) > 200:
        yield _problem("E104", "a piece needs a name of at most 200 characters", "say what it is and of what")
    if not why.strip() or len(why) > MAXIMUM_WHY:
        yield _problem("E105", "a reason is needed", "say where it comes from and why it is kept")
    if what := hidden(name) or hidden(why):
        yield _problem("E113", f"the name or the reason holds content: {what}", "write words, and keep the hash alone")


def check_addition(name: str, mode: str, why: str) -> None:
    """Refuse words that are none, before a byte is read. Raises InvalidInput with every problem."""
    problems = []
    if mode not in CHOICES:
        do = "auto keeps the bytes where they may be, vault keeps them or refuses, digest keeps only their SHA-256"
        problems.append(_problem("E103", f'"{mode[:20]}" is no way of keeping', do))
    problems += _words_of(name, why)
    if problems:
        raise InvalidInput(problems)


def form_of_keeping(mode: str, verdict: ContentVerdict) -> str:
    """`vault` or `digest`: the bytes are kept where they were asked for and may be. Raises Refused."""
    if mode == "vault" and not verdict.keep:
        raise Refused(_problem("E106", f"the bytes are not kept: {verdict.why}", INSTEAD))
    return "vault" if verdict.keep and mode != "digest" else "digest"


def check_handing_out(piece: PieceKept, verdict: ContentVerdict) -> None:
    """Refuse bytes that an earlier version kept and that are not kept any more. Raises Refused."""
    if not verdict.keep:
        message = f"{piece['name']} is not handed out: {verdict.why}"
        do = "an earlier version of Firedoor kept it; it lies in the vault as it was, and `firedoor doctor` names it"
        raise Refused(_problem("E112", message, do))


def _problem(code: str, message: str, do: str) -> Problem:
    return Problem(code=code, message=message, do=do)
